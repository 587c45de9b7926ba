// Networks that change their own attributes: `self.last = x`, `self.count += 1`, buffers that are
// changed in place.
#ifndef SSCAM_SHIM_GRAPH_MODULE_STATE_HPP
#define SSCAM_SHIM_GRAPH_MODULE_STATE_HPP

#include <memory>
#include <set>
#include <string>

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

namespace sscam {

// Gives each run an object of its own for what it changes, so that runs neither race nor depend on
// earlier ones: each starts from the state in the file. What no run changes is shared.
class ModuleState {
public:
    // `graph` is forward() with its calls inlined. Its constant tensors that are changed in place
    // are replaced by copies that each run makes.
    ModuleState(const std::shared_ptr<torch::jit::Graph> &graph, const torch::jit::Module &module);

    // `self` for one run.
    torch::jit::ModulePtr for_one_run() const;

private:
    const torch::jit::Module module_;
    bool is_changed_ = false;
    std::set<std::string> changed_in_place_; // names of attributes, of any submodule
};

} // namespace sscam

#endif
