#include "graph/token_response.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/CPUGeneratorImpl.h>

namespace sscam {

namespace {

constexpr double two_pi = 6.283185307179586;
constexpr double noise_size = 0.1;       // in standard deviations of the input
constexpr double least_spread = 0.01;    // of the input, in its largest values
constexpr double finest_wave = 0.29;     // in cycles for each position
constexpr int64_t wave_ratio = 4;        // of the cycles of two waves
constexpr uint64_t generator_seed = 715; // any: the noise is the same in all runs

// The noise's standard deviation.
double size_of_noise(const at::Tensor &input)
{
    const double size = std::max(input.std().item<double>(),
                                 least_spread * input.abs().max().item<double>());
    return noise_size * (size > 0 ? size : 1.0);
}

// One wave over the whole side, and more and more so that positions that are neighbours differ by a
// good part of a cycle.
at::Tensor cycles_of(int64_t side)
{
    std::vector<double> cycles;
    int64_t next = std::max<int64_t>(1, std::llround(finest_wave * static_cast<double>(side)));
    for (; next > 1; next = (next + wave_ratio / 2) / wave_ratio)
        cycles.push_back(static_cast<double>(next));
    cycles.push_back(1.0);
    return at::tensor(cycles, at::kDouble);
}

} // namespace

at::Tensor waves_at(const AxisResponse &axis, const at::Tensor &positions, double offset)
{
    const at::Tensor angles =
        ((positions + (0.5 + offset)) * (two_pi / static_cast<double>(axis.side))).unsqueeze(1) *
        axis.cycles;
    return at::complex(angles.cos(), angles.sin());
}

TokenProbe::TokenProbe(const at::Tensor &input, const at::Tensor &plain, const TokensOf &tokens_of)
    : input_(input), plain_(plain.to(at::kCPU, at::kDouble)), tokens_of_(tokens_of)
{
    const at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(generator_seed);
    noise_ = at::randn(input.sizes(), generator, at::kFloat).to(input.device()) *
             size_of_noise(input);
    whole_ = change(at::ones({}, input.options()));
}

at::Tensor TokenProbe::change(const at::Tensor &factors) const
{
    const at::Tensor tokens = tokens_of_(input_ + noise_ * factors.to(input_.device()));
    if (!tokens.defined() || tokens.sizes() != plain_.sizes())
        return {};
    const at::Tensor found = tokens.to(at::kCPU, at::kDouble) - plain_;
    return at::isfinite(found).all().item<bool>() ? found : at::Tensor();
}

std::optional<at::Tensor> TokenProbe::shares(const at::Tensor &factors) const
{
    if (!whole_.defined())
        return std::nullopt;
    const at::Tensor found = change(factors);
    if (!found.defined())
        return std::nullopt;
    return (found * whole_).sum(1) / (whole_ * whole_).sum(1).clamp_min(1e-300);
}

std::optional<AxisResponse> TokenProbe::axis_response(int64_t side, int64_t input_axis) const
{
    AxisResponse found;
    found.side = side;
    if (side == 1)
        return found;
    found.cycles = cycles_of(side);
    const int64_t size = input_.size(input_axis);
    std::vector<int64_t> shape(input_.dim(), 1);
    shape[input_axis] = size;
    const at::Tensor places = ((at::arange(size, at::kDouble) + 0.5) / size).view(shape);
    std::vector<at::Tensor> moments;
    for (int64_t i = 0; i < found.cycles.numel(); i++) {
        const at::Tensor angles = places * (two_pi * found.cycles[i].item<double>());
        const auto cosines = shares(angles.cos().to(at::kFloat)),
                   sines = shares(angles.sin().to(at::kFloat));
        if (!cosines || !sines)
            return std::nullopt;
        moments.push_back(at::complex(*cosines, *sines));
    }
    found.moments = at::stack(moments, 1);
    return found;
}

std::optional<GridResponse> TokenProbe::response(sscam_sides grid) const
{
    const int64_t sides[] = {grid.depth, grid.height, grid.width};
    GridResponse found;
    for (int64_t axis = 0; axis < 3; axis++) {
        const auto one = axis_response(sides[axis], input_.dim() - 3 + axis);
        if (!one)
            return std::nullopt;
        found[axis] = *one;
    }
    return found;
}

at::Tensor TokenProbe::spread(const at::Tensor &values, sscam_sides grid) const
{
    at::Tensor at_input = values.view({1, 1, grid.depth, grid.height, grid.width});
    if (input_.dim() == SSCAM_IMAGE_RANK)
        at_input = at_input.squeeze(2);
    for (int64_t axis = 2; axis < input_.dim(); axis++) {
        const at::Tensor at_grid = (at::arange(input_.size(axis), at::kLong) * at_input.size(axis))
                                       .floor_divide(input_.size(axis));
        at_input = at_input.index_select(axis, at_grid);
    }
    return at_input;
}

} // namespace sscam
