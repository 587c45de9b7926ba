#include "program/literals.hpp"

#include <algorithm>
#include <map>

#include <ATen/core/jit_type.h>

#include "common/guard.hpp"

namespace sscam {

namespace {

using Kind = pt2::Argument::Kind;
using Type = pt2::Argument::Type;

template <class Value>
Value looked_up(const std::map<int64_t, Value> &known, int64_t serialized, const char *what)
{
    const auto found = known.find(serialized);
    if (found == known.end())
        throw Error(SSCAM_E_UNSUPPORTED, std::string("the program names the ") + what + " number " +
                                             std::to_string(serialized) +
                                             ", which this libtorch does not have");
    return found->second;
}

// Numbers of torch/_export/serde/schema.py, which are not those of libtorch.
c10::MemoryFormat memory_format_of(int64_t serialized)
{
    static const std::map<int64_t, c10::MemoryFormat> known = {
        {1, c10::MemoryFormat::Contiguous},
        {2, c10::MemoryFormat::ChannelsLast},
        {3, c10::MemoryFormat::ChannelsLast3d},
        {4, c10::MemoryFormat::Preserve},
    };
    return looked_up(known, serialized, "memory format");
}

c10::Layout layout_of(int64_t serialized)
{
    static const std::map<int64_t, c10::Layout> known = {
        {1, c10::Layout::Sparse},    {2, c10::Layout::SparseCsr}, {3, c10::Layout::SparseCsc},
        {4, c10::Layout::SparseBsr}, {5, c10::Layout::SparseBsc}, {6, c10::Layout::Mkldnn},
        {7, c10::Layout::Strided},
    };
    return looked_up(known, serialized, "layout");
}

using Literal = std::optional<c10::IValue>;

bool is_kind(const c10::TypePtr &type, c10::TypeKind kind)
{
    return type->kind() == kind;
}

// Of a list of one type of elements.
template <class Element>
c10::IValue typed_list(const std::vector<c10::IValue> &values)
{
    c10::List<Element> list;
    for (const c10::IValue &value : values)
        list.push_back(value.to<Element>());
    return list;
}

Literal list_value(const pt2::Argument &argument, const c10::TypePtr &element,
                   const Conversion &conversion)
{
    std::vector<c10::IValue> values;
    for (const pt2::Argument &one : argument.elements) {
        Literal value = literal_value(one, element, conversion);
        if (!value)
            return std::nullopt;
        values.push_back(*std::move(value));
    }
    switch (element->kind()) {
    case c10::TypeKind::IntType: return typed_list<int64_t>(values);
    case c10::TypeKind::FloatType: return typed_list<double>(values);
    case c10::TypeKind::BoolType: return typed_list<bool>(values);
    case c10::TypeKind::StringType: return typed_list<std::string>(values);
    default: return std::nullopt; // lists of tensors are built where they are used
    }
}

Literal integer_value(const pt2::Argument &argument, const c10::TypePtr &type)
{
    if (is_kind(type, c10::TypeKind::FloatType))
        return c10::IValue(static_cast<double>(argument.integer));
    if (is_kind(type, c10::TypeKind::IntType) || is_kind(type, c10::TypeKind::NumberType))
        return c10::IValue(argument.integer);
    return std::nullopt;
}

// Scalars of libtorch's interpreter are no bools.
Literal truth_value(const pt2::Argument &argument, const c10::TypePtr &type)
{
    if (is_kind(type, c10::TypeKind::BoolType))
        return c10::IValue(argument.integer != 0);
    return integer_value(argument, type);
}

Literal number_value(const pt2::Argument &argument, const c10::TypePtr &type)
{
    if (is_kind(type, c10::TypeKind::FloatType) || is_kind(type, c10::TypeKind::NumberType))
        return c10::IValue(argument.number);
    return std::nullopt;
}

Literal enumerator_value(const c10::TypePtr &type, int64_t value)
{
    return is_kind(type, c10::TypeKind::IntType) ? Literal(c10::IValue(value)) : std::nullopt;
}

} // namespace

c10::ScalarType scalar_type_of(int64_t serialized)
{
    // The later ones as numbers, since an earlier libtorch has no names for them.
    static const std::map<int64_t, int> known = {
        {1, 0},   {2, 1},   {3, 2},   {4, 3},   {5, 4},   {6, 5},   {7, 6},
        {8, 7},   {9, 8},   {10, 9},  {11, 10}, {12, 11}, {13, 15}, {28, 27},
        {29, 24}, {30, 23}, {31, 26}, {32, 25}, {33, 44}, {34, 28}, {35, 29},
    };
    const int found = looked_up(known, serialized, "dtype");
    if (found >= static_cast<int>(c10::ScalarType::Undefined))
        throw Error(SSCAM_E_UNSUPPORTED, "the program names the dtype number " +
                                             std::to_string(serialized) +
                                             ", which this libtorch does not have");
    return static_cast<c10::ScalarType>(found);
}

bool has_names(const pt2::Argument &argument)
{
    return argument.kind == Kind::name ||
           std::any_of(argument.elements.begin(), argument.elements.end(), has_names);
}

std::optional<c10::IValue> literal_value(const pt2::Argument &argument, const c10::TypePtr &type,
                                         const Conversion &conversion)
{
    if (const auto optional = type->cast<c10::OptionalType>())
        return argument.kind == Kind::none
                   ? Literal(c10::IValue())
                   : literal_value(argument, optional->getElementType(), conversion);
    const auto list = type->cast<c10::ListType>();
    switch (argument.kind) {
    case Kind::list:
        return list ? list_value(argument, list->getElementType(), conversion) : std::nullopt;
    case Kind::integer: return integer_value(argument, type);
    case Kind::truth: return truth_value(argument, type);
    case Kind::number: return number_value(argument, type);
    case Kind::text:
        return is_kind(type, c10::TypeKind::StringType) ? Literal(argument.text) : std::nullopt;
    case Kind::complex: return Literal(c10::complex<double>(argument.number, argument.imaginary));
    case Kind::scalar_type:
        return enumerator_value(
            type, static_cast<int64_t>(conversion.converted(scalar_type_of(argument.integer))));
    case Kind::memory_format:
        return enumerator_value(type, static_cast<int64_t>(memory_format_of(argument.integer)));
    case Kind::layout:
        return enumerator_value(type, static_cast<int64_t>(layout_of(argument.integer)));
    case Kind::device:
        return is_kind(type, c10::TypeKind::DeviceObjType) ? Literal(conversion.device)
                                                           : std::nullopt;
    case Kind::none: // an undefined tensor is written as None
        return is_kind(type, c10::TypeKind::TensorType) ? Literal(c10::IValue()) : std::nullopt;
    default: return std::nullopt;
    }
}

} // namespace sscam
