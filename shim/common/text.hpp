// Questions to texts.
#ifndef SSCAM_SHIM_COMMON_TEXT_HPP
#define SSCAM_SHIM_COMMON_TEXT_HPP

#include <string>

namespace sscam {

inline bool starts_with(const std::string &text, const std::string &beginning)
{
    return text.compare(0, beginning.size(), beginning) == 0;
}

inline bool contains(const std::string &text, const char *part)
{
    return text.find(part) != std::string::npos;
}

} // namespace sscam

#endif
