// Scoring on a graphics card: masked inputs are made there, their scores wait there until all are
// known, and the card always has a batch to go on with.
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
// CardMasks.
void score_on_card(const ScoringWay &way, const sscam_score_request &request, c10::Device device,
                   float *scores);

} // namespace sscam

#endif
