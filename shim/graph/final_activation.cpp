#include "graph/final_activation.hpp"

#include <string>
#include <unordered_set>

#include <torch/csrc/jit/ir/constants.h>

namespace sscam {

namespace jit = torch::jit;
namespace prim = c10::prim;

namespace {

using Names = std::unordered_set<std::string>;

bool is_one_of(const jit::Node *node, const Names &names)
{
    return names.count(node->kind().toQualString()) != 0;
}

// Operations that leave the values as they are.
bool passes_values_on(const jit::Node *node)
{
    static const Names operations = {
        "sscam::mark",   "aten::squeeze",    "aten::view",    "aten::reshape",
        "aten::flatten", "aten::unsqueeze",  "aten::to",      "aten::clone",
        "aten::alias",   "aten::contiguous", "aten::dropout", "aten::detach",
    };
    return is_one_of(node, operations);
}

// An input of a node.
struct Place {
    jit::Node *user;
    size_t position;

    jit::Value *value() const { return user->input(position); }
    jit::Node *maker() const { return value()->node(); }
};

bool is_over_classes(const jit::Node *softmax)
{
    const jit::Value *input = softmax->input(1);
    while (input->node()->kind() == prim::unchecked_cast)
        input = input->node()->input();
    const auto dim = jit::toIValue(input);
    return dim && dim->isInt() && (dim->toInt() == 1 || dim->toInt() == 2 || dim->toInt() == -1);
}

// The place where logits enter the activation that makes the value at `last`, and its kind. The
// value must be used by nothing else on the way.
sscam_score_kind find_activation(Place last, Place &activated, jit::Value *&logits)
{
    activated = last;
    while (passes_values_on(activated.maker()) && activated.value()->uses().size() == 1)
        activated = {activated.maker(), 0};
    jit::Node *node = activated.maker();
    if (is_one_of(node, {"aten::exp"})) { // of a log-softmax
        Place inner = {node, 0};
        while (passes_values_on(inner.maker()))
            inner = {inner.maker(), 0};
        node = inner.maker();
        if (!is_one_of(node, {"aten::log_softmax"}) || !is_over_classes(node))
            return SSCAM_SCORE_LOGIT;
        logits = node->input(0);
        return SSCAM_SCORE_SOFTMAX;
    }
    const bool is_softmax = is_one_of(node, {"aten::softmax"}) && is_over_classes(node);
    if (!is_softmax && !is_one_of(node, {"aten::sigmoid"}))
        return SSCAM_SCORE_LOGIT;
    logits = node->input(0);
    return is_softmax ? SSCAM_SCORE_SOFTMAX : SSCAM_SCORE_SIGMOID;
}

sscam_score_kind remove_from(Place last)
{
    jit::Node *maker = last.maker();
    sscam_score_kind found = SSCAM_SCORE_LOGIT;
    const bool is_dict = maker->kind() == prim::DictConstruct;
    if (is_dict || maker->kind() == prim::TupleConstruct || maker->kind() == prim::ListConstruct) {
        for (size_t i = is_dict ? 1 : 0; i < maker->inputs().size(); i += is_dict ? 2 : 1)
            if (const sscam_score_kind kind = remove_from({maker, i}))
                found = kind;
        return found;
    }
    Place activated;
    jit::Value *logits = nullptr;
    found = find_activation(last, activated, logits);
    if (found != SSCAM_SCORE_LOGIT)
        activated.user->replaceInput(activated.position, logits);
    return found;
}

} // namespace

sscam_score_kind remove_final_activation(jit::Graph &graph)
{
    sscam_score_kind found = SSCAM_SCORE_LOGIT;
    for (size_t i = 0; i < graph.outputs().size(); i++)
        if (const sscam_score_kind kind = remove_from({graph.return_node(), i}))
            found = kind;
    return found;
}

} // namespace sscam
