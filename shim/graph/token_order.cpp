#include "graph/token_order.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>

#include "common/guard.hpp"

namespace sscam {

namespace {

// A share of tokens, and a share of change that is a token's own, by which an order is certain.
constexpr double most_tokens = 0.5, clear_change = 0.5;

int64_t bits_of(int64_t side)
{
    int64_t bits = 0;
    while ((int64_t(1) << bits) < side)
        bits++;
    return bits;
}

// Bits that scatter like random ones, the same in every run.
bool scattered_bit(int64_t i)
{
    uint64_t bits = (static_cast<uint64_t>(i) + 1) * 0x9E3779B97F4A7C15u;
    bits = (bits ^ (bits >> 29)) * 0xBF58476D1CE4E5B9u;
    return (bits >> 37 & 1) != 0;
}

double correlation(const at::Tensor &a, const at::Tensor &b)
{
    const at::Tensor x = a.to(at::kDouble) - a.to(at::kDouble).mean(),
                     y = b.to(at::kDouble) - b.to(at::kDouble).mean();
    const double scale = std::sqrt((x * x).sum().item<double>() * (y * y).sum().item<double>());
    return scale > 0 ? (x * y).sum().item<double>() / scale : 0.0;
}

class OrderFinder {
public:
    OrderFinder(const at::Tensor &input, sscam_sides grid, const TokensOf &tokens_of)
        : input_(input), grid_(grid), count_(sscam_position_count(grid)), tokens_of_(tokens_of),
          plain_(tokens_of(input))
    {
        const double spread = input.std().item<double>();
        const at::Tensor numbers = at::arange(input.numel(), input.options()).view(input.sizes());
        other_ = input + (spread > 0 ? spread : 1.0) * at::sin(numbers * 1.7);
    }

    // The change of each token, where the input changes at the positions; nothing: a run with
    // another input does not reach the layer in the same way.
    std::optional<at::Tensor> changes(const at::Tensor &positions) const
    {
        const at::Tensor tokens = tokens_of_(at::where(mask_of(positions), other_, input_));
        if (!plain_.defined() || !tokens.defined() || tokens.sizes() != plain_.sizes())
            return std::nullopt;
        const at::Tensor found = (tokens - plain_).abs().sum(1);
        if (!at::isfinite(found).all().item<bool>())
            return std::nullopt;
        return found.to(at::kCPU, at::kDouble);
    }

    // Of each position.
    template <class Wanted>
    at::Tensor positions(const Wanted &wanted) const
    {
        at::Tensor found = at::empty({count_}, at::kBool);
        for (int64_t i = 0; i < count_; i++)
            found.data_ptr<bool>()[i] = wanted(i);
        return found;
    }

    int64_t coordinate(int64_t position, int axis) const
    {
        const int64_t after[] = {grid_.height * grid_.width, grid_.width, 1};
        const int64_t sides[] = {grid_.depth, grid_.height, grid_.width};
        return position / after[axis] % sides[axis];
    }

    bool find_coordinates(int axis, std::vector<int64_t> &position, double &certainty) const
    {
        const int64_t after[] = {grid_.height * grid_.width, grid_.width, 1};
        const int64_t sides[] = {grid_.depth, grid_.height, grid_.width};
        for (int64_t bit = 0; bit < bits_of(sides[axis]); bit++) {
            const at::Tensor inside = positions(
                [&](int64_t i) { return (coordinate(i, axis) >> bit & 1) != 0; });
            const auto with = changes(inside), without = changes(inside.logical_not());
            if (!with || !without)
                return false;
            const at::Tensor shares =
                ((*with - *without) / (*with + *without + 1e-300)).contiguous();
            for (int64_t i = 0; i < count_; i++)
                if (shares.data_ptr<double>()[i] > 0)
                    position[i] += (int64_t(1) << bit) * after[axis];
            certainty = std::min(certainty, shares.abs().mean().item<double>());
        }
        return true;
    }

private:
    // Of the input's values.
    at::Tensor mask_of(const at::Tensor &positions) const
    {
        at::Tensor mask =
            positions.view({1, 1, grid_.depth, grid_.height, grid_.width}).to(input_.device());
        if (input_.dim() == SSCAM_IMAGE_RANK)
            mask = mask.squeeze(2);
        for (int64_t axis = 2; axis < input_.dim(); axis++) {
            const at::Tensor at_grid = (at::arange(input_.size(axis), input_.device()) *
                                        mask.size(axis))
                                           .floor_divide(input_.size(axis));
            mask = mask.index_select(axis, at_grid.to(at::kLong));
        }
        return mask;
    }

    const at::Tensor input_;
    const sscam_sides grid_;
    const int64_t count_;
    const TokensOf &tokens_of_;
    const at::Tensor plain_;
    at::Tensor other_;
};

// The inverse of `position`, which says where each token lies; nothing: two lie at one position.
std::optional<std::vector<int64_t>> inverse_of(const std::vector<int64_t> &position)
{
    std::vector<int64_t> token(position.size(), -1);
    for (size_t i = 0; i < position.size(); i++) {
        if (position[i] >= static_cast<int64_t>(position.size()) || token[position[i]] >= 0)
            return std::nullopt;
        token[position[i]] = static_cast<int64_t>(i);
    }
    return token;
}

} // namespace

std::vector<int64_t> find_token_order(const at::Tensor &input, sscam_sides grid,
                                      const TokensOf &tokens_of, const std::string &layer)
{
    const OrderFinder finder(input, grid, tokens_of);
    const at::Tensor scattered = finder.positions(scattered_bit);
    const auto changes = finder.changes(scattered);
    if (!changes || correlation(*changes, scattered) > clear_change)
        return {};
    const int64_t count = sscam_position_count(grid);
    std::vector<int64_t> position(count, 0);
    double certainty = 1.0;
    for (const int axis : {0, 1, 2})
        if (!finder.find_coordinates(axis, position, certainty))
            return {};
    int64_t in_order = 0;
    for (int64_t i = 0; i < count; i++)
        in_order += position[i] == i;
    if (static_cast<double>(in_order) > most_tokens * static_cast<double>(count))
        return {};
    if (auto order = inverse_of(position))
        return *order;
    if (certainty < clear_change)
        return {};
    throw Error(SSCAM_E_LAYER, "layer \"" + layer +
                                   "\": its tokens are not in reading order, and where each of "
                                   "them lies cannot be told; name another layer");
}

} // namespace sscam
