// From the nodes of a program of torch.export to a graph of TorchScript.
#ifndef SSCAM_SHIM_PROGRAM_GRAPH_BUILDER_HPP
#define SSCAM_SHIM_PROGRAM_GRAPH_BUILDER_HPP

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include <torch/csrc/jit/ir/ir.h>

#include "program/literals.hpp"
#include "program/program_schema.hpp"

namespace sscam {

class GraphBuilder {
public:
    // Both must outlive it.
    GraphBuilder(torch::jit::Graph &graph, const Conversion &conversion)
        : graph_(graph), conversion_(conversion)
    {
    }

    // Further nodes refer to the value by that name.
    void bind(const std::string &name, torch::jit::Value *value);

    // Appends the nodes. Throws an Error that names the node that cannot be one of TorchScript.
    void add(const std::vector<pt2::Node> &nodes);

    // The value that was bound to the name, or a constant for a literal.
    torch::jit::Value *value_of(const pt2::Argument &argument);

private:
    using Values = std::vector<torch::jit::Value *>;

    void add_node(const pt2::Node &node);
    void add_operator(const pt2::Node &node);
    void add_symbolic(const pt2::Node &node, c10::Symbol operation);
    void add_division(const pt2::Node &node);
    void add_assertion(const pt2::Node &node);
    void add_nested(const pt2::Node &node);
    void add_condition(const pt2::Node &node);
    Values add_graph(const pt2::Graph &graph, const Values &operands, const pt2::Node &node);
    void add_branch(torch::jit::Block *block, const std::function<Values()> &add_nodes);
    void bind_results(const pt2::Node &node, const Values &results);
    Values values_of(const std::vector<pt2::Argument> &arguments);

    Values operator_inputs(const pt2::Node &node, const c10::FunctionSchema &schema);
    torch::jit::Value *input_value(const pt2::Node &node, const pt2::Argument &argument,
                                   const c10::Argument &wanted);
    torch::jit::Value *converted(const pt2::Argument &argument, const c10::TypePtr &type,
                                 int32_t length);
    torch::jit::Value *list_value(const pt2::Argument &argument, const c10::TypePtr &element);
    torch::jit::Value *number_as_tensor(torch::jit::Value *number);
    void make_numbers_tensors(torch::jit::Node *node, const c10::FunctionSchema &schema);

    void bind_outputs(const pt2::Node &node, const Values &values);
    void bind_output(const pt2::Argument &output, torch::jit::Value *value);
    torch::jit::Value *insert(c10::Symbol operation, const Values &inputs, c10::TypePtr type);
    torch::jit::ScopePtr scope_of(const std::vector<pt2::ModuleCall> &modules);

    torch::jit::Graph &graph_;
    const Conversion &conversion_;
    std::unordered_map<std::string, torch::jit::Value *> values_;
    // Of the last node, from the outermost.
    std::vector<std::pair<std::string, torch::jit::ScopePtr>> open_calls_;
};

} // namespace sscam

#endif
