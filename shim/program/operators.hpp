// Which operator of libtorch a node of torch.export names.
#ifndef SSCAM_SHIM_PROGRAM_OPERATORS_HPP
#define SSCAM_SHIM_PROGRAM_OPERATORS_HPP

#include <string>

#include <ATen/core/function_schema.h>
#include <ATen/core/symbol.h>

#include "program/program_schema.hpp"

namespace sscam {

// The schema of "torch.ops.aten.conv2d.default", by name and overload, in the registry of the
// libtorch that runs. Throws an Error that names the node if it has none.
c10::FunctionSchema schema_of(const pt2::Node &node);

// The operation of the interpreter on numbers that "_operator.add" names. False: none.
bool find_symbolic_operation(const std::string &target, c10::Symbol *operation);

} // namespace sscam

#endif
