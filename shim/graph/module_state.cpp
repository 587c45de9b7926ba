#include "graph/module_state.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <vector>

#include <torch/csrc/jit/ir/alias_analysis.h>
#include <torch/csrc/jit/ir/constants.h>

#include "graph/graph_walk.hpp"

namespace sscam {

namespace jit = torch::jit;

namespace {

using Object = c10::ivalue::Object;
using ObjectPtr = c10::intrusive_ptr<Object>;

// Running statistics that a normalization in training mode updates. Its schema does not say so, and
// the alias analysis of frozen graphs takes every normalization to be in evaluation mode.
std::vector<const jit::Value *> updated_statistics(const jit::Node *node)
{
    static const c10::Symbol normalizations[] = {
        c10::Symbol::fromQualString("aten::batch_norm"),
        c10::Symbol::fromQualString("aten::instance_norm"),
        c10::Symbol::fromQualString("aten::native_batch_norm"),
        c10::Symbol::fromQualString("aten::_batch_norm_impl_index"),
        c10::Symbol::fromQualString("aten::cudnn_batch_norm"),
    };
    constexpr size_t mean = 3, variance = 4, is_training = 5; // inputs of all of them
    if (std::find(std::begin(normalizations), std::end(normalizations), node->kind()) ==
        std::end(normalizations))
        return {};
    const auto training = jit::constant_as<bool>(node->input(is_training));
    if (training && !*training)
        return {};
    return {node->input(mean), node->input(variance)};
}

bool is_container(const jit::Value *value)
{
    switch (value->type()->kind()) {
    case c10::TypeKind::ListType:
    case c10::TypeKind::DictType:
    case c10::TypeKind::TupleType:
    case c10::TypeKind::OptionalType: return true;
    default: return false;
    }
}

// Freezing makes constants of lists of tensors, too. Their elements become constants of their own.
void unpack_constant_lists(jit::Graph &graph)
{
    const c10::TypePtr list = c10::ListType::ofTensors();
    for_each_node(graph.block(), [&](jit::Node *node) {
        if (node->kind() != c10::prim::Constant || !node->output()->type()->isSubtypeOf(*list))
            return;
        const jit::WithInsertPoint before(node);
        std::vector<jit::Value *> elements;
        for (const at::Tensor &element : jit::toIValue(node->output())->toTensorVector())
            elements.push_back(graph.insertConstant(element));
        jit::Node *unpacked = graph.insertNode(graph.createList(c10::TensorType::get(), elements));
        node->output()->replaceAllUsesWith(unpacked->output());
        node->destroy();
    });
}

bool has_container_input(jit::Node *node)
{
    return std::any_of(node->inputs().begin(), node->inputs().end(), is_container);
}

// Finds the values that a run of a graph changes in place.
class ChangeFinder {
public:
    explicit ChangeFinder(const std::shared_ptr<jit::Graph> &graph)
        : aliases_(graph, /*isFrozen=*/true)
    {
        for_each_node(graph->block(), [this](jit::Node *node) {
            for (const jit::Value *statistic : updated_statistics(node))
                statistics_.push_back(statistic);
        });
        for_each_node(graph->block(), [this](jit::Node *node) {
            for (const jit::Value *output : node->outputs())
                changes_elements_ |= has_container_input(node) && is_changed_itself(output);
        });
    }

    // The analysis does not trace elements to their container: one that is changed may be of any.
    bool is_changed(const jit::Value *value) const
    {
        return is_changed_itself(value) || (changes_elements_ && is_container(value));
    }

private:
    bool is_changed_itself(const jit::Value *value) const
    {
        return aliases_.hasWriters(value) ||
               std::any_of(statistics_.begin(), statistics_.end(),
                           [&](const jit::Value *statistic) {
                               return aliases_.mayAlias(value, statistic);
                           });
    }

    const jit::AliasDb aliases_;
    std::vector<const jit::Value *> statistics_;
    bool changes_elements_ = false;
};

// Whether what is written to one tensor may show in the other.
bool share_memory(const at::Tensor &a, const at::Tensor &b)
{
    return a.is_same(b) || (a.has_storage() && b.has_storage() && a.is_alias_of(b));
}

// Whether tensors of the same memory can be made of a copy of it.
bool is_plain_view(const at::Tensor &tensor)
{
    return tensor.has_storage() && !tensor.is_quantized();
}

// All of the memory behind a tensor, as a tensor of one axis of its type.
at::Tensor memory_of(const at::Tensor &tensor)
{
    const auto count = static_cast<int64_t>(tensor.storage().nbytes() / tensor.element_size());
    return at::empty({0}, tensor.options()).set_(tensor.storage(), 0, {count}, {1});
}

// A constant may share its memory with attributes of the module that it was frozen from, and with
// other constants.
void copy_constants(jit::Graph &graph, const std::vector<jit::Node *> &constants,
                    std::vector<jit::Node *> changed)
{
    while (!changed.empty()) {
        const at::Tensor tensor = *jit::constant_as<at::Tensor>(changed.back()->output());
        const bool is_view = is_plain_view(tensor);
        const jit::WithInsertPoint at_start(*graph.nodes().begin());
        jit::Value *copy = graph.insert(
            c10::aten::clone, {graph.insertConstant(is_view ? memory_of(tensor) : tensor)});
        const auto replace = [&](jit::Node *constant) {
            const auto value = jit::constant_as<at::Tensor>(constant->output());
            const bool is_it = share_memory(*value, tensor) &&
                               value->scalar_type() == tensor.scalar_type();
            if (!is_it)
                return false;
            jit::Value *part = copy;
            if (is_view)
                part = graph.insert(
                    c10::aten::as_strided,
                    {copy, value->sizes().vec(), value->strides().vec(), value->storage_offset()});
            constant->output()->replaceAllUsesWith(part);
            return true;
        };
        std::for_each(constants.begin(), constants.end(), replace);
        changed.erase(std::remove_if(changed.begin(), changed.end(), replace), changed.end());
    }
}

bool holds_tensor(const c10::IValue &value)
{
    return value.isTensor() && value.toTensor().defined();
}

// Copies an object and those below it, each once however often it is reached: attributes that
// share their memory share that of the copies.
class ObjectCopier {
public:
    explicit ObjectCopier(const std::set<std::string> &changed_in_place)
        : changed_in_place_(changed_in_place)
    {
    }

    ObjectPtr copy(const ObjectPtr &object)
    {
        if (const auto known = objects_.find(object.get()); known != objects_.end())
            return known->second;
        const ObjectPtr made = object->copy();
        objects_.emplace(object.get(), made);
        for (size_t i = 0; i < object->slots().size(); i++) {
            const c10::IValue value = object->getSlot(i);
            if (value.isObject())
                made->setSlot(i, copy(value.toObject()));
            else if (changed_in_place_.count(object->type()->getAttributeName(i)) != 0)
                made->setSlot(i, holds_tensor(value) ? copy(value.toTensor()) : value.deepcopy());
        }
        return made;
    }

private:
    at::Tensor copy(const at::Tensor &tensor)
    {
        if (!is_plain_view(tensor))
            return copy_whole(tensor);
        const at::Tensor memory = copy_whole(memory_of(tensor));
        return at::empty({0}, tensor.options())
            .set_(memory.storage(), tensor.storage_offset(), tensor.sizes(), tensor.strides());
    }

    at::Tensor copy_whole(const at::Tensor &tensor)
    {
        for (const auto &[original, made] : tensors_)
            if (share_memory(original, tensor))
                return made;
        return tensors_.emplace_back(tensor, tensor.clone()).second;
    }

    const std::set<std::string> &changed_in_place_;
    std::map<const Object *, ObjectPtr> objects_;
    std::vector<std::pair<at::Tensor, at::Tensor>> tensors_;
};

std::string attribute_name(const std::string &path)
{
    return path.substr(path.rfind('.') + 1);
}

// Adds the names of attributes that share their memory with those that are named.
void add_other_names(const jit::Module &module, std::set<std::string> &names)
{
    const auto attributes = module.named_attributes();
    std::vector<at::Tensor> named;
    for (const auto &attribute : attributes)
        if (holds_tensor(attribute.value) && names.count(attribute_name(attribute.name)) != 0)
            named.push_back(attribute.value.toTensor());
    for (const auto &attribute : attributes) {
        const auto is_attribute = [&](const at::Tensor &tensor) {
            return share_memory(tensor, attribute.value.toTensor());
        };
        if (holds_tensor(attribute.value) && std::any_of(named.begin(), named.end(), is_attribute))
            names.insert(attribute_name(attribute.name));
    }
}

} // namespace

ModuleState::ModuleState(const std::shared_ptr<jit::Graph> &graph, const jit::Module &module)
    : module_(module)
{
    unpack_constant_lists(*graph);
    const ChangeFinder changes(graph);
    std::vector<jit::Node *> constants, changed_constants;
    for_each_node(graph->block(), [&](jit::Node *node) {
        if (node->kind() == c10::prim::SetAttr) {
            is_changed_ = true;
        } else if (node->kind() == c10::prim::GetAttr && changes.is_changed(node->output())) {
            changed_in_place_.insert(node->s(c10::attr::name));
        } else if (node->kind() == c10::prim::Constant &&
                   node->output()->type()->isSubtypeOf(*c10::TensorType::get())) {
            constants.push_back(node);
            if (changes.is_changed(node->output()))
                changed_constants.push_back(node);
        }
    });
    is_changed_ |= !changed_in_place_.empty();
    if (!changed_in_place_.empty())
        add_other_names(module, changed_in_place_);
    copy_constants(*graph, constants, changed_constants);
}

jit::ModulePtr ModuleState::for_one_run() const
{
    if (!is_changed_)
        return module_._ivalue();
    return ObjectCopier(changed_in_place_).copy(module_._ivalue());
}

} // namespace sscam
