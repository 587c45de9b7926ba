// The default layer for one detection of a detector.
#ifndef SSCAM_SHIM_GRAPH_DETECTION_LAYER_HPP
#define SSCAM_SHIM_GRAPH_DETECTION_LAYER_HPP

#include <string>

#include "engine/network.hpp"

namespace sscam {

// Name of the last feature map that weights follow and on which both the scores and the sides of
// the request depend: what a detector's branches for classes and for boxes both read. Where no
// sides can be differentiated, the scores alone count.
std::string find_detection_layer(Network &network, const sscam_anchor_request &request);

} // namespace sscam

#endif
