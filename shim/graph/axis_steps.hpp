// From the axes of what an operation reads back to those of the network's input.
#ifndef SSCAM_SHIM_GRAPH_AXIS_STEPS_HPP
#define SSCAM_SHIM_GRAPH_AXIS_STEPS_HPP

#include <cstdint>
#include <string>
#include <vector>

namespace sscam {

// What one operation does to the axes of a tensor; negative numbers count from the last.
struct AxisStep {
    enum class Kind {
        permute, // the output's axis i is the input's axis numbers[i]
        swap,    // of numbers[0] and [1]
        move,    // of numbers[0] to [1]
        insert,  // of an axis of length 1 at numbers[0]
        fold     // of the first two into one: frames become rows of the batch
    };
    Kind kind;
    std::vector<int64_t> numbers;
};

// The letters of the axes before the steps, of those after them, as in model/input_layout.h; ""
// where they cannot be.
std::string axes_before(const std::vector<AxisStep> &steps, std::string axes);

} // namespace sscam

#endif
