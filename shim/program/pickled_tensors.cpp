#include "program/pickled_tensors.hpp"

#include <algorithm>
#include <memory>
#include <optional>

#include "common/guard.hpp"

namespace sscam {

namespace {

[[noreturn]] void damaged_pickle(const std::string &what)
{
    throw Error(SSCAM_E_FORMAT, "damaged .pt2 file: its pickled weights " + what);
}

[[noreturn]] void refuse(const std::string &what)
{
    throw Error(SSCAM_E_UNSUPPORTED,
                "its pickled weights hold " + what +
                    "; write the program anew with PyTorch 2.8 or later: torch.export.save("
                    "torch.export.load(\"old.pt2\"), \"new.pt2\")");
}

enum class ValueKind { mark, other, integer, text, name, tuple, storage, tensor, dictionary };

struct Value;
using ValuePtr = std::shared_ptr<const Value>;

// What the pickle machine works with. Values do not change once they are made, but for
// dictionaries, which keep tensors alone: nothing can contain itself.
struct Value {
    ValueKind kind = ValueKind::other;
    int64_t integer = 0;
    std::string text; // of a name: "module.name"
    std::vector<ValuePtr> elements;
    std::shared_ptr<StoredTensor> tensor; // also of a storage: record and type
    std::shared_ptr<StoredTensors> dictionary;
    int depth = 0; // of tuples within tuples
};

ValuePtr made(ValueKind kind)
{
    auto value = std::make_shared<Value>();
    value->kind = kind;
    return value;
}

ValuePtr made_integer(int64_t integer)
{
    auto value = std::make_shared<Value>();
    value->kind = ValueKind::integer;
    value->integer = integer;
    return value;
}

ValuePtr made_text(ValueKind kind, std::string text)
{
    auto value = std::make_shared<Value>();
    value->kind = kind;
    value->text = std::move(text);
    return value;
}

ValuePtr made_tuple(std::vector<ValuePtr> elements)
{
    constexpr int deepest = 32;
    auto value = std::make_shared<Value>();
    value->kind = ValueKind::tuple;
    for (const ValuePtr &element : elements)
        value->depth = std::max(value->depth, element->depth + 1);
    if (value->depth > deepest)
        damaged_pickle("are nested too deeply");
    value->elements = std::move(elements);
    return value;
}

ValuePtr made_dictionary()
{
    auto value = std::make_shared<Value>();
    value->kind = ValueKind::dictionary;
    value->dictionary = std::make_shared<StoredTensors>();
    return value;
}

const Value &expect(const ValuePtr &value, ValueKind kind)
{
    if (value->kind != kind)
        damaged_pickle("have a value of the wrong kind");
    return *value;
}

// --- tensors -------------------------------------------------------------------------------------

std::optional<c10::ScalarType> type_of_storage(const std::string &name)
{
    static const std::map<std::string, c10::ScalarType> types = {
        {"torch.FloatStorage", c10::ScalarType::Float},
        {"torch.DoubleStorage", c10::ScalarType::Double},
        {"torch.HalfStorage", c10::ScalarType::Half},
        {"torch.BFloat16Storage", c10::ScalarType::BFloat16},
        {"torch.LongStorage", c10::ScalarType::Long},
        {"torch.IntStorage", c10::ScalarType::Int},
        {"torch.ShortStorage", c10::ScalarType::Short},
        {"torch.CharStorage", c10::ScalarType::Char},
        {"torch.ByteStorage", c10::ScalarType::Byte},
        {"torch.BoolStorage", c10::ScalarType::Bool},
        {"torch.ComplexFloatStorage", c10::ScalarType::ComplexFloat},
        {"torch.ComplexDoubleStorage", c10::ScalarType::ComplexDouble},
    };
    const auto found = types.find(name);
    return found == types.end() ? std::nullopt : std::optional<c10::ScalarType>(found->second);
}

// ("storage", type, key, device, count): the record is named by the key.
ValuePtr storage_of(const ValuePtr &identifier)
{
    const auto &elements = expect(identifier, ValueKind::tuple).elements;
    if (elements.size() < 5 || expect(elements[0], ValueKind::text).text != "storage")
        damaged_pickle("have a storage without a record");
    const auto type = type_of_storage(expect(elements[1], ValueKind::name).text);
    if (!type)
        refuse("elements of the type " + elements[1]->text);
    auto value = std::make_shared<Value>();
    value->kind = ValueKind::storage;
    value->tensor = std::make_shared<StoredTensor>();
    value->tensor->record = expect(elements[2], ValueKind::text).text;
    value->tensor->type = *type;
    return value;
}

std::vector<int64_t> integers_in(const ValuePtr &tuple)
{
    std::vector<int64_t> found;
    for (const ValuePtr &element : expect(tuple, ValueKind::tuple).elements)
        found.push_back(expect(element, ValueKind::integer).integer);
    return found;
}

// _rebuild_tensor_v2(storage, offset, sizes, strides, ...)
ValuePtr rebuilt_tensor(const std::vector<ValuePtr> &arguments)
{
    if (arguments.size() < 4)
        damaged_pickle("have a tensor without sizes");
    auto value = std::make_shared<Value>();
    value->kind = ValueKind::tensor;
    value->tensor = std::make_shared<StoredTensor>(
        *expect(arguments[0], ValueKind::storage).tensor);
    value->tensor->offset = expect(arguments[1], ValueKind::integer).integer;
    value->tensor->sizes = integers_in(arguments[2]);
    value->tensor->strides = integers_in(arguments[3]);
    return value;
}

ValuePtr called(const std::string &function, const std::vector<ValuePtr> &arguments)
{
    if (function == "torch._utils._rebuild_tensor_v2" || function == "torch._utils._rebuild_tensor")
        return rebuilt_tensor(arguments);
    if (function == "torch._utils._rebuild_parameter" ||
        function == "torch._utils._rebuild_parameter_with_state") {
        if (arguments.empty())
            damaged_pickle("have a parameter without a tensor");
        expect(arguments[0], ValueKind::tensor);
        return arguments[0];
    }
    if (function == "collections.OrderedDict")
        return made_dictionary();
    refuse("an object made by " + function);
}

// --- the machine ---------------------------------------------------------------------------------

// Runs the few operations (pickletools.py) that dictionaries of tensors are written with.
class Unpickler {
public:
    explicit Unpickler(const std::vector<unsigned char> &pickle) : pickle_(pickle) {}

    ValuePtr run()
    {
        while (step())
            if (stack_.size() > most_values || memo_.size() > most_values)
                damaged_pickle("have too many values");
        return popped();
    }

private:
    static constexpr size_t most_values = 1000000;

    unsigned char byte() { return bytes(1)[0]; }

    const unsigned char *bytes(size_t count)
    {
        if (count > pickle_.size() - position_)
            damaged_pickle("end too early");
        position_ += count;
        return pickle_.data() + position_ - count;
    }

    // Little-endian.
    uint64_t number(size_t width)
    {
        const unsigned char *at = bytes(width);
        uint64_t value = 0;
        for (size_t i = width; i-- > 0;)
            value = value << 8 | at[i];
        return value;
    }

    std::string text(size_t size)
    {
        const unsigned char *at = bytes(size);
        return std::string(at, at + size);
    }

    std::string line()
    {
        std::string found;
        for (unsigned char next = byte(); next != '\n'; next = byte())
            found += static_cast<char>(next);
        return found;
    }

    // Two's complement of any width up to 8 bytes.
    int64_t long_integer(size_t width)
    {
        if (width > sizeof(int64_t))
            damaged_pickle("have an integer of more than 64 bits");
        const unsigned missing = static_cast<unsigned>(sizeof(int64_t) - width) * 8;
        return width == 0 ? 0 : static_cast<int64_t>(number(width) << missing) >> missing;
    }

    void push(ValuePtr value) { stack_.push_back(std::move(value)); }

    ValuePtr popped()
    {
        if (stack_.empty())
            damaged_pickle("take a value that is not there");
        ValuePtr value = std::move(stack_.back());
        stack_.pop_back();
        return value;
    }

    const ValuePtr &top() const
    {
        if (stack_.empty())
            damaged_pickle("take a value that is not there");
        return stack_.back();
    }

    std::vector<ValuePtr> popped_many(size_t count)
    {
        if (count > stack_.size())
            damaged_pickle("take a value that is not there");
        std::vector<ValuePtr> values(stack_.end() - static_cast<ptrdiff_t>(count), stack_.end());
        stack_.resize(stack_.size() - count);
        return values;
    }

    // Those after the last mark, which goes, too.
    std::vector<ValuePtr> popped_to_mark()
    {
        size_t count = 0;
        while (count < stack_.size() && stack_[stack_.size() - 1 - count]->kind != ValueKind::mark)
            count++;
        std::vector<ValuePtr> values = popped_many(count);
        expect(popped(), ValueKind::mark);
        return values;
    }

    void remember(uint64_t number) { memo_[number] = top(); }

    void recall(uint64_t number)
    {
        const auto found = memo_.find(number);
        if (found == memo_.end())
            damaged_pickle("take a value that is not there");
        push(found->second);
    }

    void set_items(const std::vector<ValuePtr> &items)
    {
        const auto &dictionary = expect(top(), ValueKind::dictionary).dictionary;
        for (size_t i = 0; i + 1 < items.size(); i += 2)
            if (items[i]->kind == ValueKind::text && items[i + 1]->kind == ValueKind::tensor)
                (*dictionary)[items[i]->text] = *items[i + 1]->tensor;
    }

    void call()
    {
        const ValuePtr arguments = popped(), function = popped();
        push(called(expect(function, ValueKind::name).text,
                    expect(arguments, ValueKind::tuple).elements));
    }

    void push_global(std::string module, const std::string &name)
    {
        push(made_text(ValueKind::name, std::move(module) + "." + name));
    }

    // False at the end.
    bool step()
    {
        const unsigned char operation = byte();
        return operation != '.' && (step_of_literal(operation) || step_of_container(operation) ||
                                    step_of_object(operation) || unknown(operation));
    }

    [[noreturn]] static bool unknown(unsigned char operation)
    {
        refuse("the operation " + std::to_string(operation));
    }

    bool step_of_literal(unsigned char operation)
    {
        switch (operation) {
        case 'N':  // None
        case 0x88: // True
        case 0x89: // False
            push(made(ValueKind::other));
            return true;
        case 'J': push(made_integer(static_cast<int32_t>(number(4)))); return true;
        case 'K': push(made_integer(static_cast<int64_t>(number(1)))); return true;
        case 'M': push(made_integer(static_cast<int64_t>(number(2)))); return true;
        case 0x8a: push(made_integer(long_integer(byte()))); return true;
        case 'G': // a float
            bytes(8);
            push(made(ValueKind::other));
            return true;
        case 'X': push(made_text(ValueKind::text, text(number(4)))); return true;
        case 0x8c: push(made_text(ValueKind::text, text(byte()))); return true;
        default: return false;
        }
    }

    bool step_of_container(unsigned char operation)
    {
        switch (operation) {
        case '(': push(made(ValueKind::mark)); return true;
        case ')': push(made_tuple({})); return true;
        case 't': push(made_tuple(popped_to_mark())); return true;
        case 0x85: push(made_tuple(popped_many(1))); return true;
        case 0x86: push(made_tuple(popped_many(2))); return true;
        case 0x87: push(made_tuple(popped_many(3))); return true;
        case '}': push(made_dictionary()); return true;
        case 's': set_items(popped_many(2)); return true;
        case 'u': set_items(popped_to_mark()); return true;
        case ']': push(made(ValueKind::other)); return true; // a list, whose elements go
        case 'a': popped(); return true;
        case 'e': popped_to_mark(); return true;
        default: return false;
        }
    }

    bool step_of_object(unsigned char operation)
    {
        switch (operation) {
        case 0x80: bytes(1); return true; // version
        case 0x95: bytes(8); return true; // frame
        case 'q': remember(number(1)); return true;
        case 'r': remember(number(4)); return true;
        case 0x94: remember(memo_.size()); return true;
        case 'h': recall(number(1)); return true;
        case 'j': recall(number(4)); return true;
        case 'c': {
            const std::string module = line();
            push_global(module, line());
            return true;
        }
        case 0x93: {
            const ValuePtr name = popped(), module = popped();
            push_global(expect(module, ValueKind::text).text, expect(name, ValueKind::text).text);
            return true;
        }
        case 'Q': push(storage_of(popped())); return true;
        case 'R': call(); return true;
        case 'b': popped(); return true; // attributes of a dictionary
        default: return false;
        }
    }

    const std::vector<unsigned char> &pickle_;
    size_t position_ = 0;
    std::vector<ValuePtr> stack_;
    std::map<uint64_t, ValuePtr> memo_;
};

} // namespace

StoredTensors read_pickled_tensors(const std::vector<unsigned char> &pickle)
{
    return *expect(Unpickler(pickle).run(), ValueKind::dictionary).dictionary;
}

} // namespace sscam
