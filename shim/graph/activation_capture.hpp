// Activations of a layer and the gradients of one class there.
#ifndef SSCAM_SHIM_GRAPH_ACTIVATION_CAPTURE_HPP
#define SSCAM_SHIM_GRAPH_ACTIVATION_CAPTURE_HPP

#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "engine/network.hpp"
#include "model/backend.h"

namespace sscam {

// The layer of that name, or the default one for NULL and "". Throws where there is none.
const Layer &wanted_layer(const LayerTable &table, const char *name);

// Tokens of a layer, [1,T,C], [T,1,C] or [1,C,T], in another order than the grid's.
struct TokenOrder {
    int64_t axis = 0, extra = 0;
    std::vector<int64_t> tokens; // at each position of the grid; empty: in order

    at::Tensor applied(const at::Tensor &values) const;
};

// `activations`: of the input.
TokenOrder token_order(Network &network, const Layer &layer, const at::Tensor &input,
                       const at::Tensor &activations, const std::string &output);

// Fills `out` only when it succeeds.
void capture(Network &network, const sscam_capture_request &request, sscam_capture &out);

} // namespace sscam

#endif
