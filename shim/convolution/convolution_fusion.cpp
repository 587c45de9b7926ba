#include "convolution/convolution_fusion.hpp"

#include <array>
#include <optional>
#include <unordered_set>
#include <utility>

#include <torch/csrc/jit/ir/alias_analysis.h>
#include <torch/csrc/jit/ir/constants.h>

#include "graph/graph_walk.hpp"

namespace sscam {

namespace jit = torch::jit;
namespace aten = c10::aten;

namespace {

// --- what a node computes ------------------------------------------------------------------------

using Pair = std::array<int64_t, 2>; // vertical, horizontal

// A constant of two integers, or of one that stands for both.
std::optional<Pair> constant_pair(const jit::Value *value)
{
    const auto constant = jit::toIValue(value);
    if (!constant || !constant->isIntList())
        return std::nullopt;
    const std::vector<int64_t> numbers = constant->toIntVector();
    if (numbers.empty() || numbers.size() > 2)
        return std::nullopt;
    return Pair{numbers.front(), numbers.back()};
}

bool is_number(const jit::Value *value, int64_t number)
{
    const auto constant = jit::toIValue(value);
    return constant &&
           ((constant->isInt() && constant->toInt() == number) ||
            (constant->isDouble() && constant->toDouble() == static_cast<double>(number)));
}

bool is_false(const jit::Value *value)
{
    const auto constant = jit::toIValue(value);
    return constant && constant->isBool() && !constant->toBool();
}

// A constant of float32 in the CPU's memory.
at::Tensor constant_weights(const jit::Value *value, int64_t rank)
{
    const auto constant = jit::toIValue(value);
    if (!constant || !constant->isTensor())
        return {};
    const at::Tensor tensor = constant->toTensor();
    const bool is_usable = tensor.defined() && tensor.dim() == rank &&
                           tensor.scalar_type() == at::kFloat && tensor.is_cpu() &&
                           tensor.layout() == at::kStrided;
    return is_usable ? tensor.detach() : at::Tensor();
}

// Positions of the inputs of the operators for convolutions.
enum {
    INPUT,
    WEIGHT,
    BIAS,
    STRIDE,
    PADDING,
    DILATION,
    GROUPS = 6,
    TRANSPOSED = 6,
    GROUPS_LAST = 8
};

bool is_fusible_convolution(const jit::Node *node)
{
    static const auto traced = c10::Symbol::fromQualString("aten::_convolution");
    static const auto plain = c10::Symbol::fromQualString("aten::convolution");
    if (node->kind() == aten::conv2d)
        return node->inputs().size() > GROUPS && is_number(node->input(GROUPS), 1);
    return (node->kind() == traced || node->kind() == plain) &&
           node->inputs().size() > GROUPS_LAST && is_false(node->input(TRANSPOSED)) &&
           is_number(node->input(GROUPS_LAST), 1);
}

std::optional<ConvolutionLayer> layer_of(const jit::Node *node)
{
    if (!is_fusible_convolution(node))
        return std::nullopt;
    const auto stride = constant_pair(node->input(STRIDE)),
               padding = constant_pair(node->input(PADDING)),
               dilation = constant_pair(node->input(DILATION));
    const at::Tensor weight = constant_weights(node->input(WEIGHT), 4);
    if (!stride || !padding || dilation != Pair{1, 1} || !weight.defined())
        return std::nullopt;
    at::Tensor bias;
    if (!node->input(BIAS)->mustBeNone()) {
        bias = constant_weights(node->input(BIAS), 1);
        if (!bias.defined() || bias.size(0) != weight.size(0))
            return std::nullopt;
    }
    const sscam_convolution_geometry geometry = {weight.size(1), weight.size(0), weight.size(2),
                                                 weight.size(3), (*stride)[0],   (*stride)[1],
                                                 (*padding)[0],  (*padding)[1]};
    if (!sscam_convolution_is_possible(&geometry, SSCAM_CONVOLUTION_DIRECT))
        return std::nullopt;
    return ConvolutionLayer{weight, bias.defined() ? bias.contiguous() : bias, geometry, false};
}

// --- what follows it -----------------------------------------------------------------------------

// A convolution and the nodes that its operator replaces.
struct Fusion {
    ConvolutionLayer layer;
    jit::Node *convolution, *add = nullptr, *relu = nullptr; // null: none
    size_t residual = 0;                                     // which input of the addition

    jit::Node *last() const { return relu ? relu : add ? add : convolution; }
};

bool is_add_of_tensors(const jit::Node *node)
{
    return (node->kind() == aten::add || node->kind() == aten::add_) &&
           node->inputs().size() == 3 &&
           node->input(0)->type()->kind() == c10::TypeKind::TensorType &&
           node->input(1)->type()->kind() == c10::TypeKind::TensorType &&
           is_number(node->input(2), 1);
}

// The node that alone uses the value, in the same block.
jit::Node *only_user(const jit::Value *value)
{
    if (value->uses().size() != 1)
        return nullptr;
    jit::Node *user = value->uses()[0].user;
    return user->owningBlock() == value->node()->owningBlock() ? user : nullptr;
}

// Adds to the fusion what can be computed where it ends: nothing in between may change what is
// read. Of two convolutions whose sum is taken, the first takes the addition.
void extend(Fusion &fusion, jit::AliasDb &aliases, std::unordered_set<jit::Node *> &taken)
{
    jit::Value *output = fusion.convolution->output();
    jit::Node *next = only_user(output);
    if (next && is_add_of_tensors(next) && taken.count(next) == 0 &&
        (next->kind() == aten::add || next->input(0) == output) &&
        aliases.moveBeforeTopologicallyValid(fusion.convolution, next)) {
        fusion.add = next;
        fusion.residual = next->input(0) == output ? 1 : 0;
        taken.insert(next);
        output = next->output();
        next = only_user(output);
    }
    const bool is_relu = next && (next->kind() == aten::relu || next->kind() == aten::relu_);
    if (!is_relu || !aliases.moveBeforeTopologicallyValid(output->node(), next) ||
        (fusion.add && !aliases.moveBeforeTopologicallyValid(fusion.convolution, fusion.add)))
        return;
    fusion.relu = next;
    fusion.layer.relu = true;
}

c10::intrusive_ptr<FusedConvolution> replace(const Fusion &fusion)
{
    const auto convolution = c10::make_intrusive<FusedConvolution>(fusion.layer);
    jit::Node *last = fusion.last();
    jit::Value *residual = fusion.add ? fusion.add->input(fusion.residual) : nullptr;
    jit::Node *fused = insert_convolution(convolution, fusion.convolution->input(INPUT), residual,
                                          last);
    fused->copyMetadata(last);
    fused->output()->copyMetadata(last->output());
    last->output()->replaceAllUsesWith(fused->output());
    for (jit::Node *replaced : {fusion.relu, fusion.add, fusion.convolution})
        if (replaced)
            replaced->destroy();
    return convolution;
}

} // namespace

std::vector<c10::intrusive_ptr<FusedConvolution>>
fuse_convolutions(const std::shared_ptr<jit::Graph> &graph)
{
    std::vector<jit::Node *> nodes;
    for_each_node(graph->block(), [&](jit::Node *node) { nodes.push_back(node); });
    jit::AliasDb aliases(graph);
    std::vector<Fusion> fusions;
    std::unordered_set<jit::Node *> taken;
    for (jit::Node *node : nodes)
        if (auto layer = layer_of(node)) {
            fusions.push_back({std::move(*layer), node});
            extend(fusions.back(), aliases, taken);
        }
    std::vector<c10::intrusive_ptr<FusedConvolution>> fused;
    for (const Fusion &fusion : fusions)
        fused.push_back(replace(fusion));
    return fused;
}

} // namespace sscam
