#include "graph/network_facts.hpp"

#include <set>
#include <string>

#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/inliner.h>

#include "graph/known_values.hpp"

namespace sscam {

namespace jit = torch::jit;

namespace {

// --- the output ----------------------------------------------------------------------------------

// Outputs of a linear layer's weight; 0 where the value is of another kind.
int64_t class_count(const jit::Value *value, const Weights &weights, int depth)
{
    static const std::set<std::string> of_each_class = {
        "aten::softmax",    "aten::log_softmax", "aten::sigmoid", "aten::dropout", "aten::dropout_",
        "aten::contiguous", "aten::clone",       "aten::detach",  "aten::to",      "aten::relu"};
    const jit::Node *node = value->node();
    if (depth > 16 || !value->type()->isSubtypeOf(*c10::TensorType::get()))
        return 0;
    if (is_one_of(node, of_each_class))
        return class_count(node->input(0), weights, depth + 1);
    if (node->kind() == c10::aten::linear) {
        const auto weight = weights.find(node->input(1));
        return weight && weight->dim() == 2 ? weight->size(0) : 0;
    }
    if (node->kind() == c10::aten::addmm && node->input(2)->node()->kind() == c10::aten::t) {
        const auto weight = weights.find(node->input(2)->node()->input(0));
        return weight && weight->dim() == 2 ? weight->size(0) : 0;
    }
    if (node->kind() != c10::prim::If)
        return 0;
    const int64_t count = class_count(node->blocks()[0]->outputs()[value->offset()], weights,
                                      depth + 1);
    return count == class_count(node->blocks()[1]->outputs()[value->offset()], weights, depth + 1)
               ? count
               : 0;
}

int64_t class_count_of(const jit::Module &module)
{
    const auto graph = module.get_method("forward").graph()->copy();
    jit::Inline(*graph);
    return graph->outputs().size() == 1 ? class_count(graph->outputs()[0], Weights(module), 0) : 0;
}

} // namespace

sscam_network_facts facts_of(const jit::Module &module, const InputForm &form) noexcept
{
    sscam_network_facts facts = {};
    facts.layout = form.layout();
    facts.type = form.type();
    try {
        const InputReading *reading = form.reading();
        if (reading && reading->is_certain && reading->is_image) {
            facts.rank = sscam_input_layout_rank(&facts.layout);
            facts.shape[1] = reading->channels;
        }
        facts.class_count = class_count_of(module);
    } catch (...) { // nothing is certain of an odd graph
    }
    return facts;
}

} // namespace sscam
