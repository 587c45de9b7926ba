// Memory that the C core frees: arrays and strings taken with malloc().
#ifndef SSCAM_SHIM_COMMON_HOST_ARRAY_HPP
#define SSCAM_SHIM_COMMON_HOST_ARRAY_HPP

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>

#include <ATen/core/Tensor.h>

namespace sscam {

struct FreeArray {
    void operator()(void *array) const { std::free(array); }
};

template <class T>
using HostArray = std::unique_ptr<T[], FreeArray>;

template <class T>
HostArray<T> host_array(size_t count)
{
    HostArray<T> array(static_cast<T *>(std::calloc(count > 0 ? count : 1, sizeof(T))));
    if (!array)
        throw std::bad_alloc();
    return array;
}

inline HostArray<char> host_string(const std::string &text)
{
    HostArray<char> copy = host_array<char>(text.size() + 1);
    std::memcpy(copy.get(), text.data(), text.size());
    return copy;
}

// The tensor's values, row-major, as float32.
inline HostArray<float> host_copy(const at::Tensor &tensor)
{
    at::Tensor dense = tensor.detach().to(at::kCPU, at::kFloat).contiguous();
    HostArray<float> copy = host_array<float>(dense.numel());
    std::memcpy(copy.get(), dense.data_ptr<float>(), dense.numel() * sizeof(float));
    return copy;
}

} // namespace sscam

#endif
