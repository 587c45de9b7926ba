// Networks whose tokens are out of reading order.
#ifndef SSCAM_SHIM_GRAPH_TOKEN_ORDER_HPP
#define SSCAM_SHIM_GRAPH_TOKEN_ORDER_HPP

#include <functional>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "base/shape.h"

namespace sscam {

// The values of the tokens of the grid, [T,C], for an input; an undefined tensor where there are
// none.
using TokensOf = std::function<at::Tensor(const at::Tensor &input)>;

// Which token lies at each position of the grid, in reading order. Empty: the tokens are in that
// order, or nothing tells that they are not. Found by changing the input in half of the positions
// at a time: the tokens that change most lie there. Throws where tokens are in another order that
// this does not tell. `layer`: its name, for the message.
std::vector<int64_t> find_token_order(const at::Tensor &input, sscam_sides grid,
                                      const TokensOf &tokens_of, const std::string &layer);

} // namespace sscam

#endif
