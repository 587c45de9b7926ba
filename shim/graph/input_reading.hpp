// What a network's graph says of its inputs, without being run: which operations read them first.
#ifndef SSCAM_SHIM_GRAPH_INPUT_READING_HPP
#define SSCAM_SHIM_GRAPH_INPUT_READING_HPP

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <torch/csrc/jit/api/module.h>

#include "model/input_layout.h"

namespace sscam {

// Of one tensor that forward() takes.
struct InputReading {
    std::string axes;       // as in model/input_layout.h; "": unknown
    int64_t channels = 0;   // 0: unknown
    bool is_image = false;  // a convolution reads it
    bool is_certain = true; // nothing reads it that is not understood
    bool is_needed = false; // of an element of a dictionary or list: forward() always takes it
    sscam_input_type type = SSCAM_INPUT_TYPE_AUTO; // that it wants; AUTO: float32
};

// By name, in the order of forward()'s arguments and of the first uses: "x", "x.depth", "x.0".
using InputReadings = std::vector<std::pair<std::string, InputReading>>;

// Empty where the graph cannot be read.
InputReadings read_inputs(const torch::jit::Module &module) noexcept;

// What libtorch knows to be a tensor, or of which it knows nothing.
inline bool may_be_tensor(const c10::TypePtr &type)
{
    return type->kind() == c10::TypeKind::TensorType || type->kind() == c10::TypeKind::AnyType;
}

// How an element of a list or tuple is called: "0", or the name of a field.
std::string element_name(const c10::TypePtr &type, size_t index);

// NULL: nothing is known of it.
const InputReading *find_reading(const InputReadings &readings, const std::string &name);

} // namespace sscam

#endif
