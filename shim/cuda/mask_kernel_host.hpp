// mask_kernel.h for C++ on the host.
#ifndef SSCAM_SHIM_CUDA_MASK_KERNEL_HOST_HPP
#define SSCAM_SHIM_CUDA_MASK_KERNEL_HOST_HPP

#include <cstdint>

#include <c10/util/Half.h>

inline uint16_t sscam_half_bits(float value)
{
    return c10::Half(value).x;
}

#include "cuda/mask_kernel.h"

#endif
