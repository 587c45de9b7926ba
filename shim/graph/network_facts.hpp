// What a network's graph says of its inputs and outputs without being run.
#ifndef SSCAM_SHIM_GRAPH_NETWORK_FACTS_HPP
#define SSCAM_SHIM_GRAPH_NETWORK_FACTS_HPP

#include <torch/csrc/jit/api/module.h>

#include "graph/input_form.hpp"
#include "model/backend.h"

namespace sscam {

// Layout and type of the input; its rank and channels where nothing but convolutions reads it,
// which agree; the number of classes where the output is that of a linear layer, or a function of
// each class of it. What is not certain is 0.
sscam_network_facts facts_of(const torch::jit::Module &module, const InputForm &form) noexcept;

} // namespace sscam

#endif
