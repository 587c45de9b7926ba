#include "program/program_facts.hpp"

#include <algorithm>

namespace sscam {

namespace jit = torch::jit;

namespace {

using Kind = pt2::Argument::Kind;

// A name that no attribute of a TorchScript file has.
const char *const constant_name = "exported program's facts";

// The input, where there is one.
const pt2::TensorDescription *input_of(const pt2::Program &program)
{
    const pt2::TensorDescription *only = nullptr;
    for (const pt2::InputSpecification &input : program.inputs)
        if (input.kind == pt2::InputSpecification::Kind::user)
            if (const auto *description = description_of(program, input.value)) {
                if (only)
                    return nullptr;
                only = description;
            }
    return only;
}

int64_t number_in(const pt2::Size &size)
{
    return size.symbol.empty() ? std::max<int64_t>(size.number, 0) : 0;
}

bool are_equal(const pt2::Size &a, const pt2::Size &b)
{
    return a.number == b.number && a.factor == b.factor && a.symbol == b.symbol;
}

// Of the first output [rows, classes], which is the one that is explained.
int64_t class_count(const pt2::Program &program, const pt2::Size &rows)
{
    for (const pt2::OutputSpecification &output : program.outputs) {
        const auto *description = output.is_user_output ? description_of(program, output.value)
                                                        : nullptr;
        if (description && description->sizes.size() == 2 && are_equal(description->sizes[0], rows))
            return number_in(description->sizes[1]);
    }
    return 0;
}

} // namespace

void keep_facts(const jit::Module &module, const pt2::Program &program)
{
    const pt2::TensorDescription *input = input_of(program);
    if (!input || input->sizes.empty())
        return;
    c10::List<int64_t> facts({class_count(program, input->sizes[0])});
    for (const pt2::Size &size : input->sizes)
        facts.push_back(number_in(size));
    module.type()->addConstant(constant_name, c10::IValue(facts));
}

std::optional<ProgramFacts> kept_facts(const jit::Module &module)
{
    const auto constant = module.type()->findConstant(constant_name);
    if (!constant || !constant->isIntList())
        return std::nullopt;
    const std::vector<int64_t> kept = constant->toIntVector();
    return ProgramFacts{{kept.begin() + 1, kept.end()}, kept[0]};
}

} // namespace sscam
