#include "graph/strided_order.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include <c10/util/complex.h>

namespace sscam {

namespace {

constexpr size_t kept_orders = 48;  // from digit to digit
constexpr size_t varied_orders = 4; // of those, whose strides are also exchanged
constexpr double offset_step = 0.05;

struct Digit {
    int64_t count;
    int axis;
    int64_t stride; // along the axis; below zero: towards its beginning
};

// The last digits of the tokens' numbers.
struct LastDigits {
    double agreement = 0.0;
    int64_t count = 1; // of tokens that they tell apart
    std::vector<Digit> digits;

    double mean_agreement() const { return agreement / std::log(static_cast<double>(count)); }
};

std::vector<int64_t> prime_factors(int64_t number)
{
    std::vector<int64_t> found;
    for (int64_t factor = 2; factor * factor <= number; factor++) {
        if (number % factor == 0)
            found.push_back(factor);
        while (number % factor == 0)
            number /= factor;
    }
    if (number > 1)
        found.push_back(number);
    return found;
}

// Whether the digits of one axis can be those of its positions' numbers.
bool is_compatible(const std::vector<Digit> &digits, const Digit &next)
{
    const int64_t stride = std::abs(next.stride);
    return std::all_of(digits.begin(), digits.end(), [&](const Digit &digit) {
        if (digit.axis != next.axis)
            return true;
        const int64_t other = std::abs(digit.stride);
        return other < stride ? stride % (other * digit.count) == 0
                              : other > stride && other % (stride * next.count) == 0;
    });
}

class DigitFinder {
public:
    explicit DigitFinder(const GridResponse &response)
        : response_(response), count_(response[0].side * response[1].side * response[2].side)
    {
    }

    std::vector<LastDigits> find()
    {
        std::vector<LastDigits> found{LastDigits{}};
        while (!found.empty() && found.front().count < count_) {
            std::vector<LastDigits> longer;
            for (const LastDigits &last : found)
                if (last.count < count_)
                    add_digit(last, longer);
                else
                    longer.push_back(last);
            std::stable_sort(longer.begin(), longer.end(),
                             [](const LastDigits &a, const LastDigits &b) {
                                 return a.mean_agreement() > b.mean_agreement();
                             });
            longer.resize(std::min(longer.size(), kept_orders));
            found = std::move(longer);
        }
        return found;
    }

private:
    // For each axis, and each distance in digits, the mean product of moments, [distances,waves].
    using Products = std::array<at::Tensor, 3>;

    const Products &products(int64_t inner, int64_t digits)
    {
        const auto known = products_.find({inner, digits});
        if (known != products_.end())
            return known->second;
        Products &found = products_[{inner, digits}];
        for (size_t axis = 0; axis < response_.size(); axis++) {
            if (response_[axis].side == 1)
                continue;
            const at::Tensor moments = response_[axis].moments.view(
                {-1, digits, inner, response_[axis].moments.size(1)});
            std::vector<at::Tensor> sums;
            for (int64_t distance = 1; distance < digits; distance++)
                sums.push_back((moments.narrow(1, distance, digits - distance) *
                                moments.narrow(1, 0, digits - distance).conj())
                                   .sum(at::IntArrayRef{0, 1, 2}));
            const int64_t pairs = count_ / digits * (digits * (digits - 1) / 2);
            found[axis] = at::stack(sums) / static_cast<double>(pairs);
        }
        return found;
    }

    double agreement(int64_t inner, const Digit &digit)
    {
        const Products &found = products(inner, digit.count);
        double sum = 0.0;
        for (size_t axis = 0; axis < response_.size(); axis++) {
            if (response_[axis].side == 1)
                continue;
            const double step = static_cast<int>(axis) == digit.axis
                                    ? static_cast<double>(digit.stride)
                                    : 0.0;
            const at::Tensor distances = at::arange(1, digit.count, at::kDouble) * step;
            const at::Tensor waves = waves_at(response_[axis], distances, -0.5);
            sum += at::real((found[axis] * waves.conj()).sum()).item<double>();
        }
        return sum * std::log(static_cast<double>(digit.count));
    }

    void add_digit(const LastDigits &last, std::vector<LastDigits> &longer)
    {
        for (const int64_t count : prime_factors(count_ / last.count))
            for (int axis = 0; axis < 3; axis++)
                for (int64_t stride = 1; stride * count <= response_[axis].side; stride++)
                    for (const int64_t sign : {1, -1}) {
                        const Digit digit{count, axis, sign * stride};
                        const bool is_circle = stride * count == response_[axis].side;
                        if (response_[axis].side % (stride * count) != 0 ||
                            (sign < 0 && count == 2 && is_circle) || // the same as forwards
                            !is_compatible(last.digits, digit))
                            continue;
                        longer.push_back(last);
                        longer.back().agreement += agreement(last.count, digit);
                        longer.back().count *= count;
                        longer.back().digits.push_back(digit);
                    }
    }

    const GridResponse &response_;
    const int64_t count_;
    std::map<std::pair<int64_t, int64_t>, Products> products_;
};

// The coordinates along an axis, whose first one the response tells.
at::Tensor coordinates(const AxisResponse &axis, const at::Tensor &steps)
{
    if (axis.side == 1)
        return at::zeros_like(steps);
    const at::Tensor common =
        (axis.moments * waves_at(axis, steps.to(at::kDouble), -0.5).conj()).sum(0);
    const at::Tensor firsts = at::arange(axis.side, at::kDouble);
    int64_t first = 0;
    double largest = -1.0;
    for (double offset = -0.5; offset <= 0.5; offset += offset_step) {
        const at::Tensor fits = at::real(waves_at(axis, firsts, offset).conj().matmul(common));
        const auto [fit, index] = fits.max(0);
        if (fit.item<double>() > largest * (1 + 1e-9)) {
            largest = fit.item<double>();
            first = index.item<int64_t>();
        }
    }
    return (steps + first).remainder(axis.side);
}

at::Tensor positions(const GridResponse &response, const std::vector<Digit> &digits)
{
    const int64_t count = response[0].side * response[1].side * response[2].side;
    const at::Tensor tokens = at::arange(count, at::kLong);
    std::array<at::Tensor, 3> steps;
    steps.fill(at::zeros({count}, at::kLong));
    int64_t inner = 1;
    for (const Digit &digit : digits) {
        steps[digit.axis] = steps[digit.axis] +
                            tokens.floor_divide(inner).remainder(digit.count) * digit.stride;
        inner *= digit.count;
    }
    at::Tensor found = at::zeros({count}, at::kLong);
    for (size_t axis = 0; axis < response.size(); axis++)
        found = found * response[axis].side + coordinates(response[axis], steps[axis]);
    return found;
}

// The orders in which two digits have each other's stride: those that are hardest to tell apart.
void add_exchanged(const GridResponse &response, const std::vector<Digit> &digits,
                   std::vector<at::Tensor> &orders)
{
    for (size_t i = 0; i < digits.size(); i++)
        for (size_t j = 0; j < i; j++) {
            if (digits[i].count != digits[j].count)
                continue;
            std::vector<Digit> other = digits;
            std::swap(other[i], other[j]);
            orders.push_back(positions(response, other));
        }
}

} // namespace

std::vector<at::Tensor> strided_orders(const GridResponse &response)
{
    const std::vector<LastDigits> found = DigitFinder(response).find();
    std::vector<at::Tensor> orders;
    for (const LastDigits &order : found)
        orders.push_back(positions(response, order.digits));
    for (size_t i = 0; i < std::min(found.size(), varied_orders); i++)
        add_exchanged(response, found[i].digits, orders);
    return orders;
}

} // namespace sscam
