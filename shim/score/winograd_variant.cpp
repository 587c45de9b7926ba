#include "score/winograd_variant.hpp"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "common/forked_child.hpp"
#include "common/guard.hpp"
#include "common/log_queue.hpp"
#include "convolution/convolution_fusion.hpp"
#include "engine/network.hpp"

namespace sscam {

namespace jit = torch::jit;

namespace {

constexpr char name[] = "winograd",
               name_one_by_one[] =
                   "winograd; one by one, since batches change the outputs of their rows";

// A graph with operators of the library's own, which know what they compute once it is a variant's.
struct FusedNetwork {
    const jit::Module module;
    const std::shared_ptr<const InputForm> form;
    const std::shared_ptr<jit::Graph> graph;
    const std::vector<c10::intrusive_ptr<FusedConvolution>> convolutions;

    explicit FusedNetwork(const Program &frozen)
        : module(frozen.module()), form(frozen.shared_form()), graph(scoring_graph(module)),
          convolutions(fuse_convolutions(graph))
    {
    }

    std::string choices() const
    {
        std::string text;
        for (const auto &convolution : convolutions)
            text += static_cast<char>(convolution->choice());
        return text;
    }

    std::shared_ptr<ModelVariant> variant() const
    {
        return std::make_shared<ModelVariant>(
            ModelVariant{name, name_one_by_one, SSCAM_MEMORY_FORMAT_NHWC, Precision(),
                         std::make_shared<const Program>(graph, module, form), choices()});
    }
};

// The frozen module that a network's variants were made from; null: it has none in float32.
const ModelVariant *frozen_variant(const ModelVariants &variants)
{
    for (const auto &variant : variants.list)
        if (std::strcmp(variant->name, "frozen") == 0 && variant->precision.is_exact())
            return variant.get();
    return nullptr;
}

// Runs the network once, in which each convolution chooses.
std::shared_ptr<const ModelVariant> measure(const ModelVariant &frozen,
                                            const ReferenceInput &reference, int64_t rows)
{
    const FusedNetwork network(*frozen.program);
    if (network.convolutions.empty())
        return nullptr;
    ConvolutionTimer timer;
    for (const auto &convolution : network.convolutions)
        convolution->choose_with(&timer);
    const auto variant = network.variant();
    const at::Tensor batch =
        spread_over(reference.input, rows).clone(channels_last(reference.input.dim()));
    *reference.passes += rows;
    run_for_logits(*variant->program, batch, {}, 0, reference.output);
    for (const auto &convolution : network.convolutions)
        convolution->choose_with(nullptr); // of branches that were not taken
    variant->choices = network.choices();
    const char libtorch = static_cast<char>(ConvolutionChoice::libtorch);
    return variant->choices.find_first_not_of(libtorch) == std::string::npos ? nullptr : variant;
}

} // namespace

std::shared_ptr<const ModelVariant> measured_winograd_variant(const ModelVariants &variants,
                                                              const ReferenceInput &reference,
                                                              int64_t rows, bool *lacked_memory)
{
    const ModelVariant *frozen = frozen_variant(variants);
    if (!frozen || reference.input.dim() != SSCAM_IMAGE_RANK || !reference.input.is_cpu())
        return nullptr;
    try {
        return measure(*frozen, reference, rows);
    } catch (...) {
        *lacked_memory |= memory_ran_out();
        log_message(SSCAM_LOG_INFO, [&] {
            return std::string("the form ") + name + " cannot be made: " + current_reason();
        });
        return nullptr;
    }
}

std::shared_ptr<const ModelVariant> named_winograd_variant(const ModelVariants &variants,
                                                           const std::string &form)
{
    const std::string start = name + std::string(" ");
    const ModelVariant *frozen = frozen_variant(variants);
    if (!frozen || form.compare(0, start.size(), start) != 0)
        return nullptr;
    const std::string choices = form.substr(start.size());
    const FusedNetwork network(*frozen->program);
    if (choices.size() != network.convolutions.size())
        return nullptr;
    for (size_t i = 0; i < choices.size(); i++) {
        const auto choice = static_cast<ConvolutionChoice>(choices[i]);
        if (!std::strchr("td24", choices[i]) || !network.convolutions[i]->is_possible(choice))
            return nullptr;
        network.convolutions[i]->choose(choice);
    }
    return network.variant();
}

} // namespace sscam
