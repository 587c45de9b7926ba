// Masked inputs written on the network's device, so that none crosses the bus: only what they are
// computed from does, once.
#ifndef SSCAM_SHIM_CUDA_CUDA_MASKS_HPP
#define SSCAM_SHIM_CUDA_CUDA_MASKS_HPP

#include <vector>

#include <ATen/ATen.h>

#include "cuda/cuda_program.hpp"
#include "cuda/device_inputs.hpp"
#include "graph/dense_output.hpp"
#include "model/backend.h"

namespace sscam {

class SmallArrays;

class CudaMasks {
public:
    // For a GPU, or for the CPU, where the same arithmetic runs in plain loops, for tests. `masks`
    // is no longer needed afterwards. SSCAM_E_DEVICE for GPUs for which the kernel does not
    // compile.
    // An input that `inputs` hold is read where it is.
    CudaMasks(const sscam_mask_list &masks, c10::Device device, const DeviceInputs &inputs);

    // Masked inputs number first to first + rows - 1, in the network's rank and the given
    // layout and element type; rows of zeros follow, up to `all_rows`.
    at::Tensor write(int64_t first, int64_t rows, int64_t all_rows, sscam_memory_format layout,
                     at::ScalarType type) const;

    // Bytes copied to the device.
    int64_t uploaded_bytes() const { return uploaded_bytes_; }

private:
    struct Plan {
        sscam_mask_kernel kernel = {};
        int64_t count = 0;
    };

    void prepare(const sscam_mask_plan &plan, const DeviceInputs &inputs, Plan &out,
                 SmallArrays &small);
    const float *upload(const float *values, int64_t count);
    void launch(const sscam_mask_kernel &kernel) const;

    const c10::Device device_;
    const CudaProgram *const program_; // null on the CPU
    std::vector<at::Tensor> held_;     // memory that the kernels read
    std::vector<Plan> plans_;
    const sscam_shape shape_; // of one masked input; all have the same
    int64_t uploaded_bytes_ = 0;
};

// Scores [targets, rows] of logits, in float32, where the logits are: what sscam_target_score()
// gives of the reader's rows.
at::Tensor target_scores(const at::Tensor &logits, const sscam_target *targets,
                         int64_t target_count, sscam_score_kind kind, RowReader &reader);

} // namespace sscam

#endif
