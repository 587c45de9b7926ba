// What a program of torch.export says of its input and output, kept with its module.
#ifndef SSCAM_SHIM_PROGRAM_PROGRAM_FACTS_HPP
#define SSCAM_SHIM_PROGRAM_PROGRAM_FACTS_HPP

#include <cstdint>
#include <optional>
#include <vector>

#include <torch/csrc/jit/api/module.h>

#include "program/program_schema.hpp"

namespace sscam {

struct ProgramFacts {
    std::vector<int64_t> input_shape; // 0: any number
    int64_t class_count = 0;          // 0: unknown

    // Whether it was exported for one input: batches of several may fail, or change its results.
    bool takes_one_input() const { return !input_shape.empty() && input_shape[0] == 1; }
};

void keep_facts(const torch::jit::Module &module, const pt2::Program &program);

// Nothing of modules from TorchScript files.
std::optional<ProgramFacts> kept_facts(const torch::jit::Module &module);

} // namespace sscam

#endif
