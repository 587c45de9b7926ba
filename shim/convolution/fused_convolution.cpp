#include "convolution/fused_convolution.hpp"

#include <algorithm>
#include <ctime>
#include <limits>
#include <mutex>
#include <new>
#include <optional>
#include <utility>

#include <ATen/Parallel.h>
#include <torch/csrc/jit/runtime/operator.h>

#include "common/forked_child.hpp"
#include "common/guard.hpp"

namespace sscam {

namespace jit = torch::jit;

namespace {

constexpr int64_t rank = 4; // [N,C,H,W]
constexpr auto channels_last_order = at::MemoryFormat::ChannelsLast;

std::optional<sscam_convolution_algorithm> algorithm_of(ConvolutionChoice choice)
{
    switch (choice) {
    case ConvolutionChoice::direct: return SSCAM_CONVOLUTION_DIRECT;
    case ConvolutionChoice::winograd_2: return SSCAM_CONVOLUTION_WINOGRAD_2;
    case ConvolutionChoice::winograd_4: return SSCAM_CONVOLUTION_WINOGRAD_4;
    default: return std::nullopt;
    }
}

// Values that memory holds as they are.
bool is_plain(const at::Tensor &tensor)
{
    return tensor.dim() == rank && tensor.scalar_type() == at::kFloat && tensor.is_cpu() &&
           tensor.layout() == at::kStrided && !tensor.is_neg() && !tensor._is_zerotensor() &&
           tensor.numel() > 0;
}

std::vector<int64_t> output_sizes(const sscam_convolution_geometry &geometry,
                                  const at::Tensor &input)
{
    return {input.size(0), geometry.outputs,
            sscam_convolution_output_height(&geometry, input.size(2)),
            sscam_convolution_output_width(&geometry, input.size(3))};
}

// Threads take equal parts of the blocks, each with scratch memory of its own.
void run_blocks(const sscam_convolution &convolution, const sscam_convolution_call &call)
{
    const int64_t blocks = sscam_convolution_block_count(&convolution, &call);
    const int64_t size = sscam_convolution_scratch_size(&convolution, &call);
    const int64_t parts = std::min<int64_t>(blocks, at::get_num_threads());
    const at::Tensor scratch = at::empty({parts * size}, at::kFloat);
    float *const memory = scratch.data_ptr<float>();
    at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
        for (int64_t part = begin; part < end; part++)
            sscam_convolution_run(&convolution, &call, blocks * part / parts,
                                  blocks * (part + 1) / parts, memory + part * size);
    });
}

// --- the operator --------------------------------------------------------------------------------

// (Tensor input, Tensor? residual) -> Tensor. Without a schema: of operators that have one,
// libtorch makes a single operation for all nodes.
const c10::Symbol &operator_symbol()
{
    static const c10::Symbol symbol = c10::Symbol::fromQualString("sscam::convolution");
    return symbol;
}

// A model file may name the operator, but cannot give a node an attribute.
c10::intrusive_ptr<FusedConvolution> convolution_of(const jit::Node *node)
{
    if (node->hasAttribute(c10::attr::value) &&
        node->kindOf(c10::attr::value) == jit::AttributeKind::ival) {
        const c10::IValue &value = node->ival(c10::attr::value);
        if (value.isCapsule())
            if (auto *found = dynamic_cast<FusedConvolution *>(value.toCapsule().get()))
                return c10::intrusive_ptr<FusedConvolution>::reclaim_copy(found);
    }
    throw Error(SSCAM_E_MODEL, "the operator sscam::convolution is the library's own");
}

jit::Operation operation_of(const jit::Node *node)
{
    return [convolution = convolution_of(node)](jit::Stack &stack) {
        const c10::IValue residual = jit::pop(stack);
        const at::Tensor input = jit::pop(stack).toTensor();
        stack.emplace_back(
            convolution->run(input, residual.isNone() ? at::Tensor() : residual.toTensor()));
    };
}

void register_operator()
{
    static std::once_flag once;
    std::call_once(once, [] {
        jit::registerOperator(
            jit::Operator(operator_symbol(), operation_of, c10::AliasAnalysisKind::PURE_FUNCTION));
    });
}

// --- measuring -----------------------------------------------------------------------------------

// Of this thread alone: the machine may have other work.
double processor_seconds()
{
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// The first run also brings weights and code into the caches, which matters where it is short.
double seconds_of_run(FusedConvolution &convolution, const at::Tensor &input,
                      const at::Tensor &residual)
{
    constexpr double long_run = 0.004;
    double least = std::numeric_limits<double>::infinity();
    for (int run = 0; run < 3 && (run == 0 || least < long_run); run++) {
        const double start = processor_seconds();
        convolution.run(input, residual);
        least = std::min(least, processor_seconds() - start);
    }
    return least;
}

// Multiplications and additions of the direct method.
double operations_of(const sscam_convolution_geometry &g, const at::Tensor &input)
{
    const std::vector<int64_t> sizes = output_sizes(g, input);
    return 2.0 * static_cast<double>(c10::multiply_integers(sizes)) *
           static_cast<double>(g.inputs * g.kernel_height * g.kernel_width);
}

} // namespace

void ConvolutionTimer::choose(FusedConvolution &convolution, const at::Tensor &input,
                              const at::Tensor &residual)
{
    const ConvolutionLayer &layer = convolution.layer();
    const sscam_convolution_geometry &g = layer.geometry;
    const Key key = {{g.inputs, g.outputs, g.kernel_height, g.kernel_width, g.stride_y, g.stride_x,
                      g.padding_y, g.padding_x},
                     input.sizes().vec(),
                     residual.defined(),
                     layer.relu};
    const auto known = known_.find(key);
    if (known != known_.end()) {
        convolution.choose(known->second);
        return;
    }
    const ConvolutionChoice fastest = measure(convolution, input, residual);
    convolution.choose(fastest);
    known_.emplace(key, fastest);
}

// From the fewest multiplications on. Those that have more are left out where the operations a
// second that they would need have not been seen.
ConvolutionChoice ConvolutionTimer::measure(FusedConvolution &convolution, const at::Tensor &input,
                                            const at::Tensor &residual)
{
    constexpr struct {
        ConvolutionChoice choice;
        double saving; // of multiplications
    } candidates[] = {{ConvolutionChoice::winograd_4, 4.0},
                      {ConvolutionChoice::winograd_2, 2.25},
                      {ConvolutionChoice::direct, 1.0},
                      {ConvolutionChoice::libtorch, 1.0}};
    const OperationThreads one(1);
    const double operations = operations_of(convolution.layer().geometry, input);
    ConvolutionChoice fastest = ConvolutionChoice::libtorch;
    double least = std::numeric_limits<double>::infinity();
    for (const auto &candidate : candidates) {
        if (!convolution.is_possible(candidate.choice) ||
            (direct_rate_ > 0.0 && operations > 1.1 * candidate.saving * direct_rate_ * least))
            continue;
        convolution.choose(candidate.choice);
        const double seconds = seconds_of_run(convolution, input, residual);
        if (candidate.saving == 1.0)
            direct_rate_ = std::max(direct_rate_, operations / seconds);
        if (seconds < least) {
            least = seconds;
            fastest = candidate.choice;
        }
    }
    return fastest;
}

FusedConvolution::FusedConvolution(ConvolutionLayer layer) : layer_(std::move(layer)) {}

at::Tensor FusedConvolution::run(const at::Tensor &input, const at::Tensor &residual)
{
    if (chooser_)
        std::exchange(chooser_, nullptr)->choose(*this, input, residual);
    return code_ && takes(input, residual) ? run_own(input, residual)
                                           : run_libtorch(input, residual);
}

bool FusedConvolution::is_possible(ConvolutionChoice choice) const
{
    const auto algorithm = algorithm_of(choice);
    return !algorithm || sscam_convolution_is_possible(&layer_.geometry, *algorithm);
}

void FusedConvolution::choose(ConvolutionChoice choice)
{
    Code code;
    at::Tensor ordered;
    if (const auto algorithm = algorithm_of(choice)) {
        const at::Tensor weight = layer_.weight.contiguous(at::MemoryFormat::Contiguous);
        sscam_convolution *made = nullptr;
        const sscam_status status = sscam_convolution_create(
            &layer_.geometry, weight.data_ptr<float>(), *algorithm, sscam_convolution_best_target(),
            &made);
        if (status == SSCAM_E_MEMORY)
            throw std::bad_alloc();
        throw_if_failed(status);
        code = Code(made, [](const sscam_convolution *convolution) {
            sscam_convolution_destroy(const_cast<sscam_convolution *>(convolution));
        });
    } else {
        ordered = layer_.weight.contiguous(channels_last_order);
    }
    code_ = std::move(code);
    libtorch_weight_ = std::move(ordered);
    choice_ = choice;
}

bool FusedConvolution::takes(const at::Tensor &input, const at::Tensor &residual) const
{
    if (!is_plain(input) || input.size(1) != layer_.geometry.inputs)
        return false;
    const std::vector<int64_t> sizes = output_sizes(layer_.geometry, input);
    return sizes[2] > 0 && sizes[3] > 0 &&
           (!residual.defined() || (is_plain(residual) && residual.sizes() == sizes));
}

at::Tensor FusedConvolution::run_libtorch(const at::Tensor &input, const at::Tensor &residual) const
{
    const sscam_convolution_geometry &g = layer_.geometry;
    at::Tensor sums = at::conv2d(
        input, libtorch_weight_.defined() ? libtorch_weight_ : layer_.weight, layer_.bias,
        at::IntArrayRef({g.stride_y, g.stride_x}), at::IntArrayRef({g.padding_y, g.padding_x}));
    if (residual.defined())
        sums = at::add(sums, residual);
    return layer_.relu ? at::relu_(sums) : sums;
}

at::Tensor FusedConvolution::run_own(const at::Tensor &input, const at::Tensor &residual) const
{
    const at::Tensor ordered = input.contiguous(channels_last_order);
    const at::Tensor added = residual.defined() ? residual.contiguous(channels_last_order)
                                                : residual;
    at::Tensor output = at::empty(output_sizes(layer_.geometry, input), at::kFloat,
                                  channels_last_order);
    sscam_convolution_call call = {};
    call.images = input.size(0);
    call.height = input.size(2);
    call.width = input.size(3);
    call.input = ordered.data_ptr<float>();
    call.bias = layer_.bias.defined() ? layer_.bias.data_ptr<float>() : nullptr;
    call.residual = added.defined() ? added.data_ptr<float>() : nullptr;
    call.relu = layer_.relu;
    call.output = output.data_ptr<float>();
    run_blocks(*code_, call);
    return output;
}

jit::Node *insert_convolution(const c10::intrusive_ptr<FusedConvolution> &convolution,
                              jit::Value *input, jit::Value *residual, jit::Node *next)
{
    register_operator();
    jit::Graph &graph = *next->owningGraph();
    if (!residual)
        residual = graph.createNone()->insertBefore(next)->output();
    jit::Node *node = graph.create(operator_symbol(), {input, residual}, 1)->insertBefore(next);
    node->ival_(c10::attr::value, c10::IValue::make_capsule(convolution));
    return node;
}

} // namespace sscam
