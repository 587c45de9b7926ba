// The CUDA kernel that writes masked inputs, compiled at run time. Nothing of CUDA is needed to
// build it: the compiler (NVRTC) and the driver are those that libtorch's CUDA half brings, found
// when a device is first used.
#ifndef SSCAM_SHIM_CUDA_CUDA_PROGRAM_HPP
#define SSCAM_SHIM_CUDA_CUDA_PROGRAM_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "cuda/mask_kernel_host.hpp"

namespace sscam {

// The CUDA C++ text that NVRTC compiles.
const std::string &mask_program_text();

class CudaProgram {
public:
    // The program of device number `index`, compiled once; null where that fails, for the reason
    // that why() gives.
    static const CudaProgram *for_device(int index);
    static std::string why(int index);

    // Code for devices of a compute capability, 10 x major + minor: machine code or, where the
    // compiler is older than the device, PTX for the newest one that it knows, which the driver
    // translates. Needs the compiler only.
    static std::vector<char> machine_code(int capability);

    // Writes the kernel's masked inputs, on the device's default stream; does not wait.
    void write(const sscam_mask_kernel &kernel) const;

    // Bytes that are free on the device.
    int64_t free_memory() const;

private:
    explicit CudaProgram(int index);

    struct Maker;
    void *context_ = nullptr;  // CUcontext: the device's primary one, which libtorch uses, too
    void *function_ = nullptr; // CUfunction
};

} // namespace sscam

#endif
