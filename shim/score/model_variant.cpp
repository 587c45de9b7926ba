#include "score/model_variant.hpp"

#include <new>

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/ir.h>

#include "common/guard.hpp"
#include "common/log_queue.hpp"
#include "engine/network.hpp"
#include "graph/final_activation.hpp"

namespace sscam {

namespace jit = torch::jit;

namespace {

void order_weights_channels_last(jit::Block *block)
{
    for (jit::Node *node : block->nodes()) {
        for (jit::Block *inner : node->blocks())
            order_weights_channels_last(inner);
        if (node->kind() != c10::prim::Constant || !node->hasAttribute(c10::attr::value) ||
            node->kindOf(c10::attr::value) != jit::AttributeKind::t)
            continue;
        const at::Tensor &weights = node->t(c10::attr::value);
        if ((weights.dim() == SSCAM_IMAGE_RANK || weights.dim() == SSCAM_MOST_RANK) &&
            weights.layout() == at::kStrided)
            node->t_(c10::attr::value, weights.contiguous(channels_last(weights.dim())));
    }
}

// Both names of a variant.
#define NAMES(name) name, name "; one by one, since batches change the outputs of their rows"

std::shared_ptr<const ModelVariant> variant(const char *name, const char *name_one_by_one,
                                            sscam_memory_format layout, Precision precision,
                                            std::shared_ptr<jit::Graph> graph,
                                            const jit::Module &module,
                                            const std::shared_ptr<const InputForm> &form)
{
    return std::make_shared<const ModelVariant>(
        ModelVariant{name, name_one_by_one, layout, precision,
                     std::make_shared<const Program>(std::move(graph), module, form)});
}

jit::Module with_elements(const jit::Module &module, at::ScalarType type)
{
    if (type == at::kFloat)
        return module;
    jit::Module converted = module.clone();
    converted.to(type);
    return converted;
}

void add_optimized_variants(const Network &network, Precision precision, ModelVariants &variants)
{
    const auto &form = network.form();
    const jit::Module module = with_elements(network.module(), precision.type);
    const jit::Module frozen = jit::freeze(module);
    variants.list.push_back(variant(NAMES("frozen"), SSCAM_MEMORY_FORMAT_NCHW, precision,
                                    scoring_graph(frozen), frozen, form));
    auto nhwc = scoring_graph(frozen);
    order_weights_channels_last(nhwc->block());
    variants.list.push_back(
        variant(NAMES("channels-last"), SSCAM_MEMORY_FORMAT_NHWC, precision, nhwc, frozen, form));

    jit::Module optimized = jit::freeze(module);
    optimized = jit::optimize_for_inference(optimized);
    variants.list.push_back(variant(NAMES("optimize_for_inference"), SSCAM_MEMORY_FORMAT_NCHW,
                                    precision, scoring_graph(optimized), optimized, form));
    if (network.device().is_cpu()) // where its weights are in an order of their own
        return;
    auto optimized_nhwc = scoring_graph(optimized);
    order_weights_channels_last(optimized_nhwc->block());
    variants.list.push_back(variant(NAMES("optimize_for_inference channels-last"),
                                    SSCAM_MEMORY_FORMAT_NHWC, precision, optimized_nhwc, optimized,
                                    form));
}

} // namespace

std::shared_ptr<jit::Graph> scoring_graph(const jit::Module &frozen)
{
    std::shared_ptr<jit::Graph> graph = frozen.get_method("forward").graph()->copy();
    remove_final_activation(*graph);
    return graph;
}

std::shared_ptr<const ModelVariant> plain_variant(std::shared_ptr<const Program> plain)
{
    return std::make_shared<const ModelVariant>(
        ModelVariant{NAMES("plain"), SSCAM_MEMORY_FORMAT_NCHW, Precision(), std::move(plain)});
}

ModelVariants make_variants(const Network &network, Precision precision)
{
    if (precision.tf32 && !network.device().is_cuda())
        throw Error(SSCAM_E_UNSUPPORTED,
                    "precision=tf32: the device " + network.device_name() + " has none");
    ModelVariants variants;
    if (precision.type == at::kFloat)
        variants.list.push_back(plain_variant(network.plain()));
    try {
        add_optimized_variants(network, precision, variants);
    } catch (...) {
        // A network that cannot be frozen is scored as it is; variants made before are kept.
        variants.lacked_memory = memory_ran_out();
        log_message(SSCAM_LOG_INFO, [&] {
            return "of the forms of the network, " + std::to_string(variants.list.size()) +
                   " can be made: " + current_reason();
        });
    }
    if (variants.list.empty() && variants.lacked_memory)
        throw std::bad_alloc();
    if (variants.list.empty())
        throw Error(SSCAM_E_UNSUPPORTED, std::string("the network cannot be converted to ") +
                                             at::toString(precision.type));
    return variants;
}

} // namespace sscam
