#include "program/guards.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <utility>

#include <ATen/core/interned_strings.h>

#include "common/guard.hpp"
#include "program/graph_checks.hpp"
#include "program/input_constraints.hpp"

namespace sscam {

namespace jit = torch::jit;
namespace prim = c10::prim;
namespace aten = c10::aten;

namespace {

// A guard that is no expression of sizes.
struct NotUnderstood {};

bool is_name_part(char c)
{
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
}

// Guards have the same expressions again and again: each is computed once.
class Nodes {
public:
    explicit Nodes(jit::Graph &graph) : graph_(graph) {}

    jit::Value *integer(int64_t number)
    {
        jit::Value *&value = integers_[number];
        return value ? value : value = graph_.insertConstant(number);
    }

    jit::Value *constant(const c10::IValue &value) { return graph_.insertConstant(value); }

    // The type of the result is that of the operation which takes these arguments.
    jit::Value *insert(c10::Symbol operation, const std::vector<jit::Value *> &inputs)
    {
        return once(operation, inputs, [&] {
            jit::Node *node = graph_.insertNode(graph_.create(operation, inputs, 1));
            if (!node->maybeOperator())
                throw NotUnderstood();
            node->output()->setType(node->getOperator().schema().returns()[0].type());
            return node->output();
        });
    }

    jit::Value *floor_division(jit::Value *a, jit::Value *b)
    {
        return once(aten::floordiv, {a, b}, [&] { return insert_floor_division(graph_, a, b); });
    }

    jit::Value *remainder(jit::Value *a, jit::Value *b)
    {
        return once(aten::remainder, {a, b}, [&] { return insert_remainder(graph_, a, b); });
    }

private:
    template <class Make>
    jit::Value *once(c10::Symbol operation, const std::vector<jit::Value *> &inputs,
                     const Make &make)
    {
        const std::pair<std::string, std::vector<jit::Value *>> key(operation.toQualString(),
                                                                    inputs);
        if (const auto known = made_.find(key); known != made_.end())
            return known->second;
        return made_.emplace(key, make()).first->second;
    }

    jit::Graph &graph_;
    std::map<int64_t, jit::Value *> integers_;
    std::map<std::pair<std::string, std::vector<jit::Value *>>, jit::Value *> made_;
};

// Inserts the nodes of an expression while it reads it.
class GuardParser {
public:
    GuardParser(Nodes &nodes, const std::string &text,
                const std::map<std::string, GuardedInput> &inputs)
        : nodes_(nodes), text_(text), inputs_(inputs)
    {
    }

    jit::Value *whole()
    {
        jit::Value *value = disjunction();
        if (position_ != text_.size() || value->type()->kind() != c10::TypeKind::BoolType)
            throw NotUnderstood();
        return value;
    }

    // The guard with letters in place of sizes.
    const std::string &in_words() const { return words_; }

private:
    // --- text ------------------------------------------------------------------------------------

    char next() const { return position_ < text_.size() ? text_[position_] : '\0'; }

    void skip_spaces()
    {
        while (next() == ' ')
            position_++;
    }

    // The word must not go on.
    bool take(const std::string &word)
    {
        const size_t start = position_;
        skip_spaces();
        const bool is_word = is_name_part(word.back());
        if (text_.compare(position_, word.size(), word) != 0 ||
            (is_word && position_ + word.size() < text_.size() &&
             is_name_part(text_[position_ + word.size()]))) {
            position_ = start;
            return false;
        }
        position_ += word.size();
        words_ += text_.substr(start, position_ - start);
        return true;
    }

    void need(const std::string &word)
    {
        if (!take(word))
            throw NotUnderstood();
    }

    void enter()
    {
        constexpr int deepest = 50;
        if (++depth_ > deepest)
            throw NotUnderstood();
    }

    // --- expressions, from the loosest
    // ------------------------------------------------------------

    jit::Value *disjunction()
    {
        enter();
        jit::Value *value = conjunction();
        while (take("or"))
            value = insert(aten::__or__, {as_truth(value), as_truth(conjunction())});
        depth_--;
        return value;
    }

    jit::Value *conjunction()
    {
        jit::Value *value = negation();
        while (take("and"))
            value = insert(aten::__and__, {as_truth(value), as_truth(negation())});
        return value;
    }

    jit::Value *negation()
    {
        bool is_negated = false;
        while (take("not"))
            is_negated = !is_negated;
        jit::Value *value = comparison();
        return is_negated ? insert(aten::__not__, {as_truth(value)}) : value;
    }

    // a < b <= c
    jit::Value *comparison()
    {
        jit::Value *left = sum(), *all = nullptr;
        c10::Symbol operation;
        while (take_comparison(&operation)) {
            jit::Value *right = sum();
            jit::Value *holds = insert(operation, {left, right});
            all = all ? insert(aten::__and__, {all, holds}) : holds;
            left = right;
        }
        return all ? all : left;
    }

    bool take_comparison(c10::Symbol *operation)
    {
        // Longer signs first.
        static const auto *const operations = new std::vector<std::pair<std::string, c10::Symbol>>{
            {"==", aten::eq}, {"!=", aten::ne}, {"<=", aten::le},
            {">=", aten::ge}, {"<", aten::lt},  {">", aten::gt},
        };
        for (const auto &known : *operations)
            if (take(known.first)) {
                *operation = known.second;
                return true;
            }
        return false;
    }

    jit::Value *sum()
    {
        jit::Value *value = product();
        for (;;) {
            if (take("+"))
                value = insert(aten::add, {value, product()});
            else if (take("-"))
                value = insert(aten::sub, {value, product()});
            else
                return value;
        }
    }

    jit::Value *product()
    {
        jit::Value *value = sign();
        for (;;) {
            if (take("//"))
                value = nodes_.floor_division(integer(value), integer(sign()));
            else if (take("%"))
                value = nodes_.remainder(integer(value), integer(sign()));
            else if (take("/"))
                value = insert(aten::div, {value, sign()});
            else if (take("*"))
                value = insert(aten::mul, {value, sign()});
            else
                return value;
        }
    }

    jit::Value *sign()
    {
        bool is_negative = false;
        while (take("-"))
            is_negative = !is_negative;
        jit::Value *value = power();
        return is_negative ? insert(aten::neg, {value}) : value;
    }

    jit::Value *power()
    {
        enter();
        jit::Value *value = term();
        if (take("**"))
            value = insert(aten::pow, {value, sign()});
        depth_--;
        return value;
    }

    jit::Value *term()
    {
        for (; next() == ' '; position_++)
            words_ += ' ';
        if (take("(")) {
            jit::Value *value = disjunction();
            need(")");
            return value;
        }
        if (std::isdigit(static_cast<unsigned char>(next())) != 0)
            return number();
        if (text_.compare(position_, 2, "L[") == 0)
            return size();
        return call();
    }

    jit::Value *number()
    {
        constexpr size_t longest = 18;
        size_t end = position_;
        bool is_integer = true;
        while (end < text_.size() && is_name_part(text_[end]))
            is_integer &= std::isdigit(static_cast<unsigned char>(text_[end++])) != 0;
        const std::string digits = text_.substr(position_, end - position_);
        char *rest = nullptr;
        const double real = std::strtod(digits.c_str(), &rest);
        if (*rest != '\0' || digits.size() > longest)
            throw NotUnderstood();
        position_ = end;
        words_ += digits;
        return is_integer ? nodes_.integer(std::stoll(digits)) : nodes_.constant(real);
    }

    // L['x'].size()[2]
    jit::Value *size()
    {
        static const std::string reading = ".size()[";
        const size_t name = position_ + 1, end = text_.find(reading, name);
        if (end == std::string::npos)
            throw NotUnderstood();
        const GuardedInput &input = input_named(text_.substr(name, end - name));
        position_ = end + reading.size();
        size_t axis = 0, digits = 0;
        for (; std::isdigit(static_cast<unsigned char>(next())) != 0 && digits < 2; digits++)
            axis = axis * 10 + static_cast<size_t>(text_[position_++] - '0');
        if (digits == 0 || axis >= input.rank || next() != ']')
            throw NotUnderstood();
        position_++;
        words_ += letter_of_axis(axis, input.rank);
        return insert(aten::size, {input.value, nodes_.integer(static_cast<int64_t>(axis))});
    }

    // The only one, whatever its name: networks may take it by another. torch.export names an input
    // by its path: "images_0" is L['images'][0].
    const GuardedInput &input_named(const std::string &subscripts) const
    {
        if (inputs_.size() == 1)
            return inputs_.begin()->second;
        std::string name;
        for (const char c : subscripts) {
            if (c == '[' && !name.empty())
                name += '_';
            else if (is_name_part(c))
                name += c;
        }
        const auto found = inputs_.find(name);
        if (found == inputs_.end())
            throw NotUnderstood();
        return found->second;
    }

    // Functions of SymPy and of Python, in both spellings.
    jit::Value *call()
    {
        size_t end = position_;
        while (end < text_.size() && is_name_part(text_[end]))
            end++;
        const std::string name = text_.substr(position_, end - position_);
        position_ = end;
        words_ += name.compare(0, 10, "torch.sym_") == 0 ? name.substr(10) : name;
        if (name == "True" || name == "False")
            return nodes_.constant(name == "True");
        need("(");
        std::vector<jit::Value *> arguments = {disjunction()};
        while (take(","))
            arguments.push_back(disjunction());
        need(")");
        return arguments.size() == 1 ? unary(name, arguments[0]) : folded(name, arguments);
    }

    jit::Value *unary(const std::string &name, jit::Value *argument)
    {
        static const auto *const functions = new std::map<std::string, c10::Symbol>{
            {"Abs", prim::abs},
            {"CeilToInt", aten::ceil},
            {"FloorToInt", aten::floor},
            {"Not", aten::__not__},
            {"OpaqueUnaryFn_sqrt", aten::sqrt},
            {"ToFloat", aten::Float},
            {"TruncToInt", aten::Int},
            {"abs", prim::abs},
            {"float", aten::Float},
            {"int", aten::Int},
            {"math.ceil", aten::ceil},
            {"math.floor", aten::floor},
            {"math.sqrt", aten::sqrt},
            {"math.trunc", aten::Int},
            {"torch._sym_sqrt", aten::sqrt},
            {"torch.sym_float", aten::Float},
            {"torch.sym_int", aten::Int},
            {"torch.sym_not", aten::__not__},
            {"torch.sym_sqrt", aten::sqrt},
        };
        if (name == "Identity")
            return argument;
        const auto found = functions->find(name);
        if (found == functions->end())
            throw NotUnderstood();
        return insert(found->second, {argument});
    }

    jit::Value *folded(const std::string &name, const std::vector<jit::Value *> &arguments)
    {
        static const auto *const functions = new std::map<std::string, c10::Symbol>{
            {"Add", aten::add},           {"Max", prim::max},           {"Min", prim::min},
            {"Mul", aten::mul},           {"max", prim::max},           {"min", prim::min},
            {"torch.sym_max", prim::max}, {"torch.sym_min", prim::min},
        };
        static const auto *const pairs = new std::map<std::string, c10::Symbol>{
            {"Eq", aten::eq}, {"Ge", aten::ge}, {"Gt", aten::gt},
            {"Le", aten::le}, {"Lt", aten::lt}, {"Ne", aten::ne},
        };
        const bool is_pair = arguments.size() == 2;
        if (is_pair && (name == "FloorDiv" || name == "CleanDiv"))
            return nodes_.floor_division(integer(arguments[0]), integer(arguments[1]));
        if (is_pair && (name == "Mod" || name == "PythonMod"))
            return nodes_.remainder(integer(arguments[0]), integer(arguments[1]));
        if (const auto found = pairs->find(name); is_pair && found != pairs->end())
            return insert(found->second, arguments);
        const auto found = functions->find(name);
        if (found == functions->end())
            throw NotUnderstood();
        jit::Value *value = arguments[0];
        for (size_t i = 1; i < arguments.size(); i++)
            value = insert(found->second, {value, arguments[i]});
        return value;
    }

    // --- nodes -----------------------------------------------------------------------------------

    static jit::Value *as_truth(jit::Value *value)
    {
        if (value->type()->kind() != c10::TypeKind::BoolType)
            throw NotUnderstood();
        return value;
    }

    static jit::Value *integer(jit::Value *value)
    {
        if (value->type()->kind() != c10::TypeKind::IntType)
            throw NotUnderstood();
        return value;
    }

    jit::Value *insert(c10::Symbol operation, const std::vector<jit::Value *> &inputs)
    {
        return nodes_.insert(operation, inputs);
    }

    Nodes &nodes_;
    const std::string &text_;
    const std::map<std::string, GuardedInput> &inputs_;
    size_t position_ = 0;
    int depth_ = 0;
    std::string words_;
};

} // namespace

void add_guards(jit::Graph &graph, const std::vector<std::string> &guards,
                const std::map<std::string, GuardedInput> &inputs)
{
    Nodes nodes(graph);
    for (std::string guard : guards) {
        guard.erase(std::remove(guard.begin(), guard.end(), '\n'), guard.end());
        if (guard.find(".size()") == std::string::npos)
            continue;
        GuardParser parser(nodes, guard, inputs);
        jit::Value *holds = nullptr;
        try {
            holds = parser.whole();
        } catch (const NotUnderstood &) {
            throw Error(SSCAM_E_UNSUPPORTED,
                        "the program holds only where " + guard.substr(0, 300) +
                            ", which cannot be checked; export the network for one size");
        }
        require(graph, holds,
                "the program was exported for sizes with " + parser.in_words() + " only");
    }
}

} // namespace sscam
