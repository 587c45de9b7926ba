// Tensors in the records of an archive: where their elements lie, and building them.
#ifndef SSCAM_SHIM_PROGRAM_STORED_TENSORS_HPP
#define SSCAM_SHIM_PROGRAM_STORED_TENSORS_HPP

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "program/literals.hpp"
#include "program/zip_records.hpp"

namespace sscam {

struct StoredTensor {
    std::string record;
    c10::ScalarType type = c10::ScalarType::Float;
    std::vector<int64_t> sizes, strides;
    int64_t offset = 0;  // in elements
    std::string problem; // not empty: why it cannot be built
};

// By name.
using StoredTensors = std::map<std::string, StoredTensor>;

// Builds tensors; those of one record share their memory.
class TensorRecords {
public:
    // `prefix`: of the names of records. The others must outlive it.
    TensorRecords(const ZipRecords &directory, std::string prefix, const Conversion &conversion)
        : directory_(directory), prefix_(std::move(prefix)), conversion_(conversion)
    {
    }

    // Throws an Error, which starts with `name`, if the record has less than the tensor needs.
    at::Tensor build(const StoredTensor &stored, const std::string &name);

private:
    const at::Tensor &elements(const std::string &record, c10::ScalarType type);

    const ZipRecords &directory_;
    const std::string prefix_;
    const Conversion &conversion_;
    // All elements of a record as one type.
    std::map<std::pair<std::string, c10::ScalarType>, at::Tensor> read_;
};

} // namespace sscam

#endif
