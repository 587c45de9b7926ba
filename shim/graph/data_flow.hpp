// The data flow of one run of a network, as autograd records it: through control flow, tuples and
// in-place operations. Nothing that autograd would save for gradients is kept, so that a recorded
// run needs no more memory than any other.
#ifndef SSCAM_SHIM_GRAPH_DATA_FLOW_HPP
#define SSCAM_SHIM_GRAPH_DATA_FLOW_HPP

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/edge.h>
#include <torch/csrc/autograd/function.h>

namespace sscam {

struct Step;

// A value: an output of a step. Two names of one value compare equal. Without a step: a value that
// does not depend on the network's input, or in no differentiable way.
struct FlowValue {
    const Step *step = nullptr;
    uint32_t output = 0;

    bool is_known() const { return step != nullptr; }
    bool operator==(const FlowValue &other) const
    {
        return step == other.step && output == other.output;
    }
};

// An operation of the run.
struct Step {
    std::string operation;          // autograd's name, such as "ConvolutionBackward0"
    std::vector<FlowValue> sources; // its tensor inputs, in order; some without a step
};

class DataFlow {
public:
    // The value's position in the flow. `value` becomes a tensor of the same memory by which
    // autograd still knows that position, but nothing before it.
    FlowValue record(at::Tensor &value);

    // The position of a value that is not used further.
    FlowValue find(const at::Tensor &value);

private:
    using Node = torch::autograd::Node;
    using NodePointer = decltype(torch::autograd::Edge::function);
    struct Kept {
        NodePointer node; // keeps the address from being used again
        const Step *step;
    };

    const Step *step_of(Node *node);
    FlowValue value_of(Node *node, uint32_t output);
    const Step *known_step(Node *node, const std::unordered_map<Node *, const Step *> &made) const;

    std::deque<Step> steps_;
    std::unordered_map<Node *, Kept> views_;
};

} // namespace sscam

#endif
