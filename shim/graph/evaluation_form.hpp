// A network as it is evaluated: what the export has kept of training, of other devices and of other
// number formats is undone in its programs.
#ifndef SSCAM_SHIM_GRAPH_EVALUATION_FORM_HPP
#define SSCAM_SHIM_GRAPH_EVALUATION_FORM_HPP

#include <string>

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

namespace sscam {

// Changes the programs of a module that has not run yet:
//   dropout passes its input on, that of attentions and recurrent layers, too; a batch norm that
// was traced in training mode uses its running statistics
//   torch.no_grad() has no effect, so that gradients exist where the caller wants them
//   tensors are made on `device`, wherever the export made them
//   weights, constants and casts of half precision become float32, as inputs are; weights of double
//     precision, too, and then such constants and casts
void set_evaluation_form(const torch::jit::Module &module, c10::Device device);

// Whether an operation of that name, such as "aten::rand", draws random numbers.
bool is_random(const std::string &operation);

// The name of the first operation that draws random numbers; "": there is none.
std::string find_random_operation(torch::jit::Graph &graph);

} // namespace sscam

#endif
