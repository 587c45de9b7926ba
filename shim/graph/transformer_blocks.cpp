#include "graph/transformer_blocks.hpp"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "graph/score_history.hpp"

namespace sscam {

namespace {

bool starts_with(const std::string &text, const char *beginning)
{
    return text.rfind(beginning, 0) == 0;
}

// The steps that a value is made of, each behind its sources.
std::vector<const Step *> history_of(FlowValue value)
{
    std::vector<const Step *> ordered;
    std::unordered_set<const Step *> seen{value.step};
    std::vector<std::pair<const Step *, size_t>> path{{value.step, 0}}; // and their next sources
    while (!path.empty()) {
        const Step *step = path.back().first;
        const size_t next = path.back().second++;
        if (next == step->sources.size()) {
            ordered.push_back(step);
            path.pop_back();
            continue;
        }
        const Step *source = step->sources[next].step;
        if (source && seen.insert(source).second)
            path.emplace_back(source, 0);
    }
    return ordered;
}

// A sum of two values, such as of a block's input and of what it computes.
bool is_residual_sum(const Step &step)
{
    return (starts_with(step.operation, "AddBackward") ||
            starts_with(step.operation, "AddcmulBackward")) &&
           known_sources(step) > 1;
}

bool changes_nothing(const Step &step)
{
    return starts_with(step.operation, "Clone") || starts_with(step.operation, "Alias") ||
           starts_with(step.operation, "ToCopy") || starts_with(step.operation, "NativeDropout");
}

struct Refused {
    std::string reason;
};

// An attention or tokens, by the position of their step in the history of the scores.
struct Placed {
    size_t position;
    const SeenValue *seen;

    const Step &step() const { return *seen->value.step; }
};

class BlockFinder {
public:
    BlockFinder(const std::vector<SeenValue> &seen, FlowValue logits) : history_(history_of(logits))
    {
        for (size_t i = 0; i < history_.size(); i++)
            positions_[history_[i]] = i;
        find_attentions(seen);
        find_tokens(seen);
    }

    Transformer find() const
    {
        const size_t count = attentions_.size();
        std::vector<Placed> after(count, Placed{0, nullptr});
        Transformer found;
        if (count == 0)
            throw Refused{"the network has no self-attention"};
        count_queries();
        const Placed last = last_sum(count - 1, nullptr);
        read_axes(last.seen->shape, found);
        std::vector<std::string> norms; // behind the sum of each block
        for (size_t i = 0; i + 1 < count; i++) {
            const Placed sum = last_sum(i, &last.seen->shape);
            const std::vector<Placed> behind = tokens_behind(sum, end_of(i));
            if (i > 0 && operations_of(behind) != norms)
                throw Refused{"its blocks end in different operations"};
            norms = operations_of(behind);
            after[i] = behind.empty() ? sum : behind.back();
        }
        after[count - 1] = count > 1 ? skip(last, norms) : end_of_only_block(last);
        for (size_t i = 0; i < count; i++)
            found.blocks.push_back({attentions_[i].seen->at, after[i].seen->at});
        return found;
    }

private:
    void find_attentions(const std::vector<SeenValue> &seen)
    {
        std::map<size_t, const SeenValue *> by_position;
        for (const SeenValue &value : seen) {
            const auto at = positions_.find(value.value.step);
            if (at != positions_.end() && value.shape.size() >= 3 &&
                (is_softmax(value.operation) || is_fused_attention(value.operation)))
                by_position.emplace(at->second, &value);
        }
        for (const auto &[position, value] : by_position)
            attentions_.push_back({position, value});
    }

    // Tokens of one input through which all goes that the scores are made of: no step before them
    // is a source of a step behind them.
    void find_tokens(const std::vector<SeenValue> &seen)
    {
        std::vector<size_t> farthest(history_.size(), 0); // user of each step
        size_t reached = 0;                               // by what comes before
        for (size_t i = 0; i < history_.size(); i++) {
            if (known_sources(*history_[i]) == 0)
                reached = i;
            for (const FlowValue &source : history_[i]->sources)
                if (source.is_known())
                    farthest[positions_.at(source.step)] = i;
        }
        std::map<size_t, const SeenValue *> by_position;
        for (const SeenValue &value : seen)
            if (const auto at = positions_.find(value.value.step); at != positions_.end())
                by_position.emplace(at->second, &value);
        for (size_t i = 0; i < history_.size(); i++) {
            const auto value = by_position.find(i);
            if (reached <= i && value != by_position.end() && are_tokens(value->second->shape))
                tokens_.push_back({i, value->second});
            reached = std::max(reached, farthest[i]);
        }
    }

    static bool are_tokens(const std::vector<int64_t> &shape)
    {
        return shape.size() == 3 && (shape[0] == 1 || shape[1] == 1);
    }

    size_t end_of(size_t block) const
    {
        return block + 1 < attentions_.size() ? attentions_[block + 1].position : history_.size();
    }

    // The last sum behind an attention and before the next one. `shape`: nullptr: any.
    Placed last_sum(size_t block, const std::vector<int64_t> *shape) const
    {
        for (auto tokens = tokens_.rbegin(); tokens != tokens_.rend(); ++tokens)
            if (tokens->position > attentions_[block].position &&
                tokens->position < end_of(block) && is_residual_sum(tokens->step()) &&
                (!shape || tokens->seen->shape == *shape))
                return *tokens;
        throw Refused{"behind self-attention number " + std::to_string(block + 1) + " of " +
                      std::to_string(attentions_.size()) +
                      " the network has no tokens, of one shape for all, that a residual "
                      "connection gives"};
    }

    std::vector<Placed> tokens_behind(const Placed &sum, size_t end) const
    {
        std::vector<Placed> found;
        for (const Placed &tokens : tokens_)
            if (tokens.position > sum.position && tokens.position < end &&
                tokens.seen->shape == sum.seen->shape && !changes_nothing(tokens.step()))
                found.push_back(tokens);
        return found;
    }

    static std::vector<std::string> operations_of(const std::vector<Placed> &tokens)
    {
        std::vector<std::string> operations;
        for (const Placed &one : tokens)
            operations.push_back(one.step().operation);
        return operations;
    }

    // The tokens behind the last sum and as many operations as other blocks have there; what
    // follows belongs to the head.
    Placed skip(const Placed &sum, const std::vector<std::string> &operations) const
    {
        std::vector<Placed> behind = tokens_behind(sum, history_.size());
        if (behind.size() < operations.size())
            throw Refused{"its blocks end in different operations"};
        behind.resize(operations.size(), sum);
        if (operations_of(behind) != operations)
            throw Refused{"its blocks end in different operations"};
        return behind.empty() ? sum : behind.back();
    }

    // A block that normalises what its attention reads ends in the sum; another one normalises it.
    Placed end_of_only_block(const Placed &sum) const
    {
        const std::vector<Placed> behind = tokens_behind(sum, history_.size());
        if (behind.empty() || normalises_before_attention())
            return sum;
        if (is_layer_norm(behind[0].step()))
            return behind[0];
        throw Refused{"where its only block ends is not certain"};
    }

    bool normalises_before_attention() const
    {
        const Placed &attention = attentions_[0];
        size_t start = 0;
        for (const Placed &tokens : tokens_)
            if (tokens.position < attention.position)
                start = tokens.position;
        std::vector<const Step *> waiting{&attention.step()};
        std::unordered_set<const Step *> seen;
        bool found = false;
        while (!waiting.empty()) {
            const Step *step = waiting.back();
            waiting.pop_back();
            if (!seen.insert(step).second || positions_.at(step) <= start)
                continue;
            found = found || is_layer_norm(*step);
            for (const FlowValue &source : step->sources)
                if (source.is_known())
                    waiting.push_back(source.step);
        }
        return found;
    }

    // What each attention relates to each other: all tokens, as queries and as keys.
    int64_t count_queries() const
    {
        int64_t count = 0;
        for (const Placed &attention : attentions_) {
            const std::vector<int64_t> &shape = attention.seen->shape;
            const bool is_fused = is_fused_attention(attention.seen->operation);
            const int64_t queries = shape[shape.size() - 2];
            if (!is_fused && shape.back() != queries)
                throw Refused{"an attention of the network has " + std::to_string(queries) +
                              " queries and " + std::to_string(shape.back()) +
                              " keys: it does not relate tokens to each other"};
            if (count > 0 && queries != count)
                throw Refused{"attentions of the network have " + std::to_string(count) + " and " +
                              std::to_string(queries) + " queries: not all tokens each time"};
            count = queries;
        }
        return count;
    }

    void read_axes(const std::vector<int64_t> &shape, Transformer &found) const
    {
        found.token_count = count_queries();
        const int64_t first = shape[0] == 1 ? 1 : 0;
        found.token_axis = shape[first] == found.token_count ? first : 2;
        if (shape[found.token_axis] != found.token_count)
            throw Refused{"an attention of the network has " + std::to_string(found.token_count) +
                          " queries: not all tokens at once, as in windows"};
    }

    const std::vector<const Step *> history_;
    std::unordered_map<const Step *, size_t> positions_;
    std::vector<Placed> attentions_, tokens_; // in the order of the history
};

} // namespace

bool is_softmax(const std::string &operation)
{
    return operation == "aten::softmax" || operation == "aten::_softmax" ||
           operation == "aten::_safe_softmax" || operation == "aten::special_softmax";
}

bool is_fused_attention(const std::string &operation)
{
    return starts_with(operation, "aten::scaled_dot_product_attention") ||
           starts_with(operation, "aten::_scaled_dot_product_");
}

Transformer find_transformer(const std::vector<SeenValue> &seen, FlowValue logits)
{
    Transformer none;
    if (!logits.is_known()) {
        none.reason = "how the network computes its scores cannot be followed";
        return none;
    }
    try {
        return BlockFinder(seen, logits).find();
    } catch (const Refused &refused) {
        none.reason = refused.reason;
        return none;
    }
}

const SeenValue *tokens_of_last_block(const Transformer &transformer,
                                      const std::vector<SeenValue> &seen)
{
    for (const SeenValue &value : seen)
        if (!transformer.blocks.empty() && value.at == transformer.blocks.back().tokens)
            return &value;
    return nullptr;
}

} // namespace sscam
