#include "program/weights.hpp"

#include <vector>

#include <ATen/ATen.h>

#include "common/guard.hpp"
#include "common/tensor_bytes.hpp"
#include "program/pickled_tensors.hpp"

namespace sscam {

namespace {

[[noreturn]] void damaged(const std::string &name, const std::string &what)
{
    throw Error(SSCAM_E_FORMAT, "damaged .pt2 file: the tensor " + name + " " + what);
}

// Sizes of what is stored are numbers, and not negative.
int64_t stored_size(const pt2::Size &size, const std::string &name)
{
    if (!size.symbol.empty() || size.factor < 0)
        damaged(name, "has no size of its own");
    return size.factor;
}

std::vector<int64_t> stored_sizes(const std::vector<pt2::Size> &sizes, const std::string &name)
{
    std::vector<int64_t> found;
    for (const pt2::Size &size : sizes)
        found.push_back(stored_size(size, name));
    return found;
}

constexpr int64_t strided = 7;

} // namespace

Weights::Weights(const ProgramArchive &archive, const Conversion &conversion)
    : archive_(archive), conversion_(conversion),
      weights_(source("data/weights/", archive.weight_configuration(), archive.pickled_weights())),
      constants_(
          source("data/constants/", archive.constant_configuration(), archive.pickled_constants()))
{
}

Weights::Source Weights::source(const std::string &folder, const std::string &configuration,
                                const std::string &pickled) const
{
    Source found;
    found.folder = folder;
    if (!configuration.empty())
        found.payloads = parse_payloads(archive_.text(configuration));
    else if (const auto *record = archive_.find(pickled); record && record->size > 0)
        found.pickled = read_pickled_tensors(archive_, *record);
    return found;
}

at::Tensor Weights::elements(const std::string &record, c10::ScalarType type)
{
    const auto key = std::make_pair(record, type);
    if (const auto known = read_.find(key); known != read_.end())
        return known->second;
    const ZipDirectory::Record *found = archive_.find(record);
    if (!found)
        throw Error(SSCAM_E_FORMAT, "damaged .pt2 file: no record \"" + record + "\"");
    const size_t element = c10::elementSize(type);
    at::Tensor bytes = at::empty({static_cast<int64_t>(found->size)}, at::kByte);
    archive_.read(*found, bytes.data_ptr());
    at::Tensor values = bytes.narrow(0, 0, bytes.numel() - bytes.numel() % element).view(type);
    values = values.to(conversion_.device, conversion_.converted(type));
    return read_.emplace(key, std::move(values)).first->second;
}

at::Tensor Weights::find(const Source &source, const std::string &name)
{
    if (const auto pickled = source.pickled.find(name); pickled != source.pickled.end())
        return pickled->second.to(conversion_.device,
                                  conversion_.converted(pickled->second.scalar_type()));
    const auto found = source.payloads.find(name);
    if (found == source.payloads.end())
        damaged(name, "is not in it");
    const pt2::Payload &payload = found->second;
    if (payload.is_pickled || !payload.has_description || payload.description.layout != strided)
        throw Error(SSCAM_E_UNSUPPORTED,
                    "the tensor " + name + " is a sparse one or of a class of Python's");
    const auto sizes = stored_sizes(payload.description.sizes, name);
    const auto strides = stored_sizes(payload.description.strides, name);
    const int64_t offset = stored_size(payload.description.offset, name);
    if (sizes.size() != strides.size())
        damaged(name, "has more sizes than strides, or fewer");
    const c10::ScalarType type = scalar_type_of(payload.description.scalar_type);
    const at::Tensor values = elements(source.folder + payload.record, type);
    const size_t element = c10::elementSize(type),
                 present = static_cast<size_t>(values.numel()) * element,
                 claimed = claimed_bytes(sizes, strides, element, offset);
    if (claimed > present)
        damaged(name, "claims " + (claimed > NO_SIZE / 2 ? "countless" : std::to_string(claimed)) +
                          " bytes, and its record has " + std::to_string(present));
    return values.as_strided(sizes, strides, offset);
}

} // namespace sscam
