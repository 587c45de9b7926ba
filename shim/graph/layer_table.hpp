// The layers of a network for one input shape, and which of them explanations use when none is
// named.
#ifndef SSCAM_SHIM_GRAPH_LAYER_TABLE_HPP
#define SSCAM_SHIM_GRAPH_LAYER_TABLE_HPP

#include <set>
#include <string>
#include <vector>

#include "graph/graph_tap.hpp"
#include "graph/output_reading.hpp"
#include "graph/transformer_blocks.hpp"
#include "model/backend.h"

namespace sscam {

struct Layer {
    std::string name;
    std::string kind;
    std::vector<int64_t> shape;         // of the output; of the last call where there are several
    std::vector<int64_t> marks;         // one a call
    sscam_layout_hint tokens = {};      // axes and grid, where the network's own maps tell
    bool may_be_rearranged = false;     // tokens that may be out of reading order
    bool is_map_before_weights = false; // a feature map of one input that weights follow
};

struct LayerTable {
    std::vector<Layer> layers; // in the order of execution
    int64_t default_index = -1;
    std::string no_default;        // why there is no default layer; "" for the usual reason
    std::set<std::string> not_run; // names of modules and operations that other inputs may reach
    std::vector<Output> outputs;
    size_t output_taken = 0; // number of the one with the class scores
    Transformer transformer; // that gives the class scores

    const Layer *find(const std::string &name) const;
};

// The list as the C core takes it; released with sscam_layers_release().
struct sscam_layers exported(const LayerTable &table);

// Runs the network once on `input`, with a tap at every mark. The default layer is that of the
// class scores in `output`, as of run_for_logits().
LayerTable find_layers(const MarkedGraph &graph, const at::Tensor &input,
                       const std::string &output);

} // namespace sscam

#endif
