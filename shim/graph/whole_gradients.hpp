// Gradients of a target by a network's input and by values throughout the network.
#ifndef SSCAM_SHIM_GRAPH_WHOLE_GRADIENTS_HPP
#define SSCAM_SHIM_GRAPH_WHOLE_GRADIENTS_HPP

#include "engine/network.hpp"
#include "model/backend.h"

namespace sscam {

// Fills `out` only when it succeeds.
void find_gradients(Network &network, const sscam_gradient_request &request, sscam_gradients &out);

} // namespace sscam

#endif
