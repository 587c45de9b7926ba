#include "graph/target_value.hpp"

#include <vector>

#include "common/guard.hpp"
#include "common/host_array.hpp"
#include "detect/detection_anchor.h"

namespace sscam {

namespace {

at::Tensor weights_of(const sscam_target &target, const at::Tensor &row)
{
    return at::from_blob(const_cast<float *>(target.weights), {target.weight_count}, at::kFloat)
        .to(row.device(), row.scalar_type());
}

// The factors of the outputs in a linear target.
at::Tensor slopes_of(const sscam_target &target, const at::Tensor &row)
{
    const at::Tensor values = row.detach().to(at::kCPU, at::kFloat).contiguous();
    std::vector<double> slopes(values.numel());
    sscam_target_slopes(&target, values.data_ptr<float>(), values.numel(), slopes.data());
    return at::from_blob(slopes.data(), {values.numel()}, at::kDouble)
        .to(row.device(), row.scalar_type(), /*non_blocking=*/false, /*copy=*/true);
}

// The score of the detection among the outputs for this input, which may be a noisy or masked one.
at::Tensor detection_value(const at::Tensor &logits, const sscam_target &target)
{
    const at::Tensor row = logits.select(0, 0);
    const HostArray<float> values = host_copy(logits.detach());
    sscam_target own = target;
    own.anchor = sscam_detection_anchor(target.detection, values.get(), target.anchor);
    throw_if_failed(sscam_resolve_target(&own, values.get(), logits.size(1)));
    int64_t factors[2];
    const int32_t factor_count = sscam_target_factors(&own, factors);
    const at::Tensor value = row.select(0, factors[0]);
    return factor_count == 2 ? value * row.select(0, factors[1]) : value;
}

} // namespace

at::Tensor target_value(const at::Tensor &logits, const sscam_target &target)
{
    if (target.kind == SSCAM_TARGET_DETECTION)
        return detection_value(logits, target);
    at::Tensor row = logits.select(0, 0), value;
    if (target.kind == SSCAM_TARGET_COSINE) {
        const at::Tensor weights = weights_of(target, row);
        value = row.dot(weights) / (row.norm() * weights.norm());
    } else if (target.kind == SSCAM_TARGET_CLASS || target.kind == SSCAM_TARGET_AGAINST) {
        value = row.select(0, target.class_index);
        value = target.kind == SSCAM_TARGET_AGAINST ? -value : value;
    } else {
        value = row.dot(slopes_of(target, row));
    }
    return target.target_pixels ? value * target.target_pixels->factor : value;
}

} // namespace sscam
