// Dense outputs, [rows, classes, h, w]: their target pixels, and rows of classes read from those.
#ifndef SSCAM_SHIM_GRAPH_DENSE_OUTPUT_HPP
#define SSCAM_SHIM_GRAPH_DENSE_OUTPUT_HPP

#include <map>
#include <memory>

#include <ATen/ATen.h>

#include "model/backend.h"

namespace sscam {

inline bool is_dense(const at::Tensor &logits)
{
    return logits.dim() == 4;
}

// Reads rows of classes. Used by one thread at a time.
class RowReader {
public:
    // [rows, classes]: the logits themselves or, of dense ones, means over the target pixels
    // (NULL: all) of the logits or of the probabilities of `kind`.
    at::Tensor rows(const at::Tensor &logits, const sscam_target_pixels *target_pixels,
                    sscam_score_kind kind);

private:
    const at::Tensor &indices_of(const sscam_target_pixels *target_pixels, c10::Device device);

    std::map<const sscam_target_pixels *, at::Tensor>
        indices_; // on the device; each is copied once
};

struct DestroyTargetPixels {
    void operator()(sscam_target_pixels *target_pixels) const
    {
        sscam_target_pixels_destroy(target_pixels);
    }
};
using HostTargetPixels = std::unique_ptr<sscam_target_pixels, DestroyTargetPixels>;

// The target pixels of a capture: the target's own or, where it has none, those of the request's
// region and of the class, which is resolved here.
HostTargetPixels find_target_pixels(const at::Tensor &logits, const sscam_capture_request &request,
                                    sscam_target &target);

} // namespace sscam

#endif
