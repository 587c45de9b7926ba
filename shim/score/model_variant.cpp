#include "score/model_variant.hpp"

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/ir.h>

#include "common/guard.hpp"
#include "engine/network.hpp"

namespace sscam {

namespace jit = torch::jit;

namespace {

std::shared_ptr<jit::Graph> forward_of(const jit::Module &module)
{
    return module.get_method("forward").graph()->copy();
}

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

std::shared_ptr<const ScoringForm> form(const char *name, sscam_memory_format layout,
                                        Precision precision, std::shared_ptr<jit::Graph> graph,
                                        const jit::Module &module)
{
    return std::make_shared<const ScoringForm>(ScoringForm{
        name, layout, precision, std::make_shared<const Program>(std::move(graph), module)});
}

jit::Module with_elements(const jit::Module &module, at::ScalarType type)
{
    if (type == at::kFloat)
        return module;
    jit::Module converted = module.clone();
    converted.to(type);
    return converted;
}

} // namespace

std::shared_ptr<const ScoringForm> plain_form(std::shared_ptr<const Program> plain)
{
    return std::make_shared<const ScoringForm>(
        ScoringForm{"plain", SSCAM_MEMORY_FORMAT_NCHW, Precision(), std::move(plain)});
}

std::vector<std::shared_ptr<const ScoringForm>>
optimised_forms(const Network &network, Precision precision, bool *lacked_memory)
{
    std::vector<std::shared_ptr<const ScoringForm>> forms;
    *lacked_memory = false;
    try {
        const jit::Module module = with_elements(network.module(), precision.type);
        const jit::Module frozen = jit::freeze(module);
        forms.push_back(
            form("frozen", SSCAM_MEMORY_FORMAT_NCHW, precision, forward_of(frozen), frozen));
        auto channels_last = forward_of(frozen);
        order_weights_channels_last(channels_last->block());
        forms.push_back(
            form("channels-last", SSCAM_MEMORY_FORMAT_NHWC, precision, channels_last, frozen));

        jit::Module optimised = jit::freeze(module);
        optimised = jit::optimize_for_inference(optimised);
        forms.push_back(form("optimize_for_inference", SSCAM_MEMORY_FORMAT_NCHW, precision,
                             forward_of(optimised), optimised));
        if (network.device()
                .is_cuda()) { // on the processor its weights are in an order of their own
            auto both = forward_of(optimised);
            order_weights_channels_last(both->block());
            forms.push_back(form("optimize_for_inference channels-last", SSCAM_MEMORY_FORMAT_NHWC,
                                 precision, both, optimised));
        }
    } catch (...) {
        // What cannot be frozen is scored as it is; what was made so far can be used.
        *lacked_memory = memory_ran_out();
    }
    return forms;
}

} // namespace sscam
