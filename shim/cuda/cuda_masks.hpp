// Masked inputs that are made where the network is, so that none crosses the bus: only what they
// are made of does, once.
#ifndef SSCAM_SHIM_CUDA_CUDA_MASKS_HPP
#define SSCAM_SHIM_CUDA_CUDA_MASKS_HPP

#include <vector>

#include <ATen/ATen.h>

#include "cuda/cuda_program.hpp"
#include "graph/dense_output.hpp"
#include "model/backend.h"

namespace sscam {

class SmallArrays;

class CardMasks {
public:
    // For a card, or for the processor, where the same arithmetic runs in plain loops: slowly, for
    // checking. Not to be copied. `masks` is no longer needed afterwards. Refuses cards on which
    // the kernel cannot be had.
    CardMasks(const sscam_mask_list &masks, c10::Device device);

    // Masked inputs number first to first + rows - 1, in the rank that the network wants, and in
    // the order and the elements asked for; up to `all_rows` follow rows of zeros.
    at::Tensor write(int64_t first, int64_t rows, int64_t all_rows, sscam_memory_format layout,
                     at::ScalarType type) const;

    // What went to the device.
    int64_t uploaded_bytes() const { return uploaded_bytes_; }

private:
    struct Plan {
        sscam_mask_kernel kernel = {};
        int64_t count = 0;
    };

    void prepare(const sscam_mask_plan &plan, Plan &out, SmallArrays &small);
    const float *upload(const float *values, int64_t count);
    void launch(const sscam_mask_kernel &kernel) const;

    const c10::Device device_;
    const CudaProgram *const program_; // null on the processor
    std::vector<at::Tensor> held_;     // what the kernels point to
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
