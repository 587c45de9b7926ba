#include "cuda_program.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include <dlfcn.h>

#include "guard.hpp"

extern const char *const sscam_mask_kernel_text; // mask_kernel.cu and what it includes: embed.py

namespace sscam {

namespace {

// What the shared text needs of the language that C has in headers, which NVRTC has not.
const char *const prologue = R"cuda(
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long long int64_t;
typedef unsigned long long uint64_t;
static __device__ inline uint16_t sscam_half_bits(float value)
{
    uint16_t bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
}
)cuda";

constexpr int threads_of_a_block = 256;

// The few functions of both that are needed, by the types of their documented C interfaces.
struct Compiler {
    int (*nvrtcCreateProgram)(void **program, const char *text, const char *name, int headers, const char *const *,
                              const char *const *) = nullptr;
    int (*nvrtcCompileProgram)(void *program, int options, const char *const *option) = nullptr;
    int (*nvrtcGetProgramLogSize)(void *program, size_t *size) = nullptr;
    int (*nvrtcGetProgramLog)(void *program, char *log) = nullptr;
    int (*nvrtcGetCUBINSize)(void *program, size_t *size) = nullptr;
    int (*nvrtcGetCUBIN)(void *program, char *code) = nullptr;
    int (*nvrtcDestroyProgram)(void **program) = nullptr;
};

struct Driver {
    int (*cuDeviceGet)(int *device, int card) = nullptr;
    int (*cuDeviceGetAttribute)(int *value, int attribute, int device) = nullptr;
    int (*cuModuleLoadData)(void **module, const void *code) = nullptr;
    int (*cuModuleGetFunction)(void **function, void *module, const char *name) = nullptr;
    int (*cuLaunchKernel)(void *function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                          unsigned shared_bytes, void *stream, void **arguments, void **extra) = nullptr;
    int (*cuMemGetInfo_v2)(size_t *free, size_t *total) = nullptr;
};

[[noreturn]] void give_up(const std::string &reason)
{
    throw Refusal(SSCAM_E_DEVICE, reason);
}

template <class Function> void find(void *library, const char *name, Function &function)
{
    function = reinterpret_cast<Function>(dlsym(library, name));
    if (function == nullptr)
        give_up(std::string("there is no ") + name + "()");
}

void *open_first(std::initializer_list<const char *> names)
{
    for (const char *name : names)
        if (void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL))
            return library;
    give_up(std::string("none of ") + *names.begin() + " and its like can be loaded");
}

Compiler find_compiler()
{
    // The first is libtorch's own door to it, which finds it wherever libtorch's packager has put it.
    void *library = open_first({"libcaffe2_nvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2",
                                "libnvrtc.so"});
    Compiler c;
    find(library, "nvrtcCreateProgram", c.nvrtcCreateProgram);
    find(library, "nvrtcCompileProgram", c.nvrtcCompileProgram);
    find(library, "nvrtcGetProgramLogSize", c.nvrtcGetProgramLogSize);
    find(library, "nvrtcGetProgramLog", c.nvrtcGetProgramLog);
    find(library, "nvrtcGetCUBINSize", c.nvrtcGetCUBINSize);
    find(library, "nvrtcGetCUBIN", c.nvrtcGetCUBIN);
    find(library, "nvrtcDestroyProgram", c.nvrtcDestroyProgram);
    return c;
}

Driver find_driver()
{
    void *library = open_first({"libcuda.so.1", "libcuda.so"});
    Driver d;
    find(library, "cuDeviceGet", d.cuDeviceGet);
    find(library, "cuDeviceGetAttribute", d.cuDeviceGetAttribute);
    find(library, "cuModuleLoadData", d.cuModuleLoadData);
    find(library, "cuModuleGetFunction", d.cuModuleGetFunction);
    find(library, "cuLaunchKernel", d.cuLaunchKernel);
    find(library, "cuMemGetInfo_v2", d.cuMemGetInfo_v2);
    return d;
}

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

int capability(int card)
{
    constexpr int major_attribute = 75, minor_attribute = 76; // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_...
    int device = 0, major = 0, minor = 0;
    need(driver().cuDeviceGet(&device, card), "cuDeviceGet()");
    need(driver().cuDeviceGetAttribute(&major, major_attribute, device), "cuDeviceGetAttribute()");
    need(driver().cuDeviceGetAttribute(&minor, minor_attribute, device), "cuDeviceGetAttribute()");
    return 10 * major + minor;
}

struct Made {
    std::unique_ptr<const CudaProgram> program;
    std::string why;
};

std::mutex mutex;

} // namespace

const std::string &mask_program_text()
{
    static const std::string text = std::string(prologue) + sscam_mask_kernel_text;
    return text;
}

std::vector<char> CudaProgram::machine_code(int capability)
{
    static const Compiler f = find_compiler();
    const std::string architecture = "--gpu-architecture=sm_" + std::to_string(capability);
    const char *const options[] = {architecture.c_str(), "--std=c++17", "--fmad=false"}; // not fused, as the library itself
    void *program = nullptr;
    need(f.nvrtcCreateProgram(&program, mask_program_text().c_str(), "sscam_masks.cu", 0, nullptr, nullptr),
         "nvrtcCreateProgram()");
    const std::unique_ptr<void *, int (*)(void **)> owner(&program, f.nvrtcDestroyProgram);
    if (f.nvrtcCompileProgram(program, 3, options) != 0) {
        size_t size = 1;
        f.nvrtcGetProgramLogSize(program, &size);
        std::string log(size, '\0');
        f.nvrtcGetProgramLog(program, log.data());
        give_up("the kernel does not compile for " + architecture + ": " + first_line_of(log));
    }
    size_t size = 0;
    need(f.nvrtcGetCUBINSize(program, &size), "nvrtcGetCUBINSize()");
    std::vector<char> code(size);
    need(f.nvrtcGetCUBIN(program, code.data()), "nvrtcGetCUBIN()");
    return code;
}

CudaProgram::CudaProgram(int card)
{
    const std::vector<char> code = machine_code(capability(card));
    void *module = nullptr;
    need(driver().cuModuleLoadData(&module, code.data()), "cuModuleLoadData()");
    need(driver().cuModuleGetFunction(&function_, module, "sscam_write_masked_inputs"), "cuModuleGetFunction()");
}

// Programs stay to the end of the process, as the card's context does.
struct CudaProgram::Maker {
    static const Made &made(int card)
    {
        static std::map<int, Made> *const all = new std::map<int, Made>;
        std::lock_guard<std::mutex> lock(mutex);
        auto found = all->find(card);
        if (found == all->end()) {
            found = all->emplace(card, Made()).first;
            try {
                found->second.program.reset(new CudaProgram(card));
            } catch (...) {
                found->second.why = current_reason();
            }
        }
        return found->second;
    }
};

const CudaProgram *CudaProgram::of_card(int card)
{
    return Maker::made(card).program.get();
}

std::string CudaProgram::why(int card)
{
    return Maker::made(card).why;
}

void CudaProgram::write(const sscam_mask_kernel &kernel, int64_t rows) const
{
    const int64_t blocks = (kernel.height * kernel.width + threads_of_a_block - 1) / threads_of_a_block;
    void *arguments[] = {const_cast<sscam_mask_kernel *>(&kernel)};
    need(driver().cuLaunchKernel(function_, static_cast<unsigned>(blocks), static_cast<unsigned>(rows), 1,
                                    threads_of_a_block, 1, 1, 0, nullptr, arguments, nullptr),
         "writing masked inputs on the card");
}

int64_t CudaProgram::free_memory() const
{
    size_t free = 0, total = 0;
    need(driver().cuMemGetInfo_v2(&free, &total), "cuMemGetInfo()");
    return static_cast<int64_t>(free);
}

} // namespace sscam
