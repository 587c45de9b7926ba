// A TorchScript archive in memory, and whether its tensors have the bytes that they claim.
#ifndef SSCAM_SHIM_LOAD_ARCHIVE_HPP
#define SSCAM_SHIM_LOAD_ARCHIVE_HPP

#include <unordered_map>

#include <caffe2/serialize/read_adapter_interface.h>
#include <torch/csrc/jit/api/module.h>

namespace sscam {

// Notes how much was read to which place: libtorch takes a tensor's size from another place than
// its record.
class ArchiveReader : public caffe2::serialize::ReadAdapterInterface {
public:
    ArchiveReader(const void *data, size_t size)
        : data_(static_cast<const char *>(data)), size_(size)
    {
    }

    size_t size() const override { return size_; }
    size_t read(uint64_t position, void *buffer, size_t count, const char *) const override;

    // The size of the record that is at that place; -1 if it is not known. Where records of tensors
    // are compressed, which torch.jit.save never does, none is: they are unpacked to places that
    // are not seen here.
    int64_t bytes_at(const void *place) const;

private:
    void note(const char *from, const void *to, size_t count) const noexcept;

    const char *data_;
    size_t size_;
    mutable std::unordered_map<const void *, size_t> read_;
    mutable bool knows_all_ = true;
};

// Throws a Refusal if a tensor of the module, which `reader` has read, claims more than its record
// or its storage has: libtorch would read on behind it. On a card records cannot be found any more.
void check_tensors(const torch::jit::Module &module, const ArchiveReader &reader);

} // namespace sscam

#endif
