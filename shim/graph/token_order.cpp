#include "graph/token_order.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "common/guard.hpp"
#include "graph/strided_order.hpp"

namespace sscam {

namespace {

// Shares of tokens that follow the noise of their own positions by which reading order is certain.
constexpr double nearly_all = 0.9;
// Agreements of an order with the response, of 1 at most: of reading order where no other is found,
// and of an order with the best for each token alone.
constexpr double fair_order = 0.3, as_good = 0.8;
// By how many standard errors an order must agree better than any other, by which it is certain.
constexpr double certain = 4.0;
// Mean length of moments of the finest waves, by which tokens have positions of their own.
constexpr double clear_locality = 0.5;
// Patches that overlap lie beside the grid's positions.
constexpr double offset_step = 0.05, most_offset = 0.5, most_offset_in_order = 0.75;
constexpr int64_t tokens_at_once = 4096; // for which the fits of all positions are kept

// 1 or -1 for each position, scattered like random signs, the same in every run.
at::Tensor scattered_signs(int64_t count)
{
    at::Tensor found = at::empty({count}, at::kFloat);
    for (int64_t i = 0; i < count; i++) {
        uint64_t bits = (static_cast<uint64_t>(i) + 1) * 0x9E3779B97F4A7C15u;
        bits = (bits ^ (bits >> 29)) * 0xBF58476D1CE4E5B9u;
        found.data_ptr<float>()[i] = (bits >> 37 & 1) != 0 ? 1.0F : -1.0F;
    }
    return found;
}

// The agreement of an order that is found. The best of many orders agrees by chance up to 0.6 with
// random moments of 16 tokens, and up to 0.2 with those of 49.
double clear_order(int64_t count)
{
    return std::clamp(2.6 / std::sqrt(static_cast<double>(count)), 0.35, 0.8);
}

// Moments without what all tokens have in common, which tells no positions. They are longer than 1
// by chance alone.
GridResponse told_apart(GridResponse response)
{
    for (AxisResponse &axis : response)
        if (axis.side > 1) {
            const at::Tensor moments = axis.moments / axis.moments.abs().clamp_min(1.0);
            axis.moments = moments - moments.mean(0, /*keepdim=*/true);
        }
    return response;
}

class OrderFit {
public:
    OrderFit(const GridResponse &response, int64_t count)
        : response_(told_apart(response)), count_(count)
    {
        double energy = 0.0, moments = 0.0;
        for (const AxisResponse &axis : response_)
            if (axis.side > 1) {
                energy += axis.moments.abs().square().sum().item<double>();
                moments += static_cast<double>(axis.moments.numel());
            }
        scale_ = std::sqrt(energy * moments) + 1e-300;
    }

    const GridResponse &response() const { return response_; }
    int64_t count() const { return count_; }

    // Of the positions in reading order of each token, [T]; 1: the response is that of these
    // positions alone.
    double agreement(const at::Tensor &positions, double offset) const
    {
        return agreements(positions, offset).sum().item<double>();
    }

    // What each token adds to that, [T].
    at::Tensor agreements(at::Tensor positions, double most) const
    {
        at::Tensor sum = at::zeros({count_}, at::kDouble);
        for (auto axis = response_.rbegin(); axis != response_.rend(); ++axis) {
            const at::Tensor coordinates = positions.remainder(axis->side).to(at::kDouble);
            positions = positions.floor_divide(axis->side);
            if (axis->side == 1)
                continue;
            const at::Tensor fits = axis->moments * waves_at(*axis, coordinates, 0.0).conj(),
                             whole = fits.sum(0, /*keepdim=*/true);
            const auto shift = [&](double offset) {
                return waves_at(*axis, at::zeros({1}, at::kDouble), offset - 0.5).conj();
            };
            const double offset = best_of_offsets(most, [&](double other) {
                                      return at::real((whole * shift(other)).sum()).item<double>();
                                  }).second;
            sum = sum + at::real((fits * shift(offset)).sum(1));
        }
        return sum / scale_;
    }

    // The position that suits each token best alone.
    at::Tensor nearest() const
    {
        at::Tensor found;
        for (const AxisResponse &axis : response_) {
            const at::Tensor coordinates = nearest_coordinates(axis);
            found = found.defined() ? found * axis.side + coordinates : coordinates;
        }
        return found;
    }

private:
    // The largest value, and at which offset.
    template <class Value>
    static std::pair<double, double> best_of_offsets(double most, const Value &value)
    {
        std::pair<double, double> best{value(-most), -most};
        for (double offset = offset_step - most; offset <= most; offset += offset_step)
            if (const double found = value(offset); found > best.first * (1 + 1e-9))
                best = {found, offset};
        return best;
    }

    at::Tensor nearest_coordinates(const AxisResponse &axis) const
    {
        if (axis.side == 1)
            return at::zeros({count_}, at::kLong);
        const auto parts = axis.moments.split(tokens_at_once);
        const auto fits = [&](const at::Tensor &moments, double offset) {
            const at::Tensor waves = waves_at(axis, at::arange(axis.side, at::kDouble), offset);
            return at::real(moments.matmul(waves.conj().t())); // [tokens,side]
        };
        const double offset = best_of_offsets(most_offset, [&](double shift) {
                                  double sum = 0.0;
                                  for (const at::Tensor &part : parts)
                                      sum += fits(part, shift).amax(1).sum().item<double>();
                                  return sum;
                              }).second;
        std::vector<at::Tensor> found;
        for (const at::Tensor &part : parts)
            found.push_back(fits(part, offset).argmax(1));
        return at::cat(found);
    }

    const GridResponse response_;
    const int64_t count_; // of tokens
    double scale_ = 1.0;
};

// The mean length of the moments of the finest waves, of the axis where it is shorter.
double locality(const GridResponse &response)
{
    double found = 1.0;
    for (const AxisResponse &axis : response)
        if (axis.side > 1)
            found = std::min(found, axis.moments.select(1, 0).abs().mean().item<double>());
    return found;
}

// The token at each position; nothing: two lie at one position.
std::optional<std::vector<int64_t>> tokens_at(const at::Tensor &positions)
{
    const int64_t count = positions.numel();
    std::vector<int64_t> token(count, -1);
    for (int64_t i = 0; i < count; i++) {
        const int64_t position = positions[i].item<int64_t>();
        if (token[position] >= 0)
            return std::nullopt;
        token[position] = i;
    }
    return token;
}

// By how many standard errors the one sum of agreements is larger.
double difference(const at::Tensor &agreements, const at::Tensor &others)
{
    const at::Tensor found = agreements - others;
    return (found.sum() / (found.square().sum().sqrt() + 1e-300)).item<double>();
}

// Of the orders that reshape and permute make, the one that the response speaks most for, and by
// how many standard errors more than for any other.
std::pair<at::Tensor, double> best_order(const OrderFit &fit)
{
    const std::vector<at::Tensor> orders = strided_orders(fit.response());
    std::vector<at::Tensor> agreements;
    std::vector<double> sums;
    for (const at::Tensor &order : orders) {
        agreements.push_back(fit.agreements(order, most_offset));
        sums.push_back(agreements.back().sum().item<double>());
    }
    if (orders.empty())
        return {at::arange(fit.count(), at::kLong), 0.0};
    const size_t best = std::max_element(sums.begin(), sums.end()) - sums.begin();
    double least = std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < orders.size(); i++)
        if (!orders[i].equal(orders[best]))
            least = std::min(least, difference(agreements[best], agreements[i]));
    return {orders[best], least};
}

bool follows_own_positions(const TokenProbe &probe, sscam_sides grid)
{
    const at::Tensor signs = scattered_signs(sscam_position_count(grid));
    const auto shares = probe.shares(probe.spread(signs, grid));
    if (!shares)
        return true; // nothing can be told
    const at::Tensor found = (*shares - shares->mean()) * signs > 0;
    return found.to(at::kDouble).mean().item<double>() > nearly_all;
}

} // namespace

std::vector<int64_t> find_token_order(const at::Tensor &input, sscam_sides grid,
                                      const at::Tensor &plain, const TokensOf &tokens_of,
                                      const std::string &layer)
{
    const int64_t count = sscam_position_count(grid);
    const TokenProbe probe(input, plain, tokens_of);
    if (follows_own_positions(probe, grid))
        return {};
    const auto response = probe.response(grid);
    if (!response)
        return {};
    const OrderFit fit(*response, count);
    const at::Tensor in_order = at::arange(count, at::kLong), nearest = fit.nearest();
    const double agreement = fit.agreement(in_order, most_offset_in_order),
                 best = fit.agreement(nearest, most_offset);
    if (agreement > as_good * best)
        return {};
    if (const auto tokens = tokens_at(nearest); tokens && best > clear_order(count))
        return *tokens;
    const double least = std::max(clear_order(count), agreement / as_good);
    const auto [order, certainty] = best_order(fit);
    const bool speaks_for_another = fit.agreement(order, most_offset) > least;
    if (speaks_for_another && certainty > certain)
        if (const auto tokens = tokens_at(order))
            return *tokens;
    if (speaks_for_another || (agreement < fair_order && locality(fit.response()) > clear_locality))
        throw Error(SSCAM_E_LAYER, "layer \"" + layer +
                                       "\": its tokens are not in reading order, and where each of "
                                       "them lies cannot be told; name another layer, such as a "
                                       "later one");
    return {};
}

} // namespace sscam
