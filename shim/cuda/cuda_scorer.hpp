// Scoring on a GPU: masked inputs are written there, their scores stay there until all are known,
// and the next batch is started before one has ended.
#ifndef SSCAM_SHIM_CUDA_CUDA_SCORER_HPP
#define SSCAM_SHIM_CUDA_CUDA_SCORER_HPP

#include "cuda/cuda_masks.hpp"
#include "score/scoring_plan.hpp"

namespace sscam {

// Whether masked inputs can be made on the device.
bool makes_masks(c10::Device device);

// Bytes that are free there; more than there can be where that is not known.
int64_t free_memory(c10::Device device);

// scores: [targets of the request][its masked inputs]. On the processor, for checking: see
// CudaMasks.
void score_on_card(const ScoringPlan &plan, const sscam_score_request &request,
                   const Network &network, float *scores);

} // namespace sscam

#endif
