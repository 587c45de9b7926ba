// What torch.export found to hold for the sizes of a program's inputs, such as H <= W where the
// network chose between two ways by it. Elsewhere the program computes something else than the
// network.
#ifndef SSCAM_SHIM_PROGRAM_GUARDS_HPP
#define SSCAM_SHIM_PROGRAM_GUARDS_HPP

#include <map>
#include <string>
#include <vector>

#include <torch/csrc/jit/ir/ir.h>

namespace sscam {

struct GuardedInput {
    torch::jit::Value *value;
    size_t rank;
};

// Inserts a check of each guard, an expression of Python as "L['x'].size()[2] <= 64", where L['x']
// is an input by its name in forward(). Guards that read no sizes are about arguments that are part
// of the program. Throws an Error for an expression that cannot be checked.
void add_guards(torch::jit::Graph &graph, const std::vector<std::string> &guards,
                const std::map<std::string, GuardedInput> &inputs);

} // namespace sscam

#endif
