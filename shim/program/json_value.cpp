#include "program/json_value.hpp"

#include <limits>

#include <nlohmann/json.hpp>

#include "common/guard.hpp"

namespace sscam {

namespace {

using JsonKind = JsonValue::Kind;

// Takes the events of nlohmann's parser, whose names these functions have.
class TreeBuilder : public nlohmann::json_sax<nlohmann::json> {
public:
    explicit TreeBuilder(bool (*drops)(const std::string &)) : drops_(drops) {}

    JsonValue result() { return std::move(root_); }

    bool null() override { return put({}); }
    bool boolean(bool value) override { return put_integer(JsonKind::truth, value); }
    bool number_integer(int64_t value) override { return put_integer(JsonKind::integer, value); }
    bool number_unsigned(uint64_t value) override
    {
        if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
            return put_number(static_cast<double>(value));
        return put_integer(JsonKind::integer, static_cast<int64_t>(value));
    }
    bool number_float(double value, const std::string &) override { return put_number(value); }
    bool string(std::string &value) override
    {
        JsonValue one;
        one.kind = JsonKind::text;
        one.text = std::move(value);
        return put(std::move(one));
    }
    bool binary(binary_t &) override { refuse_damaged("its JSON is none"); }
    bool key(std::string &name) override
    {
        if (dropped_ == 0) {
            key_ = std::move(name);
            drops_next_ = drops_ && drops_(key_);
        }
        return true;
    }
    bool start_object(size_t) override { return start(JsonKind::object); }
    bool end_object() override { return end(); }
    bool start_array(size_t) override { return start(JsonKind::list); }
    bool end_array() override { return end(); }
    bool parse_error(size_t, const std::string &, const nlohmann::detail::exception &error) override
    {
        error_ = error.what();
        return false;
    }
    const std::string &error() const { return error_; }

private:
    static constexpr size_t deepest_ = 200;

    bool put_integer(JsonKind kind, int64_t value)
    {
        JsonValue one;
        one.kind = kind;
        one.integer = value;
        one.number = static_cast<double>(value);
        return put(std::move(one));
    }

    bool put_number(double value)
    {
        JsonValue one;
        one.kind = JsonKind::number;
        one.number = value;
        return put(std::move(one));
    }

    bool put(JsonValue value)
    {
        add(std::move(value));
        return true;
    }

    // NULL where the value is left out.
    JsonValue *add(JsonValue value)
    {
        if (dropped_ > 0 || drops_next_) {
            drops_next_ = false;
            return nullptr;
        }
        if (open_.empty()) {
            root_ = std::move(value);
            return &root_;
        }
        JsonValue &parent = *open_.back();
        if (parent.is(JsonKind::object)) {
            parent.members.emplace_back(std::move(key_), std::move(value));
            return &parent.members.back().second;
        }
        parent.elements.push_back(std::move(value));
        return &parent.elements.back();
    }

    // Containers stay where they are while they are open: their parents get no further values.
    bool start(JsonKind kind)
    {
        if (open_.size() + dropped_ >= deepest_)
            refuse_damaged("its JSON is nested too deeply");
        JsonValue one;
        one.kind = kind;
        JsonValue *added = add(std::move(one));
        if (added)
            open_.push_back(added);
        else
            dropped_++;
        return true;
    }

    bool end()
    {
        if (dropped_ > 0)
            dropped_--;
        else
            open_.pop_back();
        return true;
    }

    bool (*const drops_)(const std::string &);
    JsonValue root_;
    std::vector<JsonValue *> open_; // from the outermost
    size_t dropped_ = 0;            // containers that are open and left out
    bool drops_next_ = false;
    std::string key_, error_;
};

} // namespace

const JsonValue *JsonValue::find(const std::string &name) const
{
    for (const Member &one : members)
        if (one.first == name)
            return &one.second;
    return nullptr;
}

JsonValue parse_json(const std::string &text, bool (*drops)(const std::string &name))
{
    TreeBuilder builder(drops);
    if (!nlohmann::json::sax_parse(text, &builder))
        refuse_damaged("its JSON cannot be read: " + builder.error());
    return builder.result();
}

std::optional<JsonValue> parse_if_json(const std::string &text)
{
    TreeBuilder builder(nullptr);
    if (!nlohmann::json::sax_parse(text, &builder))
        return std::nullopt;
    return builder.result();
}

void refuse_damaged(const std::string &what)
{
    throw Error(SSCAM_E_FORMAT, "damaged .pt2 file: " + what);
}

} // namespace sscam
