// A program of torch.export as its JSON has it (torch/_export/serde/schema.py), with every type,
// kind and depth checked; names are not yet looked up.
#ifndef SSCAM_SHIM_PROGRAM_PROGRAM_SCHEMA_HPP
#define SSCAM_SHIM_PROGRAM_PROGRAM_SCHEMA_HPP

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sscam {
namespace pt2 {

struct Graph;

// What an operation takes or gives: the name of a value, a literal, a list or a graph.
struct Argument {
    enum class Kind {
        none,
        name,
        integer,
        number,
        truth,
        text,
        scalar_type,
        memory_format,
        layout,
        device,
        complex,
        list,
        graph,
        unsupported, // `text` names it
    };
    // What a name stands for, and the elements of an empty list.
    enum class Type { none, tensor, integer, number, truth, text };

    Kind kind = Kind::none;
    Type type = Type::none;
    int64_t integer = 0; // truth, enumerations, index of the device (-1: none), too
    double number = 0.0, imaginary = 0.0;
    std::string text; // of a name, a text, the type of a device
    std::vector<Argument> elements;
    std::shared_ptr<const Graph> graph;
};

struct NamedArgument {
    std::string name; // in the operator's schema; "" of an operator without one
    Argument value;
};

// One module in whose call a node stands.
struct ModuleCall {
    std::string key; // tells the calls of a module apart
    std::string path, kind;
};

struct Node {
    std::string name, target;
    std::vector<NamedArgument> inputs;
    std::vector<Argument> outputs;
    std::vector<ModuleCall> modules; // from the outermost
};

// A size in the description of a tensor: `number`, plus `factor` times a symbol where there is one.
struct Size {
    int64_t number = 0, factor = 0;
    std::string symbol;
    bool is_known = true; // false: an expression of another form, which `symbol` is
};

struct TensorDescription {
    int64_t scalar_type = 0, layout = 0;
    std::vector<Size> sizes, strides;
    Size offset;
};

struct Graph {
    std::vector<Argument> inputs, outputs;
    std::vector<Node> nodes;
    std::map<std::string, TensorDescription> tensors;
};

struct InputSpecification {
    enum class Kind { user, parameter, buffer, constant, literal, unsupported };
    Kind kind = Kind::unsupported;
    Argument value;          // the name in the graph; of `unsupported`, text names the kind
    std::string target;      // name of the parameter, buffer or constant
    bool is_in_state = true; // false of a buffer that is kept among the constants
    Argument literal;
};

struct OutputSpecification {
    bool is_user_output = false;
    Argument value;
};

struct Range {
    std::optional<int64_t> least, most;
};

// The structure of what forward() returned, in which the leaves are the user's outputs in order.
struct OutputTree {
    bool is_leaf = true;
    std::vector<std::string> keys; // of the children; empty: they have positions alone
    std::vector<OutputTree> children;
};

struct Program {
    std::string torch_version;
    Graph graph;
    std::vector<InputSpecification> inputs;
    std::vector<OutputSpecification> outputs;
    std::map<std::string, Range> ranges; // of symbols
    std::vector<std::string> guards;     // what holds for the sizes of inputs, in Python
    OutputTree output_tree;
};

// Where the elements of a tensor lie in the record that holds them.
struct Payload {
    std::string record;
    bool is_pickled = false;
    bool has_description = false;
    TensorDescription description;
};

// By the name of the parameter, buffer or constant.
using Payloads = std::map<std::string, Payload>;

} // namespace pt2

// NULL: it has no argument of that name.
const pt2::Argument *find_input(const pt2::Node &node, const std::string &name);
// NULL: a literal, or a value of which there is none.
const pt2::TensorDescription *description_of(const pt2::Program &program,
                                             const pt2::Argument &value);

// These throw an Error that names what is wrong in the JSON.
pt2::Program parse_program(const std::string &json);
pt2::Payloads parse_payloads(const std::string &json);

} // namespace sscam

#endif
