#include "program/pickled_tensors.hpp"

#include <cstring>
#include <unordered_map>
#include <vector>

#include <torch/csrc/jit/serialization/unpickler.h>

#include "common/guard.hpp"
#include "common/tensor_bytes.hpp"

namespace sscam {

namespace jit = torch::jit;

namespace {

const char rewrite[] = "; write it anew with PyTorch 2.8 or later: torch.export.save("
                       "torch.export.load(\"old.pt2\"), \"new.pt2\")";

// An archive within the archive: "NAME/data.pkl" and "NAME/data/0", "NAME/data/1", ...
class TensorArchive {
public:
    explicit TensorArchive(const sscam_byte_source &source) : directory_(source)
    {
        const std::string ending = "/data.pkl";
        for (const auto &[name, record] : directory_.records())
            if (name.size() > ending.size() &&
                name.compare(name.size() - ending.size(), ending.size(), ending) == 0) {
                folder_ = name.substr(0, name.size() - ending.size() + 1);
                pickle_.resize(record.size);
                directory_.read(record, pickle_.data());
            }
    }

    c10::IValue unpickle()
    {
        const auto read = [this](char *buffer, size_t count) {
            count = std::min(count, pickle_.size() - position_);
            std::memcpy(buffer, pickle_.data() + position_, count);
            position_ += count;
            return count;
        };
        // Called for every class that is no tensor's.
        const auto refuse = [](const c10::QualifiedName &name) -> c10::StrongTypePtr {
            throw Error(SSCAM_E_UNSUPPORTED,
                        "its weights hold an object of class " + name.qualifiedName() + rewrite);
        };
        return jit::Unpickler(
                   read, refuse, nullptr, [this](const std::string &name) { return record(name); },
                   at::kCPU)
            .parse_ivalue();
    }

    // Throws an Error if the tensor needs more bytes than its record has: libtorch takes a
    // storage's size from the pickled program.
    void check(const at::Tensor &tensor, const std::string &name) const
    {
        if (tensor.layout() != at::kStrided || !tensor.has_storage())
            throw Error(SSCAM_E_UNSUPPORTED, "the tensor " + name + " is a sparse one");
        const auto found = sizes_.find(tensor.storage().data_ptr().get());
        const size_t present = std::min(tensor.storage().nbytes(),
                                        found == sizes_.end() ? 0 : found->second);
        if (tensor.numel() > 0 &&
            claimed_bytes(tensor.sizes(), tensor.strides(), tensor.dtype().itemsize(),
                          tensor.storage_offset()) > present)
            throw Error(SSCAM_E_FORMAT, "damaged .pt2 file: the tensor " + name +
                                            " claims more bytes than its record has");
    }

private:
    at::DataPtr record(const std::string &name)
    {
        const ZipDirectory::Record *found = directory_.find(folder_ + "data/" + name);
        if (!found)
            throw Error(SSCAM_E_FORMAT, "damaged .pt2 file: no record for the tensor " + name);
        at::DataPtr bytes = c10::GetAllocator(at::kCPU)->allocate(found->size);
        directory_.read(*found, bytes.get());
        sizes_[bytes.get()] = found->size;
        return bytes;
    }

    ZipDirectory directory_;
    std::string folder_;
    std::vector<char> pickle_;
    size_t position_ = 0;
    std::unordered_map<const void *, size_t> sizes_;
};

} // namespace

std::map<std::string, at::Tensor> read_pickled_tensors(const ProgramArchive &archive,
                                                       const ZipDirectory::Record &record)
{
    std::vector<char> bytes(record.size);
    archive.read(record, bytes.data());
    const sscam_byte_source source = sscam_byte_source_in_memory("weights", bytes.data(),
                                                                 bytes.size());
    TensorArchive tensors(source);
    c10::IValue value;
    try {
        value = tensors.unpickle();
    } catch (const Error &) {
        throw;
    } catch (...) {
        if (memory_ran_out())
            throw;
        throw Error(SSCAM_E_UNSUPPORTED,
                    "its pickled weights cannot be read: " + current_reason() + rewrite);
    }
    std::map<std::string, at::Tensor> found;
    if (!value.isGenericDict())
        return found;
    for (const auto &entry : value.toGenericDict()) {
        if (!entry.key().isString() || !entry.value().isTensor())
            continue;
        const std::string name = entry.key().toStringRef();
        const at::Tensor tensor = entry.value().toTensor().detach();
        tensors.check(tensor, name);
        found.emplace(name, tensor);
    }
    return found;
}

} // namespace sscam
