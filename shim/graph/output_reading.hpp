// The class scores among what a network returns.
#ifndef SSCAM_SHIM_GRAPH_OUTPUT_READING_HPP
#define SSCAM_SHIM_GRAPH_OUTPUT_READING_HPP

#include <cstddef>
#include <cstdint>
#include <string>

#include <ATen/ATen.h>
#include <ATen/core/ivalue.h>

namespace sscam {

// What rows an output must have.
struct OutputRows {
    int64_t rows;
    size_t input_rank;
};

// [rows, classes], or dense logits, [rows, classes, h, w]. `name`: position or name of the output,
// and of its heads or steps the one, as in "logits:1"; empty: the first output of a suitable shape.
at::Tensor read_logits(const c10::IValue &output, const OutputRows &wanted,
                       const std::string &name);

} // namespace sscam

#endif
