#include "program/substitutes.hpp"

#include <algorithm>

namespace sscam {

namespace {

using Kind = pt2::Argument::Kind;

const std::string aten_operator = "torch.ops.aten.";

// The same operator on other terms: without the arguments of those names.
pt2::Node renamed(const pt2::Node &node, const std::string &target,
                  const std::vector<std::string> &left_out)
{
    pt2::Node other = node;
    other.target = aten_operator + target;
    other.inputs.clear();
    for (const pt2::NamedArgument &input : node.inputs)
        if (std::find(left_out.begin(), left_out.end(), input.name) == left_out.end())
            other.inputs.push_back(input);
    return other;
}

pt2::Node node_of(const pt2::Node &like, const std::string &target,
                  std::vector<pt2::NamedArgument> inputs, const pt2::Argument &output)
{
    pt2::Node node = like;
    node.target = aten_operator + target;
    node.inputs = std::move(inputs);
    node.outputs = {output};
    return node;
}

pt2::Argument tensor_named(const std::string &name)
{
    pt2::Argument argument;
    argument.kind = Kind::name;
    argument.type = pt2::Argument::Type::tensor;
    argument.text = name;
    return argument;
}

pt2::Argument truth(bool value)
{
    pt2::Argument argument;
    argument.kind = Kind::truth;
    argument.integer = value ? 1 : 0;
    return argument;
}

// The values of `src` in the shape and type of `self`.
std::vector<pt2::Node> copies(const pt2::Node &node)
{
    const pt2::Argument *self = find_input(node, "self"), *source = find_input(node, "src");
    if (!self || !source || node.outputs.size() != 1 || node.outputs[0].kind != Kind::name)
        return {};
    const pt2::Argument expanded = tensor_named(node.outputs[0].text + "/expanded"),
                        converted = tensor_named(node.outputs[0].text + "/converted");
    return {
        node_of(node, "expand_as.default", {{"self", *source}, {"other", *self}}, expanded),
        node_of(node, "type_as.default", {{"self", expanded}, {"other", *self}}, converted),
        node_of(node, "clone.default", {{"self", converted}}, node.outputs[0]),
    };
}

// Its further results are empty in evaluation mode.
std::vector<pt2::Node> batch_norm(const pt2::Node &node)
{
    if (node.outputs.empty() || node.outputs[0].kind != Kind::name)
        return {};
    pt2::Node other = renamed(node, "batch_norm.default", {});
    other.inputs.push_back({"training", truth(false)});
    other.inputs.push_back({"cudnn_enabled", truth(true)});
    other.outputs.resize(1);
    return {other};
}

std::vector<pt2::Node> convolution(const pt2::Node &node)
{
    static const char *const targets[] = {"conv1d.default", "conv2d.default", "conv3d.default"};
    const pt2::Argument *stride = find_input(node, "stride"),
                        *transposed = find_input(node, "transposed");
    if (!stride || stride->kind != Kind::list || stride->elements.empty() ||
        stride->elements.size() > std::size(targets) || !transposed ||
        transposed->kind != Kind::truth || transposed->integer != 0)
        return {};
    return {renamed(node, targets[stride->elements.size() - 1], {"transposed", "output_padding"})};
}

} // namespace

std::vector<pt2::Node> substitutes_of(const pt2::Node &node)
{
    if (node.target == aten_operator + "copy.default")
        return copies(node);
    if (node.target == aten_operator + "detach_copy.default")
        return {renamed(node, "detach.default", {})};
    if (node.target == aten_operator + "_native_batch_norm_legit_no_training.default")
        return batch_norm(node);
    if (node.target == aten_operator + "convolution.default")
        return convolution(node);
    return {};
}

} // namespace sscam
