#include "graph/layer_table.hpp"

#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/variable.h>

#include "common/guard.hpp"
#include "common/host_array.hpp"
#include "engine/network.hpp"
#include "model/activation_layout.h"
#include "model/backend.h"

namespace sscam {

namespace {

using torch::autograd::Edge;

// A value at a mark. Its edge is its position in autograd's graph: two names with one edge are one
// value.
struct Observation {
    int64_t mark;
    std::vector<int64_t> shape;
    bool is_real;
    bool has_positions; // more than one along each side
    Edge edge;
    size_t input_rank;
};

sscam_shape shape_of(c10::IntArrayRef input)
{
    const auto side = [&](size_t from_last) {
        return input.size() > from_last + 1 ? input[input.size() - from_last] : 1;
    };
    return {static_cast<int32_t>(input.size()), 1, input[1], {side(3), side(2), side(1)}};
}

// Whether a value of that shape is a map, or tokens on a grid, with several positions along the
// last two sides, or the only one of sound. Of a video one frame may be left.
bool has_positions(c10::IntArrayRef shape, c10::IntArrayRef input_shape)
{
    const sscam_layout_hint nothing = {};
    const sscam_shape input = shape_of(input_shape);
    sscam_activation_layout layout;
    return shape.size() <= SSCAM_LAYER_MAX_RANK &&
           sscam_find_activation_layout(shape.data(), static_cast<int32_t>(shape.size()), &input,
                                        &nothing, &layout) &&
           layout.sides.width > 1 && (input.rank == SSCAM_LEAST_RANK || layout.sides.height > 1);
}

class Recorder : public Tap {
public:
    explicit Recorder(const at::Tensor &input) : input_shape_(input.sizes().vec()) {}

    at::Tensor pass(int64_t mark, const at::Tensor &value) override
    {
        observations.push_back({mark, value.sizes().vec(),
                                value.is_floating_point() || value.is_quantized(),
                                has_positions(value.sizes(), input_shape_),
                                Edge(value.grad_fn(), value.output_nr()), input_shape_.size()});
        return value;
    }

    std::vector<Observation> observations;

private:
    const std::vector<int64_t> input_shape_;
};

bool contains(const std::string &text, const char *part)
{
    return text.find(part) != std::string::npos;
}

bool starts_with_any(const std::string &text, std::initializer_list<const char *> beginnings)
{
    return std::any_of(beginnings.begin(), beginnings.end(),
                       [&](const char *beginning) { return text.rfind(beginning, 0) == 0; });
}

// Operations that multiply with weights. (Upsampling is "Bilinear", with a small l.)
bool is_weighted(const std::string &function)
{
    return contains(function, "Conv") || contains(function, "Linear") ||
           starts_with_any(function, {"Mm", "Bmm", "Addmm", "Baddbmm", "Addbmm", "Mv", "Addmv"});
}

bool keeps_channels(const std::string &function)
{
    return contains(function, "Pool") || contains(function, "Dropout") ||
           contains(function, "Clone") || contains(function, "Permute");
}

bool is_attention(const std::string &function)
{
    return starts_with_any(function, {"Softmax", "ScaledDotProduct", "SafeSoftmax"});
}

// Between a transformer's tokens and its attention there are tensors of rank 4 that are no images.
bool may_rearrange_tokens(const std::string &function)
{
    return is_attention(function) ||
           starts_with_any(function,
                           {"View", "Reshape", "UnsafeView", "Transpose", "Expand", "Bmm", "Mm",
                            "Unbind", "Select", "Slice", "Split", "Chunk", "Unflatten", "Squeeze"});
}

// Operations after which another dimension than the second may be the channels.
bool may_move_channels(const std::string &function)
{
    return function == "TBackward0" ||
           starts_with_any(function,
                           {"View", "Reshape", "UnsafeView", "Transpose", "Permute", "Movedim",
                            "Unfold", "Mm", "Addmm", "Bmm", "Baddbmm", "Linear"});
}

// Whether a convolution made it and all that came in between kept its order. Of sound, [1, K, w],
// and of video, [1, K, d, h, w], nothing else tells from tokens, [1, w, K] and [1, d, h, w, K].
bool comes_from_convolution(const Edge &edge)
{
    std::unordered_set<torch::autograd::Node *> seen;
    std::vector<torch::autograd::Node *> waiting{edge.function.get()};
    while (!waiting.empty()) {
        torch::autograd::Node *node = waiting.back();
        waiting.pop_back();
        if (!node || !seen.insert(node).second || may_move_channels(node->name()))
            continue;
        if (contains(node->name(), "Conv"))
            return true;
        for (const Edge &source : node->next_edges())
            waiting.push_back(source.function.get());
    }
    return false;
}

// A feature map with the input's sides.
bool is_feature_map(const Observation &observation)
{
    return observation.is_real && observation.shape.size() == observation.input_rank &&
           observation.has_positions &&
           (observation.input_rank == SSCAM_IMAGE_RANK || !observation.edge.is_valid() ||
            comes_from_convolution(observation.edge));
}

bool is_layer_norm(const std::string &function)
{
    return contains(function, "LayerNorm");
}

// Of an image.
bool are_tokens(const Observation &observation)
{
    return observation.is_real && observation.input_rank == SSCAM_IMAGE_RANK &&
           observation.shape.size() == 3 && observation.has_positions;
}

// What the class scores are computed from, as autograd's graph has it: the data flow of one run,
// through control flow, tuples and in-place operations.
class ScoreHistory {
public:
    explicit ScoreHistory(const at::Tensor &logits)
    {
        if (logits.grad_fn())
            walk_back_from(logits.grad_fn().get(), false);
        for (const auto &node : reached_)
            if (node.second.weighted_follows && is_attention(node.first->name()))
                attentions_.push_back(node.first);
        for (Node *attention : attentions_)
            for (const Edge &edge : attention->next_edges())
                collect_from(edge.function.get(), feeds_attention_);
        for (Node *attention : attentions_)
            if (feeds_attention_.count(attention) == 0)
                collect_from(attention, feeds_last_attention_);
    }

    bool is_empty() const { return reached_.empty(); }
    bool has_attention() const { return !attentions_.empty(); }

    // Whether one attention's output feeds another one.
    bool attends_again() const
    {
        return std::any_of(attentions_.begin(), attentions_.end(), [this](Node *attention) {
            return feeds_attention_.count(attention) != 0;
        });
    }

    bool is_followed_by_weights(const Edge &edge) const
    {
        auto found = reached_.find(edge.function.get());
        return found != reached_.end() && found->second.weighted_follows;
    }

    // Attentions that feed no other one are the last.
    bool feeds_attention(const Edge &edge) const
    {
        return feeds_last_attention_.count(edge.function.get()) != 0;
    }

private:
    using Node = torch::autograd::Node;
    struct Reached {
        bool weighted_follows = false;
    };

    // Depth first without recursion: networks are deeper than stacks. A node is visited again when
    // a path with weights reaches it after one without.
    void walk_back_from(Node *last, bool weighted)
    {
        std::vector<std::pair<Node *, bool>> waiting{{last, weighted}};
        while (!waiting.empty()) {
            auto [node, weighted_follows] = waiting.back();
            waiting.pop_back();
            auto [entry, is_new] = reached_.emplace(node, Reached{});
            if (!is_new && (entry->second.weighted_follows || !weighted_follows))
                continue;
            entry->second.weighted_follows = weighted_follows;
            for (const Edge &edge : node->next_edges())
                if (edge.is_valid())
                    waiting.emplace_back(edge.function.get(),
                                         weighted_follows || is_weighted(node->name()));
        }
    }

    static void collect_from(Node *last, std::unordered_set<Node *> &collected)
    {
        std::vector<Node *> waiting{last};
        while (!waiting.empty()) {
            Node *node = waiting.back();
            waiting.pop_back();
            if (!node || !collected.insert(node).second)
                continue;
            for (const Edge &edge : node->next_edges())
                if (edge.is_valid())
                    waiting.push_back(edge.function.get());
        }
    }

    std::unordered_map<Node *, Reached> reached_;
    std::vector<Node *> attentions_;
    std::unordered_set<Node *> feeds_attention_;
    std::unordered_set<Node *> feeds_last_attention_; // the last attentions themselves included
};

using Observations = std::vector<Observation>;

// A layer with the last of its observations.
struct Listed {
    Layer layer;
    Observation last;
    bool is_module;
};

// The mark that a name stands for: the last one in a run.
using LastMarks = std::unordered_map<std::string, int64_t>;

bool is_listed(const Observation &observation, const std::vector<Mark> &marks,
               const LastMarks &last_marks, bool history_is_known)
{
    const Mark &mark = marks[observation.mark];
    if (!observation.is_real || observation.shape.size() > SSCAM_LAYER_MAX_RANK ||
        mark.name.empty())
        return false;
    if (mark.is_module)
        return true;
    // Of the operations, those that may give images or tokens, were not made of weights alone, and
    // have no module's name: a module that is called several times gives its name to the last value
    // only.
    bool has_module_name = mark.module_mark >= 0 &&
                           last_marks.at(marks[mark.module_mark].name) == mark.module_mark;
    return !has_module_name && observation.shape.size() >= 3 &&
           (!history_is_known || observation.edge.is_valid());
}

// One layer for each name, in the order of their last observations.
std::vector<Listed> list_layers(const Observations &observations, const std::vector<Mark> &marks,
                                bool history_is_known)
{
    LastMarks last_marks;
    for (const Observation &observation : observations)
        last_marks[marks[observation.mark].name] = observation.mark;
    std::unordered_map<std::string, std::vector<int64_t>> marks_of_name;
    for (size_t i = 0; i < marks.size(); i++)
        marks_of_name[marks[i].name].push_back(static_cast<int64_t>(i));

    std::set<std::string> seen;
    std::vector<Listed> listed;
    for (auto observation = observations.rbegin(); observation != observations.rend();
         ++observation) {
        const Mark &mark = marks[observation->mark];
        if (is_listed(*observation, marks, last_marks, history_is_known) &&
            seen.insert(mark.name).second)
            listed.push_back({{mark.name, mark.kind, observation->shape, marks_of_name[mark.name]},
                              *observation,
                              mark.is_module});
    }
    std::reverse(listed.begin(), listed.end());
    return listed;
}

const Listed *feature_map_at(const std::vector<Listed> &listed, const Edge &edge)
{
    for (const Listed &entry : listed)
        if (entry.last.edge == edge && is_feature_map(entry.last))
            return &entry;
    return nullptr;
}

// The last layer of which `wanted` is true and that weights follow.
template <class Wanted>
const Listed *find_last(const std::vector<Listed> &listed, const ScoreHistory &history,
                        const Wanted &wanted)
{
    for (auto entry = listed.rbegin(); entry != listed.rend(); ++entry)
        if (history.is_followed_by_weights(entry->last.edge) &&
            wanted(*entry, entry->last.edge.function->name()))
            return &*entry;
    return nullptr;
}

// The last image before `end`, a layer of the list; nullptr: of all.
const Listed *find_last_image(const std::vector<Listed> &listed, const ScoreHistory &history,
                              const Listed *end)
{
    return find_last(listed, history, [&](const Listed &entry, const std::string &function) {
        return (!end || &entry < end) && is_feature_map(entry.last) &&
               !(history.has_attention() && may_rearrange_tokens(function));
    });
}

const Listed *find_first_tokens(const std::vector<Listed> &listed)
{
    for (const Listed &entry : listed)
        if (are_tokens(entry.last))
            return &entry;
    return nullptr;
}

// The image before pooling, dropout and the like.
const Listed *source_of_image(const Listed *chosen, const std::vector<Listed> &listed)
{
    for (const Listed *source = chosen; source != nullptr;) {
        chosen = source;
        const auto &function = chosen->last.edge.function;
        bool passes_on = keeps_channels(function->name()) && function->num_outputs() > 0;
        source = passes_on ? feature_map_at(listed, function->next_edge(0)) : nullptr;
    }
    return chosen;
}

// Of a transformer's tokens those that its last attention reads, since what follows may read the
// class token alone; layer norms first, on which scales of channels are alike. Of tokens without
// attention, the last layer norm.
const Listed *find_last_tokens(const std::vector<Listed> &listed, const ScoreHistory &history)
{
    const auto is_read = [&](const Observation &value) {
        return are_tokens(value) &&
               (!history.has_attention() || history.feeds_attention(value.edge));
    };
    const Listed *found = find_last(listed, history,
                                    [&](const Listed &entry, const std::string &function) {
                                        return is_read(entry.last) && is_layer_norm(function);
                                    });
    if (found || !history.attends_again())
        return found;
    return find_last(listed, history, [&](const Listed &entry, const std::string &function) {
        return is_read(entry.last) && !is_weighted(function) && !may_rearrange_tokens(function);
    });
}

// The last image, unless attention or a norm of tokens comes after it: then the last tokens. Where
// an attention only gathers an image, that is what it was before it became tokens: heads and shares
// of attention look like images.
const Listed *choose_default(const std::vector<Listed> &listed, const ScoreHistory &history)
{
    const Listed *image = find_last_image(listed, history, nullptr);
    const Listed *tokens = find_last_tokens(listed, history);
    bool is_attended = image && history.feeds_attention(image->last.edge);
    bool are_tokens_last = !image || is_attended || (!history.has_attention() && tokens > image);
    if (tokens && are_tokens_last)
        return tokens;
    if (is_attended)
        image = find_last_image(listed, history, find_first_tokens(listed));
    return image ? source_of_image(image, listed) : nullptr;
}

// For networks that autograd cannot follow: the last image that some weights follow in time.
const Listed *guess_default(const std::vector<Listed> &listed)
{
    bool weights_follow = false;
    for (auto entry = listed.rbegin(); entry != listed.rend(); ++entry) {
        const std::string &kind = entry->layer.kind;
        if (weights_follow && is_feature_map(entry->last) && !contains(kind, "ool") &&
            !contains(kind, "ropout"))
            return &*entry;
        weights_follow = weights_follow || contains(kind, "onv") || contains(kind, "inear") ||
                         contains(kind, "mm");
    }
    return nullptr;
}

// How far out a name is: modules before operations, "layer4" before "layer4.1".
std::tuple<bool, size_t, size_t> depth_of(const Listed &entry)
{
    const std::string &name = entry.layer.name;
    return {!entry.is_module, std::count(name.begin(), name.end(), '.'), name.size()};
}

const Listed *outermost_name_of(const Listed *chosen, const std::vector<Listed> &listed)
{
    for (const Listed &entry : listed)
        if (entry.last.edge.is_valid() && entry.last.edge == chosen->last.edge &&
            depth_of(entry) < depth_of(*chosen))
            chosen = &entry;
    return chosen;
}

struct Recording {
    explicit Recording(const at::Tensor &input) : recorder(c10::make_intrusive<Recorder>(input)) {}

    c10::intrusive_ptr<Recorder> recorder;
    at::Tensor logits;
};

Recording record(const MarkedGraph &graph, const at::Tensor &input, const std::string &output)
{
    auto program = graph.program([](int64_t) { return true; });
    Recording recording(input);
    try {
        c10::AutoGradMode gradients(true);
        // A copy, since the network may change its input in place, which a leaf does not allow.
        at::Tensor leaf = input.detach().requires_grad_(true);
        recording.logits = run_for_logits(*program, leaf.clone(), recording.recorder, 0, output);
    } catch (const Error &) {
        // Autograd alone may fail, as for quantised networks.
        recording = Recording(input);
        recording.logits = run_for_logits(*program, input.clone(), recording.recorder, 0, output);
    }
    return recording;
}

} // namespace

struct sscam_layers exported(const LayerTable &table)
{
    HostArray<sscam_layer> entries = host_array<sscam_layer>(table.layers.size());
    std::vector<std::pair<HostArray<char>, HostArray<char>>> texts;
    for (const Layer &layer : table.layers)
        texts.emplace_back(host_string(layer.name), host_string(layer.kind));
    for (size_t i = 0; i < table.layers.size(); i++) { // nothing throws from here on
        const std::vector<int64_t> &shape = table.layers[i].shape;
        entries[i].name = texts[i].first.release();
        entries[i].kind = texts[i].second.release();
        entries[i].rank = static_cast<int32_t>(shape.size());
        std::copy(shape.begin(), shape.end(), entries[i].shape);
    }
    return {entries.release(), table.layers.size(), table.default_index, {}};
}

const Layer *LayerTable::find(const std::string &name) const
{
    for (const Layer &layer : layers)
        if (layer.name == name)
            return &layer;
    return nullptr;
}

LayerTable find_layers(const MarkedGraph &graph, const at::Tensor &input, const std::string &output)
{
    Recording recording = record(graph, input, output);
    ScoreHistory history(recording.logits);
    auto listed = list_layers(recording.recorder->observations, graph.marks(), !history.is_empty());
    const Listed *chosen = history.is_empty() ? guess_default(listed)
                                              : choose_default(listed, history);
    LayerTable table;
    if (chosen)
        table.default_index = outermost_name_of(chosen, listed) - listed.data();
    for (Listed &entry : listed)
        table.layers.push_back(std::move(entry.layer));
    return table;
}

} // namespace sscam
