#include "graph/score_history.hpp"

#include <algorithm>
#include <string>

#include "common/text.hpp"

namespace sscam {

int64_t known_sources(const Step &step)
{
    return std::count_if(step.sources.begin(), step.sources.end(),
                         [](const FlowValue &source) { return source.is_known(); });
}

namespace {

bool starts_with_any(const std::string &text, std::initializer_list<const char *> beginnings)
{
    return std::any_of(beginnings.begin(), beginnings.end(),
                       [&](const char *beginning) { return text.rfind(beginning, 0) == 0; });
}

bool is_matrix_product(const Step &step)
{
    return contains(step.operation, "Linear") ||
           starts_with_any(step.operation,
                           {"Mm", "Bmm", "Addmm", "Baddbmm", "Addbmm", "Mv", "Addmv"});
}

bool is_product_of_values(const Step &step)
{
    return is_matrix_product(step) && known_sources(step) > 1;
}

bool is_fused_attention(const Step &step)
{
    return starts_with_any(step.operation, {"ScaledDotProduct"});
}

bool is_attention(const Step &step)
{
    return is_fused_attention(step) || starts_with_any(step.operation, {"Softmax", "SafeSoftmax"});
}

// Operations after which another dimension than the second may be the channels.
bool may_move_channels(const Step &step)
{
    return step.operation == "TBackward0" || is_matrix_product(step) ||
           starts_with_any(step.operation, {"View", "Reshape", "UnsafeView", "Transpose", "Permute",
                                            "Movedim", "Unfold"});
}

bool pools_positions(const Step &step)
{
    return contains(step.operation, "Pool") ||
           starts_with_any(step.operation, {"Mean", "Sum", "Max", "Amax", "Min", "Amin", "Std",
                                            "Var", "Norm", "Logsumexp"});
}

// Visits the steps from `last` back, each once; beyond those where `goes_on` is true.
template <class GoesOn>
void visit_back(const Step *last, const GoesOn &goes_on)
{
    std::unordered_set<const Step *> seen;
    std::vector<const Step *> waiting{last};
    while (!waiting.empty()) {
        const Step *step = waiting.back();
        waiting.pop_back();
        if (!step || !seen.insert(step).second || !goes_on(*step))
            continue;
        for (const FlowValue &source : step->sources)
            waiting.push_back(source.step);
    }
}

} // namespace

// (Upsampling is "Bilinear", with a small l.) Kernels of convolutions may be values.
bool is_weighted(const Step &step)
{
    return contains(step.operation, "Conv") ||
           (is_matrix_product(step) && known_sources(step) == 1);
}

bool is_layer_norm(const Step &step)
{
    return contains(step.operation, "LayerNorm");
}

bool keeps_channels(const Step &step)
{
    return contains(step.operation, "Pool") || contains(step.operation, "Dropout") ||
           contains(step.operation, "Clone") || contains(step.operation, "Permute");
}

bool may_rearrange_tokens(const Step &step)
{
    return is_attention(step) ||
           starts_with_any(step.operation,
                           {"View", "Reshape", "UnsafeView", "Transpose", "Expand", "Bmm", "Mm",
                            "Unbind", "Select", "Slice", "Split", "Chunk", "Unflatten", "Squeeze"});
}

bool selects_by_index(const Step &step)
{
    return starts_with_any(step.operation, {"Index", "Gather", "Take", "Roll", "Flip"});
}

bool moves_axes_of_map(const Step &step)
{
    if (!starts_with_any(step.operation, {"Transpose", "Permute"}))
        return false;
    bool is_map = true;
    visit_back(&step, [&](const Step &before) {
        is_map = is_map && !is_matrix_product(before) &&
                 !starts_with_any(before.operation, {"View", "Reshape", "UnsafeView"});
        return is_map;
    });
    return is_map;
}

std::unordered_set<const Step *> steps_before(FlowValue value)
{
    std::unordered_set<const Step *> found;
    visit_back(value.step, [&](const Step &step) { return found.insert(&step).second; });
    return found;
}

bool comes_from_convolution(FlowValue value, bool passes_pools)
{
    bool found = false;
    visit_back(value.step, [&](const Step &step) {
        found = found || contains(step.operation, "Conv");
        return !found && !may_move_channels(step) && (passes_pools || !pools_positions(step));
    });
    return found;
}

bool is_made_without_weights(FlowValue value, FlowValue source)
{
    bool has_source = false, has_weights = false;
    visit_back(value.step, [&](const Step &step) {
        const bool is_source = &step == source.step;
        has_source |= is_source;
        has_weights |= !is_source && (is_weighted(step) || is_layer_norm(step));
        return !is_source && !has_weights;
    });
    return has_source && !has_weights;
}

ScoreHistory::ScoreHistory(FlowValue logits)
{
    walk_back_from(logits.step);
    for (const auto &entry : reached_)
        for (const FlowValue &source : entry.first->sources)
            users_[source.step].push_back(entry.first);
    find_attentions();
    find_inside();
}

// A step is visited again when a path with weights reaches it after one without.
void ScoreHistory::walk_back_from(const Step *last)
{
    std::vector<std::pair<const Step *, bool>> waiting{{last, false}};
    while (!waiting.empty()) {
        const auto [step, weights_follow] = waiting.back();
        waiting.pop_back();
        if (!step)
            continue;
        const auto [entry, is_new] = reached_.emplace(step, false);
        if (!is_new && (entry->second || !weights_follow))
            continue;
        entry->second = weights_follow;
        for (const FlowValue &source : step->sources)
            waiting.emplace_back(source.step, weights_follow || is_weighted(*step));
    }
}

void ScoreHistory::find_attentions()
{
    for (const auto &[step, weights_follow] : reached_)
        if (weights_follow && is_attention(*step))
            attentions_.push_back(step);
    for (const Step *attention : attentions_)
        for (const FlowValue &source : attention->sources)
            collect_from(source.step, feeds_attention_);
    for (const Step *attention : attentions_)
        if (feeds_attention_.count(attention) == 0) {
            collect_from(attention, feeds_last_attention_);
            collect_users(attention, follows_last_attention_);
        }
}

void ScoreHistory::collect_users(const Step *first, Steps &collected) const
{
    std::vector<const Step *> waiting{first};
    while (!waiting.empty()) {
        const Step *step = waiting.back();
        waiting.pop_back();
        const auto users = users_.find(step);
        if (!collected.insert(step).second || users == users_.end())
            continue;
        waiting.insert(waiting.end(), users->second.begin(), users->second.end());
    }
}

// The product of query and key that a softmax reads, and the products of its output: with values.
void ScoreHistory::collect_products(const Step *attention,
                                    std::vector<const Step *> &products) const
{
    if (is_fused_attention(*attention)) {
        products.push_back(attention);
        return;
    }
    Steps before;
    visit_back(attention, [&](const Step &step) {
        const bool is_product = is_product_of_values(step);
        if (is_product)
            products.push_back(&step);
        return !is_product && !is_weighted(step) && !is_layer_norm(step);
    });
    std::vector<const Step *> waiting{attention};
    while (!waiting.empty()) {
        const Step *step = waiting.back();
        waiting.pop_back();
        if (!before.insert(step).second)
            continue;
        if (is_product_of_values(*step)) {
            products.push_back(step);
            continue;
        }
        const auto users = users_.find(step);
        if ((step != attention && (is_weighted(*step) || known_sources(*step) > 1)) ||
            users == users_.end())
            continue;
        waiting.insert(waiting.end(), users->second.begin(), users->second.end());
    }
}

// Back to the weights that made them, or to a sum of several values, which may be the tokens.
void ScoreHistory::add_factors(const Step *product)
{
    for (const FlowValue &source : product->sources)
        visit_back(source.step, [&](const Step &step) {
            if (is_weighted(step) || is_layer_norm(step))
                return false;
            inside_.insert(&step);
            return known_sources(step) == 1;
        });
}

// On to the next weights, as long as nothing else is added.
void ScoreHistory::add_results(const std::vector<const Step *> &products)
{
    std::vector<const Step *> waiting(products);
    while (!waiting.empty()) {
        const Step *step = waiting.back();
        waiting.pop_back();
        const auto users = users_.find(step);
        if (users == users_.end())
            continue;
        for (const Step *user : users->second) {
            const bool is_inside = std::all_of(
                user->sources.begin(), user->sources.end(), [&](const FlowValue &source) {
                    return !source.is_known() || inside_.count(source.step) != 0;
                });
            if (is_inside && !is_weighted(*user) && !is_layer_norm(*user) &&
                inside_.insert(user).second)
                waiting.push_back(user);
        }
    }
}

void ScoreHistory::find_inside()
{
    std::vector<const Step *> products;
    for (const Step *attention : attentions_) {
        const size_t others = products.size();
        collect_products(attention, products);
        if (products.size() > others)
            inside_.insert(attention);
    }
    for (const Step *product : products) {
        inside_.insert(product);
        add_factors(product);
        collect_from(product, feeds_product_);
    }
    add_results(products);
}

bool ScoreHistory::attends_again() const
{
    return std::any_of(attentions_.begin(), attentions_.end(), [this](const Step *attention) {
        return feeds_attention_.count(attention) != 0;
    });
}

bool ScoreHistory::is_followed_by_weights(FlowValue value) const
{
    const auto found = reached_.find(value.step);
    return found != reached_.end() && found->second;
}

void ScoreHistory::collect_from(const Step *last, Steps &collected)
{
    visit_back(last, [&](const Step &step) { return collected.insert(&step).second; });
}

} // namespace sscam
