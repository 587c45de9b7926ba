// From a program of torch.export, a .pt2 file, to a module of TorchScript.
#ifndef SSCAM_SHIM_PROGRAM_EXPORTED_PROGRAM_HPP
#define SSCAM_SHIM_PROGRAM_EXPORTED_PROGRAM_HPP

#include <torch/csrc/jit/api/module.h>

#include "base/byte_source.h"

namespace sscam {

// By its content.
bool is_exported_program(const sscam_byte_source &source);

// A module whose forward() is the program: its nodes are operators of libtorch, whose scopes tell
// in which module of the network they stood. It computes in float32 on the device.
torch::jit::Module load_exported_program(const sscam_byte_source &source, c10::Device device);

} // namespace sscam

#endif
