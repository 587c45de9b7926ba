// All values of a network's outputs as rows, from which the core reads a detector's boxes and
// scores.
#ifndef SSCAM_SHIM_GRAPH_RAW_OUTPUTS_HPP
#define SSCAM_SHIM_GRAPH_RAW_OUTPUTS_HPP

#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/core/ivalue.h>

#include "graph/output_reading.hpp"

namespace sscam {

// Whether a selection of outputs is one of all their values: "@0+2", or "@detections".
inline bool selects_raw_outputs(const std::string &selection)
{
    return !selection.empty() && selection[0] == '@';
}

// [rows, values]: of "@0+2" those of tensors number 0 and 2, one after another; of "@detections"
// left, top, right, bottom, score and label of each detection in a list with a dictionary of boxes,
// labels and scores for each row. Labels are -1 after the last detection.
at::Tensor read_raw_outputs(const c10::IValue &output, const std::vector<at::Tensor> &tensors,
                            int64_t rows, const std::string &selection);

// Whether a network returns such a list for that many inputs.
bool lists_detections(const c10::IValue &output, int64_t rows);

} // namespace sscam

#endif
