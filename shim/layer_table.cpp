#include "layer_table.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/variable.h>

#include "backend.h"
#include "guard.hpp"
#include "host_array.hpp"
#include "network.hpp"

namespace sscam {

namespace {

using torch::autograd::Edge;

// A value that passed a mark. Its edge is where it stands in autograd's graph: two names with one edge are one
// value.
struct Sighting {
    int64_t mark;
    std::vector<int64_t> shape;
    bool is_real;
    Edge edge;
};

class Recorder : public Tap {
public:
    at::Tensor pass(int64_t mark, const at::Tensor &value) override
    {
        sightings.push_back({mark, value.sizes().vec(), value.is_floating_point() || value.is_quantized(),
                             Edge(value.grad_fn(), value.output_nr())});
        return value;
    }

    std::vector<Sighting> sightings;
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

bool only_passes_on(const std::string &function)
{
    return contains(function, "Pool") || contains(function, "Dropout") || contains(function, "Clone");
}

bool is_attention(const std::string &function)
{
    return starts_with_any(function, {"Softmax", "ScaledDotProduct", "SafeSoftmax"});
}

// Between the tokens of a transformer and its attention there are tensors of rank 4 that are no pictures.
bool may_rearrange_tokens(const std::string &function)
{
    return is_attention(function) ||
           starts_with_any(function, {"View", "Reshape", "UnsafeView", "Transpose", "Expand", "Bmm", "Mm",
                                      "Unbind", "Select", "Slice", "Split", "Chunk", "Unflatten", "Squeeze"});
}

bool is_picture(const Sighting &sighting)
{
    return sighting.is_real && sighting.shape.size() == 4 && sighting.shape[0] == 1 && sighting.shape[2] > 1 &&
           sighting.shape[3] > 1;
}

// What the class scores are made from, read from autograd's graph: the data flow as it was, through control
// flow, tuples and in-place operations.
class ScoreHistory {
public:
    explicit ScoreHistory(const at::Tensor &logits)
    {
        if (logits.grad_fn())
            walk_back_from(logits.grad_fn().get(), false);
        for (const auto &node : reached_)
            if (node.second.weighted_follows && is_attention(node.first->name()))
                collect_inputs_of(node.first);
    }

    bool is_empty() const { return reached_.empty(); }
    bool has_attention() const { return !feeds_attention_.empty(); }

    bool is_followed_by_weights(const Edge &edge) const
    {
        auto found = reached_.find(edge.function.get());
        return found != reached_.end() && found->second.weighted_follows;
    }

    bool feeds_attention(const Edge &edge) const { return feeds_attention_.count(edge.function.get()) != 0; }

private:
    using Node = torch::autograd::Node;
    struct Reached {
        bool weighted_follows = false;
    };

    // Depth first without recursion: networks are deeper than stacks. A node is visited again when a path with
    // weights reaches it after one without.
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
                    waiting.emplace_back(edge.function.get(), weighted_follows || is_weighted(node->name()));
        }
    }

    void collect_inputs_of(Node *attention)
    {
        std::vector<Node *> waiting{attention};
        while (!waiting.empty()) {
            Node *node = waiting.back();
            waiting.pop_back();
            if (!feeds_attention_.insert(node).second)
                continue;
            for (const Edge &edge : node->next_edges())
                if (edge.is_valid())
                    waiting.push_back(edge.function.get());
        }
    }

    std::unordered_map<Node *, Reached> reached_;
    std::set<Node *> feeds_attention_; // attention itself included
};

using Sightings = std::vector<Sighting>;

const Sighting *picture_at(const Sightings &sightings, const Edge &edge)
{
    for (const Sighting &sighting : sightings)
        if (sighting.edge == edge && is_picture(sighting))
            return &sighting;
    return nullptr;
}

// The last picture that weights follow; before the pooling and the like that only passed it on.
const Sighting *choose_default(const Sightings &sightings, const ScoreHistory &history)
{
    const Sighting *chosen = nullptr;
    for (auto sighting = sightings.rbegin(); sighting != sightings.rend() && chosen == nullptr; ++sighting)
        if (is_picture(*sighting) && history.is_followed_by_weights(sighting->edge) &&
            !(history.has_attention() && may_rearrange_tokens(sighting->edge.function->name())))
            chosen = &*sighting;
    if (chosen == nullptr || history.feeds_attention(chosen->edge))
        return nullptr;
    while (only_passes_on(chosen->edge.function->name()) && chosen->edge.function->num_outputs() > 0) {
        const Sighting *source = picture_at(sightings, chosen->edge.function->next_edge(0));
        if (source == nullptr)
            break;
        chosen = source;
    }
    return chosen;
}

// For networks that autograd cannot follow: the last picture that some weights follow in time.
const Sighting *guess_default(const Sightings &sightings, const std::vector<Mark> &marks)
{
    bool weighted_follows = false;
    for (auto sighting = sightings.rbegin(); sighting != sightings.rend(); ++sighting) {
        const std::string &kind = marks[sighting->mark].kind;
        if (weighted_follows && is_picture(*sighting) && !contains(kind, "pool") && !contains(kind, "Pool") &&
            !contains(kind, "ropout"))
            return &*sighting;
        weighted_follows = weighted_follows || contains(kind, "conv") || contains(kind, "linear") ||
                           contains(kind, "mm") || contains(kind, "matmul");
    }
    return nullptr;
}

bool is_listed(const Sighting &sighting, const Mark &mark, bool history_is_known)
{
    if (!sighting.is_real || sighting.shape.size() > SSCAM_LAYER_MAX_RANK || mark.name.empty())
        return false;
    if (mark.is_module)
        return true;
    // Of the operations between modules, those that may hold pictures or tokens; not what is made of weights.
    return !mark.is_repeated && sighting.shape.size() >= 3 && (!history_is_known || sighting.edge.is_valid());
}

// One layer a name, at the place of its last call.
std::vector<Layer> list_layers(const Sightings &sightings, const std::vector<Mark> &marks, bool history_is_known)
{
    std::set<std::string> seen;
    std::vector<Layer> layers;
    for (auto sighting = sightings.rbegin(); sighting != sightings.rend(); ++sighting) {
        const Mark &mark = marks[sighting->mark];
        if (is_listed(*sighting, mark, history_is_known) && seen.insert(mark.name).second)
            layers.push_back({mark.name, mark.kind, sighting->shape, {}});
    }
    std::reverse(layers.begin(), layers.end());
    std::map<std::string, Layer *> by_name;
    for (Layer &layer : layers)
        by_name[layer.name] = &layer;
    for (size_t i = 0; i < marks.size(); i++)
        if (auto found = by_name.find(marks[i].name); found != by_name.end())
            found->second->marks.push_back(static_cast<int64_t>(i));
    return layers;
}

// How far out a name is: "layer4" before "layer4.1", modules before operations.
std::tuple<bool, size_t, size_t> depth_of(const Mark &mark)
{
    return {!mark.is_module, std::count(mark.name.begin(), mark.name.end(), '.'), mark.name.size()};
}

int64_t index_of_outermost_name(const Sighting &chosen, const Sightings &sightings, const std::vector<Mark> &marks,
                                const std::vector<Layer> &layers)
{
    int64_t best = -1;
    std::optional<std::tuple<bool, size_t, size_t>> best_depth;
    for (const Sighting &sighting : sightings) {
        const Mark &mark = marks[sighting.mark];
        bool is_same_value = chosen.edge.is_valid() ? sighting.edge == chosen.edge : &sighting == &chosen;
        auto layer = std::find_if(layers.begin(), layers.end(),
                                  [&](const Layer &candidate) { return candidate.name == mark.name; });
        if (!is_same_value || layer == layers.end() || (best_depth && depth_of(mark) >= *best_depth))
            continue;
        best = layer - layers.begin();
        best_depth = depth_of(mark);
    }
    return best;
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
    return {entries.release(), table.layers.size(), table.default_index};
}

const Layer *LayerTable::find(const std::string &name) const
{
    for (const Layer &layer : layers)
        if (layer.name == name)
            return &layer;
    return nullptr;
}

namespace {

struct Recording {
    c10::intrusive_ptr<Recorder> recorder = c10::make_intrusive<Recorder>();
    at::Tensor logits;
};

Recording record(const MarkedGraph &graph, const at::Tensor &input)
{
    auto program = graph.program([](int64_t) { return true; });
    Recording recording;
    try {
        c10::AutoGradMode gradients(true);
        // A copy, since the network may change its input in place, which a leaf does not allow.
        at::Tensor leaf = input.detach().requires_grad_(true);
        recording.logits = run_for_logits(*program, leaf.clone(), recording.recorder);
    } catch (const Refusal &) {
        // It may only be autograd that cannot follow, as with quantised networks.
        recording = Recording();
        recording.logits = run_for_logits(*program, input.clone(), recording.recorder);
    }
    return recording;
}

} // namespace

LayerTable find_layers(const MarkedGraph &graph, const at::Tensor &input)
{
    Recording recording = record(graph, input);
    const Sightings &sightings = recording.recorder->sightings;
    ScoreHistory history(recording.logits);
    LayerTable table;
    table.layers = list_layers(sightings, graph.marks(), !history.is_empty());
    const Sighting *chosen =
        history.is_empty() ? guess_default(sightings, graph.marks()) : choose_default(sightings, history);
    if (chosen != nullptr)
        table.default_index = index_of_outermost_name(*chosen, sightings, graph.marks(), table.layers);
    return table;
}

} // namespace sscam
