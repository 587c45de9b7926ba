#include "graph/final_activation.hpp"

#include <set>
#include <string>

#include <torch/csrc/jit/ir/constants.h>

#include "graph/known_values.hpp"

namespace sscam {

namespace jit = torch::jit;
namespace prim = c10::prim;

namespace {

using Names = std::set<std::string>;

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

// A value before the operations that leave it as it is.
const jit::Value *source_of(const jit::Value *value)
{
    for (const jit::Node *node = value->node();; node = value->node()) {
        const bool is_element = node->kind() == prim::TupleIndex &&
                                node->input(0)->node()->kind() == prim::TupleConstruct;
        if (is_element) {
            const auto index = jit::toIValue(node->input(1));
            if (!index || !index->isInt() || index->toInt() != 0)
                return value;
            value = node->input(0)->node()->input(0);
        } else if (passes_values_on(node)) {
            value = node->input(0);
        } else {
            return value;
        }
    }
}

// Whether a value is the list of the axis of classes alone.
bool is_axis_of_classes(const jit::Value *value)
{
    if (value->node()->kind() == prim::ListConstruct && value->node()->inputs().size() == 1)
        value = value->node()->input();
    const auto axes = jit::toIValue(value);
    if (!axes)
        return false;
    if (axes->isInt())
        return axes->toInt() == 1 || axes->toInt() == -1;
    return axes->isIntList() && axes->toIntVector().size() == 1 &&
           (axes->toIntVector()[0] == 1 || axes->toIntVector()[0] == -1);
}

// The logits before their maximum is subtracted, which a softmax does not see.
jit::Value *before_subtraction_of_maximum(jit::Value *value)
{
    const jit::Node *node = source_of(value)->node();
    if (!is_one_of(node, {"aten::sub", "aten::sub_"}))
        return value;
    const jit::Node *maximum = source_of(node->input(1))->node();
    const bool is_maximum = is_one_of(maximum, {"aten::max", "aten::amax", "aten::logsumexp"}) &&
                            source_of(maximum->input(0)) == source_of(node->input(0));
    return is_maximum ? const_cast<jit::Value *>(node->input(0)) : value;
}

// The exponents x where a node computes exp(x) / sum(exp(x)); nullptr: it is something else.
jit::Value *normalised_exponents(const jit::Node *node)
{
    if (!is_one_of(node, {"aten::div", "aten::div_"}))
        return nullptr;
    const jit::Node *sum = source_of(node->input(1))->node(),
                    *exponentials = source_of(node->input(0))->node();
    if (!is_one_of(sum, {"aten::sum"}) || sum->inputs().size() < 2 ||
        !is_axis_of_classes(sum->input(1)) ||
        !is_one_of(exponentials, {"aten::exp", "aten::exp_"}) ||
        source_of(sum->input(0)) != exponentials->output())
        return nullptr;
    return before_subtraction_of_maximum(const_cast<jit::Value *>(exponentials->input(0)));
}

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
    logits = normalised_exponents(node);
    if (logits)
        return SSCAM_SCORE_SOFTMAX;
    const bool is_softmax = is_one_of(node, {"aten::softmax", "aten::log_softmax"}) &&
                            is_over_classes(node);
    if (!is_softmax && !is_one_of(node, {"aten::sigmoid"}))
        return SSCAM_SCORE_LOGIT;
    logits = node->input(0);
    return is_softmax ? SSCAM_SCORE_SOFTMAX : SSCAM_SCORE_SIGMOID;
}

void note_lost(const jit::Value *output, sscam_score_kind kind, LostActivations &of_outputs)
{
    of_outputs.is_certain = of_outputs.is_certain &&
                            output->type()->isSubtypeOf(*c10::TensorType::get());
    if (of_outputs.is_certain)
        of_outputs.kinds.push_back(kind);
    else if (kind != SSCAM_SCORE_LOGIT)
        of_outputs.has_others = true;
}

sscam_score_kind remove_from(Place last, LostActivations &of_outputs)
{
    jit::Node *maker = last.maker();
    sscam_score_kind found = SSCAM_SCORE_LOGIT;
    const bool is_dict = maker->kind() == prim::DictConstruct;
    if (is_dict || maker->kind() == prim::TupleConstruct || maker->kind() == prim::ListConstruct) {
        for (size_t i = is_dict ? 1 : 0; i < maker->inputs().size(); i += is_dict ? 2 : 1)
            if (const sscam_score_kind kind = remove_from({maker, i}, of_outputs))
                found = kind;
        return found;
    }
    Place activated;
    jit::Value *logits = nullptr;
    found = find_activation(last, activated, logits);
    note_lost(last.value(), found, of_outputs);
    if (found != SSCAM_SCORE_LOGIT)
        activated.user->replaceInput(activated.position, logits);
    return found;
}

} // namespace

sscam_score_kind remove_final_activation(jit::Graph &graph, LostActivations *of_outputs)
{
    LostActivations lost;
    sscam_score_kind found = SSCAM_SCORE_LOGIT;
    for (size_t i = 0; i < graph.outputs().size(); i++)
        if (const sscam_score_kind kind = remove_from({graph.return_node(), i}, lost))
            found = kind;
    if (of_outputs)
        *of_outputs = std::move(lost);
    return found;
}

} // namespace sscam
