// Nodes that are replaced by others with the same result.
#ifndef SSCAM_SHIM_PROGRAM_SUBSTITUTES_HPP
#define SSCAM_SHIM_PROGRAM_SUBSTITUTES_HPP

#include <vector>

#include "program/program_schema.hpp"

namespace sscam {

// Operators that run_decompositions() puts in place of others, and which lack a derivative, are in
// no earlier libtorch, or are not recognised when networks are optimised. Empty: the node stays.
std::vector<pt2::Node> substitutes_of(const pt2::Node &node);

} // namespace sscam

#endif
