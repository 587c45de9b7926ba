#include "cuda/cuda_driver.hpp"

#include <map>
#include <mutex>
#include <new>

#include "common/guard.hpp"

namespace sscam {

void give_up(const std::string &reason)
{
    throw Error(SSCAM_E_DEVICE, reason);
}

void *open_first(const std::vector<std::string> &names)
{
    for (const std::string &name : names)
        if (void *library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL))
            return library;
    give_up("none of " + names.front() + " and its alternatives can be loaded");
}

namespace {

Driver find_driver()
{
    void *library = open_first({"libcuda.so.1", "libcuda.so"});
    Driver d;
    find(library, "cuInit", d.cuInit);
    find(library, "cuDevicePrimaryCtxRetain", d.cuDevicePrimaryCtxRetain);
    find(library, "cuCtxPushCurrent_v2", d.cuCtxPushCurrent_v2);
    find(library, "cuCtxPopCurrent_v2", d.cuCtxPopCurrent_v2);
    find(library, "cuDeviceGet", d.cuDeviceGet);
    find(library, "cuDeviceGetAttribute", d.cuDeviceGetAttribute);
    find(library, "cuModuleLoadData", d.cuModuleLoadData);
    find(library, "cuModuleGetFunction", d.cuModuleGetFunction);
    find(library, "cuLaunchKernel", d.cuLaunchKernel);
    find(library, "cuMemGetInfo_v2", d.cuMemGetInfo_v2);
    find(library, "cuPointerGetAttribute", d.cuPointerGetAttribute);
    find(library, "cuEventCreate", d.cuEventCreate);
    find(library, "cuEventRecord", d.cuEventRecord);
    find(library, "cuEventDestroy_v2", d.cuEventDestroy_v2);
    find(library, "cuStreamWaitEvent", d.cuStreamWaitEvent);
    find(library, "cuStreamSynchronize", d.cuStreamSynchronize);
    return d;
}

} // namespace

const Driver &driver()
{
    static const Driver found = find_driver();
    return found;
}

void need(int result, const char *what)
{
    if (result != 0)
        give_up(std::string(what) + " fails with CUDA's error " + std::to_string(result));
}

// As need(), for calls that take memory of the device.
void need_memory(int result, const char *what)
{
    constexpr int out_of_memory = 2; // CUDA_ERROR_OUT_OF_MEMORY
    if (result == out_of_memory)
        throw std::bad_alloc();
    need(result, what);
}

int device_number(int index)
{
    int device = 0;
    need(driver().cuInit(0), "cuInit()");
    need(driver().cuDeviceGet(&device, index), "cuDeviceGet()");
    return device;
}

void *primary_context(int index)
{
    static std::mutex mutex;
    static auto *const contexts = new std::map<int, void *>;
    const std::lock_guard<std::mutex> lock(mutex);
    void *&context = (*contexts)[index];
    if (!context)
        need_memory(driver().cuDevicePrimaryCtxRetain(&context, device_number(index)),
                    "cuDevicePrimaryCtxRetain()");
    return context;
}

} // namespace sscam
