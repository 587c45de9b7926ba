#include "graph/data_flow.hpp"

#include <memory>

#include <torch/csrc/autograd/variable.h>

#include "common/guard.hpp"

namespace sscam {

namespace {

using Node = torch::autograd::Node;

// The end of autograd's graph: a value whose history is in the flow.
class StandIn : public Node {
public:
    explicit StandIn(FlowValue value) : value_(value) {}

    const FlowValue &value() const { return value_; }

    torch::autograd::variable_list apply(torch::autograd::variable_list && /*gradients*/) override
    {
        throw Error(SSCAM_E_MODEL, "a recorded run has no gradients");
    }

private:
    const FlowValue value_;
};

// Versions of libtorch differ in their pointers to nodes.
template <class Pointer>
struct MakeNode;

template <class T>
struct MakeNode<std::shared_ptr<T>> {
    static std::shared_ptr<T> stand_in(FlowValue value) { return std::make_shared<StandIn>(value); }
};

template <class T>
struct MakeNode<c10::intrusive_ptr<T>> {
    static c10::intrusive_ptr<T> stand_in(FlowValue value)
    {
        return c10::make_intrusive<StandIn>(value);
    }
};

} // namespace

// The step of a node that needs no visit; nullptr: it does.
const Step *DataFlow::known_step(Node *node,
                                 const std::unordered_map<Node *, const Step *> &made) const
{
    if (const auto *stand_in = dynamic_cast<const StandIn *>(node))
        return stand_in->value().step;
    if (const auto view = views_.find(node); view != views_.end())
        return view->second.step;
    const auto found = made.find(node);
    return found == made.end() ? nullptr : found->second;
}

// Copies what autograd has recorded since the last values that were. Depth first without
// recursion: networks are deeper than stacks.
const Step *DataFlow::step_of(Node *last)
{
    std::unordered_map<Node *, const Step *> made;
    std::vector<Node *> waiting{last};
    while (!waiting.empty()) {
        Node *node = waiting.back();
        const size_t before = waiting.size();
        if (known_step(node, made)) {
            waiting.pop_back();
            continue;
        }
        for (const auto &edge : node->next_edges())
            if (edge.is_valid() && !known_step(edge.function.get(), made))
                waiting.push_back(edge.function.get());
        if (waiting.size() > before)
            continue;
        waiting.pop_back();
        Step step{node->name(), {}};
        for (const auto &edge : node->next_edges()) {
            const auto *stand_in = dynamic_cast<const StandIn *>(edge.function.get());
            if (stand_in)
                step.sources.push_back(stand_in->value());
            else if (edge.is_valid())
                step.sources.push_back({known_step(edge.function.get(), made), edge.input_nr});
            else
                step.sources.emplace_back();
        }
        made[node] = &steps_.emplace_back(std::move(step));
    }
    return known_step(last, made);
}

FlowValue DataFlow::value_of(Node *node, uint32_t output)
{
    if (const auto *stand_in = dynamic_cast<const StandIn *>(node))
        return stand_in->value();
    return {step_of(node), output};
}

FlowValue DataFlow::find(const at::Tensor &value)
{
    const auto node = value.grad_fn();
    return node ? value_of(node.get(), value.output_nr()) : FlowValue();
}

FlowValue DataFlow::record(at::Tensor &value)
{
    const NodePointer node = value.grad_fn();
    if (!node)
        return {};
    const FlowValue found = value_of(node.get(), value.output_nr());
    if (dynamic_cast<const StandIn *>(node.get()))
        return found;
    if (value.is_view()) { // what is written to it must reach the tensor that it is a view of
        views_[node.get()] = {node, found.step};
        return found;
    }
    value = value.variable_data();
    torch::autograd::create_gradient_edge(value, MakeNode<NodePointer>::stand_in(found));
    return found;
}

} // namespace sscam
