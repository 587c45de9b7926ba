// PyTorch's fused operations for attention in evaluation mode, in parts: they have no gradients,
// and hide the layer norms of whole transformer blocks. Modules choose them when they run, or when
// they were traced, without gradients.
#ifndef SSCAM_SHIM_GRAPH_FUSED_ATTENTION_HPP
#define SSCAM_SHIM_GRAPH_FUSED_ATTENTION_HPP

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/ir.h>

namespace sscam {

// Of a scripted module's two ways, takes the one without the fused operation.
void avoid_fused_attention(torch::jit::Graph &graph);

// A function of the node's inputs that does the same in parts; nullptr where the node is no fused
// attention, or one with a mask.
torch::jit::GraphFunction *parts_of_fused_attention(const torch::jit::Node *node);

} // namespace sscam

#endif
