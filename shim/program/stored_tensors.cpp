#include "program/stored_tensors.hpp"

#include <algorithm>

#include <ATen/ATen.h>

#include "common/guard.hpp"
#include "common/tensor_bytes.hpp"

namespace sscam {

namespace {

bool is_negative(int64_t number)
{
    return number < 0;
}

// From the start of its record to its last element.
size_t bytes_of(const StoredTensor &stored)
{
    const auto any_negative = [](const std::vector<int64_t> &numbers) {
        return std::any_of(numbers.begin(), numbers.end(), is_negative);
    };
    if (stored.sizes.size() != stored.strides.size() || any_negative(stored.sizes) ||
        any_negative(stored.strides) || stored.offset < 0)
        return NO_SIZE;
    return claimed_bytes(stored.sizes, stored.strides, c10::elementSize(stored.type),
                         stored.offset);
}

} // namespace

const at::Tensor &TensorRecords::elements(const std::string &record, c10::ScalarType type)
{
    const auto key = std::make_pair(record, type);
    if (const auto known = read_.find(key); known != read_.end())
        return known->second;
    const ZipRecords::Record *found = directory_.find(prefix_ + record);
    if (!found)
        throw Error(SSCAM_E_FORMAT, "damaged .pt2 file: no record \"" + prefix_ + record + "\"");
    at::Tensor bytes = at::empty({static_cast<int64_t>(found->size)}, at::kByte);
    directory_.read(*found, bytes.data_ptr());
    const auto element = static_cast<int64_t>(c10::elementSize(type));
    at::Tensor values = bytes.narrow(0, 0, bytes.numel() - bytes.numel() % element).view(type);
    values = values.to(conversion_.device, conversion_.converted(type));
    return read_.emplace(key, std::move(values)).first->second;
}

at::Tensor TensorRecords::build(const StoredTensor &stored, const std::string &name)
{
    if (!stored.problem.empty())
        throw Error(SSCAM_E_UNSUPPORTED, "the tensor " + name + " " + stored.problem);
    const at::Tensor &values = elements(stored.record, stored.type);
    const size_t present = static_cast<size_t>(values.numel()) * c10::elementSize(stored.type),
                 claimed = bytes_of(stored);
    if (claimed > present)
        throw Error(SSCAM_E_FORMAT,
                    "damaged .pt2 file: the tensor " + name + " claims " +
                        (claimed > NO_SIZE / 2 ? "countless" : std::to_string(claimed)) +
                        " bytes, and its record has " + std::to_string(present));
    return values.as_strided(stored.sizes, stored.strides, stored.offset);
}

} // namespace sscam
