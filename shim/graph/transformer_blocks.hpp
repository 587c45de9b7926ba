// The blocks of a transformer: which values of a run are attention, and which are the tokens that
// each block hands on.
#ifndef SSCAM_SHIM_GRAPH_TRANSFORMER_BLOCKS_HPP
#define SSCAM_SHIM_GRAPH_TRANSFORMER_BLOCKS_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "graph/data_flow.hpp"

namespace sscam {

// A value of a run: what a mark got in its call of that number, from 0 on.
struct MarkedCall {
    int64_t mark = -1, call = 0;

    bool operator==(const MarkedCall &other) const
    {
        return mark == other.mark && call == other.call;
    }
};

struct TransformerBlock {
    MarkedCall attention; // its matrices, [..., tokens, tokens], or the output of a fused operation
    MarkedCall tokens;    // after the block
};

struct Transformer {
    std::vector<TransformerBlock> blocks; // in the order of execution; empty: there are none
    std::string reason;                   // of there being none
    int64_t token_axis = 1;               // of the tokens, which have three axes
    int64_t token_count = 0;              // those outside of the grid included
    std::string layer;                    // name of the tokens after the last block
};

// A value at a mark of a run.
struct SeenValue {
    MarkedCall at;
    std::string operation; // "aten::softmax"; of a module its class
    std::vector<int64_t> shape;
    FlowValue value;
};

// Operations that give attention's matrices, and those that multiply them with values at once.
bool is_softmax(const std::string &operation);
bool is_fused_attention(const std::string &operation);

// Finds blocks of self-attention over all tokens with residual connections, which change no shape.
// The name of the layer is left out. `seen`: in the order of execution.
Transformer find_transformer(const std::vector<SeenValue> &seen, FlowValue logits);

// The value of the tokens after the last block, among `seen`; nullptr: there are no blocks.
const SeenValue *tokens_of_last_block(const Transformer &transformer,
                                      const std::vector<SeenValue> &seen);

} // namespace sscam

#endif
