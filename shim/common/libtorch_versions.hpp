// What differs between the versions of libtorch that the shim builds with, and since which one.
#ifndef SSCAM_SHIM_COMMON_LIBTORCH_VERSIONS_HPP
#define SSCAM_SHIM_COMMON_LIBTORCH_VERSIONS_HPP

#include <torch/csrc/api/include/torch/version.h>

#include <c10/util/Exception.h>

#define SSCAM_TORCH_SINCE(major, minor) \
    (TORCH_VERSION_MAJOR > (major) ||   \
     (TORCH_VERSION_MAJOR == (major) && TORCH_VERSION_MINOR >= (minor)))

// 2.0: the namespace of warning handlers is WarningUtils, and a handler gets a c10::Warning.
#define SSCAM_TORCH_WARNING_OBJECTS SSCAM_TORCH_SINCE(2, 0)

// 2.2: c10::Allocator::allocate() is not const. 2.3: copy_data() is pure virtual.
#define SSCAM_TORCH_ALLOCATE_IS_CONST !SSCAM_TORCH_SINCE(2, 2)
#define SSCAM_TORCH_ALLOCATOR_COPIES SSCAM_TORCH_SINCE(2, 3)

// 2.9: precision of float32 is set for each kind of operation. 2.10: by enumerations, not strings.
#define SSCAM_TORCH_PRECISION_BY_OPERATION SSCAM_TORCH_SINCE(2, 9)
#define SSCAM_TORCH_PRECISION_ENUMERATIONS SSCAM_TORCH_SINCE(2, 10)

namespace sscam {

#if SSCAM_TORCH_WARNING_OBJECTS
namespace torch_warnings = c10::WarningUtils;
#else
namespace torch_warnings = c10::Warning;
#endif

} // namespace sscam

#endif
