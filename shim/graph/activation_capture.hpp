// Activations of a layer and the gradients of one class there.
#ifndef SSCAM_SHIM_GRAPH_ACTIVATION_CAPTURE_HPP
#define SSCAM_SHIM_GRAPH_ACTIVATION_CAPTURE_HPP

#include "engine/network.hpp"
#include "model/backend.h"

namespace sscam {

// The layer of that name, or the default one for NULL and "". Throws where there is none.
const Layer &wanted_layer(const LayerTable &table, const char *name);

// Fills `out` only when it succeeds.
void capture(Network &network, const sscam_capture_request &request, sscam_capture &out);

} // namespace sscam

#endif
