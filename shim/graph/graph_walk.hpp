// Visiting the nodes of TorchScript graphs, and replacing branches.
#ifndef SSCAM_SHIM_GRAPH_GRAPH_WALK_HPP
#define SSCAM_SHIM_GRAPH_GRAPH_WALK_HPP

#include <torch/csrc/jit/ir/ir.h>

namespace sscam {

// Calls visit(node) for every node, which it may destroy: nodes of inner blocks first.
template <class Visit>
void for_each_node(torch::jit::Block *block, const Visit &visit)
{
    for (auto it = block->nodes().begin(); it != block->nodes().end();) {
        torch::jit::Node *node = *it;
        ++it;
        for (torch::jit::Block *inner : node->blocks())
            for_each_node(inner, visit);
        visit(node);
    }
}

// Replaces an `if` by one of its branches.
inline void put_branch_in_place_of(torch::jit::Node *node, torch::jit::Block *branch)
{
    for (auto it = branch->nodes().begin(); it != branch->nodes().end();) {
        torch::jit::Node *inner = *it;
        ++it;
        inner->moveBefore(node);
    }
    for (size_t i = 0; i < node->outputs().size(); i++)
        node->outputs()[i]->replaceAllUsesWith(branch->outputs()[i]);
    node->destroy();
}

} // namespace sscam

#endif
