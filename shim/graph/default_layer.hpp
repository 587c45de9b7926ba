// Which layer explanations use when none is named.
#ifndef SSCAM_SHIM_GRAPH_DEFAULT_LAYER_HPP
#define SSCAM_SHIM_GRAPH_DEFAULT_LAYER_HPP

#include <functional>
#include <string>
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

struct DefaultLayer {
    int64_t index = -1; // -1: there is none
    std::string reason; // of there being none; "" for the usual one
};

// Whether the class scores change with the layer's values, by their gradients.
using HasInfluence = std::function<bool(const Layer &layer)>;

// The default layer for the class scores, `logits`. Where autograd could not follow the run,
// `logits` is not known, and names and order alone decide. `input_shape` is [1,C,...]. Networks may
// read nothing but class tokens after the last attention: `has_influence` is asked there.
DefaultLayer find_default_layer(const std::vector<ListedLayer> &listed, FlowValue logits,
                                c10::IntArrayRef input_shape, const HasInfluence &has_influence);

// Marks the layers that are feature maps of one input, that weights follow, and that are not inside
// of an attention.
void mark_maps_before_weights(std::vector<ListedLayer> &listed, FlowValue logits,
                              c10::IntArrayRef input_shape);

} // namespace sscam

#endif
