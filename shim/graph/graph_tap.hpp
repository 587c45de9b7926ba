// Access to values inside of a TorchScript network, whose modules have no hooks in C++.
//
// A *mark* is a node of one input and one output that follows the call of a module, or an
// operation, in an inlined copy of forward(); every later use of the value takes it from there. It
// is inserted before inlining, so that the outputs of containers, of modules that change their
// input in place and of modules called several times are distinguished. A *tap* is the object that
// receives the values at chosen marks while a program runs.
#ifndef SSCAM_SHIM_GRAPH_GRAPH_TAP_HPP
#define SSCAM_SHIM_GRAPH_GRAPH_TAP_HPP

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/interpreter.h>
#include <torch/custom_class.h>

#include "graph/final_activation.hpp"
#include "graph/input_form.hpp"
#include "graph/module_state.hpp"
#include "model/backend.h"

namespace sscam {

// Receives the values at the marks of a program, in the order of execution. Each run needs its own.
class Tap : public torch::CustomClassHolder {
public:
    // Returns the value with which the network continues.
    virtual at::Tensor pass(int64_t mark, const at::Tensor &value) = 0;
};

// forward() for the TorchScript interpreter, without the profiling executor: it is not recompiled
// for new shapes, and equal runs give equal numbers. Any number of threads may run it.
class Program {
public:
    // `form`: how forward() takes its inputs.
    Program(std::shared_ptr<torch::jit::Graph> graph, const torch::jit::Module &module,
            std::shared_ptr<const InputForm> form);

    // What forward() returns for inputs [N,C,sides]. Programs with marks need a tap.
    c10::IValue run(const at::Tensor &input, const c10::intrusive_ptr<Tap> &tap = {}) const;

    const torch::jit::Code &code() const { return code_; }
    const torch::jit::Module &module() const { return module_; }
    const InputForm &form() const { return *form_; }
    const std::shared_ptr<const InputForm> &shared_form() const { return form_; }

private:
    torch::jit::Module module_;
    ModuleState state_; // of the module
    std::shared_ptr<const InputForm> form_;
    bool has_tap_;
    torch::jit::Code code_;
};

struct Mark {
    // Module path ("layer4.1.conv2"), or the path of the module around an operation, with the
    // operation's name, and a number from the second on ("relu", "layer1.0.add", "conv2d_7").
    std::string name;
    std::string kind; // class of the module, or name of the operation
    bool is_module;
    int64_t module_mark; // of an operation whose value a module returns at once: that module's
                         // mark; else -1
};

// What becomes of detach(), which ends the flow of gradients.
enum class Detaching { Kept, PassedOn };

class MarkedGraph {
public:
    MarkedGraph(const torch::jit::Module &module, std::shared_ptr<const InputForm> form);

    // The same graph, whose programs take inputs in another form.
    MarkedGraph(const MarkedGraph &other, std::shared_ptr<const InputForm> form);

    const std::shared_ptr<const InputForm> &form() const { return form_; }

    // Indexed by the number that Tap::pass() gets.
    const std::vector<Mark> &marks() const { return marks_; }

    // Whether values of tensors, not their shapes alone, decide which operations run.
    bool branches_on_values() const { return branches_on_values_; }

    // How the logits that programs return become the network's outputs.
    sscam_score_kind final_activation() const { return final_activation_; }

    // The last activations that the outputs have lost.
    const LostActivations &lost_activations() const { return lost_activations_; }

    // Name of an operation that draws random numbers; "": there is none.
    const std::string &random_operation() const { return random_operation_; }

    // Whether forward() detaches values from their gradients.
    bool detaches() const { return detaches_; }

    // Puts operations that take the tap into a graph.
    using Insertion = std::function<void(torch::jit::Graph &graph, torch::jit::Value *tap)>;

    // forward() with taps at the marks for which `wanted` is true. What `insert` puts behind an
    // operation runs before the tap there; null: nothing.
    std::shared_ptr<const Program> program(const std::function<bool(int64_t)> &wanted,
                                           Detaching detaching = Detaching::Kept,
                                           const Insertion &insert = nullptr) const;

private:
    std::shared_ptr<torch::jit::Graph> copy_of_graph(Detaching detaching) const;

    torch::jit::Module module_;
    std::shared_ptr<const InputForm> form_;
    std::shared_ptr<torch::jit::Graph> graph_; // not changed any more
    std::vector<Mark> marks_;
    bool branches_on_values_;
    bool detaches_;
    std::string random_operation_;
    sscam_score_kind final_activation_;
    LostActivations lost_activations_;
};

} // namespace sscam

#endif
