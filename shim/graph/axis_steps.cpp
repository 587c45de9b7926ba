#include "graph/axis_steps.hpp"

#include <algorithm>
#include <optional>

namespace sscam {

namespace {

std::optional<size_t> position(int64_t axis, size_t rank)
{
    const int64_t from_first = axis < 0 ? axis + static_cast<int64_t>(rank) : axis;
    if (from_first < 0 || from_first >= static_cast<int64_t>(rank))
        return std::nullopt;
    return static_cast<size_t>(from_first);
}

std::string before_permute(const std::vector<int64_t> &numbers, const std::string &axes)
{
    std::string before(axes.size(), ' ');
    if (numbers.size() != axes.size())
        return "";
    for (size_t i = 0; i < axes.size(); i++) {
        const auto from = position(numbers[i], axes.size());
        if (!from)
            return "";
        before[*from] = axes[i];
    }
    return before.find(' ') == std::string::npos ? before : "";
}

std::string before_swap(const std::vector<int64_t> &numbers, std::string axes)
{
    const auto first = position(numbers[0], axes.size()),
               second = position(numbers[1], axes.size());
    if (!first || !second)
        return "";
    std::swap(axes[*first], axes[*second]);
    return axes;
}

std::string before_move(const std::vector<int64_t> &numbers, std::string axes)
{
    const auto from = position(numbers[0], axes.size()), to = position(numbers[1], axes.size());
    if (!from || !to)
        return "";
    const char moved = axes[*to];
    axes.erase(*to, 1);
    axes.insert(*from, 1, moved);
    return axes;
}

// What has length 1 after the step is not in the input: only a batch or channels can be left out.
std::string before_insert(const std::vector<int64_t> &numbers, std::string axes)
{
    const auto at = position(numbers[0], axes.size());
    if (!at || (axes[*at] != 'n' && axes[*at] != 'c'))
        return "";
    return axes.erase(*at, 1);
}

std::string before_fold(std::string axes)
{
    if (axes.empty() || axes[0] != 'n' || axes.find('d') != std::string::npos)
        return "";
    return axes.insert(1, 1, 'd');
}

} // namespace

std::string axes_before(const std::vector<AxisStep> &steps, std::string axes)
{
    for (auto step = steps.rbegin(); step != steps.rend() && !axes.empty(); ++step) {
        switch (step->kind) {
        case AxisStep::Kind::permute: axes = before_permute(step->numbers, axes); break;
        case AxisStep::Kind::swap: axes = before_swap(step->numbers, axes); break;
        case AxisStep::Kind::move: axes = before_move(step->numbers, axes); break;
        case AxisStep::Kind::insert: axes = before_insert(step->numbers, axes); break;
        case AxisStep::Kind::fold: axes = before_fold(axes); break;
        }
    }
    return axes;
}

} // namespace sscam
