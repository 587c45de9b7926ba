#include "graph/input_form.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "graph/known_values.hpp"

namespace sscam {

namespace jit = torch::jit;

namespace {

// --- types ---------------------------------------------------------------------------------------

bool is_number(const c10::TypePtr &type)
{
    return type->kind() == c10::TypeKind::BoolType || type->kind() == c10::TypeKind::IntType ||
           type->kind() == c10::TypeKind::FloatType || type->kind() == c10::TypeKind::NumberType;
}

bool is_list_of_numbers(const c10::TypePtr &type)
{
    return type->kind() == c10::TypeKind::ListType &&
           is_number(type->expectRef<c10::ListType>().getElementType());
}

// "int", "flag", "tensor": what is to be given for a type.
std::string words_for(const c10::TypePtr &type)
{
    if (type->kind() == c10::TypeKind::BoolType)
        return "a flag, true or false";
    if (is_number(type))
        return type->kind() == c10::TypeKind::IntType ? "a whole number" : "a number";
    return may_be_tensor(type) ? "a tensor" : "a " + type->annotation_str();
}

at::ScalarType scalar_type_of(int32_t element_type)
{
    switch (element_type) {
    case SSCAM_ELEMENT_UINT8: return at::kByte;
    case SSCAM_ELEMENT_INT64: return at::kLong;
    case SSCAM_ELEMENT_BOOL: return at::kBool;
    default: return at::kFloat;
    }
}

// --- shapes --------------------------------------------------------------------------------------

std::string in_words(c10::IntArrayRef sizes)
{
    std::string text = "[";
    for (size_t i = 0; i < sizes.size(); i++)
        text += (i > 0 ? ", " : "") + std::to_string(sizes[i]);
    return text + "]";
}

// A layout as messages write it, with the channels where they are known: "[N,H,W,3]".
std::string layout_words(const std::string &axes, int64_t channels)
{
    std::string text = "[";
    for (const char axis : axes)
        text += (text.size() > 1 ? "," : "") +
                (axis == 'c' && channels > 0 ? std::to_string(channels)
                                             : std::string(1, static_cast<char>(axis - 'a' + 'A')));
    return text + "]";
}

c10::IValue number_of(const at::Tensor &given, const c10::TypePtr &type, const std::string &name)
{
    if (given.numel() != 1)
        throw InputError("input \"" + name + "\": the network takes " + words_for(type) +
                         ", not an array of shape " + in_words(given.sizes()));
    const double value = given.to(at::kCPU, at::kDouble).item<double>();
    if (type->kind() == c10::TypeKind::BoolType)
        return value != 0.0;
    if (type->kind() == c10::TypeKind::IntType && value != std::floor(value))
        throw InputError("input \"" + name + "\": the network takes a whole number, not " +
                         std::to_string(value));
    const bool is_whole = type->kind() == c10::TypeKind::IntType ||
                          (type->kind() == c10::TypeKind::NumberType && !given.is_floating_point());
    return is_whole ? c10::IValue(given.to(at::kCPU, at::kLong).item<int64_t>())
                    : c10::IValue(value);
}

c10::IValue numbers_of(const at::Tensor &given, const c10::TypePtr &type, const std::string &name)
{
    const c10::TypePtr element = type->expectRef<c10::ListType>().getElementType();
    c10::impl::GenericList list(element);
    for (const at::Tensor &number : given.reshape({-1}).unbind())
        list.push_back(number_of(number, element, name));
    return list;
}

const std::vector<c10::Argument> &forward_arguments(const jit::Module &module)
{
    const auto forward = module.find_method("forward");
    if (!forward)
        throw Error(SSCAM_E_MODEL, "the network has no forward()");
    return forward->function().getSchema().arguments();
}

// Whether a type is, or holds, a list of dictionaries of tensors.
bool has_dictionary_list(const c10::TypePtr &type)
{
    if (const auto tuple = type->cast<c10::TupleType>())
        return std::any_of(tuple->elements().begin(), tuple->elements().end(), has_dictionary_list);
    const auto list = type->cast<c10::ListType>();
    const auto dictionary = list ? list->getElementType()->cast<c10::DictType>() : nullptr;
    return dictionary && dictionary->getValueType()->isSubtypeOf(*c10::TensorType::get());
}

bool returns_dictionary_list(const jit::Module &module)
{
    const auto &returns = module.get_method("forward").function().getSchema().returns();
    return returns.size() == 1 && has_dictionary_list(returns[0].type());
}

} // namespace

// --- what was given ------------------------------------------------------------------------------

InputForm::Given InputForm::given_tensors(const sscam_other_inputs &others, c10::Device device)
{
    Given given;
    for (int64_t i = 0; i < others.count; i++) {
        const sscam_other_input &item = others.items[i];
        const at::Tensor tensor = at::from_blob(item.values, {item.shape, size_t(item.rank)},
                                                scalar_type_of(item.element_type));
        given.emplace_back(item.name, tensor.to(device, tensor.scalar_type(),
                                                /*non_blocking=*/false, /*copy=*/true));
    }
    return given;
}

const at::Tensor *InputForm::find_given(const std::string &name) const
{
    for (const auto &given : given_)
        if (given.first == name)
            return &given.second;
    return nullptr;
}

// Whether something was given, or is explained, that the value of that name holds.
bool InputForm::is_under(const std::string &name) const
{
    const std::string prefix = name + ".";
    const auto has_prefix = [&](const std::string &other) {
        return other.compare(0, prefix.size(), prefix) == 0;
    };
    return has_prefix(image_) || std::any_of(given_.begin(), given_.end(), [&](const auto &given) {
               return has_prefix(given.first);
           });
}

// Names of what a dictionary, list or tuple holds, as far as they are known.
std::vector<std::string> InputForm::element_names(const std::string &name,
                                                  const c10::TypePtr &type) const
{
    std::vector<std::string> names;
    const std::string prefix = name + ".";
    const auto add = [&](const std::string &other) {
        if (other.compare(0, prefix.size(), prefix) != 0)
            return;
        const std::string element = other.substr(0, other.find('.', prefix.size()));
        if (std::find(names.begin(), names.end(), element) == names.end())
            names.push_back(element);
    };
    if (const auto tuple = type->cast<c10::TupleType>()) {
        for (size_t i = 0; i < tuple->elements().size(); i++)
            names.push_back(prefix + element_name(type, i));
        return names;
    }
    for (const auto &reading : readings_)
        if (reading.second.is_needed)
            add(reading.first);
    for (const auto &given : given_)
        add(given.first);
    add(image_);
    if (type->kind() != c10::TypeKind::ListType)
        return names;
    // A list has all elements before its last one; one that nothing is known of has one.
    size_t count = 1;
    for (const std::string &element : names) {
        const std::string index = element.substr(prefix.size());
        if (index.empty() || index.size() > 4 ||
            index.find_first_not_of("0123456789") != std::string::npos)
            throw InputError("input \"" + element + "\": \"" + name +
                             "\" is a list, whose elements are " + prefix + "0, " + prefix + "1");
        count = std::max(count, size_t(std::stoul(index)) + 1);
    }
    names.clear();
    for (size_t i = 0; i < count; i++)
        names.push_back(prefix + std::to_string(i));
    return names;
}

// --- the input that is explained -----------------------------------------------------------------

// Names of the tensors that forward() takes and that must be given, or may be.
void InputForm::collect_tensors(const c10::TypePtr &type, const std::string &name, bool is_optional,
                                std::vector<std::string> &names) const
{
    const c10::TypePtr plain = without_optional(type);
    if (may_be_tensor(plain)) {
        if (!is_optional && !find_given(name))
            names.push_back(name);
        return;
    }
    if (is_optional || is_list_of_numbers(plain))
        return;
    const auto tuple = plain->cast<c10::TupleType>();
    const std::vector<std::string> elements = tuple || plain->kind() == c10::TypeKind::ListType ||
                                                      plain->kind() == c10::TypeKind::DictType
                                                  ? element_names(name, plain)
                                                  : std::vector<std::string>();
    for (size_t i = 0; i < elements.size(); i++)
        collect_tensors(tuple ? tuple->elements()[i] : plain->containedTypes().back(), elements[i],
                        false, names);
}

std::string InputForm::choose_image(const jit::Module &module, const std::string &wanted) const
{
    if (!wanted.empty()) {
        if (find_given(wanted))
            throw InputError("option image_input: \"" + wanted +
                             "\" was given as another input of the network as well");
        return wanted;
    }
    const auto &schema = forward_arguments(module);
    std::vector<std::string> names;
    for (const bool with_optional : {false, true})
        for (size_t i = 1; i < schema.size() && (!with_optional || names.empty()); i++)
            collect_tensors(schema[i].type(), schema[i].name(),
                            !with_optional && i > 1 && schema[i].default_value().has_value(),
                            names);
    for (const std::string &name : names)
        if (const InputReading *reading = find_reading(readings_, name))
            if (reading->is_image)
                return name;
    for (const std::string &name : names) {
        const InputReading *reading = find_reading(readings_, name);
        if (!reading || reading->type != SSCAM_INPUT_TYPE_INT64)
            return name;
    }
    return "";
}

void InputForm::choose_layout(const sscam_input_form &wanted)
{
    const InputReading *found = reading();
    layout_ = wanted.layout;
    if (layout_.axes[0] == '\0' && found)
        std::memcpy(layout_.axes, found->axes.c_str(), found->axes.size() + 1);
    else if (found && found->axes.find("wh") != std::string::npos) // which is how it reads them
        if (char *height = std::strstr(layout_.axes, "hw"))
            std::swap(height[0], height[1]);
    type_ = wanted.type;
    if (type_ == SSCAM_INPUT_TYPE_AUTO && found)
        type_ = found->type;
}

// --- arguments -----------------------------------------------------------------------------------

InputForm::InputForm(const jit::Module &module, const sscam_input_form &wanted, c10::Device device)
    : readings_(read_inputs(module)), given_(given_tensors(*wanted.others, device))
{
    const auto &schema = forward_arguments(module);
    if (schema.size() < 2)
        throw Error(SSCAM_E_MODEL, "the network's forward() takes no input");
    image_ = choose_image(module, wanted.image_input);
    choose_layout(wanted);
    for (size_t i = 1; i < schema.size(); i++) {
        const auto default_value = schema[i].default_value();
        arguments_.push_back(argument_of(schema[i].type(), schema[i].name(),
                                         default_value ? &*default_value : nullptr));
    }
    // Torchvision's detectors take a list of the images of a batch, [C,H,W] each, and return a list
    // with a dictionary for each of them.
    for (Argument &argument : arguments_)
        if (argument.kind == Argument::Kind::list && argument.elements.size() == 1 &&
            argument.elements[0].second.kind == Argument::Kind::image &&
            returns_dictionary_list(module) && sscam_input_layout_is_plain(&layout_))
            argument.value = true;
    check_names(module);
}

InputForm::Argument InputForm::argument_of(const c10::TypePtr &type, const std::string &name,
                                           const c10::IValue *default_value)
{
    using Kind = Argument::Kind;
    const c10::TypePtr plain = without_optional(type);
    const c10::TypeKind kind = plain->kind();
    const bool may_be_left_out = default_value || type->kind() == c10::TypeKind::OptionalType;
    if (name == image_ && may_be_tensor(plain))
        return {Kind::image, {}, plain, {}};
    if (const at::Tensor *given = find_given(name))
        return given_argument(plain, name, *given);
    const bool is_container = kind == c10::TypeKind::DictType || kind == c10::TypeKind::TupleType ||
                              (kind == c10::TypeKind::ListType && !is_list_of_numbers(plain));
    if (is_container && (is_under(name) || !may_be_left_out))
        return container_of(plain, name,
                            kind == c10::TypeKind::DictType    ? Kind::dictionary
                            : kind == c10::TypeKind::TupleType ? Kind::tuple
                                                               : Kind::list);
    if (may_be_left_out)
        return {Kind::value, default_value ? *default_value : c10::IValue(), plain, {}};
    add_missing(name, plain);
    return {Kind::value, {}, plain, {}};
}

InputForm::Argument InputForm::container_of(const c10::TypePtr &type, const std::string &name,
                                            Argument::Kind kind)
{
    Argument container = {kind, {}, type, {}};
    if (const auto dictionary = type->cast<c10::DictType>())
        if (dictionary->getKeyType()->kind() != c10::TypeKind::StringType)
            throw Error(SSCAM_E_MODEL, "the network's forward() takes \"" + name +
                                           "\", a dictionary whose keys are no text");
    const std::vector<std::string> names = element_names(name, type);
    if (names.empty())
        add_missing(name + ".KEY", type->containedTypes().back());
    for (size_t i = 0; i < names.size(); i++) {
        const c10::TypePtr element = kind == Argument::Kind::tuple
                                         ? type->expectRef<c10::TupleType>().elements()[i]
                                         : type->containedTypes().back();
        container.elements.emplace_back(names[i].substr(name.size() + 1),
                                        argument_of(element, names[i], nullptr));
    }
    return container;
}

InputForm::Argument InputForm::given_argument(const c10::TypePtr &type, const std::string &name,
                                              const at::Tensor &given) const
{
    if (may_be_tensor(type))
        return {Argument::Kind::tensor, given, type, {}};
    if (is_number(type))
        return {Argument::Kind::value, number_of(given, type, name), type, {}};
    if (is_list_of_numbers(type))
        return {Argument::Kind::value, numbers_of(given, type, name), type, {}};
    throw InputError("input \"" + name + "\": the network takes a " + type->annotation_str() +
                     ", which is no array or number; its elements are given one by one, as in " +
                     name + ".0 or " + name + ".KEY");
}

// A tensor as messages describe it: "reference (a tensor [N,3,H,W])".
std::string InputForm::described(const std::string &name) const
{
    const InputReading *reading = find_reading(readings_, name);
    return reading && !reading->axes.empty() ? " " + layout_words(reading->axes, reading->channels)
           : reading && reading->type == SSCAM_INPUT_TYPE_INT64 ? " of int64"
                                                                : "";
}

void InputForm::add_missing(const std::string &name, const c10::TypePtr &type)
{
    missing_ += (missing_.empty() ? "" : ", ") + name + " (" + words_for(type) + described(name) +
                ")";
}

// Whatever was given must be used.
void InputForm::check_names(const jit::Module &module) const
{
    std::set<std::string> used;
    std::string known;
    const auto add = [&](const auto &self, const std::string &name,
                         const Argument &argument) -> void {
        used.insert(name);
        if (argument.elements.empty())
            known += (known.empty() ? "" : ", ") + name + " (" + words_for(argument.type) +
                     described(name) + ")";
        for (const auto &element : argument.elements)
            self(self, name + "." + element.first, element.second);
    };
    const auto &schema = forward_arguments(module);
    for (size_t i = 0; i < arguments_.size(); i++)
        add(add, schema[i + 1].name(), arguments_[i]);
    for (const auto &given : given_)
        if (used.count(given.first) == 0)
            throw InputError("input \"" + given.first +
                             "\": the network has none of that name; its inputs are " + known);
    if (!image_.empty() && used.count(image_) == 0)
        throw InputError("option image_input: the network has no input \"" + image_ +
                         "\"; its inputs are " + known);
    if (!image_.empty() || !missing_.empty())
        return;
    if (given_.empty())
        throw Error(SSCAM_E_MODEL, "the network's forward() takes no tensor: no image classifier");
    throw InputError("every tensor that the network takes was given; leave out the one that is "
                     "explained");
}

// --- running -------------------------------------------------------------------------------------

bool InputForm::is_of_one_input() const
{
    return layout_.axes[0] != '\0' && sscam_input_layout_find(&layout_, 'n') < 0;
}

bool InputForm::takes_rows(int64_t rows) const
{
    if (rows == 1 || given_.empty())
        return rows == 1 || !is_of_one_input();
    return !is_of_one_input() && std::all_of(given_.begin(), given_.end(), [&](const auto &given) {
        return given.second.dim() == 0 || given.second.size(0) == rows;
    });
}

// The axes of `rows` that the network has, in its order.
at::Tensor InputForm::in_layout(const at::Tensor &rows) const
{
    static const std::string canonical = "ncdhw";
    if (sscam_input_layout_is_plain(&layout_))
        return rows;
    const int64_t rank = sscam_input_layout_rank(&layout_);
    const std::string own = canonical.substr(0, 2) +
                            canonical.substr(canonical.size() - (rank - 2));
    const std::string form = std::string("option input_layout: ") +
                             sscam_input_layout_text(&layout_);
    if (rows.dim() != rank)
        throw InputError(form + " is no layout of inputs of shape " + in_words(rows.sizes()));
    at::Tensor values = rows;
    std::string axes = own;
    for (const char axis : own) {
        const size_t at = axes.find(axis);
        if (std::strchr(layout_.axes, axis))
            continue;
        if (values.size(static_cast<int64_t>(at)) != 1)
            throw InputError(form + " takes inputs " +
                             (axis == 'c' ? "of one channel, not of " : "one at a time, not ") +
                             std::to_string(values.size(static_cast<int64_t>(at))));
        values = values.select(static_cast<int64_t>(at), 0);
        axes.erase(at, 1);
    }
    std::vector<int64_t> order;
    for (const char *axis = layout_.axes; *axis != '\0'; axis++)
        order.push_back(static_cast<int64_t>(axes.find(*axis)));
    return values.permute(order);
}

at::Tensor InputForm::in_type(const at::Tensor &values) const
{
    switch (type_) {
    case SSCAM_INPUT_TYPE_FLOAT64: return values.to(at::kDouble);
    case SSCAM_INPUT_TYPE_FLOAT16: return values.to(at::kHalf);
    case SSCAM_INPUT_TYPE_BFLOAT16: return values.to(at::kBFloat16);
    case SSCAM_INPUT_TYPE_UINT8: return values.round().clamp(0, 255).to(at::kByte);
    case SSCAM_INPUT_TYPE_INT32: return values.round().to(at::kInt);
    case SSCAM_INPUT_TYPE_INT64: return values.round().to(at::kLong);
    default: return values;
    }
}

// Of tensors a copy, since the network may change its inputs in place.
c10::IValue InputForm::ivalue_of(const Argument &argument, const at::Tensor &rows) const
{
    using Kind = Argument::Kind;
    if (argument.kind == Kind::image)
        return in_type(in_layout(rows));
    if (argument.kind == Kind::value)
        return argument.value;
    if (argument.kind == Kind::tensor) {
        at::Tensor tensor = argument.value.toTensor();
        if (tensor.is_floating_point())
            tensor = tensor.to(rows.scalar_type());
        std::vector<int64_t> sizes(static_cast<size_t>(tensor.dim()), -1);
        if (tensor.dim() > 0 && tensor.size(0) == 1) {
            sizes[0] = rows.size(0);
            tensor = tensor.expand(sizes);
        }
        return tensor.clone(at::MemoryFormat::Contiguous);
    }
    if (argument.kind == Kind::dictionary) {
        const auto &type = argument.type->expectRef<c10::DictType>();
        c10::impl::GenericDict dictionary(type.getKeyType(), type.getValueType());
        for (const auto &element : argument.elements)
            dictionary.insert(element.first, ivalue_of(element.second, rows));
        return dictionary;
    }
    if (argument.kind == Kind::list) {
        c10::impl::GenericList list(argument.type->expectRef<c10::ListType>().getElementType());
        if (argument.value.isBool()) // the images of a batch
            for (const at::Tensor &image : rows.unbind())
                list.push_back(in_type(image.clone()));
        else
            for (const auto &element : argument.elements)
                list.push_back(ivalue_of(element.second, rows));
        return list;
    }
    std::vector<c10::IValue> elements;
    for (const auto &element : argument.elements)
        elements.push_back(ivalue_of(element.second, rows));
    return c10::ivalue::Tuple::createNamed(std::move(elements),
                                           argument.type->cast<c10::TupleType>());
}

void InputForm::push(const at::Tensor &rows, jit::Stack &stack) const
{
    if (!missing_.empty())
        throw InputError("the network takes further inputs, which are to be given: " + missing_ +
                         "; by sscam_explainer_set_input(), --input NAME=FILE.npy or "
                         "NAME=NUMBER, or the keyword inputs");
    if (std::strstr(layout_.axes, "wh"))
        throw InputError(
            "the network swaps the height and width of its input before it reads it, so "
            "that maps of its layers would lie on their side; export it without that");
    for (const Argument &argument : arguments_)
        stack.push_back(ivalue_of(argument, rows));
}

std::string InputForm::text() const
{
    std::string text = std::string(layout_.axes) + " " + sscam_input_type_choices[type_] + " " +
                       image_;
    for (const auto &given : given_)
        text += " " + given.first + in_words(given.second.sizes());
    return text;
}

std::shared_ptr<const InputForm> default_form(const jit::Module &module, c10::Device device)
{
    static const sscam_other_inputs none = {nullptr, 0};
    const sscam_input_form nothing = {{""}, SSCAM_INPUT_TYPE_AUTO, "", &none};
    return std::make_shared<const InputForm>(module, nothing, device);
}

} // namespace sscam
