// Which layer explanations use when none is named.
#ifndef SSCAM_SHIM_GRAPH_DEFAULT_LAYER_HPP
#define SSCAM_SHIM_GRAPH_DEFAULT_LAYER_HPP

#include <vector>

#include "graph/data_flow.hpp"
#include "graph/layer_table.hpp"

namespace sscam {

// A layer with the last of its values in a run.
struct ListedLayer {
    Layer layer;
    bool is_module;
    FlowValue value;
};

// Index of the default layer for the class scores, `logits`; -1: there is none. Where autograd
// could not follow the run, `logits` is not known, and names and order alone decide. `input_shape`
// is [1,C,...].
int64_t find_default_layer(const std::vector<ListedLayer> &listed, FlowValue logits,
                           c10::IntArrayRef input_shape);

} // namespace sscam

#endif
