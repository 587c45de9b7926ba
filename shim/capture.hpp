// Activations of a layer and the gradients of one class there.
#ifndef SSCAM_SHIM_CAPTURE_HPP
#define SSCAM_SHIM_CAPTURE_HPP

#include "backend.h"
#include "network.hpp"

namespace sscam {

// Fills `out` only when it succeeds.
void capture(Network &network, const sscam_capture_request &request, sscam_capture &out);

} // namespace sscam

#endif
