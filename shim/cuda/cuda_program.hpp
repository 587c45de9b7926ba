// The CUDA kernel that writes masked inputs, compiled at run time. Nothing of CUDA is needed to
// build it: the compiler (NVRTC) and the driver are those that libtorch's CUDA half brings, found
// when a card is first used.
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
    // For a card, made once; null where it cannot be had, and then why() tells the reason.
    static const CudaProgram *of_card(int card);
    static std::string why(int card);

    // The program for cards of one compute capability, 10 x major + minor: machine code, or where
    // the compiler is older than the card, PTX for the newest that it knows, which the driver
    // translates. Needs the compiler alone.
    static std::vector<char> machine_code(int capability);

    // Writes the kernel's masked inputs, on the card's default stream; does not wait.
    void write(const sscam_mask_kernel &kernel) const;

    // Bytes that are free on the card.
    int64_t free_memory() const;

private:
    explicit CudaProgram(int card);

    struct Maker;
    void *context_ = nullptr;  // CUcontext: the card's primary one, which libtorch uses, too
    void *function_ = nullptr; // CUfunction
};

} // namespace sscam

#endif
