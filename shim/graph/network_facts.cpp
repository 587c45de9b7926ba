#include "graph/network_facts.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/inliner.h>

namespace sscam {

namespace jit = torch::jit;

namespace {

bool is_one_of(const jit::Node *node, const std::set<std::string> &names)
{
    return names.count(node->kind().toQualString()) != 0;
}

// None where it is no constant.
c10::IValue constant(const jit::Value *value)
{
    const auto found = jit::toIValue(value);
    return found ? *found : c10::IValue();
}

// Weights are constants, or attributes of the module or of one within.
class Weights {
public:
    explicit Weights(const jit::Module &module) : module_(module) {}

    std::optional<at::Tensor> find(const jit::Value *value) const
    {
        const c10::IValue found = ivalue_of(value);
        if (found.isTensor() && found.toTensor().defined())
            return found.toTensor();
        return std::nullopt;
    }

private:
    // None where it is not known.
    c10::IValue ivalue_of(const jit::Value *value) const
    {
        const jit::Node *node = value->node();
        if (node->kind() == c10::prim::Param)
            return value == node->outputs()[0] ? c10::IValue(module_._ivalue()) : c10::IValue();
        if (node->kind() != c10::prim::GetAttr)
            return constant(value);
        const c10::IValue owner = ivalue_of(node->input(0));
        return owner.isObject() ? owner.toObjectRef().getAttr(node->s(c10::attr::name))
                                : c10::IValue();
    }

    const jit::Module &module_;
};

// --- the input -----------------------------------------------------------------------------------

struct Input {
    int64_t rank = 0, channels = 0;
    bool is_certain = true;
};

void add(int64_t rank, int64_t channels, Input &input)
{
    input.is_certain = input.is_certain &&
                       (input.rank == 0 || (input.rank == rank && input.channels == channels));
    input.rank = rank;
    input.channels = channels;
}

// Channels that a convolution takes; 0 for other operations.
int64_t channels_of(const jit::Node *node, const at::Tensor &weight)
{
    const bool is_general = node->kind() == c10::aten::_convolution;
    const size_t groups_at = is_general ? 8 : 6;
    if (!is_general && !is_one_of(node, {"aten::conv1d", "aten::conv2d", "aten::conv3d"}))
        return 0;
    if (node->inputs().size() <= groups_at)
        return 0;
    const c10::IValue transposed = is_general ? constant(node->input(6)) : c10::IValue(false);
    const c10::IValue groups = constant(node->input(groups_at));
    if (!transposed.isBool() || transposed.toBool() || !groups.isInt())
        return 0;
    return weight.size(1) * groups.toInt();
}

void follow_input(const jit::Value *value, const Weights &weights, int depth, Input &input)
{
    static const std::set<std::string> same_shape = {
        "aten::contiguous", "aten::to",    "aten::detach", "aten::clone",
        "aten::alias",      "aten::float", "aten::type_as"};
    static const std::set<std::string> questions = {"aten::size",  "aten::dim",
                                                    "aten::len",   "prim::device",
                                                    "prim::dtype", "aten::is_floating_point"};
    for (const jit::Use &use : value->uses()) {
        const jit::Node *node = use.user;
        if (is_one_of(node, questions))
            continue;
        if (is_one_of(node, same_shape) && use.offset == 0 && depth < 8) {
            follow_input(node->output(), weights, depth + 1, input);
            continue;
        }
        const auto weight = use.offset == 0 && node->inputs().size() > 1
                                ? weights.find(node->input(1))
                                : std::nullopt;
        const int64_t channels = weight && weight->dim() >= SSCAM_LEAST_RANK &&
                                         weight->dim() <= SSCAM_MOST_RANK
                                     ? channels_of(node, *weight)
                                     : 0;
        if (channels == 0)
            input.is_certain = false;
        else
            add(weight->dim(), channels, input);
    }
}

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

sscam_network_facts read(const jit::Module &module)
{
    sscam_network_facts facts = {};
    const auto graph = module.get_method("forward").graph()->copy();
    jit::Inline(*graph);
    const Weights weights(module);
    if (graph->inputs().size() < 2 || graph->outputs().size() != 1)
        return facts;
    Input input;
    follow_input(graph->inputs()[1], weights, 0, input);
    if (input.is_certain && input.rank > 0) {
        facts.rank = static_cast<int32_t>(input.rank);
        facts.shape[1] = input.channels;
    }
    facts.class_count = class_count(graph->outputs()[0], weights, 0);
    return facts;
}

} // namespace

sscam_network_facts facts_of(const jit::Module &module) noexcept
{
    try {
        return read(module);
    } catch (...) { // nothing is certain of an odd graph
        return {};
    }
}

} // namespace sscam
