// Operations inside of a program that keep values for a pass back through the whole network.
#ifndef SSCAM_SHIM_GRAPH_GRADIENT_TAPS_HPP
#define SSCAM_SHIM_GRAPH_GRADIENT_TAPS_HPP

#include <vector>

#include <torch/csrc/jit/ir/ir.h>

#include "graph/graph_tap.hpp"
#include "model/backend.h"

namespace sscam {

// Keeps values whose gradients are wanted. The network goes on with copies, which it may change in
// place without changing what autograd knows of the values.
class GradientTap : public Tap {
public:
    at::Tensor pass(int64_t, const at::Tensor &value) override { return value; }

    // `bias`: what the layer adds to each channel of its output.
    at::Tensor keep(const at::Tensor &value, const at::Tensor &bias);

    struct Kept {
        at::Tensor value, bias;
    };
    std::vector<Kept> kept; // in the order of execution
};

// Lets the values of a kind pass through a GradientTap, the value `tap` of the graph.
void insert_gradient_taps(torch::jit::Graph &graph, torch::jit::Value *tap,
                          sscam_gradient_kind kind);

} // namespace sscam

#endif
