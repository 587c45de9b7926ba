#include "program/symbolic_size.hpp"

#include <cctype>
#include <optional>

namespace sscam {

namespace {

// Larger numbers are not sizes; products of two of them are exact.
constexpr int64_t largest = 1000000000;

using Linear = std::optional<pt2::Size>;

Linear number_size(int64_t number)
{
    pt2::Size size;
    size.number = number;
    return size;
}

bool is_in_range(const pt2::Size &size)
{
    const auto fits = [](int64_t number) { return number >= -largest && number <= largest; };
    return fits(size.number) && fits(size.factor);
}

Linear checked(const pt2::Size &size)
{
    return is_in_range(size) ? Linear(size) : std::nullopt;
}

Linear sum_of(const pt2::Size &a, const pt2::Size &b)
{
    if (!a.symbol.empty() && !b.symbol.empty() && a.symbol != b.symbol)
        return std::nullopt;
    pt2::Size sum;
    sum.number = a.number + b.number;
    sum.factor = a.factor + b.factor;
    sum.symbol = a.symbol.empty() ? b.symbol : a.symbol;
    return checked(sum);
}

Linear product_of(const pt2::Size &a, const pt2::Size &b)
{
    if (!a.symbol.empty() && !b.symbol.empty())
        return std::nullopt;
    const int64_t scale = a.symbol.empty() ? a.number : b.number;
    pt2::Size product = a.symbol.empty() ? b : a;
    product.number *= scale;
    product.factor *= scale;
    return checked(product);
}

class SizeParser {
public:
    explicit SizeParser(const std::string &text) : text_(text) {}

    Linear whole()
    {
        const Linear found = sum(0);
        return found && position_ == text_.size() ? found : std::nullopt;
    }

private:
    bool take(const char *word)
    {
        const size_t size = std::char_traits<char>::length(word);
        if (text_.compare(position_, size, word) != 0)
            return false;
        position_ += size;
        return true;
    }

    // a + b, a - b
    Linear sum(int depth)
    {
        Linear left = product(depth);
        while (left) {
            const bool is_sum = take(" + ");
            if (!is_sum && !take(" - "))
                break;
            const Linear right = product(depth);
            const Linear term = right && !is_sum ? product_of(*number_size(-1), *right) : right;
            left = term ? sum_of(*left, *term) : std::nullopt;
        }
        return left;
    }

    // a*b
    Linear product(int depth)
    {
        Linear left = term(depth);
        while (left && take("*")) {
            const Linear right = term(depth);
            left = right ? product_of(*left, *right) : std::nullopt;
        }
        return left;
    }

    Linear term(int depth)
    {
        constexpr int deepest = 50;
        if (depth > deepest)
            return std::nullopt;
        if (take("Integer(")) {
            const Linear found = number();
            return take(")") ? found : std::nullopt;
        }
        if (take("Symbol('"))
            return quoted_symbol();
        if (take("Add("))
            return folded(depth + 1, sum_of);
        if (take("Mul("))
            return folded(depth + 1, product_of);
        const bool is_digit = position_ < text_.size() &&
                              std::isdigit(static_cast<unsigned char>(text_[position_])) != 0;
        return is_digit || text_.compare(position_, 1, "-") == 0 ? number() : plain_symbol();
    }

    // The arguments of Add() and Mul().
    Linear folded(int depth, Linear (*combine)(const pt2::Size &, const pt2::Size &))
    {
        Linear found = sum(depth);
        while (found && take(", ")) {
            const Linear next = sum(depth);
            found = next ? combine(*found, *next) : std::nullopt;
        }
        return take(")") ? found : std::nullopt;
    }

    Linear number()
    {
        const int64_t sign = take("-") ? -1 : 1;
        int64_t value = 0;
        const size_t start = position_;
        for (; position_ < text_.size() &&
               std::isdigit(static_cast<unsigned char>(text_[position_])) != 0 && value <= largest;
             position_++)
            value = value * 10 + (text_[position_] - '0');
        return position_ == start || value > largest ? std::nullopt : number_size(sign * value);
    }

    static Linear symbol(std::string name)
    {
        pt2::Size size;
        size.factor = 1;
        size.symbol = std::move(name);
        return size.symbol.empty() ? std::nullopt : Linear(size);
    }

    // What is assumed of it follows its name.
    Linear quoted_symbol()
    {
        const size_t end = text_.find('\'', position_),
                     close = end == std::string::npos ? end : text_.find(')', end);
        if (close == std::string::npos)
            return std::nullopt;
        const std::string name = text_.substr(position_, end - position_);
        position_ = close + 1;
        return symbol(name);
    }

    Linear plain_symbol()
    {
        const size_t start = position_;
        while (position_ < text_.size() &&
               (std::isalnum(static_cast<unsigned char>(text_[position_])) != 0 ||
                text_[position_] == '_'))
            position_++;
        return symbol(text_.substr(start, position_ - start));
    }

    const std::string &text_;
    size_t position_ = 0;
};

} // namespace

pt2::Size parse_size(const std::string &expression)
{
    Linear found = SizeParser(expression).whole();
    if (found && (found->symbol.empty() || found->factor > 0))
        return *std::move(found);
    pt2::Size unknown;
    unknown.is_known = false;
    unknown.symbol = expression.empty() ? "?" : expression; // "": a number
    return unknown;
}

} // namespace sscam
