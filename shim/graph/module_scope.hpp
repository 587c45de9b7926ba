// Calls of modules in graphs that are flat, as those of torch.export: a scope, which nodes carry,
// stands for one call.
#ifndef SSCAM_SHIM_GRAPH_MODULE_SCOPE_HPP
#define SSCAM_SHIM_GRAPH_MODULE_SCOPE_HPP

#include <functional>
#include <string>

#include <torch/csrc/jit/ir/ir.h>

namespace sscam {

struct ScopedModule {
    std::string path, kind;
};

// A further call, within `outer`. The kind has no blanks.
torch::jit::ScopePtr scope_of_call(const torch::jit::ScopePtr &outer, const ScopedModule &module);

// The path of the innermost module in whose call the node stands; `otherwise` where its scope tells
// of none.
std::string scoped_path(torch::jit::Node *node, const std::string &otherwise);

// Calls add(value, module) for the one tensor that each call gives to what follows it; not for
// calls that give none or several. Inner calls come before outer ones.
using AddScopedModule = std::function<void(torch::jit::Value *, const ScopedModule &)>;
void for_each_scoped_module(torch::jit::Graph &graph, const AddScopedModule &add);

} // namespace sscam

#endif
