#include "graph/layer_table.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

#include <ATen/ATen.h>

#include "common/guard.hpp"
#include "common/host_array.hpp"
#include "engine/network.hpp"
#include "graph/data_flow.hpp"
#include "graph/default_layer.hpp"
#include "model/backend.h"

namespace sscam {

namespace {

// A value at a mark.
struct Observation {
    int64_t mark;
    std::vector<int64_t> shape;
    bool is_real;
    FlowValue value;
};

class Recorder : public Tap {
public:
    at::Tensor pass(int64_t mark, const at::Tensor &value) override
    {
        at::Tensor recorded = value;
        const FlowValue found = flow.record(recorded);
        observations.push_back(
            {mark, value.sizes().vec(), value.is_floating_point() || value.is_quantized(), found});
        return recorded;
    }

    DataFlow flow;
    std::vector<Observation> observations;
};

// The mark that a name stands for: the last one in a run.
using LastMarks = std::unordered_map<std::string, int64_t>;

bool is_listed(const Observation &observation, const std::vector<Mark> &marks,
               const LastMarks &last_marks, bool flow_is_known)
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
           (!flow_is_known || observation.value.is_known());
}

// One layer for each name, in the order of their last observations.
std::vector<ListedLayer> list_layers(const std::vector<Observation> &observations,
                                     const std::vector<Mark> &marks, bool flow_is_known)
{
    LastMarks last_marks;
    for (const Observation &observation : observations)
        last_marks[marks[observation.mark].name] = observation.mark;
    std::unordered_map<std::string, std::vector<int64_t>> marks_of_name;
    for (size_t i = 0; i < marks.size(); i++)
        marks_of_name[marks[i].name].push_back(static_cast<int64_t>(i));

    std::set<std::string> seen;
    std::vector<ListedLayer> listed;
    for (auto observation = observations.rbegin(); observation != observations.rend();
         ++observation) {
        const Mark &mark = marks[observation->mark];
        if (is_listed(*observation, marks, last_marks, flow_is_known) &&
            seen.insert(mark.name).second)
            listed.push_back({{mark.name, mark.kind, observation->shape, marks_of_name[mark.name]},
                              mark.is_module,
                              observation->value});
    }
    std::reverse(listed.begin(), listed.end());
    return listed;
}

std::set<std::string> names_not_run(const std::vector<Observation> &observations,
                                    const std::vector<Mark> &marks)
{
    std::set<std::string> names;
    for (const Mark &mark : marks)
        names.insert(mark.name);
    for (const Observation &observation : observations)
        names.erase(marks[observation.mark].name);
    return names;
}

struct Recording {
    c10::intrusive_ptr<Recorder> recorder = c10::make_intrusive<Recorder>();
    FlowValue logits;
};

Recording record(const MarkedGraph &graph, const at::Tensor &input, const std::string &output)
{
    auto program = graph.program([](int64_t) { return true; });
    Recording recording;
    try {
        c10::AutoGradMode gradients(true);
        // A copy, since the network may change its input in place, which a leaf does not allow.
        at::Tensor leaf = input.detach().requires_grad_(true);
        recording.logits = recording.recorder->flow.find(
            run_for_logits(*program, leaf.clone(), recording.recorder, 0, output));
    } catch (const Error &) {
        // Autograd alone may fail, as for quantised networks.
        recording = Recording();
        run_for_logits(*program, input.clone(), recording.recorder, 0, output);
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
    const Recording recording = record(graph, input, output);
    auto listed = list_layers(recording.recorder->observations, graph.marks(),
                              recording.logits.is_known());
    LayerTable table;
    DefaultLayer found = find_default_layer(listed, recording.logits, input.sizes());
    table.default_index = found.index;
    table.no_default = std::move(found.reason);
    table.not_run = names_not_run(recording.recorder->observations, graph.marks());
    for (ListedLayer &entry : listed)
        table.layers.push_back(std::move(entry.layer));
    return table;
}

} // namespace sscam
