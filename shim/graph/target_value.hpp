// A target as autograd differentiates it.
#ifndef SSCAM_SHIM_GRAPH_TARGET_VALUE_HPP
#define SSCAM_SHIM_GRAPH_TARGET_VALUE_HPP

#include <ATen/ATen.h>

#include "model/backend.h"

namespace sscam {

// The value of a resolved target on the first row of raw logits, [rows, classes].
at::Tensor target_value(const at::Tensor &logits, const sscam_target &target);

} // namespace sscam

#endif
