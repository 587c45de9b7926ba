#include "graph/target_value.hpp"

#include <vector>

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

} // namespace

at::Tensor target_value(const at::Tensor &logits, const sscam_target &target)
{
    at::Tensor row = logits.select(0, 0), value;
    int64_t factors[2];
    const int32_t factor_count = sscam_target_factors(&target, factors);
    if (factor_count > 0) {
        value = row.select(0, factors[0]);
        return factor_count == 2 ? value * row.select(0, factors[1]) : value;
    }
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
