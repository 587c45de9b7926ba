#include "graph/evaluation_form.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/constants.h>

#include "graph/graph_walk.hpp"
#include "graph/known_values.hpp"

namespace sscam {

namespace jit = torch::jit;
namespace prim = c10::prim;
namespace attr = c10::attr;

namespace {

using Names = std::set<std::string>;

// --- all programs --------------------------------------------------------------------------------

// Every graph that a run of a module may reach, each once.
class Graphs {
public:
    explicit Graphs(const jit::Module &root)
    {
        for (const jit::Module &module : root.modules())
            add_methods(*module.type());
        for (size_t i = 0; i < found.size(); i++) {
            const std::shared_ptr<jit::Graph> graph = found[i];
            for_each_node(graph->block(), [this](const jit::Node *node) { add_called(node); });
        }
    }

    std::vector<std::shared_ptr<jit::Graph>> found;

private:
    void add_methods(const c10::ClassType &type)
    {
        for (jit::Function *method : type.methods())
            add(*method);
    }

    // Functions are constants; the methods of other classes are those of objects that are made.
    void add_called(const jit::Node *node)
    {
        for (const jit::Value *output : node->outputs()) {
            if (const auto function = output->type()->cast<c10::FunctionType>())
                add(*function->function());
            if (node->kind() == prim::CreateObject)
                if (const auto made = output->type()->cast<c10::ClassType>())
                    add_methods(*made);
        }
    }

    void add(jit::Function &function)
    {
        jit::GraphFunction *with_graph = jit::tryToGraphFunction(function);
        if (with_graph && seen_.insert(with_graph->graph().get()).second)
            found.push_back(with_graph->graph());
    }

    std::set<const jit::Graph *> seen_;
};

// Position of the argument of that name; none: the operation has no such argument.
std::optional<size_t> find_argument(const jit::Node *node, const char *name)
{
    const c10::FunctionSchema *schema = node->maybeSchema();
    for (size_t i = 0; schema && i < schema->arguments().size() && i < node->inputs().size(); i++)
        if (schema->arguments()[i].name() == name)
            return i;
    return std::nullopt;
}

void set_input(jit::Node *node, size_t position, const c10::IValue &value)
{
    const jit::WithInsertPoint before(node);
    node->replaceInput(position, node->owningGraph()->insertConstant(value));
}

// --- training ------------------------------------------------------------------------------------

// Functions have a flag that says whether they train, which networks may set by mistake, and traces
// made in training mode have set.
void stop_dropout(jit::Node *node)
{
    static const Names operations = {
        "aten::dropout",
        "aten::dropout_",
        "aten::feature_dropout",
        "aten::feature_dropout_",
        "aten::alpha_dropout",
        "aten::alpha_dropout_",
        "aten::native_dropout",
        "aten::rrelu",
        "aten::rrelu_",
        "aten::rrelu_with_noise",
        "aten::rrelu_with_noise_",
        "aten::lstm",
        "aten::gru",
        "aten::rnn_tanh",
        "aten::rnn_relu",
        "aten::feature_alpha_dropout",
        "aten::feature_alpha_dropout_",
    };
    if (const auto position = find_argument(node, "dropout_p")) // of an attention
        set_input(node, *position, 0.0);
    if (!is_one_of(node, operations))
        return;
    for (const char *name : {"train", "training"})
        if (const auto position = find_argument(node, name))
            set_input(node, *position, false);
}

// Running statistics are attributes of modules, or constants after freezing, or parts of these;
// what else is normalized by is the network's own affair.
bool are_kept_statistics(const jit::Value *value)
{
    while (is_one_of(value->node(), {"aten::select", "aten::slice", "aten::detach", "aten::alias"}))
        value = value->node()->input(0);
    return (value->node()->kind() == prim::GetAttr || value->node()->kind() == prim::Constant) &&
           !value->mustBeNone();
}

void use_running_statistics(jit::Node *node)
{
    static const Names operations = {
        "aten::batch_norm",        "aten::instance_norm",
        "aten::native_batch_norm", "aten::_batch_norm_impl_index",
        "aten::cudnn_batch_norm",
    };
    constexpr size_t mean = 3, variance = 4, is_training = 5;
    if (!is_one_of(node, operations))
        return;
    const auto training = jit::toIValue(node->input(is_training));
    if (training && training->isBool() && training->toBool() &&
        are_kept_statistics(node->input(mean)) && are_kept_statistics(node->input(variance)))
        set_input(node, is_training, false);
}

// Gradients may be switched on, but not off.
void keep_gradients(jit::Node *node)
{
    static const auto is_enabled = c10::Symbol::fromQualString("aten::is_grad_enabled");
    if (!is_one_of(node, {"aten::set_grad_enabled", "aten::_set_grad_enabled"}))
        return;
    jit::Graph &graph = *node->owningGraph();
    const jit::WithInsertPoint before(node);
    jit::Node *now = graph.insertNode(graph.create(is_enabled, 1));
    now->output()->setType(c10::BoolType::get());
    jit::Node *either = graph.insertNode(
        graph.create(c10::aten::__or__, {node->input(0), now->output()}, 1));
    either->output()->setType(c10::BoolType::get());
    node->replaceInput(0, either->output());
}

// --- devices -------------------------------------------------------------------------------------

void use_device(jit::Node *node, c10::Device device)
{
    if (node->kind() == prim::Constant &&
        node->output()->type()->kind() == c10::TypeKind::DeviceObjType) {
        const jit::WithInsertPoint before(node);
        node->output()->replaceAllUsesWith(node->owningGraph()->insertConstant(device));
    } else if (is_one_of(node, {"aten::cpu", "aten::cuda"}) && node->inputs().size() == 1) {
        node->output()->replaceAllUsesWith(node->input(0));
        node->destroy();
    }
}

// --- number formats ------------------------------------------------------------------------------

// Formats that become float32.
struct OtherFormats {
    bool includes_double;

    bool include(at::ScalarType type) const
    {
        return type == at::kHalf || type == at::kBFloat16 ||
               (type == at::kDouble && includes_double);
    }
    void convert(at::Tensor tensor) const
    {
        if (tensor.defined() && include(tensor.scalar_type()))
            tensor.set_data(tensor.to(at::kFloat));
    }
    at::Tensor converted(const at::Tensor &tensor) const
    {
        return include(tensor.scalar_type()) ? tensor.to(at::kFloat) : tensor;
    }
};

// Calls visit(tensor) for the tensors of a value.
template <class Visit>
void for_each_tensor(const c10::IValue &value, const Visit &visit)
{
    if (value.isTensor()) {
        if (value.toTensor().defined())
            visit(value.toTensor());
    } else if (value.isTensorList()) {
        for (const at::Tensor &element : value.toTensorVector())
            visit(element);
    } else if (value.isList()) {
        for (const c10::IValue &element : value.toListRef())
            for_each_tensor(element, visit);
    } else if (value.isTuple()) {
        for (const c10::IValue &element : value.toTupleRef().elements())
            for_each_tensor(element, visit);
    } else if (value.isGenericDict()) {
        for (const auto &entry : value.toGenericDict())
            for_each_tensor(entry.value(), visit);
    }
}

template <class Visit>
void for_each_constant(const Graphs &graphs, const Visit &visit)
{
    for (const auto &graph : graphs.found)
        for_each_node(graph->block(), [&](jit::Node *node) {
            if (node->kind() == prim::Constant && !node->outputs().empty())
                if (const auto value = jit::toIValue(node->output()))
                    for_each_tensor(*value, visit);
        });
}

template <class Visit>
void for_each_attribute(const jit::Module &root, const Visit &visit)
{
    for (const jit::Module &module : root.modules())
        for (const c10::IValue &value : module._ivalue()->slots())
            for_each_tensor(value, visit);
}

// Scalars of double precision are in every network, as numbers that the trace has met.
bool has_double_weights(const jit::Module &module, const Graphs &graphs)
{
    bool found = false;
    const auto look = [&](const at::Tensor &tensor) {
        found |= tensor.dim() >= 2 && tensor.scalar_type() == at::kDouble;
    };
    for_each_attribute(module, look);
    for_each_constant(graphs, look);
    return found;
}

// Constants share no memory with what the host holds: the file's reader has made them.
void convert_constants(const Graphs &graphs, const OtherFormats &formats)
{
    for (const auto &graph : graphs.found)
        for_each_node(graph->block(), [&](jit::Node *node) {
            if (node->kind() != prim::Constant || !node->hasAttribute(attr::value))
                return;
            if (node->kindOf(attr::value) == jit::AttributeKind::t)
                node->t_(attr::value, formats.converted(node->t(attr::value)));
            else if (node->kindOf(attr::value) == jit::AttributeKind::ival)
                for_each_tensor(node->ival(attr::value),
                                [&](const at::Tensor &tensor) { formats.convert(tensor); });
        });
}

void convert_cast(jit::Node *node, const OtherFormats &formats)
{
    const auto position = find_argument(node, "dtype");
    if (!position)
        return;
    const auto type = jit::toIValue(node->input(*position));
    if (type && type->isInt() && formats.include(static_cast<at::ScalarType>(type->toInt())))
        set_input(node, *position, static_cast<int64_t>(at::kFloat));
}

} // namespace

void set_evaluation_form(const jit::Module &module, c10::Device device)
{
    const Graphs graphs(module);
    const OtherFormats formats = {has_double_weights(module, graphs)};
    for_each_attribute(module,
                       [](const at::Tensor &tensor) { OtherFormats{true}.convert(tensor); });
    convert_constants(graphs, formats);
    for (const auto &graph : graphs.found)
        for_each_node(graph->block(), [&](jit::Node *node) {
            stop_dropout(node);
            use_running_statistics(node);
            keep_gradients(node);
            convert_cast(node, formats);
            use_device(node, device); // last: it may destroy the node
        });
}

bool is_random(const std::string &operation)
{
    static const Names operations = {
        "aten::rand",
        "aten::rand_like",
        "aten::randn",
        "aten::randn_like",
        "aten::randint",
        "aten::randint_like",
        "aten::randperm",
        "aten::normal",
        "aten::normal_",
        "aten::bernoulli",
        "aten::bernoulli_",
        "aten::multinomial",
        "aten::uniform_",
        "aten::exponential_",
        "aten::random_",
        "aten::poisson",
        "aten::geometric_",
        "aten::cauchy_",
        "aten::log_normal_",
        "aten::binomial",
        "aten::_standard_gamma",
        "aten::_sample_dirichlet",
    };
    return operations.count(operation) != 0;
}

std::string find_random_operation(jit::Graph &graph)
{
    std::string found;
    for_each_node(graph.block(), [&](const jit::Node *node) {
        if (found.empty() && is_random(node->kind().toQualString()))
            found = node->kind().toQualString();
    });
    return found;
}

} // namespace sscam
