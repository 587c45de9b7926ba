#include "program/exported_program.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <memory>
#include <set>

#include <ATen/ATen.h>

#include "common/guard.hpp"
#include "program/graph_builder.hpp"
#include "program/guards.hpp"
#include "program/input_constraints.hpp"
#include "program/output_tree.hpp"
#include "program/program_archive.hpp"
#include "program/program_facts.hpp"
#include "program/program_schema.hpp"
#include "program/weights.hpp"

namespace sscam {

namespace jit = torch::jit;

namespace {

using ArgumentKind = pt2::Argument::Kind;
using InputKind = pt2::InputSpecification::Kind;

bool is_replaced(c10::ScalarType type)
{
    return c10::isFloatingType(type) && type != at::kFloat;
}

Conversion conversion_of(const pt2::Program &program, c10::Device device)
{
    Conversion conversion = {device, {}};
    for (const pt2::InputSpecification &input : program.inputs)
        if (input.kind == InputKind::parameter || input.kind == InputKind::buffer ||
            input.kind == InputKind::user)
            if (const auto *description = description_of(program, input.value)) {
                const c10::ScalarType type = scalar_type_of(description->scalar_type);
                if (is_replaced(type))
                    conversion.replaced_types.insert(type);
            }
    return conversion;
}

void collect_names(const pt2::Argument &argument, std::set<std::string> &names)
{
    if (argument.kind == ArgumentKind::name)
        names.insert(argument.text);
    for (const pt2::Argument &element : argument.elements)
        collect_names(element, names);
}

// The values that nodes and outputs take.
std::set<std::string> used_names(const pt2::Graph &graph)
{
    std::set<std::string> names;
    for (const pt2::Node &node : graph.nodes)
        for (const pt2::NamedArgument &input : node.inputs)
            collect_names(input.value, names);
    for (const pt2::Argument &output : graph.outputs)
        collect_names(output, names);
    return names;
}

bool is_identifier(const std::string &name)
{
    return !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
           std::all_of(name.begin(), name.end(),
                       [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

class ModuleBuilder {
public:
    ModuleBuilder(const pt2::Program &program, const ProgramArchive &archive, c10::Device device)
        : program_(program), conversion_(conversion_of(program, device)),
          weights_(archive, conversion_), unit_(std::make_shared<jit::CompilationUnit>()),
          module_(c10::QualifiedName("__torch__.ExportedProgram"), unit_),
          graph_(std::make_shared<jit::Graph>()), builder_(*graph_, conversion_)
    {
    }

    jit::Module build()
    {
        self_ = graph_->addInput("self");
        self_->setType(module_.type());
        add_inputs();
        add_guards(*graph_, program_.guards, guarded_inputs_);
        builder_.add(program_.graph.nodes);
        std::vector<jit::Value *> outputs;
        for (const pt2::OutputSpecification &output : program_.outputs)
            if (output.is_user_output)
                outputs.push_back(builder_.value_of(output.value));
        graph_->registerOutput(build_output(*graph_, program_.output_tree, outputs));
        graph_->lint();
        module_.type()->addMethod(
            unit_->create_function(c10::QualifiedName(*module_.type()->name(), "forward"), graph_));
        keep_facts(module_, program_);
        return module_;
    }

private:
    void add_inputs()
    {
        const std::set<std::string> used = used_names(program_.graph);
        for (const pt2::InputSpecification &input : program_.inputs) {
            const bool is_used = used.count(input.value.text) != 0;
            switch (input.kind) {
            case InputKind::user: add_user_input(input.value); break;
            case InputKind::literal:
                if (is_used)
                    builder_.bind(input.value.text, builder_.value_of(input.literal));
                break;
            case InputKind::parameter:
            case InputKind::buffer:
                if (is_used)
                    add_tensor(input, weight(input));
                break;
            case InputKind::constant:
                if (is_used)
                    add_tensor(input, weights_.constant(input.target));
                break;
            default:
                throw Error(SSCAM_E_UNSUPPORTED, "the program has an input of the kind \"" +
                                                     input.value.text + "\", which is no tensor");
            }
        }
    }

    // Buffers that are no part of the state of the network are kept among the constants.
    at::Tensor weight(const pt2::InputSpecification &input)
    {
        return input.is_in_state ? weights_.weight(input.target) : weights_.constant(input.target);
    }

    void add_user_input(const pt2::Argument &value)
    {
        if (value.kind != ArgumentKind::name)
            return; // a literal, which was compiled into the program
        jit::Value *input = graph_->addInput(is_identifier(value.text) ? value.text : "");
        const auto *description = description_of(program_, value);
        if (!description) {
            input->setType(c10::IntType::get());
        } else {
            const c10::ScalarType type = scalar_type_of(description->scalar_type);
            if (!c10::isFloatingType(type))
                add_type_check(*graph_, input, type);
            add_input_checks(*graph_, input, *description, program_.ranges);
            guarded_inputs_[value.text] = {input, description->sizes.size()};
        }
        builder_.bind(value.text, input);
    }

    // Those in float32 are attributes, which follow when the module is converted to half precision;
    // others, such as indices, are constants.
    void add_tensor(const pt2::InputSpecification &input, const at::Tensor &tensor)
    {
        jit::Value *value = nullptr;
        if (tensor.scalar_type() == at::kFloat) {
            const std::string name = "tensor_" + std::to_string(attributes_++);
            Owner &owner = owner_of(input.target);
            if (input.kind == InputKind::parameter)
                owner.module.register_parameter(name, tensor, /*is_buffer=*/false);
            else
                owner.module.register_buffer(name, tensor);
            jit::Node *attribute = graph_->insertNode(graph_->createGetAttr(owner.value, name));
            attribute->output()->setType(c10::TensorType::get());
            value = attribute->output();
        } else {
            value = graph_->insertConstant(tensor);
        }
        builder_.bind(input.value.text, value);
    }

    // The module whose parameters these are in the network: "layer4.1.conv2" of
    // "layer4.1.conv2.weight". All are children of the program's, in the order of the file.
    struct Owner {
        jit::Module module;
        jit::Value *value;
    };

    Owner &owner_of(const std::string &target)
    {
        const size_t dot = target.rfind('.');
        if (dot == std::string::npos)
            return owners_.try_emplace("", Owner{module_, self_}).first->second;
        const std::string path = target.substr(0, dot);
        if (const auto known = owners_.find(path); known != owners_.end())
            return known->second;
        const std::string name = "module_" + std::to_string(owners_.size());
        const jit::Module module(c10::QualifiedName("__torch__.Part_" + name), unit_);
        module_.register_module(name, module);
        jit::Node *attribute = graph_->insertNode(graph_->createGetAttr(self_, name));
        attribute->output()->setType(module.type());
        return owners_.emplace(path, Owner{module, attribute->output()}).first->second;
    }

    const pt2::Program &program_;
    const Conversion conversion_;
    ProgramWeights weights_;
    std::shared_ptr<jit::CompilationUnit> unit_;
    jit::Module module_;
    std::shared_ptr<jit::Graph> graph_;
    GraphBuilder builder_;
    jit::Value *self_ = nullptr;
    std::map<std::string, GuardedInput> guarded_inputs_;
    int64_t attributes_ = 0;
    std::map<std::string, Owner> owners_; // by path
};

} // namespace

bool is_exported_program(const sscam_byte_source &source)
{
    return ProgramArchive::is_one(source);
}

jit::Module load_exported_program(const sscam_byte_source &source, c10::Device device)
{
    const ProgramArchive archive(source);
    const pt2::Program program = parse_program(archive.program());
    try {
        return ModuleBuilder(program, archive, device).build();
    } catch (const Error &) {
        throw;
    } catch (const Reported &) {
        throw;
    } catch (...) {
        if (memory_ran_out() || device_failed())
            throw;
        throw Error(SSCAM_E_MODEL, "its program cannot be used: " + current_reason());
    }
}

} // namespace sscam
