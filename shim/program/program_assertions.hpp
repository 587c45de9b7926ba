// Nodes of a program that give no value but state what holds.
#ifndef SSCAM_SHIM_PROGRAM_PROGRAM_ASSERTIONS_HPP
#define SSCAM_SHIM_PROGRAM_PROGRAM_ASSERTIONS_HPP

#include <functional>
#include <string>

#include <torch/csrc/jit/ir/ir.h>

#include "program/program_schema.hpp"

namespace sscam {

bool is_assertion(const std::string &target);

// Inserts a check of what the node states, which fails with the node's words. `value_of` gives the
// value of an argument.
void add_assertion(torch::jit::Graph &graph, const pt2::Node &node,
                   const std::function<torch::jit::Value *(const pt2::Argument &)> &value_of);

} // namespace sscam

#endif
