// A JSON document. nlohmann's own is not kept: its destructor allocates, and so ends the process
// where memory is short.
#ifndef SSCAM_SHIM_PROGRAM_JSON_VALUE_HPP
#define SSCAM_SHIM_PROGRAM_JSON_VALUE_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sscam {

struct JsonValue {
    enum class Kind { null, truth, integer, number, text, list, object };
    using Member = std::pair<std::string, JsonValue>;

    Kind kind = Kind::null;
    int64_t integer = 0; // of a truth, too
    double number = 0.0; // of an integer, too
    std::string text;
    std::vector<JsonValue> elements; // of a list
    std::vector<Member> members;     // of an object, as they stand in the document

    bool is(Kind wanted) const { return kind == wanted; }
    // The first member of that name; NULL: none.
    const JsonValue *find(const std::string &name) const;
};

// Members whose names `drops` are left out, with what is in them. Throws an Error of SSCAM_E_FORMAT
// where the text is no JSON or is nested more than 200 deep.
JsonValue parse_json(const std::string &text, bool (*drops)(const std::string &name));

// Nothing where the text is no JSON.
std::optional<JsonValue> parse_if_json(const std::string &text);

// Throws that Error.
[[noreturn]] void refuse_damaged(const std::string &what);

} // namespace sscam

#endif
