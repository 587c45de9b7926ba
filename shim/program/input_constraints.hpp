// What export found out of the input of a program: for which sizes it holds.
#ifndef SSCAM_SHIM_PROGRAM_INPUT_CONSTRAINTS_HPP
#define SSCAM_SHIM_PROGRAM_INPUT_CONSTRAINTS_HPP

#include <string>

#include <torch/csrc/jit/ir/ir.h>

#include "program/program_schema.hpp"

namespace sscam {

// Inserts checks of the sizes of `input`, which fail with a message that says what the program was
// exported for. The number of inputs in a batch is left open where it was 1: whether such a program
// takes several is tried out where it would help.
void add_input_checks(torch::jit::Graph &graph, torch::jit::Value *input,
                      const pt2::TensorDescription &description,
                      const std::map<std::string, pt2::Range> &ranges);

// Inserts a check that `input` has elements of that type, one of whole numbers.
void add_type_check(torch::jit::Graph &graph, torch::jit::Value *input, c10::ScalarType type);

// "N", "C", "H" or "W" of an image; other axes are numbered.
std::string letter_of_axis(size_t axis, size_t rank);

} // namespace sscam

#endif
