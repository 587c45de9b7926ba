// Scores of a network in which single channels of a layer are set to zero, or all its positions but
// one.
#ifndef SSCAM_SHIM_SCORE_CHANNEL_ABLATION_HPP
#define SSCAM_SHIM_SCORE_CHANNEL_ABLATION_HPP

#include "engine/network.hpp"
#include "model/backend.h"

namespace sscam {

// scores: [targets of the request][its channels or positions].
void ablate(Network &network, const sscam_ablation_request &request, float *scores);

} // namespace sscam

#endif
