#include "graph/layer_table.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include "common/guard.hpp"
#include "common/host_array.hpp"
#include "engine/network.hpp"
#include "graph/batch_axis.hpp"
#include "graph/data_flow.hpp"
#include "graph/default_layer.hpp"
#include "graph/token_layout.hpp"
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
    // `input`: as the library has it.
    Recorder(const InputForm &form, const at::Tensor &input)
        : form_(form), input_size_(input.numel()), starts_later_(form.has_whole_numbers())
    {
    }

    at::Tensor pass(int64_t mark, const at::Tensor &value) override
    {
        at::Tensor recorded = is_start(value) ? as_start(value) : value;
        const FlowValue found = flow.record(recorded);
        std::vector<int64_t> shape = value.sizes().vec();
        if (lacks_batch_axis(form_, value))
            shape.insert(shape.begin(), 1);
        observations.push_back(
            {mark, shape, value.is_floating_point() || value.is_quantized(), found});
        return recorded;
    }

    DataFlow flow;
    std::vector<Observation> observations;

private:
    // Whole numbers have no gradients: the flow starts where the network makes real ones of them.
    bool is_start(const at::Tensor &value) const
    {
        return starts_later_ && at::GradMode::is_enabled() && value.is_floating_point() &&
               !value.requires_grad() && value.numel() == input_size_;
    }

    // A copy, since a leaf cannot be changed in place.
    at::Tensor as_start(const at::Tensor &value)
    {
        starts_later_ = false;
        return value.detach().requires_grad_(true).clone();
    }

    const InputForm &form_;
    const int64_t input_size_;
    bool starts_later_;
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

// Of a module that several inputs pass through, the calls on the explained one count. Names of what
// other inputs alone reach are added to `of_others`.
std::vector<Observation> of_explained_input(const Recorder &recorder,
                                            const std::vector<Mark> &marks, bool has_others,
                                            std::set<std::string> &of_others)
{
    std::set<std::string> known;
    std::vector<Observation> kept;
    for (const Observation &observation : recorder.observations)
        if (observation.value.is_known())
            known.insert(marks[observation.mark].name);
    for (const Observation &observation : recorder.observations) {
        const std::string &name = marks[observation.mark].name;
        if (observation.value.is_known() || (!has_others && known.count(name) == 0))
            kept.push_back(observation);
        else if (known.count(name) == 0)
            of_others.insert(name);
    }
    return kept;
}

// One layer for each name, in the order of their last observations.
std::vector<ListedLayer> list_layers(const std::vector<Observation> &observations,
                                     const std::vector<Mark> &marks, bool flow_is_known,
                                     const std::set<int64_t> &dropped_marks)
{
    LastMarks last_marks;
    for (const Observation &observation : observations)
        last_marks[marks[observation.mark].name] = observation.mark;
    std::unordered_map<std::string, std::vector<int64_t>> marks_of_name;
    for (size_t i = 0; i < marks.size(); i++)
        if (dropped_marks.count(static_cast<int64_t>(i)) == 0)
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

// The highest rank of the observed values of each step.
std::unordered_map<const Step *, size_t> ranks_of(const std::vector<Observation> &observations)
{
    std::unordered_map<const Step *, size_t> ranks;
    for (const Observation &observation : observations)
        if (observation.value.is_known()) {
            size_t &rank = ranks[observation.value.step];
            rank = std::max(rank, observation.shape.size());
        }
    return ranks;
}

// Marks of the first that are not among the second.
std::set<int64_t> marks_missing(const std::vector<Observation> &all,
                                const std::vector<Observation> &kept)
{
    std::set<int64_t> missing;
    for (const Observation &observation : all)
        missing.insert(observation.mark);
    for (const Observation &observation : kept)
        missing.erase(observation.mark);
    return missing;
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
    c10::intrusive_ptr<Recorder> recorder;
    FlowValue logits;
    std::vector<Output> outputs;
    size_t taken = 0;
};

Recording recording_of(const MarkedGraph &graph, const at::Tensor &input)
{
    Recording recording;
    recording.recorder = c10::make_intrusive<Recorder>(*graph.form(), input);
    return recording;
}

void run(const Program &program, const at::Tensor &input, const std::string &output,
         Recording &recording)
{
    const NetworkRun done = run_network(program, input, recording.recorder, 0, output);
    recording.logits = recording.recorder->flow.find(done.logits);
    recording.outputs = list_outputs(done.output);
    recording.taken = done.taken;
}

Recording record(const MarkedGraph &graph, const at::Tensor &input, const std::string &output)
{
    auto program = graph.program([](int64_t) { return true; }, Detaching::PassedOn);
    Recording recording = recording_of(graph, input);
    try {
        c10::AutoGradMode gradients(true);
        // A copy, since the network may change its input in place, which a leaf does not allow.
        at::Tensor leaf = input.detach().requires_grad_(true);
        run(*program, leaf.clone(), output, recording);
    } catch (const Error &) {
        // Autograd alone may fail, as for quantised networks.
        recording = recording_of(graph, input);
        run(*program, input.clone(), output, recording);
        recording.logits = FlowValue();
    }
    return recording;
}

// A leaf of autograd in place of the last value.
class LeafTap : public Tap {
public:
    at::Tensor pass(int64_t, const at::Tensor &value) override
    {
        leaf = value.detach().clone().requires_grad_(true);
        return leaf.clone();
    }

    at::Tensor leaf;
};

bool has_influence(const MarkedGraph &graph, const Layer &layer, const at::Tensor &input,
                   const std::string &output)
{
    const std::set<int64_t> marks(layer.marks.begin(), layer.marks.end());
    const auto program = graph.program([&](int64_t mark) { return marks.count(mark) != 0; },
                                       Detaching::PassedOn);
    const auto tap = c10::make_intrusive<LeafTap>();
    const c10::AutoGradMode gradients(true);
    try {
        const at::Tensor logits = run_for_logits(*program, input.clone(), tap, 0, output);
        if (!tap->leaf.defined() || !logits.requires_grad())
            return false;
        const auto found = torch::autograd::grad({(logits * logits).sum()}, {tap->leaf}, {},
                                                 /*retain_graph=*/false, /*create_graph=*/false,
                                                 /*allow_unused=*/true);
        return found[0].defined() && found[0].count_nonzero().item<int64_t>() > 0;
    } catch (...) {
        if (memory_ran_out() || device_failed())
            throw;
        return true; // without gradients nothing is known
    }
}

std::vector<SeenValue> seen_values(const std::vector<Observation> &observations,
                                   const std::vector<Mark> &marks)
{
    std::unordered_map<int64_t, int64_t> calls;
    std::vector<SeenValue> seen;
    for (const Observation &observation : observations)
        seen.push_back({{observation.mark, calls[observation.mark]++},
                        marks[observation.mark].kind,
                        observation.shape,
                        observation.value});
    return seen;
}

Transformer find_blocks(const std::vector<SeenValue> &seen, const std::vector<ListedLayer> &listed,
                        FlowValue logits)
{
    Transformer transformer = find_transformer(seen, logits);
    if (const SeenValue *tokens = tokens_of_last_block(transformer, seen))
        for (const ListedLayer &entry : listed)
            if (entry.value == tokens->value)
                transformer.layer = entry.layer.name;
    return transformer;
}

void write_shape(const std::vector<int64_t> &shape, sscam_layer &entry)
{
    entry.rank = static_cast<int32_t>(std::min<size_t>(shape.size(), SSCAM_LAYER_MAX_RANK));
    std::copy_n(shape.begin(), entry.rank, entry.shape);
}

} // namespace

struct sscam_layers exported(const LayerTable &table)
{
    HostArray<sscam_layer> entries = host_array<sscam_layer>(table.layers.size()),
                           outputs = host_array<sscam_layer>(table.outputs.size());
    std::vector<std::pair<HostArray<char>, HostArray<char>>> texts;
    std::vector<HostArray<char>> names;
    for (const Layer &layer : table.layers)
        texts.emplace_back(host_string(layer.name), host_string(layer.kind));
    for (const Output &output : table.outputs)
        names.push_back(host_string(output.name));
    for (size_t i = 0; i < table.layers.size(); i++) { // nothing throws from here on
        entries[i].name = texts[i].first.release();
        entries[i].kind = texts[i].second.release();
        write_shape(table.layers[i].shape, entries[i]);
    }
    for (size_t i = 0; i < table.outputs.size(); i++) {
        outputs[i].name = names[i].release();
        outputs[i].kind = nullptr;
        write_shape(table.outputs[i].shape, outputs[i]);
    }
    return {entries.release(),
            table.layers.size(),
            table.default_index,
            outputs.release(),
            table.outputs.size(),
            static_cast<int64_t>(table.output_taken),
            {}};
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
    const bool flow_is_known = recording.logits.is_known();
    LayerTable table;
    const std::vector<Observation> &all = recording.recorder->observations;
    std::set<std::string> of_others;
    const std::vector<Observation> kept =
        flow_is_known ? of_explained_input(*recording.recorder, graph.marks(),
                                           has_other_tensors(*graph.form()), of_others)
                      : all;
    auto listed = list_layers(kept, graph.marks(), flow_is_known, marks_missing(all, kept));
    if (flow_is_known)
        describe_tokens(input.sizes(), ranks_of(kept), listed);
    table.outputs = recording.outputs;
    table.output_taken = recording.taken;
    const auto influences = [&](const Layer &layer) {
        return has_influence(graph, layer, input, output);
    };
    DefaultLayer found = find_default_layer(listed, recording.logits, input.sizes(), influences);
    table.default_index = found.index;
    table.no_default = std::move(found.reason);
    mark_maps_before_weights(listed, recording.logits, input.sizes());
    table.transformer = find_blocks(seen_values(all, graph.marks()), listed, recording.logits);
    table.not_run = names_not_run(recording.recorder->observations, graph.marks());
    table.not_run.merge(of_others);
    for (ListedLayer &entry : listed)
        table.layers.push_back(std::move(entry.layer));
    return table;
}

} // namespace sscam
