#include "graph/module_scope.hpp"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "graph/graph_walk.hpp"

namespace sscam {

namespace jit = torch::jit;

namespace {

// The name of such a scope is "path kind". Other scopes, of tracing, are named differently.
const char scope_prefix[] = "sscam_call ";

std::optional<ScopedModule> module_of(jit::Scope &scope)
{
    if (scope.isRoot() || scope.isBlank())
        return std::nullopt;
    const std::string name = scope.name().toUnqualString();
    if (name.compare(0, sizeof scope_prefix - 1, scope_prefix) != 0)
        return std::nullopt;
    const size_t start = sizeof scope_prefix - 1, blank = name.rfind(' ');
    return ScopedModule{name.substr(start, blank - start), name.substr(blank + 1)};
}

// What one call gives to nodes outside of it.
struct Call {
    ScopedModule module;
    size_t depth = 0;
    std::vector<jit::Value *> results; // tensors, in the order of the program
};

class CallFinder {
public:
    explicit CallFinder(jit::Graph &graph)
    {
        for_each_node(graph.block(), [this](jit::Node *node) {
            for (jit::Value *output : node->outputs())
                if (output->type()->kind() == c10::TypeKind::TensorType)
                    add_result(output);
        });
    }

    // Inner calls first.
    std::vector<Call> calls()
    {
        std::vector<Call> found;
        for (jit::Scope *scope : order_)
            found.push_back(std::move(calls_.at(scope)));
        std::stable_sort(found.begin(), found.end(),
                         [](const Call &a, const Call &b) { return a.depth > b.depth; });
        return found;
    }

private:
    // The scopes in which all uses of the value stand are not left by it.
    void add_result(jit::Value *value)
    {
        std::vector<jit::ScopePtr> scopes;
        for (jit::ScopePtr scope = value->node()->scope();
             scope && !scope->isRoot() && module_of(*scope); scope = scope->parent())
            scopes.push_back(scope);
        size_t depth = scopes.size();
        for (const jit::ScopePtr &scope : scopes) {
            Call &call = call_of(scope, depth--);
            if (is_used_outside(value, scope))
                call.results.push_back(value);
        }
    }

    Call &call_of(const jit::ScopePtr &scope, size_t depth)
    {
        const auto [entry, is_new] = calls_.emplace(scope.get(), Call());
        if (is_new) {
            order_.push_back(scope.get());
            entry->second.module = *module_of(*scope);
            entry->second.depth = depth;
        }
        return entry->second;
    }

    bool is_used_outside(const jit::Value *value, const jit::ScopePtr &scope)
    {
        return std::any_of(value->uses().begin(), value->uses().end(), [&](const jit::Use &use) {
            return !is_within(use.user->scope(), scope);
        });
    }

    static bool is_within(jit::ScopePtr scope, const jit::ScopePtr &outer)
    {
        for (; scope && !scope->isRoot(); scope = scope->parent())
            if (scope == outer)
                return true;
        return false;
    }

    std::unordered_map<jit::Scope *, Call> calls_;
    std::vector<jit::Scope *> order_;
};

} // namespace

jit::ScopePtr scope_of_call(const jit::ScopePtr &outer, const ScopedModule &module)
{
    return c10::make_intrusive<jit::Scope>(
        outer, c10::Symbol::scope(scope_prefix + module.path + " " + module.kind));
}

std::string scoped_path(jit::Node *node, const std::string &otherwise)
{
    const jit::ScopePtr scope = node->scope();
    const auto module = scope ? module_of(*scope) : std::nullopt;
    return module ? module->path : otherwise;
}

void for_each_scoped_module(jit::Graph &graph, const AddScopedModule &add)
{
    for (const Call &call : CallFinder(graph).calls())
        if (call.results.size() == 1)
            add(call.results[0], call.module);
}

} // namespace sscam
