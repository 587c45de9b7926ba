// Where the tokens of a transformer lie, as far as the network's own maps tell.
#ifndef SSCAM_SHIM_GRAPH_TOKEN_LAYOUT_HPP
#define SSCAM_SHIM_GRAPH_TOKEN_LAYOUT_HPP

#include <cstddef>
#include <unordered_map>
#include <vector>

#include "base/shape.h"
#include "graph/default_layer.hpp"

namespace sscam {

// {1, channels, sides} of an input, [1,C,...].
sscam_shape shape_of_input(c10::IntArrayRef input);

// Fills in what the layers of tokens, [1,T,C], [T,1,C] or [1,C,T], are made of: the map with as
// many positions, and whether values of more axes lie in between, by which tokens are rearranged.
// `ranks`: of the values of each step.
void describe_tokens(c10::IntArrayRef input_shape,
                     const std::unordered_map<const Step *, size_t> &ranks,
                     std::vector<ListedLayer> &listed);

} // namespace sscam

#endif
