// Nodes that end a run of a program whose input is not what the program is for.
#ifndef SSCAM_SHIM_PROGRAM_GRAPH_CHECKS_HPP
#define SSCAM_SHIM_PROGRAM_GRAPH_CHECKS_HPP

#include <string>

#include <torch/csrc/jit/ir/ir.h>

namespace sscam {

// Inserts a check of the condition, a bool: where it is false, the run fails with the message.
void require(torch::jit::Graph &graph, torch::jit::Value *condition, const std::string &message);

// Inserts a // b, or a % b, of Python's integers. The interpreter of libtorch ends the process at a
// remainder by 0 and at the least integer divided by -1: those fail with a message here.
torch::jit::Value *insert_floor_division(torch::jit::Graph &graph, torch::jit::Value *a,
                                         torch::jit::Value *b);
torch::jit::Value *insert_remainder(torch::jit::Graph &graph, torch::jit::Value *a,
                                    torch::jit::Value *b);

} // namespace sscam

#endif
