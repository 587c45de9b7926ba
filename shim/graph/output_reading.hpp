// The class scores among what a network returns.
#ifndef SSCAM_SHIM_GRAPH_OUTPUT_READING_HPP
#define SSCAM_SHIM_GRAPH_OUTPUT_READING_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

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
// `taken` receives the number of that output; it may be null.
at::Tensor read_logits(const c10::IValue &output, const OutputRows &wanted, const std::string &name,
                       size_t *taken = nullptr);

// A tensor among the outputs.
struct Output {
    std::string name; // its key or field; "": it has none
    std::vector<int64_t> shape;
};

// In the order in which outputs are numbered.
std::vector<Output> list_outputs(const c10::IValue &output);

} // namespace sscam

#endif
