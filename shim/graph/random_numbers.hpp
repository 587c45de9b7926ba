// Networks that draw random numbers when they are evaluated.
#ifndef SSCAM_SHIM_GRAPH_RANDOM_NUMBERS_HPP
#define SSCAM_SHIM_GRAPH_RANDOM_NUMBERS_HPP

#include <string>

#include "graph/graph_tap.hpp"

namespace sscam {

// Whether the outputs for one input change with the random numbers that the network draws. `output`
// is named as for run_for_logits().
bool depends_on_random_numbers(const MarkedGraph &graph, const at::Tensor &input,
                               const std::string &output);

} // namespace sscam

#endif
