// What the class scores are computed from, and which of it is attention.
#ifndef SSCAM_SHIM_GRAPH_SCORE_HISTORY_HPP
#define SSCAM_SHIM_GRAPH_SCORE_HISTORY_HPP

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "graph/data_flow.hpp"

namespace sscam {

// The sources that depend on the input.
int64_t known_sources(const Step &step);

// Kinds of operations, by autograd's names. A step is weighted when it multiplies by weights rather
// than by other values.
bool is_weighted(const Step &step);
bool is_layer_norm(const Step &step);
bool keeps_channels(const Step &step);
// Between a transformer's tokens and its attention there are tensors of rank 4 that are no images.
bool may_rearrange_tokens(const Step &step);

// Whether it takes elements in an order that values tell.
bool selects_by_index(const Step &step);

// Whether it exchanges axes of the input or of what convolutions alone have made of it, by which
// rows may become columns.
bool moves_axes_of_map(const Step &step);

// All steps that a value is made of.
std::unordered_set<const Step *> steps_before(FlowValue value);

// Whether a convolution made the value and all that came in between kept its order. `passes_pools`:
// whether means and maxima over positions may come in between.
bool comes_from_convolution(FlowValue value, bool passes_pools);

// Whether `value` is `source` after operations that are neither weighted nor layer norms.
bool is_made_without_weights(FlowValue value, FlowValue source);

class ScoreHistory {
public:
    explicit ScoreHistory(FlowValue logits);

    bool has_attention() const { return !attentions_.empty(); }

    // Whether one attention's output feeds another one.
    bool attends_again() const;

    // Whether the scores depend on it through weights.
    bool is_followed_by_weights(FlowValue value) const;

    // Attentions that feed no other one are the last.
    bool feeds_last_attention(FlowValue value) const
    {
        return feeds_last_attention_.count(value.step) != 0;
    }

    // Whether a query, a key or a value of an attention is made of it.
    bool feeds_product(FlowValue value) const { return feeds_product_.count(value.step) != 0; }

    // Whether it is made of a last attention's output.
    bool follows_last_attention(FlowValue value) const
    {
        return follows_last_attention_.count(value.step) != 0;
    }

    // Queries, keys, values, products of them and what is made of these before the next weights:
    // their axes are heads, tokens and widths of heads.
    bool is_inside_attention(FlowValue value) const { return inside_.count(value.step) != 0; }

private:
    using Steps = std::unordered_set<const Step *>;

    void walk_back_from(const Step *last);
    void find_attentions();
    void find_inside();
    void collect_products(const Step *attention, std::vector<const Step *> &products) const;
    void add_factors(const Step *product);
    void add_results(const std::vector<const Step *> &products);
    void collect_users(const Step *first, Steps &collected) const;
    static void collect_from(const Step *last, Steps &collected);

    std::unordered_map<const Step *, bool> reached_; // whether weights follow
    std::unordered_map<const Step *, std::vector<const Step *>> users_;
    std::vector<const Step *> attentions_;
    Steps feeds_attention_;
    Steps feeds_last_attention_; // the last attentions themselves included
    Steps follows_last_attention_;
    Steps feeds_product_; // the products themselves included
    Steps inside_;
};

} // namespace sscam

#endif
