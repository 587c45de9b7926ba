// Values inside of networks that take one input at a time, and of those that take several inputs.
#ifndef SSCAM_SHIM_GRAPH_BATCH_AXIS_HPP
#define SSCAM_SHIM_GRAPH_BATCH_AXIS_HPP

#include <cstdint>
#include <limits>

#include <ATen/ATen.h>

#include "graph/input_form.hpp"

namespace sscam {

// Whether a value lacks the axis of a batch: [K,h,w] for an image.
inline bool lacks_batch_axis(const InputForm &form, const at::Tensor &value)
{
    return form.is_of_one_input() && value.dim() > 0 && value.size(0) != 1 &&
           value.dim() < sscam_input_layout_rank(&form.layout());
}

// Whether forward() is given tensors besides the input that is explained: no tensor has that many
// rows. Networks that take one input at a time are taken to be given none.
inline bool has_other_tensors(const InputForm &form)
{
    return !form.is_of_one_input() && !form.takes_rows(std::numeric_limits<int64_t>::max());
}

} // namespace sscam

#endif
