// Shared libraries that register operators.
#ifndef SSCAM_SHIM_LOAD_OPERATOR_LIBRARY_HPP
#define SSCAM_SHIM_LOAD_OPERATOR_LIBRARY_HPP

#include <string>

namespace sscam {

// Loads one for the rest of the process's life. Throws an Error where it cannot be loaded, and
// where it would bring another libtorch into the process.
void load_operator_library(const std::string &path);

} // namespace sscam

#endif
