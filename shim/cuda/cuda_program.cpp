#include "cuda/cuda_program.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include <dlfcn.h>

#include <ATen/Context.h>

#include "common/guard.hpp"
#include "cuda/cuda_driver.hpp"

extern const char *const sscam_mask_kernel_text; // mask_kernel.cu and what it includes: embed.py

namespace sscam {

namespace {

// Types that the kernel's text takes from C headers, which NVRTC lacks.
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

// The functions that are used, with the types of their documented C interfaces.
struct Compiler {
    int (*nvrtcCreateProgram)(void **program, const char *text, const char *name, int headers,
                              const char *const *, const char *const *) = nullptr;
    int (*nvrtcCompileProgram)(void *program, int options, const char *const *option) = nullptr;
    int (*nvrtcGetProgramLogSize)(void *program, size_t *size) = nullptr;
    int (*nvrtcGetProgramLog)(void *program, char *log) = nullptr;
    int (*nvrtcGetCUBINSize)(void *program, size_t *size) = nullptr;
    int (*nvrtcGetCUBIN)(void *program, char *code) = nullptr;
    int (*nvrtcGetPTXSize)(void *program, size_t *size) = nullptr;
    int (*nvrtcGetPTX)(void *program, char *code) = nullptr;
    int (*nvrtcDestroyProgram)(void **program) = nullptr;
    int (*nvrtcGetNumSupportedArchs)(int *count) = nullptr;
    int (*nvrtcGetSupportedArchs)(int *capabilities) = nullptr;
};

// The folder of the libtorch that is loaded, with a slash; empty where it is not known.
std::string folder_of_libtorch()
{
    Dl_info info;
    if (dladdr(reinterpret_cast<const void *>(&at::globalContext), &info) == 0 || !info.dli_fname)
        return std::string();
    const std::string file = info.dli_fname;
    return file.substr(0, file.rfind('/') + 1);
}

Compiler find_compiler()
{
    // libtorch's own wrapper comes first: it finds NVRTC wherever the package has put it.
    void *library = open_first({folder_of_libtorch() + "libcaffe2_nvrtc.so", "libnvrtc.so.13",
                                "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so"});
    Compiler c;
    find(library, "nvrtcCreateProgram", c.nvrtcCreateProgram);
    find(library, "nvrtcCompileProgram", c.nvrtcCompileProgram);
    find(library, "nvrtcGetProgramLogSize", c.nvrtcGetProgramLogSize);
    find(library, "nvrtcGetProgramLog", c.nvrtcGetProgramLog);
    find(library, "nvrtcGetCUBINSize", c.nvrtcGetCUBINSize);
    find(library, "nvrtcGetCUBIN", c.nvrtcGetCUBIN);
    find(library, "nvrtcGetPTXSize", c.nvrtcGetPTXSize);
    find(library, "nvrtcGetPTX", c.nvrtcGetPTX);
    find(library, "nvrtcDestroyProgram", c.nvrtcDestroyProgram);
    find(library, "nvrtcGetNumSupportedArchs", c.nvrtcGetNumSupportedArchs);
    find(library, "nvrtcGetSupportedArchs", c.nvrtcGetSupportedArchs);
    return c;
}

int capability(int device)
{
    constexpr int major_attribute = 75,
                  minor_attribute = 76; // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_...
    int major = 0, minor = 0;
    need(driver().cuDeviceGetAttribute(&major, major_attribute, device), "cuDeviceGetAttribute()");
    need(driver().cuDeviceGetAttribute(&minor, minor_attribute, device), "cuDeviceGetAttribute()");
    return 10 * major + minor;
}

// The newest capability that the compiler knows, up to the wanted one.
int known_capability(const Compiler &f, int wanted)
{
    int count = 0;
    need(f.nvrtcGetNumSupportedArchs(&count), "nvrtcGetNumSupportedArchs()");
    std::vector<int> known(static_cast<size_t>(count));
    need(f.nvrtcGetSupportedArchs(known.data()), "nvrtcGetSupportedArchs()");
    int best = 0;
    for (int capability : known)
        if (capability <= wanted)
            best = std::max(best, capability);
    if (best == 0)
        give_up("CUDA's compiler knows no device as old as capability " + std::to_string(wanted));
    return best;
}

struct Made {
    std::unique_ptr<const CudaProgram> program;
    std::string why;
};

std::mutex mutex;

} // namespace

const std::string &mask_program_text()
{
    static const auto *const text = new std::string(std::string(prologue) + sscam_mask_kernel_text);
    return *text;
}

std::vector<char> CudaProgram::machine_code(int capability)
{
    static const Compiler f = find_compiler();
    const int known = known_capability(f, capability);
    const bool is_machine_code = known == capability;
    const std::string architecture = std::string("--gpu-architecture=") +
                                     (is_machine_code ? "sm_" : "compute_") + std::to_string(known);
    const char *const options[] = {architecture.c_str(), "--std=c++17",
                                   "--fmad=false"}; // not fused, as the library itself
    void *program = nullptr;
    need(f.nvrtcCreateProgram(&program, mask_program_text().c_str(), "sscam_masks.cu", 0, nullptr,
                              nullptr),
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
    need((is_machine_code ? f.nvrtcGetCUBINSize : f.nvrtcGetPTXSize)(program, &size),
         "the size of the kernel's code");
    std::vector<char> code(size);
    need((is_machine_code ? f.nvrtcGetCUBIN : f.nvrtcGetPTX)(program, code.data()),
         "the kernel's code");
    return code;
}

CudaProgram::CudaProgram(int index)
{
    const int device = device_number(index);
    const std::vector<char> code = machine_code(capability(device));
    context_ = primary_context(index);
    const InContext context(context_);
    void *module = nullptr;
    need_memory(driver().cuModuleLoadData(&module, code.data()), "cuModuleLoadData()");
    need(driver().cuModuleGetFunction(&function_, module, "sscam_write_masked_inputs"),
         "cuModuleGetFunction()");
}

// Programs are never destroyed, like the device's context.
struct CudaProgram::Maker {
    static const Made &made(int index)
    {
        static std::map<int, Made> *const all = new std::map<int, Made>;
        std::lock_guard<std::mutex> lock(mutex);
        auto found = all->find(index);
        if (found == all->end()) {
            found = all->emplace(index, Made()).first;
            try {
                found->second.program.reset(new CudaProgram(index));
            } catch (const std::bad_alloc &) { // memory may come back
                all->erase(found);
                throw;
            } catch (...) {
                found->second.why = current_reason();
            }
        }
        return found->second;
    }
};

const CudaProgram *CudaProgram::for_device(int index)
{
    return Maker::made(index).program.get();
}

std::string CudaProgram::why(int index)
{
    return Maker::made(index).why;
}

void CudaProgram::write(const sscam_mask_kernel &kernel) const
{
    constexpr int64_t most_blocks_down = 65535,
                      rows_of_a_thread = 4; // positions in the map are found once for them
    const int64_t blocks = (sscam_quad_count(&kernel) + threads_of_a_block - 1) /
                           threads_of_a_block;
    const int64_t blocks_down = std::min((kernel.rows + rows_of_a_thread - 1) / rows_of_a_thread,
                                         most_blocks_down);
    void *arguments[] = {const_cast<sscam_mask_kernel *>(&kernel)};
    const InContext context(context_);
    need_memory(driver().cuLaunchKernel(function_, static_cast<unsigned>(blocks),
                                        static_cast<unsigned>(blocks_down), 1, threads_of_a_block,
                                        1, 1, 0, nullptr, arguments, nullptr),
                "writing masked inputs on the device");
}

int64_t CudaProgram::free_memory() const
{
    size_t free = 0, total = 0;
    const InContext context(context_);
    need(driver().cuMemGetInfo_v2(&free, &total), "cuMemGetInfo()");
    return static_cast<int64_t>(free);
}

} // namespace sscam
