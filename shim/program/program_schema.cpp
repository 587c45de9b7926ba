#include "program/program_schema.hpp"

#include <algorithm>
#include <cctype>
#include <limits>

#include "common/guard.hpp"
#include "program/json_value.hpp"
#include "program/symbolic_size.hpp"

namespace sscam {

namespace {

using Json = JsonValue;
using Kind = pt2::Argument::Kind;
using Type = pt2::Argument::Type;

// --- the text ------------------------------------------------------------------------------------

// Python writes numbers that JSON has not, and PyTorch 2.5 lets it. They become the texts that
// later versions write.
std::string with_quoted_numbers(const std::string &text)
{
    std::string out;
    bool is_quoted = false;
    for (size_t i = 0; i < text.size(); i++) {
        if (!is_quoted) {
            const size_t sign = text[i] == '-' ? 1 : 0;
            for (const char *word : {"Infinity", "NaN"})
                if (text.compare(i + sign, std::char_traits<char>::length(word), word) == 0) {
                    const size_t size = sign + std::char_traits<char>::length(word);
                    out += '"' + text.substr(i, size) + '"';
                    i += size;
                    break;
                }
            if (i >= text.size())
                break;
        }
        if (text[i] == '"')
            is_quoted = !is_quoted;
        out += text[i];
        if (is_quoted && text[i] == '\\' && i + 1 < text.size())
            out += text[++i];
    }
    return out;
}

// What no reader of this library needs is not kept: traces of sources are most of the text.
bool is_dropped(const std::string &key)
{
    return key == "stack_trace" || key == "from_node" || key == "torch_fn" ||
           key == "source_fn_stack" || key == "custom";
}

Json parse(const std::string &text)
{
    return parse_json(with_quoted_numbers(text), is_dropped);
}

// --- typed access --------------------------------------------------------------------------------

const Json &object(const Json &value, const char *what)
{
    if (!value.is(Json::Kind::object))
        refuse_damaged(std::string(what) + " is no object");
    return value;
}

const Json *optional_member(const Json &value, const char *name)
{
    const Json *found = object(value, name).find(name);
    return !found || found->is(Json::Kind::null) ? nullptr : found;
}

const Json &member(const Json &value, const char *name)
{
    const Json *found = optional_member(value, name);
    if (!found)
        refuse_damaged(std::string("\"") + name + "\" is missing");
    return *found;
}

const std::vector<Json> &list(const Json &value, const char *what)
{
    if (!value.is(Json::Kind::list))
        refuse_damaged(std::string(what) + " is no list");
    return value.elements;
}

std::string text(const Json &value, const char *what)
{
    if (!value.is(Json::Kind::text))
        refuse_damaged(std::string(what) + " is no text");
    return value.text;
}

// Of names, which messages and lists of layers show.
std::string name_text(const Json &value, const char *what)
{
    const std::string name = text(value, what);
    if (std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }))
        refuse_damaged(std::string(what) + " has control characters");
    return name;
}

int64_t integer(const Json &value, const char *what)
{
    if (!value.is(Json::Kind::integer))
        refuse_damaged(std::string(what) + " is no integer of 64 bits");
    return value.integer;
}

bool truth(const Json &value, const char *what)
{
    if (!value.is(Json::Kind::truth))
        refuse_damaged(std::string(what) + " is neither true nor false");
    return value.integer != 0;
}

double number(const Json &value, const char *what)
{
    if (value.is(Json::Kind::text)) {
        const std::string &word = value.text;
        if (word == "NaN")
            return std::numeric_limits<double>::quiet_NaN();
        if (word == "Infinity" || word == "-Infinity")
            return word[0] == '-' ? -std::numeric_limits<double>::infinity()
                                  : std::numeric_limits<double>::infinity();
    }
    if (!value.is(Json::Kind::integer) && !value.is(Json::Kind::number))
        refuse_damaged(std::string(what) + " is no number");
    return value.number;
}

// A union is an object of one member, which names the kind.
std::pair<std::string, const Json *> only_member(const Json &value, const char *what)
{
    const std::pair<std::string, const Json *> none = {"", nullptr};
    std::pair<std::string, const Json *> found = none;
    for (const Json::Member &entry : object(value, what).members) {
        if (entry.second.is(Json::Kind::null))
            continue;
        if (found.second)
            refuse_damaged(std::string(what) + " has two kinds, " + found.first + " and " +
                           entry.first);
        found = {entry.first, &entry.second};
    }
    if (!found.second)
        refuse_damaged(std::string(what) + " has no kind");
    return found;
}

// --- arguments -----------------------------------------------------------------------------------

pt2::Graph read_graph(const Json &json, int depth);

pt2::Argument literal(Kind kind, int64_t value)
{
    pt2::Argument argument;
    argument.kind = kind;
    argument.integer = value;
    return argument;
}

pt2::Argument integer_of(const Json &value)
{
    return literal(Kind::integer, integer(value, "an integer argument"));
}

pt2::Argument truth_of(const Json &value)
{
    return literal(Kind::truth, truth(value, "a bool argument") ? 1 : 0);
}

pt2::Argument number_of(const Json &value)
{
    pt2::Argument argument;
    argument.kind = Kind::number;
    argument.number = number(value, "a float argument");
    return argument;
}

pt2::Argument text_of(const Json &value)
{
    pt2::Argument argument;
    argument.kind = Kind::text;
    argument.text = text(value, "a text argument");
    return argument;
}

pt2::Argument name_of(std::string name, Type type)
{
    if (name.empty())
        refuse_damaged("a value has no name");
    pt2::Argument argument;
    argument.kind = Kind::name;
    argument.type = type;
    argument.text = std::move(name);
    return argument;
}

pt2::Argument tensor_of(const Json &value)
{
    return name_of(name_text(member(value, "name"), "the name of a tensor"), Type::tensor);
}

// Of a symbolic size, number or condition: the name of a value, or a literal.
pt2::Argument symbolic(const Json &value, Type type, pt2::Argument (*literal_of)(const Json &))
{
    const auto [kind, content] = only_member(value, "a symbolic argument");
    return kind == "as_name" ? name_of(name_text(*content, "the name of a symbol"), type)
                             : literal_of(*content);
}

pt2::Argument symbolic_integer(const Json &value)
{
    return symbolic(value, Type::integer, integer_of);
}

pt2::Argument symbolic_number(const Json &value)
{
    return symbolic(value, Type::number, number_of);
}

pt2::Argument symbolic_truth(const Json &value)
{
    return symbolic(value, Type::truth, truth_of);
}

pt2::Argument optional_tensor(const Json &value)
{
    const auto [kind, content] = only_member(value, "an optional tensor");
    return kind == "as_none" ? pt2::Argument() : tensor_of(*content);
}

template <class Read>
pt2::Argument list_of(const Json &value, Type type, const Read &read)
{
    pt2::Argument argument;
    argument.kind = Kind::list;
    argument.type = type;
    for (const Json &element : list(value, "a list argument"))
        argument.elements.push_back(read(element));
    return argument;
}

pt2::Argument device_of(const Json &value)
{
    pt2::Argument argument;
    argument.text = name_text(member(value, "type"), "the type of a device");
    argument.kind = Kind::device;
    const Json *index = optional_member(value, "index");
    argument.integer = index ? integer(*index, "the index of a device") : -1;
    return argument;
}

pt2::Argument complex_of(const Json &value)
{
    pt2::Argument argument = number_of(member(value, "real"));
    argument.kind = Kind::complex;
    argument.imaginary = number(member(value, "imag"), "an imaginary part");
    return argument;
}

pt2::Argument unsupported(const std::string &kind)
{
    pt2::Argument argument;
    argument.kind = Kind::unsupported;
    argument.text = kind;
    return argument;
}

pt2::Argument graph_of(const Json &value, int depth)
{
    constexpr int deepest = 16;
    if (depth >= deepest)
        refuse_damaged("its graphs are nested too deeply");
    pt2::Argument argument;
    argument.kind = Kind::graph;
    argument.text = name_text(member(value, "name"), "the name of a graph");
    argument.graph = std::make_shared<const pt2::Graph>(
        read_graph(member(value, "graph"), depth + 1));
    return argument;
}

template <Kind kind>
pt2::Argument enumerator(const Json &value)
{
    return literal(kind, integer(value, "an enumerator"));
}

template <Type type, pt2::Argument (*read)(const Json &)>
pt2::Argument list_argument(const Json &value)
{
    return list_of(value, type, read);
}

pt2::Argument none_of(const Json &)
{
    return pt2::Argument();
}

using ReadArgument = pt2::Argument (*)(const Json &);

// Of each kind of the union Argument.
const std::map<std::string, ReadArgument> &argument_readers()
{
    static const auto *const readers = new std::map<std::string, ReadArgument>{
        {"as_none", none_of},
        {"as_tensor", tensor_of},
        {"as_tensors", list_argument<Type::tensor, tensor_of>},
        {"as_int", integer_of},
        {"as_ints", list_argument<Type::integer, integer_of>},
        {"as_float", number_of},
        {"as_floats", list_argument<Type::number, number_of>},
        {"as_string", text_of},
        {"as_strings", list_argument<Type::text, text_of>},
        {"as_sym_int", symbolic_integer},
        {"as_sym_ints", list_argument<Type::integer, symbolic_integer>},
        {"as_scalar_type", enumerator<Kind::scalar_type>},
        {"as_memory_format", enumerator<Kind::memory_format>},
        {"as_layout", enumerator<Kind::layout>},
        {"as_device", device_of},
        {"as_bool", truth_of},
        {"as_bools", list_argument<Type::truth, truth_of>},
        {"as_sym_bool", symbolic_truth},
        {"as_sym_bools", list_argument<Type::truth, symbolic_truth>},
        {"as_sym_float", symbolic_number},
        {"as_sym_floats", list_argument<Type::number, symbolic_number>},
        {"as_optional_tensor", optional_tensor},
        {"as_optional_tensors", list_argument<Type::tensor, optional_tensor>},
        {"as_complex", complex_of},
    };
    return *readers;
}

pt2::Argument read_argument(const Json &value, int depth)
{
    const auto [kind, content] = only_member(value, "an argument");
    if (kind == "as_graph")
        return graph_of(*content, depth);
    const auto reader = argument_readers().find(kind);
    return reader == argument_readers().end() ? unsupported(kind) : reader->second(*content);
}

std::vector<pt2::Argument> read_arguments(const Json &json, const char *name, int depth)
{
    std::vector<pt2::Argument> arguments;
    for (const Json &value : list(member(json, name), name))
        arguments.push_back(read_argument(value, depth));
    return arguments;
}

// --- nodes ---------------------------------------------------------------------------------------

// Without the number of the call, "@1", that export adds to the path of a module from its second
// call on.
std::string without_call_numbers(const std::string &path)
{
    std::string plain;
    for (size_t i = 0; i < path.size(); i++) {
        if (path[i] == '@')
            while (i + 1 < path.size() && path[i + 1] >= '0' && path[i + 1] <= '9')
                i++;
        else
            plain += path[i];
    }
    return plain;
}

bool is_in_name(char c)
{
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// "layer4.1.conv2" of "getattr(L['self'].layer4, '1').conv2", as PyTorch before 2.7 writes what it
// traced strictly; "" is the network itself. Others stay as they are.
std::string path_in_network(const std::string &stored)
{
    static const std::string call = "getattr(", root = "L['";
    size_t i = 0;
    while (stored.compare(i, call.size(), call) == 0)
        i += call.size();
    if (stored.compare(i, root.size(), root) != 0)
        return stored;
    std::string path;
    for (i = std::min(stored.find(']', i), stored.size()); i < stored.size(); i++) {
        const bool is_quoted = stored[i] == '\'';
        if (!is_quoted && stored[i] != '.' && stored[i] != '[')
            continue;
        if (stored[i] == '[' && i + 1 < stored.size() && stored[i + 1] == '\'')
            continue;
        size_t end = i + 1;
        while (end < stored.size() && (is_quoted ? stored[end] != '\'' : is_in_name(stored[end])))
            end++;
        path += (path.empty() ? "" : ".") + stored.substr(i + 1, end - i - 1);
        i = is_quoted ? end : end - 1;
    }
    return path;
}

// "key,path,type;key,path,type;...", the network itself first.
std::vector<pt2::ModuleCall> read_module_stack(const std::string &stack)
{
    std::vector<pt2::ModuleCall> calls;
    for (size_t start = 0; start < stack.size();) {
        const size_t end = std::min(stack.find(';', start), stack.size());
        const std::string entry = stack.substr(start, end - start);
        start = end + 1;
        const size_t first = entry.find(','), last = entry.rfind(',');
        if (first == std::string::npos || last == first)
            continue;
        const std::string path = without_call_numbers(
            path_in_network(entry.substr(first + 1, last - first - 1)));
        const std::string type = entry.substr(last + 1);
        if (!path.empty())
            calls.push_back({entry.substr(0, last), path, type.substr(type.rfind('.') + 1)});
    }
    return calls;
}

pt2::Node read_node(const Json &json, int depth)
{
    pt2::Node node;
    node.target = name_text(member(json, "target"), "the target of a node");
    for (const Json &input : list(member(json, "inputs"), "the inputs of a node"))
        node.inputs.push_back({name_text(member(input, "name"), "the name of an argument"),
                               read_argument(member(input, "arg"), depth)});
    node.outputs = read_arguments(json, "outputs", depth);
    if (const Json *name = optional_member(json, "name"))
        node.name = name_text(*name, "the name of a node");
    else if (!node.outputs.empty())
        node.name = node.outputs[0].text;
    if (const Json *metadata = optional_member(json, "metadata"))
        if (const Json *stack = optional_member(*metadata, "nn_module_stack"))
            node.modules = read_module_stack(name_text(*stack, "a stack of modules"));
    return node;
}

// --- descriptions of tensors ---------------------------------------------------------------------

pt2::Size read_size(const Json &json)
{
    const auto [kind, content] = only_member(json, "a size");
    if (kind != "as_int")
        return parse_size(name_text(member(*content, "expr_str"), "the expression of a size"));
    pt2::Size size;
    size.number = integer(*content, "a size");
    return size;
}

pt2::TensorDescription read_description(const Json &json)
{
    pt2::TensorDescription description;
    description.scalar_type = integer(member(json, "dtype"), "the dtype of a tensor");
    description.layout = integer(member(json, "layout"), "the layout of a tensor");
    for (const Json &size : list(member(json, "sizes"), "the sizes of a tensor"))
        description.sizes.push_back(read_size(size));
    for (const Json &stride : list(member(json, "strides"), "the strides of a tensor"))
        description.strides.push_back(read_size(stride));
    description.offset = read_size(member(json, "storage_offset"));
    return description;
}

pt2::Graph read_graph(const Json &json, int depth)
{
    pt2::Graph graph;
    graph.inputs = read_arguments(json, "inputs", depth);
    graph.outputs = read_arguments(json, "outputs", depth);
    for (const Json &node : list(member(json, "nodes"), "\"nodes\""))
        graph.nodes.push_back(read_node(node, depth));
    for (const Json::Member &entry :
         object(member(json, "tensor_values"), "\"tensor_values\"").members)
        graph.tensors.emplace(entry.first, read_description(entry.second));
    return graph;
}

// --- the signature -------------------------------------------------------------------------------

pt2::Argument constant_value(const Json &json)
{
    const auto [kind, content] = only_member(json, "a constant input");
    const auto reader = argument_readers().find(kind);
    return reader == argument_readers().end() ? unsupported(kind) : reader->second(*content);
}

pt2::InputSpecification read_input(const Json &json)
{
    using InputKind = pt2::InputSpecification::Kind;
    static const std::map<std::string, std::pair<InputKind, const char *>> stored = {
        {"parameter", {InputKind::parameter, "parameter_name"}},
        {"buffer", {InputKind::buffer, "buffer_name"}},
        {"tensor_constant", {InputKind::constant, "tensor_constant_name"}},
    };
    const auto [kind, content] = only_member(json, "an input");
    pt2::InputSpecification input;
    if (const auto found = stored.find(kind); found != stored.end()) {
        input.kind = found->second.first;
        input.value = tensor_of(member(*content, "arg"));
        input.target = name_text(member(*content, found->second.second), "the name of an input");
        if (const Json *persistent = optional_member(*content, "persistent"))
            input.is_in_state = truth(*persistent, "\"persistent\"");
    } else if (kind == "user_input") {
        input.kind = InputKind::user;
        input.value = read_argument(member(*content, "arg"), 0);
    } else if (kind == "constant_input") {
        input.kind = InputKind::literal;
        input.value = name_of(name_text(member(*content, "name"), "the name of an input"),
                              Type::none);
        input.literal = constant_value(member(*content, "value"));
    } else {
        input.value = unsupported(kind);
    }
    return input;
}

pt2::OutputSpecification read_output(const Json &json)
{
    const auto [kind, content] = only_member(json, "an output");
    pt2::OutputSpecification output;
    output.is_user_output = kind == "user_output";
    output.value = read_argument(member(*content, "arg"), 0);
    return output;
}

// --- the structure of the outputs ----------------------------------------------------------------

bool are_texts(const Json &json)
{
    for (const Json &value : json.elements)
        if (!value.is(Json::Kind::text))
            return false;
    return json.is(Json::Kind::list) && !json.elements.empty();
}

// The context of a dictionary is the list of its keys, that of a dataclass the lists of its fields
// that are set and that are not.
std::vector<std::string> keys_in(const Json &context)
{
    const bool is_nested = !context.elements.empty() && are_texts(context.elements[0]);
    std::vector<std::string> keys;
    if (is_nested || are_texts(context))
        for (const Json &key : is_nested ? context.elements[0].elements : context.elements)
            keys.push_back(key.text);
    return keys;
}

std::vector<std::string> keys_of(const Json &json, const Json *named_tuples)
{
    const Json *context = optional_member(json, "context");
    if (!context || !context->is(Json::Kind::text))
        return {};
    const std::string &stored = context->text;
    if (named_tuples)
        for (const Json::Member &entry : named_tuples->members)
            if (entry.first == stored)
                return keys_in(member(entry.second, "field_names"));
    const std::optional<Json> parsed = parse_if_json(stored);
    return parsed ? keys_in(*parsed) : std::vector<std::string>();
}

pt2::OutputTree read_tree(const Json &json, const Json *named_tuples)
{
    pt2::OutputTree tree;
    tree.is_leaf = !optional_member(json, "type");
    for (const Json &child : list(member(json, "children_spec"), "the structure of the outputs"))
        tree.children.push_back(read_tree(child, named_tuples));
    if (!tree.is_leaf)
        tree.keys = keys_of(json, named_tuples);
    if (tree.keys.size() != tree.children.size())
        tree.keys.clear();
    return tree;
}

// Of the network itself, whose name is "".
pt2::OutputTree read_output_tree(const Json &graph_module)
{
    const Json *named_tuples = optional_member(graph_module, "treespec_namedtuple_fields");
    for (const Json &entry : list(member(graph_module, "module_call_graph"), "the call graph")) {
        const Json *signature = optional_member(entry, "signature");
        if (!signature || text(member(entry, "fqn"), "the name of a module") != "")
            continue;
        const Json tree = parse(text(member(*signature, "out_spec"), "\"out_spec\""));
        if (tree.elements.size() != 2)
            refuse_damaged("the structure of its outputs cannot be read");
        return read_tree(tree.elements[1], named_tuples);
    }
    refuse_damaged("the structure of its outputs is missing");
}

std::map<std::string, pt2::Range> read_ranges(const Json &json)
{
    std::map<std::string, pt2::Range> ranges;
    for (const Json::Member &entry : object(json, "\"range_constraints\"").members) {
        pt2::Range &range = ranges[entry.first];
        if (const Json *least = optional_member(entry.second, "min_val"))
            range.least = integer(*least, "the least value of a size");
        if (const Json *most = optional_member(entry.second, "max_val"))
            range.most = integer(*most, "the greatest value of a size");
    }
    return ranges;
}

void check_version(const Json &json)
{
    constexpr int64_t known_major = 8;
    const int64_t major = integer(member(member(json, "schema_version"), "major"), "a version");
    if (major < 5 || major > known_major)
        throw Error(SSCAM_E_UNSUPPORTED,
                    "the program is written in version " + std::to_string(major) +
                        " of the format, and versions 5 to 8 can be read (PyTorch 2.5 to 2.14)");
}

pt2::Program read_program(const Json &json)
{
    check_version(json);
    const Json &graph_module = member(json, "graph_module"),
               &signature = member(graph_module, "signature");
    pt2::Program program;
    if (const Json *version = optional_member(json, "torch_version"))
        program.torch_version = text(*version, "\"torch_version\"");
    program.graph = read_graph(member(graph_module, "graph"), 0);
    for (const Json &input : list(member(signature, "input_specs"), "\"input_specs\""))
        program.inputs.push_back(read_input(input));
    for (const Json &output : list(member(signature, "output_specs"), "\"output_specs\""))
        program.outputs.push_back(read_output(output));
    program.ranges = read_ranges(member(json, "range_constraints"));
    if (const Json *guards = optional_member(json, "guards_code"))
        for (const Json &guard : list(*guards, "\"guards_code\""))
            program.guards.push_back(text(guard, "a guard"));
    program.output_tree = read_output_tree(graph_module);
    return program;
}

pt2::Payload read_payload(const Json &json)
{
    pt2::Payload payload;
    payload.record = name_text(member(json, "path_name"), "the name of a record");
    payload.is_pickled = truth(member(json, "use_pickle"), "\"use_pickle\"");
    if (const Json *description = optional_member(json, "tensor_meta")) {
        payload.has_description = true;
        payload.description = read_description(*description);
    }
    return payload;
}

} // namespace

pt2::Program parse_program(const std::string &json)
{
    return read_program(parse(json));
}

pt2::Payloads parse_payloads(const std::string &json)
{
    pt2::Payloads payloads;
    const Json parsed = parse(json);
    for (const Json::Member &entry : object(member(parsed, "config"), "\"config\"").members)
        payloads.emplace(entry.first, read_payload(entry.second));
    return payloads;
}

const pt2::Argument *find_input(const pt2::Node &node, const std::string &name)
{
    const auto found = std::find_if(
        node.inputs.begin(), node.inputs.end(),
        [&](const pt2::NamedArgument &input) { return input.name == name; });
    return found == node.inputs.end() ? nullptr : &found->value;
}

const pt2::TensorDescription *description_of(const pt2::Program &program,
                                             const pt2::Argument &value)
{
    const auto found = value.kind == Kind::name ? program.graph.tensors.find(value.text)
                                                : program.graph.tensors.end();
    return found == program.graph.tensors.end() ? nullptr : &found->second;
}

} // namespace sscam
