#include "graph/raw_outputs.hpp"

#include <cstdlib>
#include <optional>

#include "common/guard.hpp"
#include "detect/detector_layout.h"
#include "engine/network.hpp"

namespace sscam {

namespace {

struct Detections {
    at::Tensor boxes, labels, scores; // [D,4], [D], [D]
};

std::optional<at::Tensor> tensor_of(const c10::impl::GenericDict &dictionary, const char *key)
{
    for (const auto &entry : dictionary)
        if (entry.key().isString() && entry.key().toStringRef() == key && entry.value().isTensor())
            return entry.value().toTensor();
    return std::nullopt;
}

std::optional<Detections> detections_of(const c10::IValue &value)
{
    if (!value.isGenericDict())
        return std::nullopt;
    const c10::impl::GenericDict dictionary = value.toGenericDict();
    const auto boxes = tensor_of(dictionary, "boxes"), labels = tensor_of(dictionary, "labels"),
               scores = tensor_of(dictionary, "scores");
    if (!boxes || !labels || !scores || boxes->dim() != 2 || boxes->size(1) != 4 ||
        labels->dim() != 1 || scores->dim() != 1 || labels->size(0) != boxes->size(0) ||
        scores->size(0) != boxes->size(0))
        return std::nullopt;
    return Detections{*boxes, *labels, *scores};
}

// The list's entries; empty: the value has no such list.
std::vector<Detections> find_list(const c10::IValue &value)
{
    std::vector<Detections> found;
    if (value.isTuple()) {
        for (const c10::IValue &element : value.toTupleRef().elements()) {
            found = find_list(element);
            if (!found.empty())
                return found;
        }
    } else if (value.isList() && !value.isTensorList()) {
        for (const c10::IValue &element : value.toListRef()) {
            const auto detections = detections_of(element);
            if (!detections)
                return {};
            found.push_back(*detections);
        }
    }
    return found;
}

at::Tensor row_of(const Detections &found)
{
    constexpr int64_t limit = SSCAM_LISTED_DETECTIONS_LIMIT;
    const int64_t count = found.boxes.size(0);
    if (count > limit)
        throw Error(SSCAM_E_UNSUPPORTED, "the detector lists " + std::to_string(count) +
                                             " detections, more than " + std::to_string(limit) +
                                             ": export it with fewer for each image");
    const at::Tensor values = at::cat({found.boxes.to(at::kFloat),
                                       found.scores.to(at::kFloat).unsqueeze(1),
                                       found.labels.to(at::kFloat).unsqueeze(1)},
                                      1);
    at::Tensor filler = at::zeros({limit - count, SSCAM_LISTED_DETECTION_SIZE}, values.options());
    filler.select(1, SSCAM_LISTED_DETECTION_SIZE - 1).fill_(-1.0);
    return at::cat({values, filler}).flatten();
}

at::Tensor listed_rows(const c10::IValue &output, int64_t rows)
{
    const std::vector<Detections> found = find_list(output);
    if (static_cast<int64_t>(found.size()) != rows)
        throw Error(SSCAM_E_MODEL, "the detector lists detections of " +
                                       std::to_string(found.size()) + " inputs instead of " +
                                       std::to_string(rows));
    std::vector<at::Tensor> values;
    for (const Detections &detections : found)
        values.push_back(row_of(detections));
    return at::stack(values);
}

at::Tensor flat_rows(const std::vector<at::Tensor> &tensors, size_t index, int64_t rows)
{
    if (index >= tensors.size())
        throw Error(SSCAM_E_MODEL, "the detector returns " + std::to_string(tensors.size()) +
                                       " tensors now, none of which is number " +
                                       std::to_string(index));
    at::Tensor tensor = tensors[index];
    if (tensor.is_quantized())
        tensor = tensor.dequantize();
    if (tensor.is_mkldnn())
        tensor = tensor.to_dense();
    if (tensor.dim() < 2 || tensor.size(0) != rows || tensor.numel() == 0 || tensor.is_complex())
        throw Error(SSCAM_E_MODEL, "the detector returns " + shape_text(tensor.sizes()) +
                                       " now, not [" + std::to_string(rows) + ", ...]");
    return tensor.to(at::kFloat).flatten(1);
}

} // namespace

bool lists_detections(const c10::IValue &output, int64_t rows)
{
    return static_cast<int64_t>(find_list(output).size()) == rows;
}

at::Tensor read_raw_outputs(const c10::IValue &output, const std::vector<at::Tensor> &tensors,
                            int64_t rows, const std::string &selection)
{
    if (selection == "@detections")
        return listed_rows(output, rows);
    std::vector<at::Tensor> parts;
    for (const char *at = selection.c_str(); *at == '@' || *at == '+';) {
        char *end = nullptr;
        parts.push_back(flat_rows(tensors, std::strtoul(at + 1, &end, 10), rows));
        at = end;
    }
    return parts.size() == 1 ? parts[0] : at::cat(parts, 1);
}

} // namespace sscam
