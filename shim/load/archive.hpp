// A TorchScript archive in memory, and whether its tensors have the bytes that they claim.
#ifndef SSCAM_SHIM_LOAD_ARCHIVE_HPP
#define SSCAM_SHIM_LOAD_ARCHIVE_HPP

#include <unordered_map>

#include <caffe2/serialize/read_adapter_interface.h>
#include <torch/csrc/jit/api/module.h>

namespace sscam {

// Records how much was read to which address: libtorch does not take a tensor's size from its
// record.
class ArchiveReader : public caffe2::serialize::ReadAdapterInterface {
public:
    ArchiveReader(const void *data, size_t size)
        : data_(static_cast<const char *>(data)), size_(size)
    {
    }

    size_t size() const override { return size_; }
    size_t read(uint64_t position, void *buffer, size_t count, const char *) const override;

    // The size of the record that was read to that address; -1 if it is not known. None is known
    // where records of tensors are compressed, which torch.jit.save never does: they are unpacked
    // elsewhere.
    int64_t bytes_at(const void *address) const;

private:
    void note(const char *from, const void *to, size_t count) const noexcept;

    const char *data_;
    size_t size_;
    mutable std::unordered_map<const void *, size_t> read_;
    mutable bool knows_all_ = true;
};

// Throws an Error if a tensor of the module that `reader` has read needs more bytes than its record
// or its storage has: libtorch would read past the end. Tensors on a GPU are not checked, since
// their records are gone.
void check_tensors(const torch::jit::Module &module, const ArchiveReader &reader);

} // namespace sscam

#endif
