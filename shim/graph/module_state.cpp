#include "graph/module_state.hpp"

#include <map>
#include <optional>
#include <vector>

#include <torch/csrc/jit/ir/alias_analysis.h>
#include <torch/csrc/jit/ir/constants.h>

#include "graph/graph_walk.hpp"

namespace sscam {

namespace jit = torch::jit;

namespace {

using Object = c10::ivalue::Object;
using ObjectPtr = c10::intrusive_ptr<Object>;

bool is_attribute(const jit::Value *value)
{
    return value->node()->kind() == c10::prim::GetAttr;
}

// Running statistics of a normalization that was traced while training: its schema does not say
// that it changes them.
std::vector<const jit::Value *> updated_statistics(const jit::Node *node)
{
    static const auto batch_norm = c10::Symbol::fromQualString("aten::batch_norm");
    static const auto instance_norm = c10::Symbol::fromQualString("aten::instance_norm");
    constexpr size_t mean = 3, variance = 4, is_training = 5; // inputs of both
    if (node->kind() != batch_norm && node->kind() != instance_norm)
        return {};
    const auto training = jit::constant_as<bool>(node->input(is_training));
    if (training && !*training)
        return {};
    return {node->input(mean), node->input(variance)};
}

// The object and the modules below it, each once however often it is reached.
ObjectPtr copied(const ObjectPtr &object, const std::set<std::string> &changed_in_place,
                 std::map<const Object *, ObjectPtr> &copies)
{
    if (const auto known = copies.find(object.get()); known != copies.end())
        return known->second;
    const ObjectPtr copy = object->copy();
    copies.emplace(object.get(), copy);
    for (size_t i = 0; i < object->slots().size(); i++) {
        const c10::IValue value = object->getSlot(i);
        if (value.isObject())
            copy->setSlot(i, copied(value.toObject(), changed_in_place, copies));
        else if (changed_in_place.count(object->type()->getAttributeName(i)) != 0)
            copy->setSlot(i, value.deepcopy());
    }
    return copy;
}

} // namespace

ModuleState::ModuleState(const std::shared_ptr<jit::Graph> &graph, const jit::Module &module)
    : module_(module)
{
    const jit::AliasDb aliases(graph, /*isFrozen=*/true);
    std::vector<jit::Node *> changed_constants;
    const auto note_change = [&](const jit::Value *value) {
        if (is_attribute(value))
            changed_in_place_.insert(value->node()->s(c10::attr::name));
    };
    for_each_node(graph->block(), [&](jit::Node *node) {
        if (node->kind() == c10::prim::SetAttr)
            is_changed_ = true;
        else if (node->kind() == c10::prim::GetAttr && aliases.hasWriters(node->output()))
            note_change(node->output());
        else if (node->kind() == c10::prim::Constant &&
                 node->output()->type()->isSubtypeOf(*c10::TensorType::get()) &&
                 aliases.hasWriters(node->output()))
            changed_constants.push_back(node);
        for (const jit::Value *statistic : updated_statistics(node))
            note_change(statistic);
    });
    is_changed_ |= !changed_in_place_.empty();
    for (jit::Node *node : changed_constants) {
        jit::WithInsertPoint after(node->next());
        jit::Value *copy = graph->insert(c10::aten::clone, {node->output()});
        node->output()->replaceAllUsesAfterNodeWith(copy->node(), copy);
    }
}

jit::ModulePtr ModuleState::for_one_run() const
{
    if (!is_changed_)
        return module_._ivalue();
    std::map<const Object *, ObjectPtr> copies;
    return copied(module_._ivalue(), changed_in_place_, copies);
}

} // namespace sscam
