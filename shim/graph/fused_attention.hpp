// Replaces PyTorch's fused operations for attention, which have no gradients and hide the layer
// norms of whole transformer blocks. Modules choose them in evaluation mode, when they run or were
// traced without gradients.
#ifndef SSCAM_SHIM_GRAPH_FUSED_ATTENTION_HPP
#define SSCAM_SHIM_GRAPH_FUSED_ATTENTION_HPP

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/ir.h>

namespace sscam {

// A scripted module has branches with and without the fused operation: keeps those without.
void avoid_fused_attention(torch::jit::Graph &graph);

// A function of the node's inputs that computes the same by single operations; nullptr where the
// node is no fused attention, or one with a mask.
torch::jit::GraphFunction *unfused_attention(const torch::jit::Node *node);

} // namespace sscam

#endif
