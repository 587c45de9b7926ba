// The functions of the CUDA driver that the library calls itself. Nothing of CUDA is needed to
// build: the driver is the one that libtorch uses, found when a GPU is first used.
#ifndef SSCAM_SHIM_CUDA_CUDA_DRIVER_HPP
#define SSCAM_SHIM_CUDA_CUDA_DRIVER_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <dlfcn.h>

namespace sscam {

[[noreturn]] void give_up(const std::string &reason); // SSCAM_E_DEVICE

// The first of some shared libraries that can be loaded.
void *open_first(const std::vector<std::string> &names);

template <class Function>
void find(void *library, const char *name, Function &function)
{
    function = reinterpret_cast<Function>(dlsym(library, name));
    if (!function)
        give_up(std::string("there is no ") + name + "()");
}

// With the types of their documented C interfaces.
struct Driver {
    int (*cuInit)(unsigned flags) = nullptr;
    int (*cuDevicePrimaryCtxRetain)(void **context, int device) = nullptr;
    int (*cuCtxPushCurrent_v2)(void *context) = nullptr;
    int (*cuCtxPopCurrent_v2)(void **context) = nullptr;
    int (*cuDeviceGet)(int *device, int index) = nullptr;
    int (*cuDeviceGetAttribute)(int *value, int attribute, int device) = nullptr;
    int (*cuModuleLoadData)(void **module, const void *code) = nullptr;
    int (*cuModuleGetFunction)(void **function, void *module, const char *name) = nullptr;
    int (*cuLaunchKernel)(void *function, unsigned, unsigned, unsigned, unsigned, unsigned,
                          unsigned, unsigned shared_bytes, void *stream, void **arguments,
                          void **extra) = nullptr;
    int (*cuMemGetInfo_v2)(size_t *free, size_t *total) = nullptr;
    int (*cuPointerGetAttribute)(void *value, int attribute, uintptr_t address) = nullptr;
    int (*cuEventCreate)(void **event, unsigned flags) = nullptr;
    int (*cuEventRecord)(void *event, void *stream) = nullptr;
    int (*cuEventDestroy_v2)(void *event) = nullptr;
    int (*cuStreamWaitEvent)(void *stream, void *event, unsigned flags) = nullptr;
    int (*cuStreamSynchronize)(void *stream) = nullptr;
};

// Throws SSCAM_E_DEVICE where there is no driver.
const Driver &driver();

// SSCAM_E_DEVICE unless the result is that of success.
void need(int result, const char *what);

// As need(), for calls that take memory of the device.
void need_memory(int result, const char *what);

// The driver's number of a device.
int device_number(int index);

// The context of a device that libtorch and the CUDA runtime use, too. It is never released.
void *primary_context(int index);

// Makes the context current: a thread may have another one, and a new thread has none.
class InContext {
public:
    explicit InContext(void *context)
    {
        need(driver().cuCtxPushCurrent_v2(context), "cuCtxPushCurrent()");
    }
    InContext(const InContext &) = delete;
    InContext &operator=(const InContext &) = delete;
    ~InContext()
    {
        void *popped = nullptr;
        driver().cuCtxPopCurrent_v2(&popped);
    }
};

} // namespace sscam

#endif
