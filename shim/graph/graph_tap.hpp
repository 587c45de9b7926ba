// Reaching into a TorchScript network: a flat copy of forward() in which every layer's output
// passes through a mark, and programs made from it in which chosen marks call back into the
// library.
//
// TorchScript modules have no hooks in C++. A mark is a node of one input and one output that
// stands after the call of a module, or after an operation, and before every later use of its
// value. It survives inlining, so that the outputs of containers, of modules that change their
// input in place and of modules called several times are told apart, which they are not in a graph
// that was inlined first.
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

namespace sscam {

// Hears of the values at the marks of a running program, in the order of execution. One run, one
// tap.
class Tap : public torch::CustomClassHolder {
public:
    // Returns what the network goes on with in place of `value`.
    virtual at::Tensor pass(int64_t mark, const at::Tensor &value) = 0;
};

// forward() as a straight program for the TorchScript interpreter, without the profiling executor:
// it neither recompiles for new shapes nor changes numbers from one run to the next. Runs on many
// threads at once.
class Program {
public:
    Program(std::shared_ptr<torch::jit::Graph> graph, const torch::jit::Module &module);

    // What forward(input) returns. Programs that were made with marks need the tap that they report
    // to.
    c10::IValue run(const at::Tensor &input, const c10::intrusive_ptr<Tap> &tap = {}) const;

    const torch::jit::Code &code() const { return code_; }
    const torch::jit::Module &module() const { return module_; }

private:
    torch::jit::Module module_;
    std::vector<c10::IValue> other_arguments_;
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

class MarkedGraph {
public:
    explicit MarkedGraph(const torch::jit::Module &module);

    // Indexed by the number that Tap::pass() gets.
    const std::vector<Mark> &marks() const { return marks_; }

    // forward() with taps at the marks for which `wanted` is true.
    std::shared_ptr<const Program> program(const std::function<bool(int64_t)> &wanted) const;

private:
    torch::jit::Module module_;
    std::shared_ptr<torch::jit::Graph> graph_;
    std::vector<Mark> marks_;
};

} // namespace sscam

#endif
