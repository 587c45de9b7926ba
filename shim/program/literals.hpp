// From the literals of a program of torch.export to values of libtorch.
#ifndef SSCAM_SHIM_PROGRAM_LITERALS_HPP
#define SSCAM_SHIM_PROGRAM_LITERALS_HPP

#include <optional>
#include <set>

#include <ATen/core/ivalue.h>

#include "program/program_schema.hpp"

namespace sscam {

// How a program differs here from the one that was exported.
struct Conversion {
    c10::Device device; // takes the place of all devices
    // Take the place of float32: the types of the weights and the input, as of a network in half
    // precision.
    std::set<c10::ScalarType> replaced_types;

    c10::ScalarType converted(c10::ScalarType type) const
    {
        return replaced_types.count(type) != 0 ? c10::ScalarType::Float : type;
    }
};

// Throws an Error for types that this libtorch has not.
c10::ScalarType scalar_type_of(int64_t serialized);

// A literal as an argument of that type, without values that have names inside; none where the type
// cannot take it.
std::optional<c10::IValue> literal_value(const pt2::Argument &argument, const c10::TypePtr &type,
                                         const Conversion &conversion);

// Whether a value that is computed is named in it.
bool has_names(const pt2::Argument &argument);

} // namespace sscam

#endif
