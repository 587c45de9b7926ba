#include "graph/gradient_taps.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include <ATen/ATen.h>
#include <torch/csrc/jit/runtime/operator.h>

#include "graph/graph_walk.hpp"

namespace sscam {

namespace jit = torch::jit;

at::Tensor GradientTap::keep(const at::Tensor &value, const at::Tensor &bias)
{
    if (!value.is_floating_point() || !value.requires_grad())
        return value;
    kept.push_back({value, bias});
    return value.clone();
}

namespace {

// --- operators -----------------------------------------------------------------------------------

at::Tensor tensor_or_none(const c10::IValue &value)
{
    return value.isTensor() ? value.toTensor() : at::Tensor();
}

// A model file may call the operators itself, but cannot make a capsule.
GradientTap *receiver_of(const c10::IValue &tap)
{
    return tap.isCapsule() ? dynamic_cast<GradientTap *>(tap.toCapsule().get()) : nullptr;
}

void keep_biased(jit::Stack &stack)
{
    const c10::IValue tap = jit::pop(stack);
    const at::Tensor bias = tensor_or_none(jit::pop(stack));
    at::Tensor value = tensor_or_none(jit::pop(stack));
    GradientTap *receiver = receiver_of(tap);
    if (receiver && value.defined() && bias.defined())
        value = receiver->keep(value, bias);
    stack.emplace_back(std::move(value));
}

// beta - mean gamma / sqrt(variance + epsilon): Srinivas & Fleuret 2019, section 3.2.
at::Tensor implicit_bias(const at::Tensor &weight, const at::Tensor &bias, const at::Tensor &mean,
                         const at::Tensor &variance, double epsilon)
{
    at::Tensor shift = -mean / (variance + epsilon).sqrt();
    if (weight.defined())
        shift = shift * weight;
    return bias.defined() ? shift + bias : shift;
}

void keep_normalised(jit::Stack &stack)
{
    const c10::IValue tap = jit::pop(stack);
    const double epsilon = jit::pop(stack).toDouble();
    std::array<at::Tensor, 4> given; // variance, mean, bias, weight
    for (at::Tensor &tensor : given)
        tensor = tensor_or_none(jit::pop(stack));
    at::Tensor value = tensor_or_none(jit::pop(stack));
    GradientTap *receiver = receiver_of(tap);
    if (receiver && value.defined() && given[0].defined() && given[1].defined())
        value = receiver->keep(value,
                               implicit_bias(given[3], given[2], given[1], given[0], epsilon));
    stack.emplace_back(std::move(value));
}

void register_operators()
{
    static std::once_flag once;
    std::call_once(once, [] {
        const auto from_schema = c10::AliasAnalysisKind::FROM_SCHEMA;
        jit::registerOperator(
            jit::Operator("sscam::keep_biased(Tensor value, Tensor? bias, Any tap) -> Tensor",
                          jit::Operation(keep_biased), from_schema));
        jit::registerOperator(
            jit::Operator("sscam::keep_normalised(Tensor value, Tensor? weight, Tensor? bias, "
                          "Tensor? mean, Tensor? variance, float epsilon, Any tap) -> Tensor",
                          jit::Operation(keep_normalised), from_schema));
    });
}

// --- insertion -----------------------------------------------------------------------------------

// Puts an operator after a node, on its first output and more inputs of the node.
void keep_output(jit::Node *node, const char *operation, std::vector<jit::Value *> inputs,
                 jit::Value *tap)
{
    jit::Value *output = node->outputs()[0];
    inputs.insert(inputs.begin(), output);
    inputs.push_back(tap);
    jit::Node *kept = node->owningGraph()->create(c10::Symbol::fromQualString(operation), inputs,
                                                  1);
    kept->output()->setType(output->type());
    kept->insertAfter(node);
    output->replaceAllUsesAfterNodeWith(kept, kept->output());
}

bool is_convolution(const jit::Node *node)
{
    static const std::unordered_set<std::string> operations = {
        "aten::conv1d",           "aten::conv2d",           "aten::conv3d",
        "aten::conv_transpose1d", "aten::conv_transpose2d", "aten::conv_transpose3d",
        "aten::convolution",      "aten::_convolution",     "aten::cudnn_convolution"};
    return operations.count(node->kind().toQualString()) != 0;
}

// Position of epsilon among the inputs of a batch norm; 0: the node is none. The first inputs are
// value, weight, bias, mean and variance.
size_t epsilon_of_batch_norm(const jit::Node *node)
{
    static const std::unordered_map<std::string, size_t> operations = {
        {"aten::batch_norm", 7},
        {"aten::native_batch_norm", 7},
        {"aten::cudnn_batch_norm", 7},
        {"aten::_batch_norm_impl_index", 7},
        {"aten::_native_batch_norm_legit_no_training", 6}};
    const auto found = operations.find(node->kind().toQualString());
    return found == operations.end() ? 0 : found->second;
}

void keep_biases(jit::Node *node, jit::Value *tap)
{
    const size_t epsilon = epsilon_of_batch_norm(node);
    if (epsilon > 0 && node->inputs().size() > epsilon)
        keep_output(
            node, "sscam::keep_normalised",
            {node->input(1), node->input(2), node->input(3), node->input(4), node->input(epsilon)},
            tap);
    else if (is_convolution(node) && node->inputs().size() > 2)
        keep_output(node, "sscam::keep_biased", {node->input(2)}, tap);
}

} // namespace

void insert_gradient_taps(jit::Graph &graph, jit::Value *tap, sscam_gradient_kind kind)
{
    register_operators();
    for_each_node(graph.block(), [&](jit::Node *node) {
        if (kind == SSCAM_GRADIENTS_OF_BIASES)
            keep_biases(node, tap);
    });
}

} // namespace sscam
