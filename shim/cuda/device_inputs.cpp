#include "cuda/device_inputs.hpp"

#include <algorithm>
#include <string>

#include "common/guard.hpp"
#include "cuda/cuda_driver.hpp"
#include "cuda/cuda_program.hpp"

namespace sscam {

namespace {

const char *const way_out = "copy the input to the host's memory and pass it as an sscam_array";

at::ScalarType type_of(int32_t element_type)
{
    switch (element_type) {
    case SSCAM_ELEMENT_FLOAT64: return at::kDouble;
    case SSCAM_ELEMENT_UINT8: return at::kByte;
    default: return at::kFloat;
    }
}

std::string name_of_gpu(int32_t index)
{
    return "cuda:" + std::to_string(index);
}

void check_device(const sscam_cuda_array &array, c10::Device device)
{
    const std::string own = name_of_gpu(array.device);
    if (!device.is_cuda() || device.index() != array.device)
        throw Error(SSCAM_E_DEVICE, "it is on " + own + ", and the model is on " + device.str() +
                                        "; load the model to " + own + ", or " + way_out);
    if (!CudaProgram::for_device(array.device))
        throw Error(SSCAM_E_UNSUPPORTED, "masked inputs cannot be written on " + own + " (" +
                                             CudaProgram::why(array.device) + "); " + way_out);
}

// Managed memory counts as the device's.
bool is_memory_of(const void *data, int32_t index)
{
    constexpr int memory_type = 2, is_managed = 8, device_ordinal = 9; // CU_POINTER_ATTRIBUTE_...
    constexpr unsigned on_device = 2;                                  // CU_MEMORYTYPE_DEVICE
    const auto address = reinterpret_cast<uintptr_t>(data);
    const InContext context(primary_context(index));
    unsigned type = 0, managed = 0;
    int device = -1;
    if (driver().cuPointerGetAttribute(&type, memory_type, address) != 0)
        return false; // the driver knows nothing of it
    driver().cuPointerGetAttribute(&managed, is_managed, address);
    driver().cuPointerGetAttribute(&device, device_ordinal, address);
    return managed != 0 || (type == on_device && device == device_number(index));
}

void check_memory(const sscam_cuda_array &array)
{
    if (!is_memory_of(array.data, array.device))
        throw Error(SSCAM_E_ARGUMENT, "data is no memory of " + name_of_gpu(array.device) +
                                          "; pass memory of the host as an sscam_array");
}

// The library's stream, the default one, goes on when `stream` has done what it was given.
void wait_for(void *stream, int32_t index)
{
    constexpr unsigned without_timing = 2; // CU_EVENT_DISABLE_TIMING
    if (!stream)
        return;
    const InContext context(primary_context(index));
    void *event = nullptr;
    need_memory(driver().cuEventCreate(&event, without_timing), "cuEventCreate()");
    const int recorded = driver().cuEventRecord(event, stream);
    const int waited = recorded == 0 ? driver().cuStreamWaitEvent(nullptr, event, 0) : 0;
    driver().cuEventDestroy_v2(event);
    if (recorded != 0)
        throw Error(SSCAM_E_ARGUMENT, "stream is none of " + name_of_gpu(index) +
                                          " that can be waited for: CUDA's error " +
                                          std::to_string(recorded));
    need(waited, "cuStreamWaitEvent()");
}

} // namespace

at::Tensor device_values(const sscam_cuda_array &array, c10::Device device)
{
    const at::ScalarType type = type_of(array.element_type);
    const auto size = static_cast<int64_t>(c10::elementSize(type));
    const at::IntArrayRef sizes(array.shape, static_cast<size_t>(array.rank));
    char *data = static_cast<char *>(const_cast<void *>(array.data));
    if (reinterpret_cast<uintptr_t>(data) % static_cast<size_t>(size) != 0)
        throw Error(SSCAM_E_ARGUMENT,
                    "data is not aligned to elements of " + std::to_string(size) + " bytes");
    const auto options = at::TensorOptions(device).dtype(type);
    if (!array.strides)
        return at::for_blob(data, sizes).options(options).target_device(device).make_tensor();
    std::vector<int64_t> strides(array.strides, array.strides + array.rank), mirrored;
    for (int64_t axis = 0; axis < array.rank; axis++)
        if (strides[axis] < 0) { // libtorch has no negative ones
            data += strides[axis] * (sizes[axis] - 1) * size;
            strides[axis] = -strides[axis];
            mirrored.push_back(axis);
        }
    at::Tensor values = at::for_blob(data, sizes)
                            .strides(strides)
                            .options(options)
                            .target_device(device)
                            .make_tensor();
    return mirrored.empty() ? values : values.flip(mirrored);
}

at::Tensor DeviceInputs::hold(const sscam_cuda_array &array, c10::Device device)
{
    check_device(array, device);
    check_memory(array);
    wait_for(array.stream, array.device);
    const at::Tensor values = device_values(array, device).to(at::kFloat).contiguous();
    keep(values);
    return values;
}

void DeviceInputs::keep(const at::Tensor &values)
{
    const std::lock_guard<std::mutex> lock(mutex_);
    kept_.push_back(values.view({-1}));
}

void DeviceInputs::release(const float *values)
{
    at::Tensor last; // is freed without the lock
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const at::Tensor &kept) {
            return kept.data_ptr<float>() == values;
        });
        if (found == kept_.end())
            return;
        last = *found;
        kept_.erase(found);
    }
    if (!last.is_cuda())
        return;
    const InContext context(primary_context(last.device().index()));
    need(driver().cuStreamSynchronize(nullptr), "waiting until an input has been read");
}

at::Tensor DeviceInputs::find(const float *values, int64_t count) const
{
    const auto wanted = reinterpret_cast<uintptr_t>(values);
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const at::Tensor &kept : kept_) {
        const auto first = reinterpret_cast<uintptr_t>(kept.data_ptr<float>());
        const auto position = static_cast<int64_t>((wanted - first) / sizeof(float));
        if (wanted >= first && position < kept.numel() && count <= kept.numel() - position)
            return kept.narrow(0, position, count);
    }
    return at::Tensor();
}

} // namespace sscam
