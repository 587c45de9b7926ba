// Measures the form of a network that has the library's own convolutions beside libtorch's forms.
//
// usage: convolution-bench MODEL.pt [rounds=5] [side=224] [batch=0] [layers=1]
//
// Passes a second of each form and batch size (batch=0: 1, 4, 8 and 16), on one thread, in
// processor time: medians of rounds in which all are measured in turn. Then, with layers=1, each
// layer: billions of operations of the direct method (two for each weight and output position) a
// second, by each algorithm and by the better of libtorch's two memory orders. The input is random.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "base/byte_source.h"
#include "convolution/convolution_fusion.hpp"
#include "engine/network.hpp"
#include "score/model_variant.hpp"
#include "score/scoring_plan.hpp"
#include "score/winograd_variant.hpp"
#include "sscam/sscam.h"

using namespace sscam;

namespace {

int64_t rounds = 5, side = 224, only_batch = 0, shows_layers = 0;

double processor_seconds()
{
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double seconds_of(const std::function<void()> &work)
{
    const double start = processor_seconds();
    work();
    return processor_seconds() - start;
}

double median(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// --- networks ------------------------------------------------------------------------------------

struct Measured {
    std::shared_ptr<const ModelVariant> variant;
    int64_t batch;
    at::Tensor input;
    std::vector<double> seconds; // for each pass
};

void measure_forms(const std::vector<std::shared_ptr<const ModelVariant>> &variants)
{
    std::vector<Measured> all;
    const std::vector<int64_t> sizes = only_batch ? std::vector<int64_t>{only_batch}
                                                  : std::vector<int64_t>{1, 4, 8, 16};
    for (const auto &variant : variants)
        for (int64_t batch : sizes)
            all.push_back({variant,
                           batch,
                           at::randn({batch, 3, side, side})
                               .contiguous(variant->layout == SSCAM_MEMORY_FORMAT_NHWC
                                               ? at::MemoryFormat::ChannelsLast
                                               : at::MemoryFormat::Contiguous),
                           {}});
    for (int64_t round = -1; round < rounds; round++) // the first prepares memory and kernels
        for (Measured &one : all) {
            const double seconds = seconds_of([&] { one.variant->program->run(one.input); });
            if (round >= 0)
                one.seconds.push_back(seconds / static_cast<double>(one.batch));
        }
    double best = 0.0, best_of_libtorch = 0.0;
    for (const Measured &one : all) {
        const double rate = 1.0 / median(one.seconds);
        std::printf("%-24s batch %2lld  %8.2f passes/s\n", one.variant->name,
                    static_cast<long long>(one.batch), rate);
        double &of_kind = one.variant->choices.empty() ? best_of_libtorch : best;
        of_kind = std::max(of_kind, rate);
    }
    std::printf("own %.2f, libtorch %.2f passes/s, ratio %.2f\n", best, best_of_libtorch,
                best / best_of_libtorch);
}

// --- layers --------------------------------------------------------------------------------------

double best_seconds(const std::function<void()> &work)
{
    double least = std::numeric_limits<double>::infinity(), sum = 0.0;
    for (int run = 0; run < 2 || (run < 50 && sum < 0.2); run++) {
        const double seconds = seconds_of(work);
        least = std::min(least, seconds);
        sum += seconds;
    }
    return least;
}

void measure_layer(FusedConvolution &convolution, int64_t height, int64_t width, int64_t batch)
{
    const sscam_convolution_geometry &g = convolution.layer().geometry;
    const int64_t out_height = sscam_convolution_output_height(&g, height),
                  out_width = sscam_convolution_output_width(&g, width);
    const double operations = 2e-9 *
                              static_cast<double>(batch * out_height * out_width * g.inputs *
                                                  g.outputs * g.kernel_height * g.kernel_width);
    const at::Tensor input = at::randn({batch, g.inputs, height, width});
    const at::Tensor ordered = input.contiguous(at::MemoryFormat::ChannelsLast);
    const ConvolutionChoice chosen = convolution.choice();
    convolution.choose(ConvolutionChoice::libtorch);
    double libtorch = best_seconds([&] { convolution.run(ordered, {}); });
    const at::Tensor weight = convolution.layer().weight.contiguous();
    libtorch = std::min(libtorch, best_seconds([&] {
                            at::Tensor sums = at::conv2d(
                                input, weight, convolution.layer().bias,
                                at::IntArrayRef({g.stride_y, g.stride_x}),
                                at::IntArrayRef({g.padding_y, g.padding_x}));
                            if (convolution.layer().relu)
                                at::relu_(sums);
                        }));
    std::printf("| %lld x %lld x %lld to %lld, %lldx%lld, stride %lld | %lld | %.0f |",
                static_cast<long long>(g.inputs), static_cast<long long>(height),
                static_cast<long long>(width), static_cast<long long>(g.outputs),
                static_cast<long long>(g.kernel_height), static_cast<long long>(g.kernel_width),
                static_cast<long long>(g.stride_y), static_cast<long long>(batch),
                operations / libtorch);
    for (ConvolutionChoice choice : {ConvolutionChoice::direct, ConvolutionChoice::winograd_2,
                                     ConvolutionChoice::winograd_4}) {
        if (!convolution.is_possible(choice)) {
            std::printf(" |");
            continue;
        }
        convolution.choose(choice);
        std::printf(" %.0f |", operations / best_seconds([&] { convolution.run(ordered, {}); }));
    }
    std::printf(" `%c` |\n", static_cast<char>(chosen));
    convolution.choose(chosen);
}

int usage()
{
    std::fputs("usage: convolution-bench MODEL.pt [rounds=5] [side=224] [batch=0] [layers=1]\n",
               stderr);
    return 2;
}

bool read_argument(const char *argument)
{
    const struct {
        const char *name;
        int64_t *value;
    } known[] = {{"rounds=", &rounds},
                 {"side=", &side},
                 {"batch=", &only_batch},
                 {"layers=", &shows_layers}};
    for (const auto &row : known)
        if (std::strncmp(argument, row.name, std::strlen(row.name)) == 0) {
            *row.value = std::strtol(argument + std::strlen(row.name), nullptr, 10);
            return *row.value >= 0;
        }
    return false;
}

// Measures each kind of layer when it runs first.
class LayerTable : public ConvolutionChooser {
public:
    void choose(FusedConvolution &convolution, const at::Tensor &input,
                const at::Tensor &residual) override
    {
        ConvolutionTimer().choose(convolution, input, residual);
        const sscam_convolution_geometry &g = convolution.layer().geometry;
        const std::vector<int64_t> key = {g.inputs,   g.outputs,  g.kernel_height, g.kernel_width,
                                          g.stride_y, g.stride_x, input.size(2),   input.size(3)};
        if (known_.insert(key).second)
            measure_layer(convolution, input.size(2), input.size(3), input.size(0));
    }

private:
    std::set<std::vector<int64_t>> known_;
};

void measure_layers(const torch::jit::Module &frozen)
{
    std::printf("| layer | batch | libtorch | direct | F(2x2) | F(4x4) | chosen |\n"
                "| --- | --- | --- | --- | --- | --- | --- |\n");
    for (int64_t batch : {4, 16}) {
        const auto graph = scoring_graph(frozen);
        const auto convolutions = fuse_convolutions(graph);
        LayerTable table;
        for (const auto &convolution : convolutions)
            convolution->choose_with(&table);
        const at::Tensor input =
            at::randn({batch, 3, side, side}).contiguous(at::MemoryFormat::ChannelsLast);
        Program(graph, frozen, default_form(frozen, at::kCPU)).run(input);
    }
}

int measure(const sscam_byte_source &source)
{
    Network network(source, nullptr);
    ModelVariants variants = make_variants(network, Precision());
    const at::Tensor input = at::randn({1, 3, side, side});
    const ReferenceInput reference{input, network.classify(input.clone()), ""};
    bool lacked_memory = false;
    const double start = processor_seconds();
    auto own = measured_winograd_variant(variants, reference, 4, &lacked_memory);
    if (!own) {
        std::fputs("the network has no form with convolutions of the library's own\n", stderr);
        return 1;
    }
    std::printf("%s, chosen in %.2f s; largest difference of a logit %.2g of %.2g\n",
                own->form().c_str(), processor_seconds() - start,
                (own->program->run(input).toTensor() - reference.logits).abs().max().item<double>(),
                reference.logits.abs().max().item<double>());
    variants.list.erase(variants.list.begin()); // the plain one
    variants.list.push_back(own);
    measure_forms(variants.list);
    if (shows_layers)
        measure_layers(variants.list.front()->program->module());
    return 0;
}

} // namespace

int main(int argc, char **argv)
{
    if (argc < 2)
        return usage();
    for (int i = 2; i < argc; i++)
        if (!read_argument(argv[i]))
            return usage();
    at::set_num_threads(1);
    at::manual_seed(1);
    const at::NoGradGuard no_gradients;
    sscam_byte_source source;
    if (sscam_byte_source_open(argv[1], SIZE_MAX, &source)) {
        std::fprintf(stderr, "%s\n", sscam_last_error());
        return 1;
    }
    int status = 1;
    try {
        status = measure(source);
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
    }
    sscam_byte_source_close(&source);
    return status;
}
