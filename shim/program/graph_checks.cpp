#include "program/graph_checks.hpp"

#include <ATen/core/interned_strings.h>
#include <torch/csrc/jit/ir/constants.h>

namespace sscam {

namespace jit = torch::jit;
namespace prim = c10::prim;
namespace aten = c10::aten;

namespace {

jit::Value *insert(jit::Graph &graph, c10::Symbol operation, std::vector<jit::Value *> inputs,
                   c10::TypePtr type)
{
    jit::Node *node = graph.insertNode(graph.create(operation, inputs, 1));
    node->output()->setType(std::move(type));
    return node->output();
}

void require_divisor(jit::Graph &graph, jit::Value *divisor)
{
    const auto literal = jit::toIValue(divisor);
    if (literal && literal->isInt() && literal->toInt() > 0)
        return;
    if (divisor->type()->kind() != c10::TypeKind::IntType)
        return;
    require(graph,
            insert(graph, aten::gt, {divisor, graph.insertConstant(0)}, c10::BoolType::get()),
            "the program divides a size by a number that is not positive");
}

} // namespace

void require(jit::Graph &graph, jit::Value *condition, const std::string &message)
{
    jit::Node *branch = graph.insertNode(graph.create(prim::If, {condition}, 0));
    branch->addBlock();
    const jit::WithInsertPoint inside(branch->addBlock());
    graph.insertNode(
        graph.create(prim::RaiseException,
                     {graph.insertConstant(message), graph.insertConstant(c10::IValue())}, 0));
}

jit::Value *insert_floor_division(jit::Graph &graph, jit::Value *a, jit::Value *b)
{
    require_divisor(graph, b);
    return insert(graph, aten::floordiv, {a, b}, c10::IntType::get());
}

jit::Value *insert_remainder(jit::Graph &graph, jit::Value *a, jit::Value *b)
{
    require_divisor(graph, b);
    return insert(graph, aten::remainder, {a, b}, c10::IntType::get());
}

} // namespace sscam
