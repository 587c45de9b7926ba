// Orders of tokens that reshape and permute make.
#ifndef SSCAM_SHIM_GRAPH_STRIDED_ORDER_HPP
#define SSCAM_SHIM_GRAPH_STRIDED_ORDER_HPP

#include <vector>

#include <ATen/ATen.h>

#include "graph/token_response.hpp"

namespace sscam {

// Windows, units that are unrolled, columns before rows, flips, shifts: the digits of a token's
// number, to some mixed base, each step along one axis of the grid. Gives the orders that the
// response speaks most for, as the position in reading order of each token, [T] int64. They are
// found digit by digit, from what neighbours at a digit's distance have in common.
std::vector<at::Tensor> strided_orders(const GridResponse &response);

} // namespace sscam

#endif
