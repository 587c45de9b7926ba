#include "graph/fused_attention.hpp"

#include <algorithm>
#include <memory>

#include <torch/csrc/jit/api/compilation_unit.h>
#include <torch/jit.h>

#include "graph/graph_walk.hpp"

namespace sscam {

namespace jit = torch::jit;

namespace {

// The arguments are those of the fused operations; the mask is always None here.
const char source[] = R"(
def heads_of(x: Tensor, weight: Tensor, bias: Tensor, heads: int) -> Tensor:
    return torch.linear(x, weight, bias).view([x.size(0), x.size(1), heads, -1]).transpose(1, 2)

def attend(query: Tensor, key: Tensor, value: Tensor, dim: int, heads: int, weight: Tensor,
           bias: Tensor, out_weight: Tensor, out_bias: Tensor, mask: Optional[Tensor],
           need_weights: bool, average: bool, mask_type: Optional[int]) -> Tuple[Tensor, Tensor]:
    q = heads_of(query, weight[:dim], bias[:dim], heads)
    k = heads_of(key, weight[dim:2 * dim], bias[dim:2 * dim], heads)
    v = heads_of(value, weight[2 * dim:], bias[2 * dim:], heads)
    q = q * (float(dim) / float(heads)) ** -0.5
    shares = torch.softmax(torch.matmul(q, k.transpose(2, 3)), -1)
    attended = torch.matmul(shares, v).transpose(1, 2).flatten(2)
    return torch.linear(attended, out_weight, out_bias), shares.mean(1) if average else shares

def feed_forward(x: Tensor, first_weight: Tensor, first_bias: Tensor, second_weight: Tensor,
                 second_bias: Tensor, use_gelu: bool) -> Tensor:
    x = torch.linear(x, first_weight, first_bias)
    x = torch.gelu(x) if use_gelu else torch.relu(x)
    return torch.linear(x, second_weight, second_bias)

def encode(x: Tensor, dim: int, heads: int, weight: Tensor, bias: Tensor, out_weight: Tensor,
           out_bias: Tensor, use_gelu: bool, norm_first: bool, eps: float, norm_weight: Tensor,
           norm_bias: Tensor, second_norm_weight: Tensor, second_norm_bias: Tensor,
           first_weight: Tensor, first_bias: Tensor, second_weight: Tensor, second_bias: Tensor,
           mask: Optional[Tensor], mask_type: Optional[int]) -> Tensor:
    if norm_first:
        y = torch.layer_norm(x, [dim], norm_weight, norm_bias, eps)
        x = x + attend(y, y, y, dim, heads, weight, bias, out_weight, out_bias, None, False, True,
                       None)[0]
        y = torch.layer_norm(x, [dim], second_norm_weight, second_norm_bias, eps)
        x = x + feed_forward(y, first_weight, first_bias, second_weight, second_bias, use_gelu)
    else:
        x = x + attend(x, x, x, dim, heads, weight, bias, out_weight, out_bias, None, False, True,
                       None)[0]
        x = torch.layer_norm(x, [dim], norm_weight, norm_bias, eps)
        x = x + feed_forward(x, first_weight, first_bias, second_weight, second_bias, use_gelu)
        x = torch.layer_norm(x, [dim], second_norm_weight, second_norm_bias, eps)
    return x
)";

struct Fused {
    const char *operation, *function; // of libtorch, and above
    size_t mask;                      // number of that input
};

const Fused fused_operations[] = {
    {"aten::_native_multi_head_attention", "attend", 9},
    {"aten::_transformer_encoder_layer_fwd", "encode", 18},
};

const Fused *fused_operation(const jit::Node *node)
{
    for (const Fused &fused : fused_operations)
        if (node->kind() == c10::Symbol::fromQualString(fused.operation))
            return &fused;
    return nullptr;
}

// Makes a condition, and what it negates, constant. After freezing, several branches may share one.
void make_constant(jit::Value *condition, bool is_true)
{
    jit::Node *node = condition->node();
    if (node->kind() == c10::aten::__not__)
        make_constant(node->input(), !is_true);
    jit::Graph &graph = *node->owningGraph();
    jit::WithInsertPoint at_the_top(*graph.block()->nodes().begin());
    condition->replaceAllUsesWith(graph.insertConstant(is_true));
}

bool has_fused_operation(const jit::Block *block)
{
    return std::any_of(block->nodes().begin(), block->nodes().end(),
                       [](const jit::Node *node) { return fused_operation(node) != nullptr; });
}

} // namespace

void avoid_fused_attention(jit::Graph &graph)
{
    for_each_node(graph.block(), [](jit::Node *node) {
        if (node->kind() != c10::prim::If)
            return;
        const bool first = has_fused_operation(node->blocks()[0]),
                   second = has_fused_operation(node->blocks()[1]);
        if (first == second)
            return;
        make_constant(node->input(), !first);
        put_branch_in_place_of(node, node->blocks()[first ? 1 : 0]);
    });
}

jit::GraphFunction *unfused_attention(const jit::Node *node)
{
    const Fused *fused = fused_operation(node);
    if (!fused || node->inputs().size() <= fused->mask || !node->input(fused->mask)->mustBeNone())
        return nullptr;
    // Never destroyed: a thread of the host may still load a network when the process exits.
    static const auto *const unit = new std::shared_ptr<jit::CompilationUnit>(jit::compile(source));
    jit::GraphFunction &function = jit::toGraphFunction((*unit)->get_function(fused->function));
    return function.graph()->inputs().size() == node->inputs().size() ? &function : nullptr;
}

} // namespace sscam
