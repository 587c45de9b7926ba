// What forward() of an exported network returned, with its positions and names.
#ifndef SSCAM_SHIM_PROGRAM_OUTPUT_TREE_HPP
#define SSCAM_SHIM_PROGRAM_OUTPUT_TREE_HPP

#include <vector>

#include <torch/csrc/jit/ir/ir.h>

#include "program/program_schema.hpp"

namespace sscam {

// Inserts nodes that put the leaves together: tuples, whose elements have names where the network
// returned a dictionary, a dataclass or a named tuple. Throws an Error if the tree has another
// number of leaves.
torch::jit::Value *build_output(torch::jit::Graph &graph, const pt2::OutputTree &tree,
                                const std::vector<torch::jit::Value *> &leaves);

} // namespace sscam

#endif
