// Values of a graph that are known without running it: constants, and attributes of the module.
#ifndef SSCAM_SHIM_GRAPH_KNOWN_VALUES_HPP
#define SSCAM_SHIM_GRAPH_KNOWN_VALUES_HPP

#include <optional>
#include <set>
#include <string>

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>

namespace sscam {

inline bool is_one_of(const torch::jit::Node *node, const std::set<std::string> &names)
{
    return names.count(node->kind().toQualString()) != 0;
}

inline c10::TypePtr without_optional(const c10::TypePtr &type)
{
    const auto optional = type->cast<c10::OptionalType>();
    return optional ? optional->getElementType() : type;
}

// None where it is no constant.
inline c10::IValue constant(const torch::jit::Value *value)
{
    const auto found = torch::jit::toIValue(value);
    return found ? *found : c10::IValue();
}

// Weights are constants, or attributes of the module or of one within.
class Weights {
public:
    explicit Weights(const torch::jit::Module &module) : module_(module) {}

    std::optional<at::Tensor> find(const torch::jit::Value *value) const
    {
        const c10::IValue found = ivalue_of(value);
        if (found.isTensor() && found.toTensor().defined())
            return found.toTensor();
        return std::nullopt;
    }

    // A constant, or an attribute; none where it is not known.
    c10::IValue ivalue_of(const torch::jit::Value *value) const
    {
        const torch::jit::Node *node = value->node();
        if (node->kind() == c10::prim::Param)
            return value == node->outputs()[0] ? c10::IValue(module_._ivalue()) : c10::IValue();
        if (node->kind() != c10::prim::GetAttr)
            return constant(value);
        const c10::IValue owner = ivalue_of(node->input(0));
        return owner.isObject() ? owner.toObjectRef().getAttr(node->s(c10::attr::name))
                                : c10::IValue();
    }

private:
    const torch::jit::Module &module_;
};

} // namespace sscam

#endif
