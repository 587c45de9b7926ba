// From a file's content and a device's name to a module that is ready to run.
#ifndef SSCAM_SHIM_LOAD_MODULE_LOADER_HPP
#define SSCAM_SHIM_LOAD_MODULE_LOADER_HPP

#include <torch/csrc/jit/api/module.h>

#include "base/byte_source.h"

namespace sscam {

// Whether this libtorch was built with CUDA, be there a device or not.
bool has_cuda_half();

// "cpu", "cuda", "cuda:N", "auto"; NULL is the CPU. Refuses devices that are not there.
c10::Device device_named(const char *name);

// The module in evaluation mode, in float32, without gradients for its parameters.
torch::jit::Module load_module(const sscam_byte_source &source, c10::Device device);

} // namespace sscam

#endif
