#include "engine/network.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>
#include <sstream>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include "common/guard.hpp"
#include "graph/attention_taps.hpp"
#include "graph/evaluation_form.hpp"
#include "graph/gradient_taps.hpp"
#include "graph/network_facts.hpp"
#include "graph/output_reading.hpp"
#include "graph/random_numbers.hpp"
#include "graph/raw_outputs.hpp"
#include "load/module_loader.hpp"
#include "program/program_facts.hpp"
#include "score/scorer.hpp"

namespace sscam {

namespace {

// FNV-1a of the values' bits.
uint64_t hash_of(const at::Tensor &input)
{
    const at::Tensor values = input.to(at::kCPU).contiguous();
    const float *value = values.data_ptr<float>();
    uint64_t hash = 0xCBF29CE484222325u;
    for (int64_t i = 0; i < values.numel(); i++) {
        uint32_t bits;
        std::memcpy(&bits, &value[i], sizeof bits);
        hash = (hash ^ bits) * 0x100000001B3u;
    }
    return hash;
}

// Values between -1 and 1, as different from place to place as those of a normalised photograph; or
// between 0 and 255, as those of its pixels.
at::Tensor example_input(const std::vector<int64_t> &sizes, bool of_pixels)
{
    const int64_t count = c10::multiply_integers(sizes);
    const at::Tensor waves =
        at::sin(at::arange(count, at::TensorOptions().dtype(at::kFloat)) * 0.37).view(sizes);
    return of_pixels ? (127.5 * waves + 127.5).round() : waves;
}

// Where nothing tells how a network takes its input, that may be why it failed.
const char *advice_for(const InputForm &form)
{
    return form.layout().axes[0] == '\0' ? "; if it takes its axes in another order, or another "
                                           "type of numbers, say so by the "
                                           "options input_layout and input_type"
                                         : "";
}

torch::jit::Module load_for_evaluation(const sscam_byte_source &source, c10::Device device)
{
    torch::jit::Module module = load_module(source, device);
    set_evaluation_form(module, device);
    return module;
}

// The floating-point parameters of each module that has any, in the order of the file.
std::vector<std::vector<at::Tensor>> parameters_by_module(const torch::jit::Module &module)
{
    std::vector<std::vector<at::Tensor>> modules;
    for (const torch::jit::Module &part : module.modules()) {
        std::vector<at::Tensor> own;
        for (const at::Tensor &parameter : part.parameters(/*recurse=*/false))
            if (parameter.is_floating_point() && parameter.numel() > 0)
                own.push_back(parameter);
        if (!own.empty())
            modules.push_back(std::move(own));
    }
    return modules;
}

// Normal numbers with the mean and the standard deviation of the tensor's values; of a single value
// around zero, with its magnitude.
void randomise(const at::Tensor &parameter, at::Generator &generator)
{
    c10::NoGradGuard no_gradients;
    const at::Tensor values = parameter.detach().to(at::kCPU, at::kFloat);
    const bool is_single = values.numel() == 1;
    const double mean = is_single ? 0.0 : values.mean().item<double>(),
                 deviation = is_single ? std::abs(values.item<double>())
                                       : values.std(/*unbiased=*/false).item<double>();
    at::Tensor numbers = at::empty_like(values, at::MemoryFormat::Contiguous);
    numbers.normal_(0.0, 1.0, generator);
    parameter.copy_(numbers.mul_(deviation).add_(mean));
}

bool is_for_one_input(const torch::jit::Module &module)
{
    const auto exported = kept_facts(module);
    return exported && exported->takes_one_input();
}

// What the graph says, and what a program of torch.export says itself where its axes are those of
// the library's inputs. One for one input takes others one by one.
sscam_network_facts all_facts(const torch::jit::Module &module, const InputForm &form)
{
    sscam_network_facts facts = facts_of(module, form);
    const auto exported = kept_facts(module);
    if (!exported)
        return facts;
    const std::vector<int64_t> &shape = exported->input_shape;
    if (exported->class_count > 0)
        facts.class_count = exported->class_count;
    if (shape.size() < SSCAM_LEAST_RANK || shape.size() > SSCAM_MOST_RANK ||
        !sscam_input_layout_is_plain(&facts.layout))
        return facts;
    facts.rank = static_cast<int32_t>(shape.size());
    std::copy(shape.begin(), shape.end(), facts.shape);
    if (exported->takes_one_input())
        facts.shape[0] = 0;
    return facts;
}

} // namespace

std::vector<int64_t> sizes_of(const sscam_shape &shape)
{
    std::vector<int64_t> sizes(shape.rank);
    sscam_shape_write(&shape, sizes.data());
    return sizes;
}

at::Tensor spread_over(const at::Tensor &one, int64_t rows)
{
    std::vector<int64_t> sizes(one.dim(), -1);
    sizes[0] = rows;
    return one.expand(sizes);
}

at::MemoryFormat channels_last(int64_t rank)
{
    return rank == SSCAM_MOST_RANK ? at::MemoryFormat::ChannelsLast3d
                                   : at::MemoryFormat::ChannelsLast;
}

std::string shape_text(c10::IntArrayRef shape)
{
    std::ostringstream text;
    text << '[';
    for (size_t i = 0; i < shape.size(); i++)
        text << (i > 0 ? ", " : "") << shape[i];
    text << ']';
    return text.str();
}

c10::IValue run_for_output(const Program &program, const at::Tensor &input,
                           const c10::intrusive_ptr<Tap> &tap)
{
    const std::vector<int64_t> shape =
        input.sizes().vec(); // the network may change its input in place
    try {
        return program.run(input, tap);
    } catch (const InputError &) {
        throw;
    } catch (...) {
        if (memory_ran_out() || device_failed())
            throw;
        throw Error(SSCAM_E_MODEL, "the network failed on an input of shape " + shape_text(shape) +
                                       ": " + current_reason() + advice_for(program.form()));
    }
}

NetworkRun run_network(const Program &program, const at::Tensor &input,
                       const c10::intrusive_ptr<Tap> &tap, int64_t rows, const std::string &wanted)
{
    const std::vector<int64_t> shape = input.sizes().vec();
    NetworkRun run;
    run.output = run_for_output(program, input, tap);
    run.logits = read_logits(run.output, {rows > 0 ? rows : shape[0], shape.size()}, wanted,
                             &run.taken);
    return run;
}

at::Tensor run_for_logits(const Program &program, const at::Tensor &input,
                          const c10::intrusive_ptr<Tap> &tap, int64_t rows,
                          const std::string &wanted)
{
    at::Tensor logits = run_network(program, input, tap, rows, wanted).logits;
    if (logits.is_quantized())
        logits = logits.dequantize();
    if (logits.is_mkldnn())
        logits = logits.to_dense();
    return logits.to(at::kFloat);
}

Network::Network(const sscam_byte_source &source, const char *device)
    : name_(source.name), device_(device_named(device)), device_name_(device_.str()),
      module_(load_for_evaluation(source, device_)),
      graph_(std::make_unique<MarkedGraph>(module_, default_form(module_, device_)))
{
    prepare();
}

Network::Network(const Network &like, const torch::jit::Module &module)
    : name_(like.name_), device_(like.device_), device_name_(like.device_name_), module_(module),
      graph_(std::make_unique<MarkedGraph>(module_, like.form()))
{
    prepare();
}

Network::Network(const Network &other, const sscam_input_form &form)
    : name_(other.name_), device_(other.device_), device_name_(other.device_name_),
      module_(other.module_),
      graph_(std::make_unique<MarkedGraph>(
          *other.graph_, std::make_shared<const InputForm>(module_, form, device_)))
{
    prepare();
}

void Network::prepare()
{
    facts_ = all_facts(module_, *form());
    takes_one_input_ = is_for_one_input(module_);
    plain_ = graph_->program([](int64_t) { return false; });
    scorers_[SSCAM_PRECISION_FP32] = std::make_unique<Scorer>(*this, Precision());
    scorers_[SSCAM_PRECISION_BF16] = std::make_unique<Scorer>(*this, Precision{at::kBFloat16});
    scorers_[SSCAM_PRECISION_FP16] = std::make_unique<Scorer>(*this, Precision{at::kHalf});
    scorers_[SSCAM_PRECISION_TF32] = std::make_unique<Scorer>(*this, Precision{at::kFloat, true});
}

Network::~Network() = default;

at::Tensor Network::input_from(const float *values, const sscam_shape &shape) const
{
    const std::vector<int64_t> sizes = sizes_of(shape);
    const at::Tensor held = device_inputs_.find(values, c10::multiply_integers(sizes));
    if (held.defined())
        return held.view(sizes).clone(); // the network may change its input in place
    return at::from_blob(const_cast<float *>(values), sizes, at::kFloat)
        .to(device_, at::kFloat, /*non_blocking=*/false, /*copy=*/true);
}

at::Tensor Network::classify(const at::Tensor &input, const std::string &output) const
{
    const int64_t rows = input.size(0);
    if (rows == 1 || (!takes_one_input_ && form()->takes_rows(rows)))
        return run_for_logits(*plain_, input, {}, 0, output);
    std::vector<at::Tensor> logits;
    for (const at::Tensor &one : input.split(1))
        logits.push_back(run_for_logits(*plain_, one, {}, 0, output));
    return at::cat(logits);
}

// Dropout and what training alone draws are gone. Random numbers that the outputs do not depend on
// do no harm.
void Network::check_repeats(const at::Tensor &input, const std::string &output) const
{
    if (!graph_->random_operation().empty() && depends_on_random_numbers(*graph_, input, output))
        throw Error(SSCAM_E_MODEL, "its outputs are random, by " + graph_->random_operation() +
                                       ": equal inputs give different outputs, so that no map "
                                       "means anything; export the network without its noise");
}

std::shared_ptr<const LayerTable> Network::layers(const at::Tensor &input,
                                                  const std::string &output)
{
    const LayersKey key{input.sizes().vec(), graph_->branches_on_values() ? hash_of(input) : 0,
                        output};
    std::lock_guard<std::mutex> lock(mutex_);
    auto table = layers_.find(key);
    if (!table) {
        check_repeats(input, output);
        table = std::make_shared<const LayerTable>(find_layers(*graph_, input, output));
        layers_.insert(key, table);
    }
    return table;
}

std::string Network::raw_selection(const at::Tensor &input)
{
    const auto returned = outputs(input);
    return !returned->empty() && (*returned)[0].kind == "detections" ? "@detections" : "@0";
}

// Networks may treat dark or empty images apart, and refuse values outside of their range.
std::shared_ptr<const LayerTable> Network::layers_of_shape(sscam_shape shape,
                                                           const std::string &output)
{
    shape.images = 1;
    const at::Tensor waves =
        example_input(sizes_of(shape), form()->has_whole_numbers()).to(device_);
    try {
        return layers(waves, output);
    } catch (const Error &) {
        if (output.empty()) { // of a detector, which has no class scores
            try {
                return layers(waves, raw_selection(waves));
            } catch (const Error &) {
            }
        }
        for (const at::Tensor &other : {0.5 * waves + 0.5, at::zeros_like(waves)}) {
            try {
                return layers(other, output);
            } catch (const Error &) { // the first one's reason counts
            }
        }
        throw;
    }
}

std::unique_ptr<Network> Network::randomised(int64_t layers, int64_t seed,
                                             int64_t &randomised) const
{
    const torch::jit::Module copy = module_.deepcopy();
    const std::vector<std::vector<at::Tensor>> modules = parameters_by_module(copy);
    if (modules.empty())
        throw Error(SSCAM_E_UNSUPPORTED,
                    "the file has no parameters that could be randomised: they "
                    "are constants of a frozen network");
    const auto count = static_cast<int64_t>(modules.size());
    randomised = layers < 0 || layers > count ? count : layers;
    at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(static_cast<uint64_t>(seed));
    for (int64_t i = count - 1; i >= count - randomised; i--)
        for (const at::Tensor &parameter : modules[i])
            randomise(parameter, generator);
    return std::unique_ptr<Network>(new Network(*this, copy));
}

Scorer &Network::scorer(sscam_precision precision)
{
    return *scorers_.at(precision);
}

std::shared_ptr<const Network::TokenOrder>
Network::token_order(const Layer &layer, const at::Tensor &input,
                     const std::function<TokenOrder()> &find)
{
    const std::pair<std::string, uint64_t> key(layer.name, hash_of(input));
    {
        std::lock_guard<std::mutex> lock(mutex_);
        if (auto kept = token_orders_.find(key))
            return kept;
    }
    auto order = std::make_shared<const TokenOrder>(find()); // runs the network: no lock is held
    std::lock_guard<std::mutex> lock(mutex_);
    token_orders_.insert(key, order);
    return order;
}

std::shared_ptr<const Program> Network::gradient_program(sscam_gradient_kind kind,
                                                         Detaching detaching)
{
    std::lock_guard<std::mutex> lock(mutex_);
    std::shared_ptr<const Program> &program = gradient_programs_[{kind, detaching}];
    if (!program)
        program = graph_->program([](int64_t) { return false; }, detaching,
                                  [kind](torch::jit::Graph &graph, torch::jit::Value *tap) {
                                      insert_gradient_taps(graph, tap, kind);
                                  });
    return program;
}

std::shared_ptr<const Program> Network::attention_program(const Transformer &transformer,
                                                          Detaching detaching)
{
    std::set<int64_t> marks;
    for (const TransformerBlock &block : transformer.blocks)
        marks.insert({block.attention.mark, block.tokens.mark});
    const std::pair<std::set<int64_t>, Detaching> key(marks, detaching);
    std::lock_guard<std::mutex> lock(mutex_);
    auto program = attention_programs_.find(key);
    if (!program) {
        program = graph_->program([&](int64_t mark) { return marks.count(mark) != 0; }, detaching,
                                  insert_attention_notes);
        attention_programs_.insert(key, program);
    }
    return program;
}

std::shared_ptr<const std::vector<Network::Returned>> Network::outputs(const at::Tensor &input)
{
    const std::vector<int64_t> shape = input.sizes().vec();
    {
        std::lock_guard<std::mutex> lock(mutex_);
        if (auto kept = outputs_.find(shape))
            return kept;
    }
    static const char *const names[] = {"", "softmax", "sigmoid"}; // of sscam_score_kind
    const LostActivations &lost = graph_->lost_activations();
    const c10::IValue output = run_for_output(*plain_, input.clone());
    std::vector<Returned> found;
    if (lists_detections(output, shape[0])) {
        found.push_back(
            {{"detections", {shape[0], SSCAM_LISTED_DETECTIONS_LIMIT, SSCAM_LISTED_DETECTION_SIZE}},
             "detections"});
    } else {
        for (const Output &one : list_outputs(output)) {
            const bool is_known = found.size() < lost.kinds.size();
            found.push_back({one, is_known          ? names[lost.kinds[found.size()]]
                                  : lost.has_others ? "unknown"
                                                    : ""});
        }
    }
    auto kept = std::make_shared<const std::vector<Returned>>(std::move(found));
    std::lock_guard<std::mutex> lock(mutex_);
    outputs_.insert(shape, kept);
    return kept;
}

std::shared_ptr<const Program> Network::tapped_at(const Layer &layer, Detaching detaching)
{
    std::lock_guard<std::mutex> lock(mutex_);
    const std::pair<std::string, Detaching> key(layer.name, detaching);
    auto program = tapped_.find(key);
    if (!program) {
        const std::set<int64_t> marks(layer.marks.begin(), layer.marks.end());
        program = graph_->program([&](int64_t mark) { return marks.count(mark) != 0; }, detaching);
        tapped_.insert(key, program);
    }
    return program;
}

} // namespace sscam
