#include "program/program_assertions.hpp"

#include <algorithm>
#include <map>

#include <ATen/core/interned_strings.h>

#include "common/guard.hpp"
#include "program/graph_checks.hpp"

namespace sscam {

namespace jit = torch::jit;
namespace aten = c10::aten;

namespace {

using Kind = pt2::Argument::Kind;

enum class Assertion { truth, range, size_range, metadata };

const Assertion *find_assertion(const std::string &target)
{
    static const auto *const names = new std::map<std::string, Assertion>{
        {"_assert_async.default", Assertion::truth},
        {"_assert_async.msg", Assertion::truth},
        {"_assert_scalar.default", Assertion::truth},
        {"_functional_assert_async.msg", Assertion::truth},
        {"_functional_assert_scalar.default", Assertion::truth},
        {"sym_constrain_range.default", Assertion::range},
        {"sym_constrain_range_for_size.default", Assertion::size_range},
        {"_functional_sym_constrain_range.default", Assertion::range},
        {"_functional_sym_constrain_range_for_size.default", Assertion::size_range},
        {"_assert_tensor_metadata.default", Assertion::metadata},
    };
    static const std::string prefix = "torch.ops.aten.";
    if (target.compare(0, prefix.size(), prefix) != 0)
        return nullptr;
    const auto found = names->find(target.substr(prefix.size()));
    return found == names->end() ? nullptr : &found->second;
}

const pt2::Argument *given_input(const pt2::Node &node, const std::string &name)
{
    const pt2::Argument *found = find_input(node, name);
    return found && found->kind != Kind::none ? found : nullptr;
}

const pt2::Argument &needed_input(const pt2::Node &node, const std::string &name)
{
    const pt2::Argument *found = given_input(node, name);
    if (!found)
        throw Error(SSCAM_E_FORMAT, "damaged .pt2 file: the node \"" + node.name + "\" of " +
                                        node.target + " has no argument \"" + name + "\"");
    return *found;
}

// "u0 >= 3" of "Runtime assertion failed for expression u0 >= 3 on node 'ge_1'".
std::string stated_in(const std::string &message)
{
    static const std::string beginning = "Runtime assertion failed for expression ",
                             end = " on node '";
    if (message.compare(0, beginning.size(), beginning) != 0)
        return message;
    const std::string rest = message.substr(beginning.size());
    return rest.substr(0, rest.rfind(end));
}

std::string message_of(const pt2::Node &node)
{
    constexpr size_t longest = 300;
    const pt2::Argument *text = given_input(node, "assert_msg");
    const std::string stated = text && text->kind == Kind::text ? stated_in(text->text) : "";
    return "the program requires what does not hold for it: " +
           (stated.empty() ? "the node \"" + node.name + "\"" : stated.substr(0, longest));
}

class Assertions {
public:
    Assertions(jit::Graph &graph, const pt2::Node &node,
               const std::function<jit::Value *(const pt2::Argument &)> &value_of)
        : graph_(graph), node_(node), value_of_(value_of)
    {
    }

    void require_truth()
    {
        jit::Value *stated = value_of_(needed_input(node_, "self"));
        if (stated->type()->kind() != c10::TypeKind::BoolType)
            stated = insert(aten::Bool, {stated});
        require(graph_, stated, message_of(node_));
    }

    void require_range(bool is_size)
    {
        jit::Value *size = value_of_(needed_input(node_, "size"));
        if (size->type()->kind() != c10::TypeKind::IntType)
            size = insert(aten::Int, {size}, c10::IntType::get());
        const pt2::Argument *least = given_input(node_, "min"), *most = given_input(node_, "max");
        const auto number = [](const pt2::Argument *limit) {
            return limit->kind == Kind::integer ? " " + std::to_string(limit->integer) : "";
        };
        if (least || is_size)
            require(graph_,
                    insert(aten::ge, {size, least ? value_of_(*least) : graph_.insertConstant(0)}),
                    message_of(node_) + " must be at least" + (least ? number(least) : " 0"));
        if (most)
            require(graph_, insert(aten::le, {size, value_of_(*most)}),
                    message_of(node_) + " must be at most" + number(most));
    }

    // Types and devices follow from those of the input and the weights, which the library chooses,
    // and strides change no values.
    void require_sizes()
    {
        const pt2::Argument *sizes = given_input(node_, "size");
        if (!sizes || sizes->kind != Kind::list)
            return;
        jit::Value *found = insert(aten::size, {value_of_(needed_input(node_, "a"))},
                                   c10::ListType::ofInts());
        std::vector<jit::Value *> wanted;
        for (const pt2::Argument &size : sizes->elements)
            wanted.push_back(value_of_(size));
        jit::Value *list =
            graph_.insertNode(graph_.createList(c10::IntType::get(), wanted))->output();
        require(graph_, insert(aten::eq, {found, list}), message_of(node_));
    }

private:
    jit::Value *insert(c10::Symbol operation, std::vector<jit::Value *> inputs,
                       c10::TypePtr type = c10::BoolType::get())
    {
        jit::Node *made = graph_.insertNode(graph_.create(operation, inputs, 1));
        made->output()->setType(std::move(type));
        if (!made->maybeOperator())
            throw Error(SSCAM_E_FORMAT, "damaged .pt2 file: the node \"" + node_.name + "\" of " +
                                            node_.target + " states nothing that can be checked");
        return made->output();
    }

    jit::Graph &graph_;
    const pt2::Node &node_;
    const std::function<jit::Value *(const pt2::Argument &)> &value_of_;
};

} // namespace

bool is_assertion(const std::string &target)
{
    return find_assertion(target) != nullptr;
}

void add_assertion(jit::Graph &graph, const pt2::Node &node,
                   const std::function<jit::Value *(const pt2::Argument &)> &value_of)
{
    Assertions checks(graph, node, value_of);
    switch (*find_assertion(node.target)) {
    case Assertion::truth: checks.require_truth(); break;
    case Assertion::range: checks.require_range(false); break;
    case Assertion::size_range: checks.require_range(true); break;
    case Assertion::metadata: checks.require_sizes(); break;
    }
}

} // namespace sscam
