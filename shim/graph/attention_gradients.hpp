// Gradients of a target by the attention of a transformer's blocks.
#ifndef SSCAM_SHIM_GRAPH_ATTENTION_GRADIENTS_HPP
#define SSCAM_SHIM_GRAPH_ATTENTION_GRADIENTS_HPP

#include "engine/network.hpp"
#include "model/backend.h"

namespace sscam {

// A request for SSCAM_GRADIENTS_OF_ATTENTION. Fills `out` only when it succeeds.
void find_attention_gradients(Network &network, const sscam_gradient_request &request,
                              sscam_gradients &out);

} // namespace sscam

#endif
