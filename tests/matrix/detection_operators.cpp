// torchvision's operators of detectors by libtorch's own, which autograd differentiates: for a
// libtorch that torchvision's library was not built for.
#include <vector>

#include <ATen/ATen.h>
#include <torch/library.h>

namespace {

// The boxes that are kept, by descending score: greedy non-maximum suppression.
at::Tensor nms(const at::Tensor &boxes, const at::Tensor &scores, double overlap)
{
    const at::Tensor order = std::get<1>(scores.detach().sort(/*stable=*/true, 0, true)),
                     sorted = boxes.detach().index_select(0, order).to(at::kDouble);
    const at::Tensor low = sorted.slice(1, 0, 2), high = sorted.slice(1, 2, 4);
    const at::Tensor common = (at::minimum(high.unsqueeze(1), high.unsqueeze(0)) -
                               at::maximum(low.unsqueeze(1), low.unsqueeze(0)))
                                  .clamp_min(0)
                                  .prod(2);
    const at::Tensor area = (high - low).prod(1);
    const at::Tensor exceeds =
        (common / (area.unsqueeze(1) + area.unsqueeze(0) - common) > overlap).contiguous();
    const bool *is_rival = exceeds.data_ptr<bool>();
    const int64_t count = boxes.size(0);
    std::vector<int64_t> kept;
    for (int64_t i = 0; i < count; i++) {
        bool is_kept = true;
        for (size_t j = 0; j < kept.size() && is_kept; j++)
            is_kept = !is_rival[kept[j] * count + i];
        if (is_kept)
            kept.push_back(i);
    }
    return order.index_select(0, at::tensor(kept, at::kLong));
}

// Sampling points of one side, [rows, bins, samples], and where they lie outside.
at::Tensor sampling_points(const at::Tensor &start, const at::Tensor &length, int64_t bins,
                           int64_t samples)
{
    const at::Tensor at_bins = (at::arange(samples, start.options()) + 0.5) / samples,
                     positions = at::arange(bins, start.options()).unsqueeze(1) + at_bins;
    return start.reshape({-1, 1, 1}) + positions * (length.reshape({-1, 1, 1}) / bins);
}

// [rows, points, side]: what each point takes from the positions of a side.
at::Tensor shares_of(const at::Tensor &points, int64_t side)
{
    const at::Tensor outside = points.lt(-1.0).logical_or(points.gt(static_cast<double>(side))),
                     held = points.clamp(0.0, static_cast<double>(side - 1)),
                     all = at::arange(side, points.options());
    return (1.0 - (held.unsqueeze(-1) - all).abs()).clamp_min(0.0) *
           outside.logical_not().unsqueeze(-1);
}

at::Tensor roi_align(const at::Tensor &input, const at::Tensor &boxes, double scale, int64_t height,
                     int64_t width, int64_t sampling_ratio, bool aligned)
{
    TORCH_CHECK(sampling_ratio > 0, "a sampling ratio of 0 is not needed here");
    const at::Tensor edges = boxes.slice(1, 1, 5) * scale - (aligned ? 0.5 : 0.0),
                     sizes = edges.slice(1, 2, 4) - edges.slice(1, 0, 2),
                     lengths = aligned ? sizes : sizes.clamp_min(1.0);
    const auto shares = [&](int64_t side, int64_t bins, int64_t positions) {
        const at::Tensor points = sampling_points(edges.select(1, side), lengths.select(1, side),
                                                  bins, sampling_ratio);
        return shares_of(points, positions).mean(2); // [rows, bins, positions]
    };
    const at::Tensor maps = input.index_select(0, boxes.select(1, 0).to(at::kLong));
    return at::matmul(at::matmul(shares(1, height, input.size(2)).unsqueeze(1), maps),
                      shares(0, width, input.size(3)).transpose(1, 2).unsqueeze(1));
}

} // namespace

TORCH_LIBRARY(torchvision, library)
{
    library.def("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor");
    // Scripts name these, and never call them.
    library.def("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor");
    library.def("box_iou_rotated(Tensor boxes1, Tensor boxes2) -> Tensor");
    library.def("roi_align(Tensor input, Tensor rois, float spatial_scale, int pooled_height, int "
                "pooled_width, int sampling_ratio, bool aligned) -> Tensor",
                &roi_align);
}

// Not as an operator that consists of others: torchvision registers one for shapes beside it.
TORCH_LIBRARY_IMPL(torchvision, CPU, library)
{
    library.impl("nms", &nms);
}
