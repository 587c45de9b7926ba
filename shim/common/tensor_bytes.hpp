// How much memory the description of a tensor claims.
#ifndef SSCAM_SHIM_COMMON_TENSOR_BYTES_HPP
#define SSCAM_SHIM_COMMON_TENSOR_BYTES_HPP

#include <limits>

#include <ATen/EmptyTensor.h>

namespace sscam {

// Too many bytes to be counted, or a negative size.
constexpr size_t NO_SIZE = std::numeric_limits<size_t>::max();

// From the start of its storage to the tensor's last element.
inline size_t claimed_bytes(c10::IntArrayRef sizes, c10::IntArrayRef strides, size_t element_size,
                            int64_t offset)
{
    try {
        return at::detail::computeStorageNbytes(sizes, strides, element_size,
                                                static_cast<size_t>(offset));
    } catch (const c10::Error &) {
        return NO_SIZE;
    }
}

} // namespace sscam

#endif
