#include "program/input_constraints.hpp"

#include <cstdlib>
#include <limits>
#include <sstream>
#include <tuple>
#include <vector>

#include "program/graph_checks.hpp"

namespace sscam {

namespace jit = torch::jit;
namespace aten = c10::aten;

namespace {

// Export takes sizes of 0 and 1 apart from others, and lets them pass all the same.
constexpr int64_t never_checked = 2;
constexpr int64_t no_limit = std::numeric_limits<int64_t>::max();
// Limits above are of no use to a reader.
constexpr int64_t most_told = int64_t{1} << 31;

struct Limits {
    int64_t least, most;
};

Limits limits_of(const pt2::Size &size, const std::map<std::string, pt2::Range> &ranges)
{
    const auto found = ranges.find(size.symbol);
    if (found == ranges.end())
        return {0, no_limit};
    const int64_t least = found->second.least.value_or(0),
                  most = found->second.most.value_or(no_limit);
    return {least > never_checked ? least : 0, most};
}

// --- in words ------------------------------------------------------------------------------------

std::string range_text(const std::string &letter, const pt2::Size &size, Limits limits)
{
    const auto value = [&](int64_t symbol) { return size.number + size.factor * symbol; };
    std::ostringstream text;
    if (limits.least > 0 && limits.least <= most_told)
        text << " from " << value(limits.least);
    if (limits.most >= 0 && limits.most <= most_told)
        text << " up to " << value(limits.most);
    if (size.factor > 1) {
        text << " in steps of " << size.factor;
        if (size.number % size.factor != 0)
            text << (size.number > 0 ? " plus " : " less ") << std::abs(size.number);
    }
    return text.str().empty() ? "" : ", " + letter + text.str();
}

// "1x3x224x224 only", "Nx3x224x224, N up to 1024"
std::string in_words(const pt2::TensorDescription &description,
                     const std::map<std::string, pt2::Range> &ranges)
{
    std::map<std::tuple<std::string, int64_t, int64_t>, std::string> letters;
    std::string sizes, limits;
    const size_t rank = description.sizes.size();
    for (size_t axis = 0; axis < rank; axis++) {
        const pt2::Size &size = description.sizes[axis];
        sizes += axis > 0 ? "x" : "";
        if (size.symbol.empty()) {
            sizes += std::to_string(size.number);
            continue;
        }
        // Equal sizes have one letter.
        const auto key = std::make_tuple(size.symbol, size.factor, size.number);
        const auto [entry, is_new] = letters.emplace(key, letter_of_axis(axis, rank));
        sizes += entry->second;
        if (is_new && size.is_known)
            limits += range_text(entry->second, size, limits_of(size, ranges));
    }
    return "it was exported for " + sizes + (letters.empty() ? " only" : limits);
}

// --- in the graph --------------------------------------------------------------------------------

class Checks {
public:
    Checks(jit::Graph &graph, jit::Value *input) : graph_(graph)
    {
        sizes_ = insert(aten::size, {input}, c10::ListType::ofInts());
    }

    void require_rank(int64_t rank)
    {
        require(c10::aten::eq, insert(aten::len, {sizes_}, c10::IntType::get()), constant(rank));
    }

    void require_size(int64_t axis, const pt2::Size &size,
                      const std::map<std::string, pt2::Range> &ranges)
    {
        if (size.symbol.empty()) {
            require(aten::eq, size_at(axis), constant(size.number));
            return;
        }
        if (!size.is_known)
            return;
        const Limits limits = limits_of(size, ranges);
        jit::Value *value = size_at(axis);
        if (size.number != 0)
            value = insert(aten::sub, {value, constant(size.number)}, c10::IntType::get());
        if (size.factor > 1) {
            require(aten::eq,
                    insert(aten::remainder, {value, constant(size.factor)}, c10::IntType::get()),
                    constant(0));
            value = insert(aten::floordiv, {value, constant(size.factor)}, c10::IntType::get());
        }
        const auto [known, is_new] = symbols_.emplace(size.symbol, value);
        if (!is_new)
            require(aten::eq, value, known->second);
        if (limits.least > 0)
            require(aten::ge, value, constant(limits.least));
        if (limits.most < no_limit)
            require(aten::le, value, constant(limits.most));
    }

    void raise_unless_met(const std::string &message)
    {
        for (jit::Value *condition : conditions_)
            sscam::require(graph_, condition, message);
        conditions_.clear();
    }

private:
    jit::Value *insert(c10::Symbol operation, std::vector<jit::Value *> inputs, c10::TypePtr type)
    {
        jit::Node *node = graph_.insertNode(graph_.create(operation, inputs, 1));
        node->output()->setType(std::move(type));
        return node->output();
    }

    jit::Value *constant(int64_t value) { return graph_.insertConstant(value); }

    jit::Value *size_at(int64_t axis)
    {
        return insert(aten::__getitem__, {sizes_, constant(axis)}, c10::IntType::get());
    }

    void require(c10::Symbol comparison, jit::Value *a, jit::Value *b)
    {
        conditions_.push_back(insert(comparison, {a, b}, c10::BoolType::get()));
    }

    jit::Graph &graph_;
    jit::Value *sizes_;
    std::vector<jit::Value *> conditions_;
    std::map<std::string, jit::Value *> symbols_;
};

} // namespace

void add_type_check(jit::Graph &graph, jit::Value *input, c10::ScalarType type)
{
    const std::string name = type == c10::ScalarType::Byte   ? "uint8"
                             : type == c10::ScalarType::Int  ? "int32"
                             : type == c10::ScalarType::Long ? "int64"
                             : type == c10::ScalarType::Bool ? "bool"
                                                             : c10::toString(type);
    jit::Node *found = graph.insertNode(graph.create(c10::prim::dtype, {input}, 1));
    found->output()->setType(c10::IntType::get());
    jit::Node *is_same = graph.insertNode(graph.create(
        aten::eq, {found->output(), graph.insertConstant(static_cast<int64_t>(type))}, 1));
    is_same->output()->setType(c10::BoolType::get());
    require(graph, is_same->output(),
            "it was exported for an input \"" + input->debugNameBase() + "\" of " + name +
                "; for the image, set the option input_type");
}

std::string letter_of_axis(size_t axis, size_t rank)
{
    static const char *const of_images[] = {"N", "C", "H", "W"};
    if (axis == 0 || rank == 4)
        return of_images[axis];
    return "D" + std::to_string(axis);
}

void add_input_checks(jit::Graph &graph, jit::Value *input,
                      const pt2::TensorDescription &description,
                      const std::map<std::string, pt2::Range> &ranges)
{
    const std::string message = in_words(description, ranges);
    Checks checks(graph, input);
    checks.require_rank(static_cast<int64_t>(description.sizes.size()));
    checks.raise_unless_met(message); // before a size is taken that may not be there
    for (size_t axis = 0; axis < description.sizes.size(); axis++) {
        const pt2::Size &size = description.sizes[axis];
        if (axis > 0 || !size.symbol.empty() || size.number != 1)
            checks.require_size(static_cast<int64_t>(axis), size, ranges);
    }
    checks.raise_unless_met(message);
}

} // namespace sscam
