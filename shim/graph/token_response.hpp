// How the tokens of a layer respond to changes of the input.
#ifndef SSCAM_SHIM_GRAPH_TOKEN_RESPONSE_HPP
#define SSCAM_SHIM_GRAPH_TOKEN_RESPONSE_HPP

#include <array>
#include <cstdint>
#include <functional>
#include <optional>

#include <ATen/ATen.h>

#include "base/shape.h"

namespace sscam {

// The values of the tokens of the grid, [T,C], for an input; an undefined tensor where there are
// none.
using TokensOf = std::function<at::Tensor(const at::Tensor &input)>;

// What the tokens show of waves along one axis of the grid: the moments exp(2 pi i k u) of where
// the input changes a token, with u from 0 to 1 over the input and k cycles. A token that depends
// on one patch alone has a moment of length 1 whose phase tells where the patch lies; one that
// depends on the whole input has moments near 0.
struct AxisResponse {
    int64_t side = 1;   // of the grid
    at::Tensor cycles;  // [waves], double; undefined where the side is 1
    at::Tensor moments; // [T,waves], complex double
};

// Of depth, height and width.
using GridResponse = std::array<AxisResponse, 3>;

// exp(2 pi i k (p + 0.5 + offset) / side) of the positions p, [count,waves]. `positions`: double.
at::Tensor waves_at(const AxisResponse &axis, const at::Tensor &positions, double offset);

// Adds noise to the input, the same in all runs but for factors of the positions. What a token
// changes by is nearly linear in these factors; its share is measured along its change by the noise
// with factors of 1.
class TokenProbe {
public:
    // `plain`: the tokens of the input itself. Runs the network once.
    TokenProbe(const at::Tensor &input, const at::Tensor &plain, const TokensOf &tokens_of);

    // [T], of the factors, which are broadcast to the input; nothing: an altered input does not
    // reach the layer in the same way. Runs the network once.
    std::optional<at::Tensor> shares(const at::Tensor &factors) const;

    // One run for each cosine and each sine.
    std::optional<GridResponse> response(sscam_sides grid) const;

    // Values of the grid's positions, [T] in reading order, at the input's.
    at::Tensor spread(const at::Tensor &values, sscam_sides grid) const;

private:
    at::Tensor change(const at::Tensor &factors) const;
    std::optional<AxisResponse> axis_response(int64_t side, int64_t input_axis) const;

    const at::Tensor input_, plain_;
    const TokensOf &tokens_of_;
    at::Tensor noise_, whole_;
};

} // namespace sscam

#endif
