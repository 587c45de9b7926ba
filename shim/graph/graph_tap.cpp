#include "graph/graph_tap.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_set>

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/runtime/operator.h>

#include "common/guard.hpp"
#include "graph/evaluation_form.hpp"
#include "graph/final_activation.hpp"
#include "graph/fused_attention.hpp"
#include "graph/graph_walk.hpp"
#include "graph/module_scope.hpp"

namespace sscam {

namespace jit = torch::jit;
namespace prim = c10::prim;
namespace attr = c10::attr;

namespace {

c10::Symbol mark_symbol()
{
    static const c10::Symbol symbol = c10::Symbol::fromQualString("sscam::mark");
    return symbol;
}

c10::Symbol tap_symbol()
{
    static const c10::Symbol symbol = c10::Symbol::fromQualString("sscam::tap");
    return symbol;
}

// --- the operator --------------------------------------------------------------------------------

// A model file may call the operator itself, but cannot make a capsule: whatever is not a tap is
// ignored. So are values that are no tensors: inside control flow a mark may get
// prim::Uninitialized.
void run_tap(jit::Stack &stack)
{
    c10::IValue tap = jit::pop(stack);
    int64_t mark = jit::pop(stack).toInt();
    c10::IValue value = jit::pop(stack);
    if (tap.isCapsule() && value.isTensor() && value.toTensor().defined())
        if (auto *receiver = dynamic_cast<Tap *>(tap.toCapsule().get()))
            value = receiver->pass(mark, value.toTensor());
    stack.push_back(std::move(value));
}

void register_tap_operator()
{
    static std::once_flag once;
    std::call_once(once, [] {
        jit::registerOperator(
            jit::Operator("sscam::tap(Tensor(a) value, int mark, Any tap) -> Tensor(a)",
                          jit::Operation(run_tap), c10::AliasAnalysisKind::FROM_SCHEMA));
    });
}

// --- walking graphs ------------------------------------------------------------------------------

bool is_tensor(const jit::Value *value)
{
    return value->type()->kind() == c10::TypeKind::TensorType;
}

bool is_module(const jit::Value *value)
{
    auto type = value->type()->cast<c10::ClassType>();
    return type && type->is_module();
}

// --- inlining with marks -------------------------------------------------------------------------

std::string joined(const std::string &path, const std::string &name)
{
    return path.empty() ? name : path + "." + name;
}

// "forward", and the "forward1", "forward2", ... that tracing makes of the later calls of one
// module.
bool is_forward(const std::string &method)
{
    constexpr std::string_view forward = "forward";
    return method.compare(0, forward.size(), forward) == 0 &&
           method.find_first_not_of("0123456789", forward.size()) == std::string::npos;
}

// "relu" of aten::relu_, "convolution" of aten::_convolution.
std::string operation_name(const jit::Node *node)
{
    std::string name = node->kind().toUnqualString();
    size_t first = name.find_first_not_of('_');
    return first == std::string::npos ? name
                                      : name.substr(first, name.find_last_not_of('_') - first + 1);
}

class Inliner {
public:
    explicit Inliner(std::vector<Mark> &marks) : marks_(marks) {}

    // Marks what modules return whose calls are not in the graph, but were where it came from.
    void mark_scoped_modules(jit::Graph &graph)
    {
        for_each_scoped_module(graph, [this](jit::Value *value, const ScopedModule &module) {
            jit::Node *last = value->node();
            while (last->next()->kind() == mark_symbol() && last->next()->input() == value)
                last = last->next();
            insert_mark_after(last, value, {module.path, module.kind, true, -1});
        });
    }

    // Inlines all calls in `block`, whose module value `self` is found at `path`.
    void inline_calls(jit::Block *block, const jit::Value *self, const std::string &path)
    {
        for (auto it = block->nodes().begin(); it != block->nodes().end();) {
            jit::Node *node = *it;
            ++it; // inlining destroys the node; what replaces it has no calls
            for (jit::Block *inner : node->blocks())
                inline_calls(inner, self, path);
            if (node->kind() == prim::CallMethod)
                inline_method(node, self, path);
            else if (node->kind() == prim::CallFunction)
                inline_function(node, path);
            else if (jit::GraphFunction *unfused = unfused_attention(node))
                inline_call(as_call(node), *unfused, scoped_path(node, path));
            else if (is_markable_operation(node))
                mark_operation(node, scoped_path(node, path));
        }
    }

private:
    void inline_method(jit::Node *node, const jit::Value *self, const std::string &path)
    {
        auto type = node->input(0)->type()->cast<c10::ClassType>();
        if (!type)
            return; // an interface: which module it is shows only at run time
        std::string callee_path = path;
        std::optional<std::string> called = path_of(node->input(0), self, path);
        if (type->is_module() && called) {
            callee_path = *called;
            if (is_forward(node->s(attr::name)) && node->outputs().size() == 1 &&
                is_tensor(node->output()))
                insert_mark(node, {callee_path, type->name()->name(), true, -1});
        }
        inline_call(node, type->getMethod(node->s(attr::name)), callee_path);
    }

    void inline_function(jit::Node *node, const std::string &path)
    {
        torch::jit::Function *function =
            node->input(0)->type()->expectRef<c10::FunctionType>().function();
        if (!jit::tryToGraphFunction(*function))
            return;
        node->removeInput(0);
        inline_call(node, *function, path);
    }

    // An operation of several outputs as a call, which returns a tuple of them.
    static jit::Node *as_call(jit::Node *node)
    {
        if (node->outputs().size() == 1)
            return node;
        jit::Graph &graph = *node->owningGraph();
        std::vector<c10::TypePtr> types;
        for (const jit::Value *output : node->outputs())
            types.push_back(output->type());
        jit::WithInsertPoint before(node);
        const jit::WithCurrentScope within(graph, node->scope());
        jit::Node *call = graph.insertNode(graph.create(node->kind(), node->inputs(), 1));
        call->output()->setType(c10::TupleType::create(types));
        jit::Node *unpacked = graph.insertNode(graph.createTupleUnpack(call->output()));
        for (size_t i = 0; i < types.size(); i++)
            node->outputs()[i]->replaceAllUsesWith(unpacked->outputs()[i]);
        node->destroy();
        return call;
    }

    void inline_call(jit::Node *node, jit::Function &function, const std::string &path)
    {
        jit::GraphFunction *callee = jit::tryToGraphFunction(function);
        if (!callee)
            return;
        std::shared_ptr<jit::Graph> body = callee->graph()->copy();
        avoid_fused_attention(*body);
        const jit::Value *self = body->inputs().empty() ? nullptr : body->inputs()[0];
        inline_calls(body->block(), self, path);
        const jit::WithCurrentScope within(*node->owningGraph(), node->scope());
        jit::inlineCallTo(node, callee, body.get());
    }

    // Path of a module value from self; none for modules that are no submodules of it.
    static std::optional<std::string> path_of(const jit::Value *value, const jit::Value *self,
                                              const std::string &path)
    {
        if (value == self)
            return path;
        if (value->node()->kind() != prim::GetAttr)
            return std::nullopt;
        auto parent = path_of(value->node()->input(), self, path);
        if (!parent)
            return std::nullopt;
        return joined(*parent, value->node()->s(attr::name));
    }

    static bool is_markable_operation(const jit::Node *node)
    {
        return !node->kind().is_prim() && !node->outputs().empty() && is_tensor(node->outputs()[0]);
    }

    void mark_operation(jit::Node *node, const std::string &path)
    {
        insert_mark(node,
                    {joined(path, operation_name(node)), node->kind().toQualString(), false, -1});
    }

    // Uses are redirected later, when all is inlined.
    void insert_mark(jit::Node *node, Mark mark)
    {
        insert_mark_after(node, node->outputs()[0], std::move(mark));
    }

    void insert_mark_after(jit::Node *last, jit::Value *value, Mark mark)
    {
        jit::Node *mark_node = last->owningGraph()->create(mark_symbol(), {value}, 1);
        mark_node->i_(attr::value, static_cast<int64_t>(marks_.size()));
        mark_node->output()->setType(value->type());
        mark_node->setScope(value->node()->scope());
        mark_node->insertAfter(last);
        marks_.push_back(std::move(mark));
    }

    std::vector<Mark> &marks_;
};

// --- folding branches that evaluation mode decides -----------------------------------------------

class BranchFolder {
public:
    BranchFolder(const jit::Module &module, jit::Graph &graph)
        : module_(module), self_(graph.inputs()[0])
    {
        for_each_node(graph.block(), [this](jit::Node *node) {
            if (node->kind() == prim::SetAttr)
                assigned_.insert(node->s(attr::name));
        });
        for_each_node(graph.block(), [this](jit::Node *node) {
            if (node->kind() != prim::If)
                return;
            if (auto condition = constant_bool(node->input()))
                put_branch_in_place_of(node, node->blocks()[*condition ? 0 : 1]);
        });
    }

private:
    std::optional<bool> constant_bool(const jit::Value *value) const
    {
        const jit::Node *node = value->node();
        if (node->kind() == prim::Constant && node->hasAttribute(attr::value) &&
            value->type()->kind() == c10::TypeKind::BoolType)
            return node->i(attr::value) != 0;
        if (node->kind() == c10::aten::__not__) {
            auto negated = constant_bool(node->input());
            return negated ? std::optional<bool>(!*negated) : std::nullopt;
        }
        if (node->kind() == c10::aten::__is__)
            return is_none(node->input(0), node->input(1));
        if (node->kind() == c10::aten::__isnot__) {
            const auto same = is_none(node->input(0), node->input(1));
            return same ? std::optional<bool>(!*same) : std::nullopt;
        }
        if (node->kind() == prim::GetAttr && assigned_.count(node->s(attr::name)) == 0)
            if (auto owner = module_of(node->input())) {
                c10::IValue attribute = owner->attr(node->s(attr::name));
                if (attribute.isBool())
                    return attribute.toBool();
            }
        return std::nullopt;
    }

    // Whether two values, one of which is None, are the same.
    static std::optional<bool> is_none(const jit::Value *value, const jit::Value *other)
    {
        if (!value->mustBeNone() && !other->mustBeNone())
            return std::nullopt;
        if (value->mustBeNone() && other->mustBeNone())
            return true;
        const jit::Value *known = value->mustBeNone() ? other : value;
        const c10::TypeKind kind = known->type()->kind();
        const bool may_be_none = kind == c10::TypeKind::OptionalType ||
                                 kind == c10::TypeKind::AnyType || kind == c10::TypeKind::UnionType;
        return may_be_none ? std::nullopt : std::optional<bool>(false);
    }

    std::optional<jit::Module> module_of(const jit::Value *value) const
    {
        if (value == self_)
            return module_;
        if (value->node()->kind() != prim::GetAttr || !is_module(value))
            return std::nullopt;
        auto parent = module_of(value->node()->input());
        if (!parent)
            return std::nullopt;
        return parent->attr(value->node()->s(attr::name)).toModule();
    }

    const jit::Module &module_;
    const jit::Value *self_;
    std::set<std::string> assigned_;
};

// --- redirecting uses ----------------------------------------------------------------------------

bool is_inside(const jit::Node *node, const jit::Block *block)
{
    for (const jit::Block *outer = node->owningBlock(); outer != nullptr;) {
        if (outer == block)
            return true;
        outer = !outer->owningNode() ? nullptr : outer->owningNode()->owningBlock();
    }
    return false;
}

// Replaces `value` in all that follows `node`, where `replacement` is defined. Outside of the
// node's block the replacement is not defined, and the value stays.
void redirect_later_uses(jit::Value *value, jit::Node *node, jit::Value *replacement)
{
    const std::vector<jit::Use> uses(value->uses().begin(), value->uses().end());
    for (const jit::Use &use : uses)
        if (is_inside(use.user, node->owningBlock()) && use.user->isAfter(node))
            use.user->replaceInput(use.offset, replacement);
}

// True of an operation that changes its first input and returns it: both values are one tensor.
bool returns_changed_input(const jit::Node *node)
{
    const c10::FunctionSchema *schema = node->maybeSchema();
    if (!schema || schema->arguments().empty() || schema->returns().size() != 1)
        return false;
    const auto *input_alias = schema->arguments()[0].alias_info();
    const auto *output_alias = schema->returns()[0].alias_info();
    return input_alias && input_alias->isWrite() && output_alias && output_alias->isWrite();
}

// Traced networks continue with either name of a tensor that was changed in place. With only the
// later one in use, a tap's value reaches everything that uses the tensor after it.
void use_the_latest_name_of_changed_tensors(jit::Graph &graph)
{
    for_each_node(graph.block(), [](jit::Node *node) {
        if (!node->kind().is_prim() && !node->inputs().empty() && is_tensor(node->inputs()[0]) &&
            returns_changed_input(node))
            redirect_later_uses(node->inputs()[0], node, node->output());
    });
}

void redirect_uses_to_marks(jit::Graph &graph)
{
    for_each_node(graph.block(), [](jit::Node *node) {
        if (node->kind() == mark_symbol())
            redirect_later_uses(node->input(), node, node->output());
    });
}

// --- naming --------------------------------------------------------------------------------------

// Operations of one name in one module get a number, in the order of the program. No operation has
// the name of a module.
void name_operations(jit::Graph &graph, const jit::Module &module, std::vector<Mark> &marks)
{
    std::unordered_set<std::string> taken;
    for (const auto &named : module.named_modules())
        taken.insert(named.name);
    for (const Mark &mark : marks)
        if (mark.is_module)
            taken.insert(mark.name);
    std::map<std::string, int> last_number;
    for_each_node(graph.block(), [&](jit::Node *node) {
        if (node->kind() != mark_symbol())
            return;
        Mark &mark = marks[node->i(attr::value)];
        if (mark.is_module)
            return;
        const std::string base = mark.name;
        int &number = last_number[base];
        while (!taken.insert(mark.name).second)
            mark.name = base + "_" + std::to_string(++number);
    });
}

// Marks that follow one another directly have one value.
void find_modules_that_return_operations(jit::Graph &graph, std::vector<Mark> &marks)
{
    for_each_node(graph.block(), [&](jit::Node *node) {
        if (node->kind() != mark_symbol() || node->input()->node()->kind() != mark_symbol())
            return;
        Mark &earlier = marks[node->input()->node()->i(attr::value)];
        if (!earlier.is_module && marks[node->i(attr::value)].is_module)
            earlier.module_mark = node->i(attr::value);
    });
}

// --- control flow --------------------------------------------------------------------------------

// Operations that make numbers, or shapes, of a tensor's values. Tracing makes "Int" and the like
// of shapes, too, but leaves no branches.
bool reads_values(const jit::Node *node)
{
    static const std::unordered_set<std::string> operations = {
        "aten::Bool",
        "aten::Int",
        "aten::Float",
        "aten::item",
        "aten::_local_scalar_dense",
        "aten::ScalarImplicit",
        "aten::IntImplicit",
        "aten::FloatImplicit",
        "aten::is_nonzero",
        "aten::equal",
        "aten::allclose",
        "prim::tolist",
        "aten::nonzero",
        "aten::nonzero_numpy",
        "aten::argwhere",
        "aten::masked_select",
        "aten::where",
        "aten::unique_consecutive",
        "aten::_unique2",
        "aten::unique_dim",
        "aten::index",
        "torchvision::nms",
    };
    return !node->inputs().empty() && is_tensor(node->input(0)) &&
           operations.count(node->kind().toQualString()) != 0;
}

bool branches_on_values_in(jit::Graph &graph)
{
    bool has_branches = false, has_values = false;
    for_each_node(graph.block(), [&](const jit::Node *node) {
        has_branches |= node->kind() == prim::If || node->kind() == prim::Loop;
        has_values |= reads_values(node);
    });
    return has_branches && has_values;
}

// --- programs ------------------------------------------------------------------------------------

void replace_mark_by_tap(jit::Node *mark_node, jit::Value *tap)
{
    jit::Graph &graph = *mark_node->owningGraph();
    jit::WithInsertPoint before(mark_node);
    jit::Value *number = graph.insertConstant(mark_node->i(attr::value));
    jit::Node *tap_node = graph.insertNode(
        graph.create(tap_symbol(), {mark_node->input(), number, tap}, 1));
    tap_node->output()->setType(mark_node->output()->type());
    mark_node->output()->replaceAllUsesWith(tap_node->output());
    mark_node->destroy();
}

void remove_mark(jit::Node *mark_node)
{
    mark_node->output()->replaceAllUsesWith(mark_node->input());
    mark_node->destroy();
}

bool is_detach(const jit::Node *node)
{
    static const std::unordered_set<std::string> operations = {"aten::detach", "aten::detach_",
                                                               "prim::data"};
    return operations.count(node->kind().toQualString()) != 0;
}

bool has_detach(jit::Graph &graph)
{
    bool found = false;
    for_each_node(graph.block(), [&](const jit::Node *node) { found |= is_detach(node); });
    return found;
}

void remove_detaches(jit::Graph &graph)
{
    for_each_node(graph.block(), [](jit::Node *node) {
        if (!is_detach(node))
            return;
        node->output()->replaceAllUsesWith(node->input(0));
        node->destroy();
    });
}

std::shared_ptr<jit::Graph> forward_graph(const jit::Module &module)
{
    auto forward = module.find_method("forward");
    if (!forward)
        throw Error(SSCAM_E_MODEL, "the network has no forward()");
    return jit::toGraphFunction(forward->function()).graph();
}

// Tracing stores libtorch's switches, TF32 among them, in each convolution. Without them, those
// that hold when the program runs decide, as in a scripted network.
std::shared_ptr<jit::Graph> without_traced_switches(std::shared_ptr<jit::Graph> graph)
{
    static const auto traced = c10::Symbol::fromQualString("aten::_convolution");
    static const auto plain = c10::Symbol::fromQualString("aten::convolution");
    constexpr size_t inputs_before_switches = 9;
    for_each_node(graph->block(), [&](jit::Node *node) {
        if (node->kind() != traced)
            return;
        jit::Node *replacement =
            graph->create(plain, node->inputs().slice(0, inputs_before_switches))
                ->insertBefore(node);
        replacement->copyMetadata(node);
        replacement->output()->copyMetadata(node->output());
        node->output()->replaceAllUsesWith(replacement->output());
        node->destroy();
    });
    return graph;
}

// Nodes remember the functions that they were inlined from, by pointers that freezing leaves
// dangling, since it deletes the submodules' functions; the interpreter follows them when something
// throws. forward() lives as long as the module.
std::shared_ptr<jit::Graph> without_lost_functions(std::shared_ptr<jit::Graph> graph,
                                                   const jit::Module &module)
{
    const auto forward = c10::make_intrusive<jit::InlinedCallStack>(
        &module.get_method("forward").function(), jit::SourceRange());
    for_each_node(graph->block(), [&](jit::Node *node) {
        if (node->callstack())
            node->setCallStack(forward);
    });
    return graph;
}

} // namespace

Program::Program(std::shared_ptr<jit::Graph> graph, const jit::Module &module,
                 std::shared_ptr<const InputForm> form)
    : module_(module), state_(graph, module), form_(std::move(form)),
      has_tap_(graph->inputs().size() > form_->argument_count() + 1),
      code_(without_lost_functions(without_traced_switches(graph), module), "forward")
{
}

c10::IValue Program::run(const at::Tensor &input, const c10::intrusive_ptr<Tap> &tap) const
{
    jit::Stack stack;
    stack.reserve(form_->argument_count() + 2);
    stack.emplace_back(state_.for_one_run());
    form_->push(input, stack);
    if (has_tap_)
        stack.push_back(c10::IValue::make_capsule(tap));
    jit::InterpreterState(code_).run(stack);
    return jit::pop(stack);
}

MarkedGraph::MarkedGraph(const MarkedGraph &other, std::shared_ptr<const InputForm> form)
    : MarkedGraph(other)
{
    form_ = std::move(form);
}

MarkedGraph::MarkedGraph(const jit::Module &module, std::shared_ptr<const InputForm> form)
    : module_(module), form_(std::move(form)), graph_(forward_graph(module)->copy())
{
    avoid_fused_attention(*graph_);
    Inliner inliner(marks_);
    inliner.inline_calls(graph_->block(), graph_->inputs()[0], "");
    inliner.mark_scoped_modules(*graph_);
    BranchFolder(module_, *graph_);
    use_the_latest_name_of_changed_tensors(*graph_);
    redirect_uses_to_marks(*graph_);
    final_activation_ = remove_final_activation(*graph_, &lost_activations_);
    name_operations(*graph_, module_, marks_);
    find_modules_that_return_operations(*graph_, marks_);
    branches_on_values_ = branches_on_values_in(*graph_);
    detaches_ = has_detach(*graph_);
    random_operation_ = find_random_operation(*graph_);
}

std::shared_ptr<jit::Graph> MarkedGraph::copy_of_graph(Detaching detaching) const
{
    std::shared_ptr<jit::Graph> graph = graph_->copy();
    if (detaching == Detaching::PassedOn)
        remove_detaches(*graph);
    return graph;
}

std::shared_ptr<const Program> MarkedGraph::program(const std::function<bool(int64_t)> &wanted,
                                                    Detaching detaching,
                                                    const Insertion &insert) const
{
    register_tap_operator();
    std::shared_ptr<jit::Graph> graph = copy_of_graph(detaching);
    jit::Value *tap = graph->addInput("tap");
    tap->setType(c10::CapsuleType::get());
    if (insert)
        insert(*graph, tap);
    for_each_node(graph->block(), [&](jit::Node *node) {
        if (node->kind() != mark_symbol())
            return;
        if (wanted(node->i(attr::value)))
            replace_mark_by_tap(node, tap);
        else
            remove_mark(node);
    });
    return std::make_shared<const Program>(graph, module_, form_);
}

} // namespace sscam
