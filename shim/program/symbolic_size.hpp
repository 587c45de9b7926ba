// Sizes that are expressions of SymPy.
#ifndef SSCAM_SHIM_PROGRAM_SYMBOLIC_SIZE_HPP
#define SSCAM_SHIM_PROGRAM_SYMBOLIC_SIZE_HPP

#include <string>

#include "program/program_schema.hpp"

namespace sscam {

// As in srepr(), "Add(Mul(Integer(2), Symbol('s0', integer=True)), Integer(1))", or in str(),
// "2*s0 + 1". Expressions that are not linear in one symbol are not known.
pt2::Size parse_size(const std::string &expression);

} // namespace sscam

#endif
