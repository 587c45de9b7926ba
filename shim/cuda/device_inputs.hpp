// Inputs of the host's that lie in the memory of a network's device (sscam/cuda.h).
#ifndef SSCAM_SHIM_CUDA_DEVICE_INPUTS_HPP
#define SSCAM_SHIM_CUDA_DEVICE_INPUTS_HPP

#include <mutex>
#include <vector>

#include <ATen/ATen.h>

#include "sscam/cuda.h"

namespace sscam {

// The values of an array on a device, float32 without gaps: in place where they lie so. `device`
// may be the CPU, for tests.
at::Tensor device_values(const sscam_cuda_array &array, c10::Device device);

class DeviceInputs {
public:
    // Checks that the array is in the memory of the network's device, waits for its stream, and
    // keeps its values until release(). Throws, with the way out, for what it cannot read.
    at::Tensor hold(const sscam_cuda_array &array, c10::Device device);

    // Keeps values that are on the device.
    void keep(const at::Tensor &values);

    // Waits until the device has read the values.
    void release(const float *values);

    // `count` values at an address within one of those that are kept; undefined for other
    // addresses.
    at::Tensor find(const float *values, int64_t count) const;

private:
    mutable std::mutex mutex_;
    std::vector<at::Tensor> kept_; // of one dimension
};

} // namespace sscam

#endif
