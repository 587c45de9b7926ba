#include "graph/output_reading.hpp"

#include <optional>
#include <vector>

#include "common/guard.hpp"
#include "engine/network.hpp"
#include "graph/raw_outputs.hpp"

namespace sscam {

namespace {

// The tensors among a network's outputs, in order. Some networks return auxiliary outputs, which
// only training uses.
void collect_tensors(const c10::IValue &value, std::vector<at::Tensor> &tensors)
{
    if (value.isTensor()) {
        if (value.toTensor().defined())
            tensors.push_back(value.toTensor());
    } else if (value.isTuple()) {
        for (const c10::IValue &element : value.toTupleRef().elements())
            collect_tensors(element, tensors);
    } else if (value.isTensorList()) {
        for (const at::Tensor &element : value.toTensorVector())
            collect_tensors(element, tensors);
    } else if (value.isList()) {
        for (const c10::IValue &element : value.toListRef())
            collect_tensors(element, tensors);
    } else if (value.isGenericDict()) {
        for (const auto &entry : value.toGenericDict())
            collect_tensors(entry.value(), tensors);
    }
}

// Names of the tensors that collect_tensors() finds, in its order: key or field of each, or "".
void collect_names(const c10::IValue &value, const std::string &name,
                   std::vector<std::string> &names)
{
    if (value.isTuple()) {
        const auto &elements = value.toTupleRef().elements();
        const auto schema = value.type()->expect<c10::TupleType>()->schema();
        for (size_t i = 0; i < elements.size(); i++)
            collect_names(elements[i], schema ? schema->arguments()[i].name() : name, names);
    } else if (value.isGenericDict()) {
        for (const auto &entry : value.toGenericDict())
            collect_names(entry.value(), entry.key().isString() ? entry.key().toStringRef() : name,
                          names);
    } else {
        std::vector<at::Tensor> tensors;
        collect_tensors(value, tensors);
        names.resize(names.size() + tensors.size(), name);
    }
}

// A tensor among the outputs, and which of its heads or steps is meant.
struct Selected {
    size_t index;
    at::Tensor tensor;
    std::optional<int64_t> head;
};

// The number that a text is; none: it is no number.
std::optional<int64_t> number_of(const std::string &text)
{
    if (text.empty() || text.size() > 9 ||
        text.find_first_not_of("0123456789") != std::string::npos)
        return std::nullopt;
    return std::stoll(text);
}

// By position or name.
std::optional<size_t> find_output(const std::vector<std::string> &names, const std::string &wanted)
{
    for (size_t i = 0; i < names.size(); i++)
        if (wanted == std::to_string(i) || (!wanted.empty() && wanted == names[i]))
            return i;
    return std::nullopt;
}

[[noreturn]] void fail_unknown_output(const std::vector<std::string> &names,
                                      const std::string &wanted)
{
    std::string known;
    for (size_t i = 0; i < names.size(); i++)
        known += (i > 0 ? ", " : "") + std::to_string(i) +
                 (names[i].empty() ? "" : " (" + names[i] + ")");
    throw Error(SSCAM_E_ARGUMENT,
                "option output: the network has no output \"" + wanted + "\"; it has " + known);
}

bool has_heads(const at::Tensor &tensor, const OutputRows &wanted)
{
    return tensor.dim() == 3 && tensor.size(0) == wanted.rows && tensor.size(1) > 1 &&
           tensor.size(2) > 1;
}

// `wanted`: OUTPUT, OUTPUT:HEAD, or the head alone where one tensor with heads is returned.
Selected select_output(const c10::IValue &output, const std::vector<at::Tensor> &tensors,
                       const OutputRows &rows, const std::string &wanted)
{
    std::vector<std::string> names;
    collect_names(output, "", names);
    if (tensors.size() == 1 && has_heads(tensors[0], rows) && number_of(wanted))
        return {0, tensors[0], number_of(wanted)};
    if (const auto found = find_output(names, wanted))
        return {*found, tensors[*found], std::nullopt};
    const size_t colon = wanted.rfind(':');
    if (colon != std::string::npos)
        if (const auto head = number_of(wanted.substr(colon + 1)))
            if (const auto found = find_output(names, wanted.substr(0, colon)))
                return {*found, tensors[*found], head};
    fail_unknown_output(names, wanted);
}

at::Tensor head_of(const Selected &selected, const OutputRows &rows)
{
    const at::Tensor &tensor = selected.tensor;
    if (!has_heads(tensor, rows))
        throw Error(SSCAM_E_ARGUMENT, "option output: a tensor of shape " +
                                          shape_text(tensor.sizes()) + " has no heads or steps");
    if (*selected.head >= tensor.size(1))
        throw Error(SSCAM_E_ARGUMENT, "option output: head or step " +
                                          std::to_string(*selected.head) + " of " +
                                          std::to_string(tensor.size(1)) + ", counted from 0");
    return tensor.select(1, *selected.head);
}

// The tensor as [rows, classes] if its shape allows no other reading; else an undefined one.
at::Tensor as_rows(const at::Tensor &tensor, int64_t rows)
{
    if (tensor.numel() == 0 || tensor.is_complex())
        return at::Tensor();
    if (tensor.dim() == 2 && tensor.size(0) == rows)
        return tensor;
    const bool is_number = tensor.dim() == 0 && rows == 1;
    const bool is_squeezed = tensor.dim() == 1 && (rows == 1 || tensor.size(0) == rows);
    const bool is_unpooled = tensor.dim() > 2 && tensor.size(0) == rows &&
                             tensor.numel() == rows * tensor.size(1);
    const bool is_one_step = tensor.dim() == 3 && tensor.size(0) == rows && tensor.size(1) == 1;
    return is_number || is_squeezed || is_unpooled || is_one_step ? tensor.reshape({rows, -1})
                                                                  : at::Tensor();
}

// Logits for each position, as in segmentation, as [rows, classes, h, w]; an undefined tensor where
// the shape is not that of the input's rank. Of series, more positions than classes tell them from
// heads; the slices of volumes are one above another.
at::Tensor as_dense(const at::Tensor &tensor, const OutputRows &wanted)
{
    const int64_t rank = static_cast<int64_t>(wanted.input_rank);
    if (tensor.dim() != rank || tensor.size(0) != wanted.rows || tensor.numel() == 0 ||
        !tensor.is_floating_point())
        return at::Tensor();
    if (rank == SSCAM_LEAST_RANK)
        return tensor.size(2) > tensor.size(1) ? tensor.unsqueeze(2) : at::Tensor();
    return rank == SSCAM_IMAGE_RANK ? tensor : tensor.flatten(2, 3);
}

} // namespace

std::vector<Output> list_outputs(const c10::IValue &output)
{
    std::vector<at::Tensor> tensors;
    std::vector<std::string> names;
    collect_tensors(output, tensors);
    collect_names(output, "", names);
    std::vector<Output> outputs;
    for (size_t i = 0; i < tensors.size(); i++)
        outputs.push_back({names[i], tensors[i].sizes().vec()});
    return outputs;
}

at::Tensor read_logits(const c10::IValue &output, const OutputRows &wanted, const std::string &name,
                       size_t *taken)
{
    std::vector<at::Tensor> tensors;
    collect_tensors(output, tensors);
    size_t first = 0; // number of the first of the tensors
    const auto take = [&](size_t index) {
        if (taken)
            *taken = first + index;
    };
    if (selects_raw_outputs(name)) {
        take(0);
        return read_raw_outputs(output, tensors, wanted.rows, name);
    }
    if (lists_detections(output, wanted.rows))
        throw Error(
            SSCAM_E_UNSUPPORTED,
            "the network lists detections, with boxes, labels and scores: it is a detector, "
            "whose outputs are no classes of the input");
    if (tensors.empty())
        throw Error(SSCAM_E_MODEL, "the network returns a " + output.tagKind() +
                                       " without a tensor: no classifier");
    if (!name.empty()) {
        const Selected selected = select_output(output, tensors, wanted, name);
        first = selected.index;
        take(0);
        if (selected.head)
            return head_of(selected, wanted);
        tensors = {selected.tensor};
    }
    for (const bool is_flat : {true, false})
        for (size_t i = 0; i < tensors.size(); i++)
            if (at::Tensor logits = as_rows(tensors[i], wanted.rows);
                logits.defined() && (!is_flat || tensors[i].dim() == 2)) {
                take(i);
                return logits;
            }
    for (size_t i = 0; i < tensors.size(); i++)
        if (at::Tensor logits = as_dense(tensors[i], wanted); logits.defined()) {
            take(i);
            return logits;
        }
    if (has_heads(tensors[0], wanted))
        throw Error(SSCAM_E_MODEL,
                    "the network returns " + shape_text(tensors[0].sizes()) + ": " +
                        std::to_string(tensors[0].size(1)) + " heads or steps of " +
                        std::to_string(tensors[0].size(2)) +
                        " classes; choose one by its index with the option output, as in output=" +
                        (name.empty() ? "0" : name + ":0"));
    throw Error(SSCAM_E_MODEL, "the network returns a tensor of shape " +
                                   shape_text(tensors[0].sizes()) + ", not [" +
                                   std::to_string(wanted.rows) + ", classes]: no classifier");
}

} // namespace sscam
