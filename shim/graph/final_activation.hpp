// Networks whose outputs are probabilities: the logits are what their last operation reads.
#ifndef SSCAM_SHIM_GRAPH_FINAL_ACTIVATION_HPP
#define SSCAM_SHIM_GRAPH_FINAL_ACTIVATION_HPP

#include <vector>

#include <torch/csrc/jit/ir/ir.h>

#include "model/backend.h"

namespace sscam {

// Makes a flat graph of forward() return logits where it returns the softmax of them, over classes,
// also as exp(x) / sum(exp(x)) or by its logarithm, or the sigmoid. Returns how such logits become
// the network's outputs; SSCAM_SCORE_LOGIT: all outputs are as they were.
//
// `of_outputs`: receives the same of each of the tensors that are returned, in their order, as far
// as the graph tells which these are; it may be null.
struct LostActivations {
    std::vector<sscam_score_kind> kinds;
    bool is_certain = true;  // whether `kinds` goes on with the next tensor
    bool has_others = false; // whether a later one has lost its activation
};
sscam_score_kind remove_final_activation(torch::jit::Graph &graph,
                                         LostActivations *of_outputs = nullptr);

} // namespace sscam

#endif
