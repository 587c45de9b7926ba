// Dense outputs, [rows, classes, h, w]: which of their places count, and rows of classes read from
// these.
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

// Reads rows of classes. Not for several threads at once.
class RowReader {
public:
    // [rows, classes]: the logits themselves or, of dense ones, means over the places (NULL: all)
    // of the logits or of the probabilities that `kind` says.
    at::Tensor rows(const at::Tensor &logits, const sscam_target_pixels *target_pixels,
                    sscam_score_kind kind);

private:
    const at::Tensor &indices_of(const sscam_target_pixels *target_pixels, c10::Device device);

    std::map<const sscam_target_pixels *, at::Tensor>
        indices_; // on the device, where each goes once
};

struct DestroyPlaces {
    void operator()(sscam_target_pixels *target_pixels) const
    {
        sscam_target_pixels_destroy(target_pixels);
    }
};
using HostPlaces = std::unique_ptr<sscam_target_pixels, DestroyPlaces>;

// The places of dense logits that count in a capture: the target's own or, where it has none, those
// of the request's region and of the class, which is resolved here.
HostPlaces find_places(const at::Tensor &logits, const sscam_capture_request &request,
                       sscam_target &target);

} // namespace sscam

#endif
