// Networks whose tokens are out of reading order.
#ifndef SSCAM_SHIM_GRAPH_TOKEN_ORDER_HPP
#define SSCAM_SHIM_GRAPH_TOKEN_ORDER_HPP

#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "base/shape.h"
#include "graph/token_response.hpp"

namespace sscam {

// Which token lies at each position of the grid, in reading order. Empty: the tokens are in that
// order, or nothing tells that they are not. Found by adding noise to the input whose size varies
// in waves over the positions: how much a token follows each wave tells where it lies. Throws where
// tokens have positions of their own, but in an order that this does not tell. `plain`: the tokens
// of the input; `layer`: its name, for the message.
std::vector<int64_t> find_token_order(const at::Tensor &input, sscam_sides grid,
                                      const at::Tensor &plain, const TokensOf &tokens_of,
                                      const std::string &layer);

} // namespace sscam

#endif
