#include "graph/input_reading.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <set>

#include <torch/csrc/jit/passes/inliner.h>

#include "base/shape.h"
#include "graph/axis_steps.hpp"
#include "graph/known_values.hpp"

namespace sscam {

namespace jit = torch::jit;

namespace {

using Names = std::set<std::string>;

// Operations whose output has the axes of their first input.
const Names &keeps_axes()
{
    static const Names names = {"aten::contiguous",
                                "aten::to",
                                "aten::detach",
                                "aten::clone",
                                "aten::alias",
                                "aten::float",
                                "aten::half",
                                "aten::double",
                                "aten::bfloat16",
                                "aten::type_as",
                                "aten::cpu",
                                "aten::cuda",
                                "aten::_to_copy",
                                "aten::lift_fresh_copy",
                                "aten::div",
                                "aten::div_",
                                "aten::true_divide",
                                "aten::sub",
                                "aten::sub_",
                                "aten::rsub",
                                "aten::mul",
                                "aten::mul_",
                                "aten::add",
                                "aten::add_",
                                "aten::neg",
                                "aten::pow",
                                "aten::sqrt",
                                "aten::abs",
                                "aten::log",
                                "aten::log1p",
                                "aten::exp",
                                "aten::clamp",
                                "aten::clamp_",
                                "aten::clamp_min",
                                "aten::clip",
                                "aten::nan_to_num",
                                "aten::flip",
                                "aten::slice",
                                "aten::index_select",
                                "aten::pad",
                                "aten::constant_pad_nd",
                                "aten::reflection_pad1d",
                                "aten::reflection_pad2d",
                                "aten::replication_pad1d",
                                "aten::replication_pad2d",
                                "aten::upsample_bilinear2d",
                                "aten::upsample_bicubic2d",
                                "aten::upsample_nearest2d",
                                "aten::_upsample_bilinear2d_aa",
                                "aten::_upsample_bicubic2d_aa",
                                "aten::upsample_linear1d",
                                "aten::upsample_trilinear3d",
                                "aten::upsample_nearest3d",
                                "aten::__interpolate",
                                "aten::max_pool1d",
                                "aten::max_pool2d",
                                "aten::max_pool3d",
                                "aten::avg_pool1d",
                                "aten::avg_pool2d",
                                "aten::avg_pool3d",
                                "aten::adaptive_avg_pool2d",
                                "aten::batch_norm",
                                "aten::instance_norm",
                                "aten::dropout",
                                "aten::feature_dropout",
                                "aten::relu",
                                "aten::sigmoid",
                                "aten::tanh",
                                "prim::unchecked_cast"};
    return names;
}

// Those that take both inputs alike.
const Names &keeps_axes_of_second()
{
    static const Names names = {"aten::sub", "aten::mul", "aten::add", "aten::div"};
    return names;
}

// They may change the number of channels.
const Names &may_drop_channels()
{
    static const Names names = {"aten::slice", "aten::index_select", "aten::pad",
                                "aten::constant_pad_nd"};
    return names;
}

const Names &questions()
{
    static const Names names = {"aten::size",
                                "aten::dim",
                                "aten::len",
                                "prim::device",
                                "aten::is_floating_point",
                                "aten::__is__",
                                "aten::__isnot__",
                                "aten::numel",
                                "aten::sym_size",
                                "aten::is_cuda",
                                "prim::layout"};
    return names;
}

// Past what becomes whole numbers of traced shapes.
const jit::Value *plain_number(const jit::Value *value)
{
    static const Names wrappers = {"prim::NumToTensor", "aten::Int", "aten::ScalarImplicit"};
    while (is_one_of(value->node(), wrappers))
        value = value->node()->input(0);
    return value;
}

std::optional<int64_t> whole_number(const jit::Value *value)
{
    const c10::IValue found = constant(plain_number(value));
    return found.isInt() ? std::optional<int64_t>(found.toInt()) : std::nullopt;
}

std::optional<std::vector<int64_t>> whole_numbers(const jit::Value *value)
{
    const c10::IValue found = constant(value);
    if (found.isIntList())
        return found.toIntVector();
    if (value->node()->kind() != c10::prim::ListConstruct)
        return std::nullopt;
    std::vector<int64_t> numbers;
    for (const jit::Value *element : value->node()->inputs()) {
        const auto number = whole_number(element);
        if (!number)
            return std::nullopt;
        numbers.push_back(*number);
    }
    return numbers;
}

// Which size of a tensor a number is; none: of no tensor.
std::optional<int64_t> size_axis(const jit::Value *value)
{
    value = plain_number(value);
    const jit::Node *node = value->node();
    if (is_one_of(node, {"aten::size", "aten::sym_size"}) && node->inputs().size() == 2)
        return whole_number(node->input(1));
    const bool is_element = is_one_of(node, {"aten::__getitem__"}) && node->inputs().size() == 2;
    if ((node->kind() != c10::prim::ListUnpack && !is_element) ||
        !is_one_of(node->input(0)->node(), {"aten::size"}))
        return std::nullopt;
    if (is_element)
        return whole_number(node->input(1));
    return static_cast<int64_t>(value->offset());
}

// Whether [N,T,C,H,W] becomes [N*T,C,H,W].
bool folds_frames(const jit::Node *node)
{
    const jit::Value *shape = node->inputs().size() > 1 ? node->input(1) : nullptr;
    if (!shape || shape->node()->kind() != c10::prim::ListConstruct ||
        shape->node()->inputs().size() != SSCAM_IMAGE_RANK)
        return false;
    for (int64_t i = 1; i < SSCAM_IMAGE_RANK; i++) {
        const auto axis = size_axis(shape->node()->input(i));
        if (!axis || (*axis != i + 1 && *axis != i + 1 - SSCAM_MOST_RANK))
            return false;
    }
    return true;
}

// --- axes ----------------------------------------------------------------------------------------

// The step of an operation on axes; none where it is of another kind, or its numbers are not known.
std::optional<AxisStep> axis_step(const jit::Node *node)
{
    using Kind = AxisStep::Kind;
    const std::string name = node->kind().toQualString();
    const auto number_at = [&](size_t i) {
        return i < node->inputs().size() ? whole_number(node->input(i)) : std::nullopt;
    };
    const auto pair = [&](Kind kind) -> std::optional<AxisStep> {
        const auto first = number_at(1), second = number_at(2);
        return first && second ? std::optional<AxisStep>({kind, {*first, *second}}) : std::nullopt;
    };
    if (name == "aten::permute") {
        const auto numbers = whole_numbers(node->input(1));
        return numbers ? std::optional<AxisStep>({Kind::permute, *numbers}) : std::nullopt;
    }
    if (is_one_of(node,
                  {"aten::transpose", "aten::transpose_", "aten::swapaxes", "aten::swapdims"}))
        return pair(Kind::swap);
    if (is_one_of(node, {"aten::movedim", "aten::moveaxis"}))
        return pair(Kind::move);
    if (is_one_of(node, {"aten::unsqueeze", "aten::unsqueeze_"}) && number_at(1))
        return AxisStep{Kind::insert, {*number_at(1)}};
    if (name == "aten::flatten" && number_at(1) == 0 && number_at(2) == 1)
        return AxisStep{Kind::fold, {}};
    if (is_one_of(node, {"aten::view", "aten::reshape"}) && folds_frames(node))
        return AxisStep{Kind::fold, {}};
    return std::nullopt;
}

// --- what reads an input -------------------------------------------------------------------------

// Axes and channels of what an operation reads; no axes: it does not tell.
struct Reader {
    std::string axes;
    int64_t channels = 0;
};

Reader reader_of_convolution(const jit::Node *node, const Weights &weights)
{
    static const char *const axes[] = {"ncw", "nchw", "ncdhw"};
    const bool is_general = is_one_of(node, {"aten::_convolution", "aten::convolution"});
    const size_t groups_at = is_general ? 8 : 6;
    if ((!is_general && !is_one_of(node, {"aten::conv1d", "aten::conv2d", "aten::conv3d"})) ||
        node->inputs().size() <= groups_at)
        return {};
    const auto weight = weights.find(node->input(1));
    const c10::IValue transposed = is_general ? constant(node->input(6)) : c10::IValue(false);
    const c10::IValue groups = constant(node->input(groups_at));
    if (!weight || weight->dim() < SSCAM_LEAST_RANK || weight->dim() > SSCAM_MOST_RANK ||
        !transposed.isBool() || transposed.toBool() || !groups.isInt())
        return {};
    return {axes[weight->dim() - SSCAM_LEAST_RANK], weight->size(1) * groups.toInt()};
}

// Recurrent layers read series, whose features are their channels.
Reader reader_of_recurrence(const jit::Node *node, const Weights &weights)
{
    if (!is_one_of(node, {"aten::lstm", "aten::gru", "aten::rnn_tanh", "aten::rnn_relu"}) ||
        node->inputs().size() < 9)
        return {};
    const c10::IValue batch_first = constant(node->input(8));
    const jit::Node *list = node->input(2)->node();
    const auto weight = list->kind() == c10::prim::ListConstruct && !list->inputs().empty()
                            ? weights.find(list->input(0))
                            : std::nullopt;
    if (!batch_first.isBool() || !weight || weight->dim() != 2)
        return {};
    return {batch_first.toBool() ? "nwc" : "wnc", weight->size(1)};
}

// The order of an input's axes must have a meaning: what the network swaps is height and width
// alone.
bool is_layout(const std::string &axes)
{
    static const Names sides = {"w", "hw", "wh", "dhw"};
    std::string of_sides;
    for (const char axis : axes)
        if (axis != 'n' && axis != 'c')
            of_sides += axis;
    return sides.count(of_sides) != 0 && axes.size() < SSCAM_AXES_SIZE;
}

// --- types ---------------------------------------------------------------------------------------

sscam_input_type input_type_of(int64_t scalar_type)
{
    switch (static_cast<at::ScalarType>(scalar_type)) {
    case at::kByte: return SSCAM_INPUT_TYPE_UINT8;
    case at::kInt: return SSCAM_INPUT_TYPE_INT32;
    case at::kLong: return SSCAM_INPUT_TYPE_INT64;
    default: return SSCAM_INPUT_TYPE_AUTO;
    }
}

bool raises(const jit::Block *block)
{
    return std::any_of(block->nodes().begin(), block->nodes().end(), [](const jit::Node *node) {
        return node->kind() == c10::prim::RaiseException;
    });
}

// The type without which forward() raises, as of `if x.dtype != torch.uint8: raise`.
sscam_input_type demanded_type(const jit::Value *type)
{
    for (const jit::Use &use : type->uses()) {
        const bool is_equal = use.user->kind() == c10::aten::eq;
        if ((!is_equal && use.user->kind() != c10::aten::ne) || use.user->inputs().size() != 2)
            continue;
        const auto wanted = whole_number(use.user->input(1 - use.offset));
        for (const jit::Use &decision : use.user->output()->uses())
            if (wanted && decision.user->kind() == c10::prim::If &&
                raises(decision.user->blocks()[is_equal ? 1 : 0]))
                return input_type_of(*wanted);
    }
    return SSCAM_INPUT_TYPE_AUTO;
}

bool makes_real(const jit::Node *node)
{
    if (is_one_of(node, {"aten::float"}))
        return true;
    if (!is_one_of(node, {"aten::to", "aten::_to_copy"}))
        return false;
    for (size_t i = 1; i < node->inputs().size() && i < 3; i++) {
        const c10::IValue type = constant(node->input(i));
        if (type.isInt() && static_cast<at::ScalarType>(type.toInt()) == at::kFloat)
            return true;
    }
    return false;
}

// Whether it scales or shifts pixels of 0 to 255, as by the means of their colours.
bool is_of_pixels(const jit::Node *node, const Weights &weights)
{
    const bool divides = is_one_of(node, {"aten::div", "aten::div_", "aten::true_divide"}),
               multiplies = is_one_of(node, {"aten::mul", "aten::mul_"}),
               subtracts = is_one_of(node, {"aten::sub", "aten::sub_"});
    if ((!divides && !multiplies && !subtracts) || node->inputs().size() < 2)
        return false;
    const c10::IValue value = weights.ivalue_of(node->input(1));
    double number = 0.0;
    if (value.isDouble() || value.isInt())
        number = value.isInt() ? static_cast<double>(value.toInt()) : value.toDouble();
    else if (value.isTensor() && value.toTensor().defined() && value.toTensor().numel() > 0)
        number = value.toTensor().to(at::kDouble).max().item<double>();
    return (divides && number >= 127.0 && number <= 256.0) || (subtracts && number >= 100.0) ||
           (multiplies && number > 0.0 && number <= 1.0 / 127.0);
}

// --- following -----------------------------------------------------------------------------------

// The way from an input to what reads it.
struct Way {
    std::vector<AxisStep> steps;
    bool is_made_real = false, is_scaled = false, has_all_channels = true;
    int length = 0;
};

class Follower {
public:
    Follower(const Weights &weights, InputReading &reading) : weights_(weights), reading_(reading)
    {
    }

    void follow(const jit::Value *value, const Way &way)
    {
        constexpr int longest = 48;
        for (const jit::Use &use : value->uses())
            if (way.length < longest)
                take(use, way);
    }

private:
    void take(const jit::Use &use, const Way &way)
    {
        const jit::Node *node = use.user;
        if (is_one_of(node, {"prim::dtype"})) {
            if (const auto type = demanded_type(node->output()))
                reading_.type = type;
            return;
        }
        if (is_one_of(node, questions()) || node->kind() == c10::prim::RaiseException)
            return;
        if (use.offset == 0 && take_first(node, way))
            return;
        if (use.offset == 1 && is_one_of(node, keeps_axes_of_second())) {
            Way next = way;
            next.length++;
            follow(node->output(), next);
        } else if (node->kind() == c10::prim::ListConstruct) {
            follow_into_list(node, way);
        } else {
            reading_.is_certain = false;
        }
    }

    // Whether the operation is understood, whose first input the value is.
    bool take_first(const jit::Node *node, const Way &way)
    {
        Way next = way;
        next.length++;
        if (is_one_of(node, {"aten::embedding"})) {
            reading_.is_certain = false; // indices are no image
            reading_.type = SSCAM_INPUT_TYPE_INT64;
            return true;
        }
        if (is_one_of(node, keeps_axes()) && !node->outputs().empty()) {
            next.is_scaled = way.is_scaled || scales_first(node, way);
            next.is_made_real = way.is_made_real || makes_real(node);
            next.has_all_channels = way.has_all_channels && !is_one_of(node, may_drop_channels());
            follow(node->outputs()[0], next);
            return true;
        }
        if (const auto step = axis_step(node)) {
            next.steps.push_back(*step);
            follow(node->output(), next);
            return true;
        }
        for (const Reader &reader :
             {reader_of_convolution(node, weights_), reader_of_recurrence(node, weights_)})
            if (!reader.axes.empty()) {
                add(reader, way);
                return true;
            }
        return false;
    }

    bool scales_first(const jit::Node *node, const Way &way)
    {
        if (way.is_scaled || !is_of_pixels(node, weights_))
            return false;
        if (way.is_made_real && reading_.type == SSCAM_INPUT_TYPE_AUTO)
            reading_.type = SSCAM_INPUT_TYPE_UINT8;
        return true;
    }

    // Inputs that are joined before they are read.
    void follow_into_list(const jit::Node *list, const Way &way)
    {
        Way next = way;
        next.length++;
        next.has_all_channels = false;
        for (const jit::Use &use : list->output()->uses())
            if (is_one_of(use.user, {"aten::cat", "aten::concat"}))
                follow(use.user->output(), next);
            else
                reading_.is_certain = false;
    }

    void add(const Reader &reader, const Way &way)
    {
        const std::string axes = axes_before(way.steps, reader.axes);
        const int64_t channels = way.has_all_channels ? reader.channels : 0;
        if (!is_layout(axes)) {
            reading_.is_certain = false;
            return;
        }
        const bool agrees = !reading_.is_image ||
                            (reading_.axes == axes && reading_.channels == channels);
        reading_.is_certain = reading_.is_certain && agrees;
        reading_.axes = reading_.is_image && reading_.axes != axes ? "" : axes;
        reading_.channels = agrees ? channels : 0;
        reading_.is_image = true;
    }

    const Weights &weights_;
    InputReading &reading_;
};

// --- arguments -----------------------------------------------------------------------------------

class Arguments {
public:
    Arguments(const jit::Graph &graph, const jit::Module &module) : graph_(graph), weights_(module)
    {
    }

    void read(const jit::Value *value, const std::string &name, bool is_needed)
    {
        c10::TypePtr type = value->type();
        if (type->kind() == c10::TypeKind::OptionalType)
            type = type->expectRef<c10::OptionalType>().getElementType();
        if (may_be_tensor(type)) {
            InputReading &reading = entry(name);
            reading.is_needed = reading.is_needed || is_needed;
            Follower(weights_, reading).follow(value, {});
            return;
        }
        for (const jit::Use &use : value->uses())
            read_element(use, name, is_needed);
    }

    InputReadings take() { return std::move(readings_); }

private:
    // The elements of a dictionary, list or tuple by what takes them out.
    void read_element(const jit::Use &use, const std::string &name, bool is_needed)
    {
        const jit::Node *node = use.user;
        if (node->kind() == c10::prim::unchecked_cast) {
            read(node->output(), name, is_needed);
            return;
        }
        is_needed = is_needed && node->owningBlock() == graph_.block();
        if (is_one_of(node, {"aten::__getitem__", "prim::TupleIndex", "aten::get"}) &&
            use.offset == 0 && node->inputs().size() >= 2) {
            const c10::IValue key = constant(node->input(1));
            if (key.isString())
                read(node->output(), name + "." + key.toStringRef(),
                     is_needed && !is_one_of(node, {"aten::get"}));
            else if (key.isInt() && key.toInt() >= 0)
                read(node->output(), name + "." + element_name(node->input(0)->type(), key.toInt()),
                     is_needed);
        } else if (node->kind() == c10::prim::ListUnpack ||
                   node->kind() == c10::prim::TupleUnpack) {
            for (size_t i = 0; i < node->outputs().size(); i++)
                read(node->outputs()[i], name + "." + element_name(node->input(0)->type(), i),
                     is_needed);
        }
    }

    InputReading &entry(const std::string &name)
    {
        for (auto &reading : readings_)
            if (reading.first == name)
                return reading.second;
        readings_.emplace_back(name, InputReading());
        return readings_.back().second;
    }

    const jit::Graph &graph_;
    const Weights weights_;
    InputReadings readings_;
};

} // namespace

InputReadings read_inputs(const jit::Module &module) noexcept
{
    try {
        const auto forward = module.get_method("forward");
        const auto graph = forward.graph()->copy();
        jit::Inline(*graph);
        Arguments arguments(*graph, module);
        const auto &schema = forward.function().getSchema().arguments();
        for (size_t i = 1; i < graph->inputs().size() && i < schema.size(); i++)
            arguments.read(graph->inputs()[i], schema[i].name(), true);
        return arguments.take();
    } catch (...) { // nothing is certain of an odd graph
        return {};
    }
}

std::string element_name(const c10::TypePtr &type, size_t index)
{
    if (const auto tuple = type->cast<c10::TupleType>())
        if (tuple->schema() && index < tuple->schema()->arguments().size())
            return tuple->schema()->arguments()[index].name();
    return std::to_string(index);
}

const InputReading *find_reading(const InputReadings &readings, const std::string &name)
{
    for (const auto &reading : readings)
        if (reading.first == name)
            return &reading.second;
    return nullptr;
}

} // namespace sscam
