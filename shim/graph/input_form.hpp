// From the library's inputs, rows [N,C,sides] of float32, to the arguments of forward(): the
// order of their axes, the type of their elements, and the other inputs of the network.
#ifndef SSCAM_SHIM_GRAPH_INPUT_FORM_HPP
#define SSCAM_SHIM_GRAPH_INPUT_FORM_HPP

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/interpreter.h>

#include "common/guard.hpp"
#include "graph/input_reading.hpp"
#include "model/backend.h"

namespace sscam {

// What was given does not suit the network, whose program was not run.
class InputError : public Error {
public:
    explicit InputError(const std::string &message) : Error(SSCAM_E_ARGUMENT, message) {}
};

class InputForm {
public:
    // `wanted`: what the caller says of the inputs; all else is found out, or keeps its default.
    // Throws where that does not suit the network. What is missing is told by push().
    InputForm(const torch::jit::Module &module, const sscam_input_form &wanted, c10::Device device);

    // The number of arguments of forward().
    size_t argument_count() const { return arguments_.size(); }

    // Appends the arguments for rows. Throws an InputError where some are missing, or the rows
    // cannot be in the form.
    void push(const at::Tensor &rows, torch::jit::Stack &stack) const;

    // Whether forward() surely takes that many rows at once. Others may be taken as well.
    bool takes_rows(int64_t rows) const;

    // Whether forward() takes one input at a time, so that values inside of the network may lack
    // the axis of a batch as well.
    bool is_of_one_input() const;

    const sscam_input_layout &layout() const { return layout_; }
    sscam_input_type type() const { return type_; }
    bool has_whole_numbers() const { return sscam_input_type_is_whole(type_) != 0; }

    // What is certain of the input that is explained; NULL: nothing.
    const InputReading *reading() const { return find_reading(readings_, image_); }

    // Tells this form from others of the network.
    std::string text() const;

private:
    // A value of forward(), with those that it holds.
    struct Argument {
        enum class Kind { image, value, tensor, list, tuple, dictionary };
        Kind kind = Kind::value;
        c10::IValue value; // of a tensor, as it was given
        c10::TypePtr type;
        std::vector<std::pair<std::string, Argument>> elements;
    };
    using Given = std::vector<std::pair<std::string, at::Tensor>>;

    static Given given_tensors(const sscam_other_inputs &others, c10::Device device);
    const at::Tensor *find_given(const std::string &name) const;
    bool is_under(const std::string &name) const;
    std::vector<std::string> element_names(const std::string &name, const c10::TypePtr &type) const;
    void collect_tensors(const c10::TypePtr &type, const std::string &name, bool is_optional,
                         std::vector<std::string> &names) const;
    std::string choose_image(const torch::jit::Module &module, const std::string &wanted) const;
    void choose_layout(const sscam_input_form &wanted);
    Argument argument_of(const c10::TypePtr &type, const std::string &name,
                         const c10::IValue *default_value);
    Argument container_of(const c10::TypePtr &type, const std::string &name, Argument::Kind kind);
    Argument given_argument(const c10::TypePtr &type, const std::string &name,
                            const at::Tensor &given) const;
    void add_missing(const std::string &name, const c10::TypePtr &type);
    void check_names(const torch::jit::Module &module) const;
    std::string described(const std::string &name) const;

    at::Tensor in_layout(const at::Tensor &rows) const;
    at::Tensor in_type(const at::Tensor &values) const;
    c10::IValue ivalue_of(const Argument &argument, const at::Tensor &rows) const;

    InputReadings readings_;
    Given given_;
    std::string image_; // name of the input that is explained; "": unknown
    sscam_input_layout layout_ = {""};
    sscam_input_type type_ = SSCAM_INPUT_TYPE_AUTO;
    std::vector<Argument> arguments_;
    std::string missing_; // inputs that are to be given; "": none
};

// The form of a network of whose inputs the caller says nothing.
std::shared_ptr<const InputForm> default_form(const torch::jit::Module &module, c10::Device device);

} // namespace sscam

#endif
