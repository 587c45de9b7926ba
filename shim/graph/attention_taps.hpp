// Access to the attention of a transformer's blocks, and to the tokens after each, while it runs.
#ifndef SSCAM_SHIM_GRAPH_ATTENTION_TAPS_HPP
#define SSCAM_SHIM_GRAPH_ATTENTION_TAPS_HPP

#include <cstdint>
#include <unordered_map>
#include <vector>

#include <torch/csrc/jit/ir/ir.h>

#include "graph/graph_tap.hpp"
#include "graph/transformer_blocks.hpp"

namespace sscam {

// Lets a receiver of taps know what an attention is computed from, right before the tap at it.
class AttentionNotes {
public:
    virtual ~AttentionNotes() = default;
    // `values`: those that a fused attention multiplies; undefined for a softmax, which `axis` adds
    // up to 1.
    virtual void note(const at::Tensor &values, int64_t axis) = 0;
};

void insert_attention_notes(torch::jit::Graph &graph, torch::jit::Value *tap);

// Makes the attention of each block a leaf of autograd, of which nothing but the tokens after the
// block is made.
class AttentionTap : public Tap, public AttentionNotes {
public:
    struct Block {
        at::Tensor attention; // the leaf: matrices, or the output of a fused operation
        at::Tensor values;    // of a fused operation; else undefined
        int64_t axis = -1;    // of a softmax
        at::Tensor tokens;    // after the block
    };

    explicit AttentionTap(const Transformer &transformer)
        : blocks(transformer.blocks.size()), transformer_(transformer)
    {
    }

    void note(const at::Tensor &values, int64_t axis) override;
    at::Tensor pass(int64_t mark, const at::Tensor &value) override;

    std::vector<Block> blocks;

private:
    const Transformer &transformer_;
    std::unordered_map<int64_t, int64_t> calls_; // of each mark
    Block noted_;
};

// Puts one token in place of all those after the last block.
class TokenTap : public Tap {
public:
    // `token`: shaped as the tokens, but for one token.
    TokenTap(const MarkedCall &at, at::Tensor token) : at_(at), token_(std::move(token)) {}

    at::Tensor pass(int64_t mark, const at::Tensor &value) override;

private:
    const MarkedCall at_;
    const at::Tensor token_;
    int64_t calls_ = 0;
};

} // namespace sscam

#endif
