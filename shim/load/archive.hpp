// A TorchScript archive, read on demand, and whether its tensors have the bytes that they claim.
#ifndef SSCAM_SHIM_LOAD_ARCHIVE_HPP
#define SSCAM_SHIM_LOAD_ARCHIVE_HPP

#include <unordered_map>

#include <caffe2/serialize/read_adapter_interface.h>
#include <torch/csrc/jit/api/module.h>

#include "base/byte_source.h"

namespace sscam {

// Records how much was read to which address: libtorch does not take a tensor's size from its
// record.
class ArchiveReader : public caffe2::serialize::ReadAdapterInterface {
public:
    // The source must outlive it.
    explicit ArchiveReader(const sscam_byte_source &source) : source_(source) {}

    size_t size() const override { return source_.size; }

    // Does not throw, since C code of libtorch calls it. A failure, which the core has reported,
    // gives no bytes: libtorch then throws an error of its own.
    size_t read(uint64_t position, void *buffer, size_t count, const char *) const override;

    // Throws the first failure, if there was any, as Reported.
    void throw_failure() const;

    // The size of the record that was read to that address; -1 if it is not known. None is known
    // where records of tensors are compressed, which torch.jit.save never does: they are unpacked
    // elsewhere.
    int64_t bytes_at(const void *address) const;

private:
    bool get(uint64_t position, void *buffer, size_t count) const noexcept;
    bool is_compressed_tensor(const char *header, uint64_t position) const;
    void note(uint64_t position, const void *buffer, size_t count) const noexcept;

    const sscam_byte_source &source_;
    mutable sscam_status failure_ = SSCAM_OK;
    mutable std::unordered_map<const void *, size_t> read_;
    mutable bool knows_all_ = true;
};

// Throws an Error if a tensor of the module that `reader` has read needs more bytes than its record
// or its storage has: libtorch would read past the end. Tensors on a GPU are not checked, since
// their records are gone.
void check_tensors(const torch::jit::Module &module, const ArchiveReader &reader);

} // namespace sscam

#endif
