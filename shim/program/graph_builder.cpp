#include "program/graph_builder.hpp"

#include <algorithm>

#include <ATen/ScalarOps.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/runtime/operator.h>

#include "common/guard.hpp"
#include "graph/known_values.hpp"
#include "graph/module_scope.hpp"
#include "program/graph_checks.hpp"
#include "program/operators.hpp"
#include "program/program_assertions.hpp"
#include "program/substitutes.hpp"

namespace sscam {

namespace jit = torch::jit;
namespace prim = c10::prim;
namespace aten = c10::aten;

namespace {

const std::string higher_order = "torch.ops.higher_order.";

using Kind = pt2::Argument::Kind;
using Type = pt2::Argument::Type;

[[noreturn]] void refuse(const pt2::Node &node, const std::string &reason)
{
    throw Error(SSCAM_E_UNSUPPORTED,
                "the node \"" + node.name + "\" of " + node.target + ": " + reason);
}

[[noreturn]] void damaged(const pt2::Node &node, const std::string &reason)
{
    throw Error(SSCAM_E_FORMAT, "damaged .pt2 file: the node \"" + node.name + "\" of " +
                                    node.target + " " + reason);
}

bool is_tensor(const c10::TypePtr &type)
{
    return type->kind() == c10::TypeKind::TensorType;
}

bool is_number(const jit::Value *value)
{
    switch (value->type()->kind()) {
    case c10::TypeKind::IntType:
    case c10::TypeKind::FloatType:
    case c10::TypeKind::BoolType:
    case c10::TypeKind::NumberType: return true;
    default: return false;
    }
}

c10::TypePtr type_of(Type type)
{
    switch (type) {
    case Type::integer: return c10::IntType::get();
    case Type::number: return c10::FloatType::get();
    case Type::truth: return c10::BoolType::get();
    case Type::text: return c10::StringType::get();
    default: return c10::TensorType::get();
    }
}

// What a later libtorch added to an operator and this program does not ask for.
bool is_switched_off(const pt2::Argument &argument)
{
    return argument.kind == Kind::none || (argument.kind == Kind::truth && argument.integer == 0);
}

// Dropout and batch norm in training give other results at each run, and no evaluation mode can be
// set in a program.
void check_evaluation_mode(const pt2::Node &node)
{
    const auto is_true = [&](const char *name) {
        const pt2::Argument *argument = find_input(node, name);
        return argument && argument->kind == Kind::truth && argument->integer != 0;
    };
    const pt2::Argument *mean = find_input(node, "running_mean"), *share = find_input(node, "p");
    const bool drops = is_true("train") && share && share->number > 0.0;
    const bool normalizes = is_true("training") && mean && mean->kind == Kind::name;
    if (drops || normalizes)
        refuse(node, "the program was exported in training mode; call eval() on the network before "
                     "torch.export.export");
}

} // namespace

// --- names ---------------------------------------------------------------------------------------

void GraphBuilder::bind(const std::string &name, jit::Value *value)
{
    if (!values_.emplace(name, value).second)
        throw Error(SSCAM_E_FORMAT, "damaged .pt2 file: two values are named \"" + name + "\"");
}

jit::Value *GraphBuilder::value_of(const pt2::Argument &argument)
{
    if (argument.kind != Kind::name) {
        jit::Value *literal = converted(
            argument,
            argument.kind == Kind::number  ? c10::TypePtr(c10::FloatType::get())
            : argument.kind == Kind::truth ? c10::TypePtr(c10::BoolType::get())
            : argument.kind == Kind::text  ? c10::TypePtr(c10::StringType::get())
            : argument.kind == Kind::none  ? c10::TypePtr(c10::TensorType::get())
                                           : c10::TypePtr(c10::IntType::get()),
            0);
        if (!literal)
            throw Error(SSCAM_E_FORMAT, "damaged .pt2 file: a literal stands where none can");
        return literal;
    }
    const auto found = values_.find(argument.text);
    if (found == values_.end())
        throw Error(SSCAM_E_FORMAT,
                    "damaged .pt2 file: no value is named \"" + argument.text + "\"");
    return found->second;
}

void GraphBuilder::bind_output(const pt2::Argument &output, jit::Value *value)
{
    if (output.kind == Kind::list) {
        jit::Node *unpacked = graph_.insertNode(
            graph_.createListUnpack(value, output.elements.size()));
        for (size_t i = 0; i < output.elements.size(); i++)
            bind_output(output.elements[i], unpacked->outputs()[i]);
        return;
    }
    if (output.kind != Kind::name)
        return;
    if (value->type()->kind() == c10::TypeKind::NumberType && output.type == Type::integer)
        value = insert(aten::Int, {value}, c10::IntType::get());
    else if (value->type()->kind() == c10::TypeKind::NumberType && output.type == Type::number)
        value = insert(aten::Float, {value}, c10::FloatType::get());
    else if (value->type()->kind() == c10::TypeKind::NumberType && output.type == Type::truth)
        value = insert(aten::Bool, {value}, c10::BoolType::get());
    bind(output.text, value);
}

// An operation may give more than an earlier libtorch's gave.
void GraphBuilder::bind_outputs(const pt2::Node &node, const Values &values)
{
    if (node.outputs.size() > values.size())
        damaged(node, "has " + std::to_string(node.outputs.size()) + " outputs instead of " +
                          std::to_string(values.size()));
    for (size_t i = 0; i < node.outputs.size(); i++) {
        const pt2::Argument &output = node.outputs[i];
        const bool is_list = values[i]->type()->kind() == c10::TypeKind::ListType;
        if (output.kind != Kind::none && output.kind != (is_list ? Kind::list : Kind::name))
            damaged(node, "has an output of another kind than its operator");
        bind_output(output, values[i]);
    }
}

jit::Value *GraphBuilder::insert(c10::Symbol operation, const Values &inputs, c10::TypePtr type)
{
    jit::Node *node = graph_.insertNode(graph_.create(operation, inputs, 1));
    node->output()->setType(std::move(type));
    return node->output();
}

// --- arguments -----------------------------------------------------------------------------------

// A single value stands for a list of that length.
jit::Value *GraphBuilder::converted(const pt2::Argument &argument, const c10::TypePtr &type,
                                    int32_t length)
{
    const c10::TypePtr plain = without_optional(type);
    const auto list = plain->cast<c10::ListType>();
    if (list && argument.kind != Kind::list && argument.kind != Kind::none) {
        if (argument.kind == Kind::name && value_of(argument)->type()->kind() == plain->kind())
            return value_of(argument);
        if (length <= 0)
            return nullptr;
        pt2::Argument repeated;
        repeated.kind = Kind::list;
        repeated.elements.assign(length, argument);
        return converted(repeated, plain, 0);
    }
    if (list && argument.kind == Kind::list &&
        (has_names(argument) || is_tensor(without_optional(list->getElementType()))))
        return list_value(argument, list->getElementType());
    if (argument.kind == Kind::name)
        return value_of(argument);
    if (const auto value = literal_value(argument, type, conversion_))
        return graph_.insertConstant(*value);
    const auto number = is_tensor(plain)
                            ? literal_value(argument, c10::NumberType::get(), conversion_)
                            : std::nullopt;
    return number ? graph_.insertConstant(*number) : nullptr;
}

jit::Value *GraphBuilder::list_value(const pt2::Argument &argument, const c10::TypePtr &element)
{
    Values values;
    for (const pt2::Argument &one : argument.elements) {
        values.push_back(converted(one, element, 0));
        if (!values.back() || !values.back()->type()->isSubtypeOf(*element))
            return nullptr;
    }
    return graph_.insertNode(graph_.createList(element, values))->output();
}

jit::Value *GraphBuilder::input_value(const pt2::Node &node, const pt2::Argument &argument,
                                      const c10::Argument &wanted)
{
    const auto length = wanted.N();
    jit::Value *value = converted(argument, wanted.type(), length ? *length : 0);
    if (!value)
        refuse(node, "its argument \"" + wanted.name() + "\" is no " + wanted.type()->str());
    return value;
}

GraphBuilder::Values GraphBuilder::operator_inputs(const pt2::Node &node,
                                                   const c10::FunctionSchema &schema)
{
    for (const pt2::NamedArgument &input : node.inputs)
        if (!schema.argumentIndexWithName(input.name) && !is_switched_off(input.value))
            refuse(node, "this libtorch's operator has no argument \"" + input.name + "\"");
    Values values;
    for (const c10::Argument &wanted : schema.arguments()) {
        if (const pt2::Argument *argument = find_input(node, wanted.name()))
            values.push_back(input_value(node, *argument, wanted));
        else if (wanted.default_value())
            values.push_back(graph_.insertConstant(*wanted.default_value()));
        else
            damaged(node, "has no argument \"" + wanted.name() + "\"");
    }
    return values;
}

// Python takes a number for a tensor, one that does not decide the result's type.
jit::Value *GraphBuilder::number_as_tensor(jit::Value *number)
{
    if (const auto literal = jit::toIValue(number)) {
        at::Tensor tensor = at::scalar_to_tensor(literal->toScalar(), conversion_.device);
        tensor.unsafeGetTensorImpl()->set_wrapped_number(true);
        return graph_.insertConstant(tensor);
    }
    return insert(prim::NumToTensor, {number}, c10::TensorType::get());
}

void GraphBuilder::make_numbers_tensors(jit::Node *node, const c10::FunctionSchema &schema)
{
    const jit::WithInsertPoint before(node);
    for (size_t i = 0; i < schema.arguments().size(); i++)
        if (is_tensor(without_optional(schema.arguments()[i].type())) && is_number(node->input(i)))
            node->replaceInput(i, number_as_tensor(node->input(i)));
}

// --- nodes ---------------------------------------------------------------------------------------

void GraphBuilder::add_operator(const pt2::Node &node)
{
    check_evaluation_mode(node);
    const c10::FunctionSchema schema = schema_of(node);
    const Values inputs = operator_inputs(node, schema);
    jit::Node *made = graph_.insertNode(
        graph_.create(c10::Symbol::fromQualString(schema.name()), inputs, schema.returns().size()));
    for (size_t i = 0; i < schema.returns().size(); i++)
        made->outputs()[i]->setType(schema.returns()[i].type());
    if (!made->maybeOperator()) // an overload that takes a number is preferred
        make_numbers_tensors(made, schema);
    if (!made->maybeOperator())
        refuse(node, "this libtorch's operator does not take its arguments");
    bind_outputs(node, Values(made->outputs().begin(), made->outputs().end()));
}

void GraphBuilder::add_symbolic(const pt2::Node &node, c10::Symbol operation)
{
    Values inputs;
    for (const pt2::NamedArgument &input : node.inputs)
        inputs.push_back(value_of(input.value));
    if (node.outputs.size() != 1 || node.outputs[0].kind != Kind::name)
        damaged(node, "has no output");
    jit::Value *result = insert(operation, inputs, type_of(node.outputs[0].type));
    if (!result->node()->maybeOperator())
        refuse(node, "this libtorch has no such operation on these numbers");
    result->setType(result->node()->getOperator().schema().returns()[0].type());
    bind_output(node.outputs[0], result);
}

void GraphBuilder::add_division(const pt2::Node &node)
{
    if (node.inputs.size() != 2 || node.outputs.size() != 1 || node.outputs[0].kind != Kind::name)
        damaged(node, "is no division");
    jit::Value *a = value_of(node.inputs[0].value), *b = value_of(node.inputs[1].value);
    const bool are_integers = a->type()->kind() == c10::TypeKind::IntType &&
                              b->type()->kind() == c10::TypeKind::IntType;
    if (!are_integers)
        add_symbolic(node, node.target == "_operator.mod" ? aten::remainder : aten::floordiv);
    else
        bind_output(node.outputs[0], node.target == "_operator.mod"
                                         ? insert_remainder(graph_, a, b)
                                         : insert_floor_division(graph_, a, b));
}

// Those of decomposed programs take a token, and give it back, to keep their order.
void GraphBuilder::add_assertion(const pt2::Node &node)
{
    sscam::add_assertion(graph_, node,
                         [this](const pt2::Argument &argument) { return value_of(argument); });
    const pt2::Argument *token = find_input(node, "dep_token");
    if (token && node.outputs.size() == 1)
        bind_output(node.outputs[0], value_of(*token));
}

jit::ScopePtr GraphBuilder::scope_of(const std::vector<pt2::ModuleCall> &modules)
{
    size_t common = 0;
    while (common < modules.size() && common < open_calls_.size() &&
           open_calls_[common].first == modules[common].key)
        common++;
    open_calls_.resize(common);
    for (size_t i = common; i < modules.size(); i++) {
        const jit::ScopePtr outer = open_calls_.empty() ? graph_.current_scope()->getRoot()
                                                        : open_calls_.back().second;
        open_calls_.emplace_back(modules[i].key,
                                 scope_of_call(outer, {modules[i].path, modules[i].kind}));
    }
    return open_calls_.empty() ? graph_.current_scope()->getRoot() : open_calls_.back().second;
}

void GraphBuilder::add(const std::vector<pt2::Node> &nodes)
{
    for (const pt2::Node &node : nodes)
        add_node(node);
}

void GraphBuilder::add_node(const pt2::Node &node)
{
    const std::vector<pt2::Node> substitutes = substitutes_of(node);
    if (!substitutes.empty())
        return add(substitutes);
    // Sizes are computed where they are first needed, within any module.
    const jit::ScopePtr scope = node.modules.empty() ? graph_.current_scope()
                                                     : scope_of(node.modules);
    const jit::WithCurrentScope within(graph_, scope);
    c10::Symbol symbolic;
    if (is_assertion(node.target))
        add_assertion(node);
    else if (node.target == "_operator.floordiv" || node.target == "_operator.mod")
        add_division(node);
    else if (find_symbolic_operation(node.target, &symbolic))
        add_symbolic(node, symbolic);
    else if (node.target == "_operator.pos" && node.inputs.size() == 1 && node.outputs.size() == 1)
        bind_output(node.outputs[0], value_of(node.inputs[0].value));
    else if (node.target == higher_order + "cond" || node.target == "torch.sym_ite")
        add_condition(node);
    else if (node.target.compare(0, higher_order.size(), higher_order) == 0)
        add_nested(node);
    else
        add_operator(node);
}

// --- nodes with graphs ---------------------------------------------------------------------------

namespace {

// Parts in which the network turns gradients off, computes in half precision or computes again what
// it did not keep are computed as the rest.
bool is_inlined(const std::string &target)
{
    static const char *const names[] = {
        "wrap_with_set_grad_enabled",
        "wrap_with_autocast",
        "wrap",
        "strict_mode",
        "tag_activation_checkpoint",
        "wrap_activation_checkpoint",
        "invoke_subgraph",
    };
    return std::any_of(std::begin(names), std::end(names),
                       [&](const char *name) { return target == higher_order + name; });
}

// The elements of lists among them.
void collect_flat(const std::vector<pt2::Argument> &arguments, std::vector<pt2::Argument> &flat)
{
    for (const pt2::Argument &argument : arguments) {
        if (argument.kind == Kind::list)
            collect_flat(argument.elements, flat);
        else
            flat.push_back(argument);
    }
}

// What a node passes to its graphs: what follows the last of them, without texts that name it.
std::vector<pt2::Argument> operands_of(const pt2::Node &node)
{
    std::vector<pt2::Argument> all, operands;
    for (const pt2::NamedArgument &input : node.inputs)
        all.push_back(input.value);
    std::vector<pt2::Argument> flat;
    collect_flat(all, flat);
    for (const pt2::Argument &argument : flat) {
        if (argument.kind == Kind::graph)
            operands.clear();
        else if (argument.kind != Kind::text)
            operands.push_back(argument);
    }
    return operands;
}

std::vector<const pt2::Graph *> graphs_of(const pt2::Node &node)
{
    std::vector<const pt2::Graph *> graphs;
    for (const pt2::NamedArgument &input : node.inputs)
        if (input.value.kind == Kind::graph)
            graphs.push_back(input.value.graph.get());
    return graphs;
}

} // namespace

GraphBuilder::Values GraphBuilder::values_of(const std::vector<pt2::Argument> &arguments)
{
    Values values;
    for (const pt2::Argument &argument : arguments)
        values.push_back(value_of(argument));
    return values;
}

// The names of a graph within a graph are its own.
GraphBuilder::Values GraphBuilder::add_graph(const pt2::Graph &graph, const Values &operands,
                                             const pt2::Node &node)
{
    if (graph.inputs.size() != operands.size())
        damaged(node, "has another number of operands than its graph");
    std::unordered_map<std::string, jit::Value *> outer;
    outer.swap(values_);
    for (size_t i = 0; i < operands.size(); i++)
        if (graph.inputs[i].kind == Kind::name)
            bind(graph.inputs[i].text, operands[i]);
    add(graph.nodes);
    std::vector<pt2::Argument> flat;
    collect_flat(graph.outputs, flat);
    const Values results = values_of(flat);
    outer.swap(values_);
    return results;
}

void GraphBuilder::bind_results(const pt2::Node &node, const Values &results)
{
    std::vector<pt2::Argument> outputs;
    collect_flat(node.outputs, outputs);
    if (outputs.size() > results.size())
        damaged(node, "has more outputs than its graph");
    for (size_t i = 0; i < outputs.size(); i++)
        bind_output(outputs[i], results[i]);
}

void GraphBuilder::add_nested(const pt2::Node &node)
{
    if (!is_inlined(node.target))
        refuse(node, "nodes of this kind are not supported; rewrite that part of the network");
    const auto graphs = graphs_of(node);
    if (graphs.size() != 1)
        damaged(node, "has no graph");
    bind_results(node, add_graph(*graphs[0], values_of(operands_of(node)), node));
}

// Each branch has calls of modules of its own.
void GraphBuilder::add_branch(jit::Block *block, const std::function<Values()> &add_nodes)
{
    const auto open_calls = open_calls_;
    const jit::WithInsertPoint inside(block);
    for (jit::Value *result : add_nodes())
        block->registerOutput(result);
    open_calls_ = open_calls;
}

// The branches of cond() are graphs, those of sym_ite() numbers.
void GraphBuilder::add_condition(const pt2::Node &node)
{
    const auto graphs = graphs_of(node);
    if (node.inputs.size() < 3 || (!graphs.empty() && graphs.size() != 2))
        damaged(node, "has no two branches");
    jit::Value *condition = value_of(node.inputs[0].value);
    if (condition->type()->kind() != c10::TypeKind::BoolType)
        condition = insert(aten::Bool, {condition}, c10::BoolType::get());
    const Values operands = graphs.empty() ? Values() : values_of(operands_of(node));
    jit::Node *branches = graph_.insertNode(graph_.create(prim::If, {condition}, 0));
    for (size_t i = 0; i < 2; i++)
        add_branch(branches->addBlock(), [&] {
            return graphs.empty() ? Values{value_of(node.inputs[1 + i].value)}
                                  : add_graph(*graphs[i], operands, node);
        });
    const auto results = branches->blocks()[0]->outputs(),
               others = branches->blocks()[1]->outputs();
    if (results.size() != others.size())
        damaged(node, "has branches of different outputs");
    for (size_t i = 0; i < results.size(); i++) {
        const auto type = c10::unifyTypes(results[i]->type(), others[i]->type());
        if (!type)
            damaged(node, "has branches of different outputs");
        branches->addOutput()->setType(*type);
    }
    bind_results(node, Values(branches->outputs().begin(), branches->outputs().end()));
}

} // namespace sscam
