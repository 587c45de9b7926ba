// Convolutions of a frozen graph become operators of the library's own.
#ifndef SSCAM_SHIM_CONVOLUTION_CONVOLUTION_FUSION_HPP
#define SSCAM_SHIM_CONVOLUTION_CONVOLUTION_FUSION_HPP

#include <memory>
#include <vector>

#include <torch/csrc/jit/ir/ir.h>

#include "convolution/fused_convolution.hpp"

namespace sscam {

// Replaces each convolution that the library can compute, with the addition and the ReLU that alone
// use its output. In the order of the graph.
std::vector<c10::intrusive_ptr<FusedConvolution>>
fuse_convolutions(const std::shared_ptr<torch::jit::Graph> &graph);

} // namespace sscam

#endif
