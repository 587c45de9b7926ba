#include "cuda/cuda_check.h"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <c10/core/CPUAllocator.h>

#include "common/guard.hpp"
#include "common/host_array.hpp"
#include "cuda/cuda_driver.hpp"
#include "cuda/cuda_scorer.hpp"
#include "cuda/tf32_guard.hpp"
#include "engine/network.hpp"
#include "load/module_loader.hpp"

namespace sscam {

namespace {

at::ScalarType type_of(sscam_precision precision)
{
    switch (precision) {
    case SSCAM_PRECISION_BF16: return at::kBFloat16;
    case SSCAM_PRECISION_FP16: return at::kHalf;
    default: return at::kFloat;
    }
}

void copy_out(const at::Tensor &values, float *out)
{
    const at::Tensor flat = values.to(at::kCPU, at::kFloat).reshape({-1});
    std::copy_n(flat.data_ptr<float>(), flat.numel(), out);
}

#if SSCAM_TORCH_ALLOCATE_IS_CONST
#define SSCAM_ALLOCATE_CONST const
#else
#define SSCAM_ALLOCATE_CONST
#endif

using HostSetting = void (*)(at::Context &);

const HostSetting host_settings[] = {
    [](at::Context &) {},
    [](at::Context &context) { context.setAllowTF32CuDNN(false); },
    [](at::Context &context) { context.setFloat32MatmulPrecision("high"); },
    [](at::Context &context) { context.setFloat32MatmulPrecision("medium"); },
    [](at::Context &context) { context.setAllowTF32CuBLAS(true); },
#if SSCAM_TORCH_PRECISION_ENUMERATIONS
    // by the newer switches, which contradict the older ones then
    [](at::Context &context) {
        context.setFloat32Precision(at::Float32Backend::GENERIC, at::Float32Op::ALL,
                                    at::Float32Precision::TF32);
    },
    [](at::Context &context) {
        context.setFloat32Precision(at::Float32Backend::CUDA, at::Float32Op::CONV,
                                    at::Float32Precision::IEEE);
    },
    [](at::Context &context) {
        context.setFloat32Precision(at::Float32Backend::CUDA, at::Float32Op::MATMUL,
                                    at::Float32Precision::TF32);
    },
#endif
};

void set_defaults(at::Context &context)
{
#if SSCAM_TORCH_PRECISION_ENUMERATIONS
    context.setFloat32Precision(at::Float32Backend::GENERIC, at::Float32Op::ALL,
                                at::Float32Precision::NONE);
#endif
    context.setAllowTF32CuDNN(true);
    context.setFloat32MatmulPrecision("highest");
}

bool is(Tf32Switches found, bool convolutions, bool matrices)
{
    return found.convolutions == convolutions && found.matrices == matrices;
}

void expect(bool is_right, const char *what)
{
    if (!is_right)
        throw Error(SSCAM_E_MODEL, what);
}

void expect_tf32(bool tf32, const char *when)
{
    expect(is(tf32_switches(), tf32, tf32), when);
}

const c10::Device any_gpu(c10::kCUDA, 0);

// A call of another thread, which adds its number to `calls`.
class OtherCall {
public:
    OtherCall(bool tf32, int number, std::vector<int> &calls, std::mutex &mutex)
        : thread_([this, tf32, number, &calls, &mutex] {
              const Tf32Guard guard(any_gpu, tf32);
              std::lock_guard<std::mutex> lock(mutex);
              calls.push_back(number);
              ended_ = true;
          })
    {
    }

    void wait_for_turn_or_end(int64_t waiting) const
    {
        while (tf32_waiting() < waiting && !ended_)
            std::this_thread::yield();
    }

    void join() { thread_.join(); }

private:
    std::atomic<bool> ended_{false};
    std::thread thread_;
};

void check_turns()
{
    std::vector<int> calls;
    std::mutex mutex;
    auto exact = std::make_unique<Tf32Guard>(any_gpu, false);
    OtherCall other(true, 1, calls, mutex);
    other.wait_for_turn_or_end(1);
    OtherCall late(false, 2, calls, mutex);
    late.wait_for_turn_or_end(2);
    exact.reset();
    other.join();
    late.join();
    expect(calls == std::vector<int>{1, 2}, "a later call overtakes one that waits");
}

void check_nesting()
{
    const Tf32Switches before = tf32_switches();
    {
        const Tf32Guard outer(any_gpu, false);
        expect_tf32(false, "the outer call computes in TF32");
        {
            const Tf32Guard same(any_gpu, false);
            const Tf32Guard inner(any_gpu, true);
            expect_tf32(true, "the inner call computes in the outer one's precision");
        }
        expect_tf32(false, "the outer call computes in the inner one's precision");
        {
            const Tf32Pause callback;
            std::vector<int> calls;
            std::mutex mutex;
            OtherCall(true, 1, calls, mutex).join();
            expect(is(tf32_switches(), before.convolutions, before.matrices),
                   "a callback finds other switches than the host's");
        }
        expect_tf32(false, "the outer call computes otherwise after a callback");
    }
    expect(is(tf32_switches(), before.convolutions, before.matrices), "switches stay set");
}

thread_local int plain_convolutions = 0;

std::unique_ptr<at::ObserverContext> count_plain_convolutions(const at::RecordFunction &function)
{
    plain_convolutions += std::string(function.name()) == "aten::convolution";
    return nullptr;
}

size_t most_bytes = 0;

// libtorch's own allocator, with less memory.
class SmallMemory : public c10::Allocator {
public:
    c10::DataPtr allocate(size_t size) SSCAM_ALLOCATE_CONST override
    {
        if (most_bytes > 0 && size > most_bytes)
            throw std::bad_alloc();
        return c10::GetDefaultCPUAllocator()->allocate(size);
    }
#if SSCAM_TORCH_ALLOCATOR_COPIES
    void copy_data(void *to, const void *from, std::size_t count) const override
    {
        default_copy_data(to, from, count);
    }
#endif
    c10::DeleterFnPtr raw_deleter() const override
    {
        return c10::GetDefaultCPUAllocator()->raw_deleter();
    }
};

} // namespace

} // namespace sscam

using namespace sscam;

sscam_status sscam_check_cuda_masks(const char *device, const sscam_mask_list *masks, int64_t first,
                                    int64_t rows, sscam_memory_format layout,
                                    sscam_precision precision, float *out, int64_t *uploaded)
{
    return guarded("check", SSCAM_E_DEVICE, [&] {
        const CudaMasks on_device(*masks, device_named(device), DeviceInputs());
        at::Tensor batch = on_device.write(first, rows, rows, layout, type_of(precision));
        copy_out(layout == SSCAM_MEMORY_FORMAT_NHWC ? batch.movedim(1, -1) : batch, out);
        *uploaded = on_device.uploaded_bytes();
    });
}

sscam_status sscam_check_cuda_scores(const char *device, const float *logits, int64_t rows,
                                     int64_t class_count, const sscam_target *targets,
                                     int64_t target_count, sscam_score_kind kind, float *scores)
{
    return guarded("check", SSCAM_E_DEVICE, [&] {
        at::Tensor given = at::from_blob(const_cast<float *>(logits), {rows, class_count},
                                         at::kFloat);
        RowReader reader;
        copy_out(target_scores(given.to(device_named(device)), targets, target_count, kind, reader),
                 scores);
    });
}

sscam_status sscam_check_cuda_scoring(void *network, const sscam_score_request *request,
                                      float *scores)
{
    return guarded("check", SSCAM_E_DEVICE, [&] {
        const Network &own = *static_cast<Network *>(network);
        const Tf32Guard exact(own.device(), /*tf32=*/false);
        score_on_card({plain_variant(own.plain()), 1, request->scoring.batch_size}, *request, own,
                      scores);
    });
}

sscam_status sscam_check_device_values(const sscam_cuda_array *array, float *out, int32_t *in_place)
{
    return guarded("check", SSCAM_E_DEVICE, [&] {
        const at::Tensor values = device_values(*array, at::kCPU).to(at::kFloat).contiguous();
        *in_place = values.data_ptr() == array->data;
        copy_out(values, out);
    });
}

sscam_status sscam_check_hold(void *network, const float *values, int64_t count, const float **held)
{
    return guarded("check", SSCAM_E_DEVICE, [&] {
        const at::Tensor copy =
            at::from_blob(const_cast<float *>(values), {count}, at::kFloat).clone();
        static_cast<Network *>(network)->device_inputs().keep(copy);
        *held = copy.data_ptr<float>();
    });
}

sscam_status sscam_check_late_values(const char *device, const float *values, int64_t count,
                                     const void **data, void **stream)
{
    return guarded("check", SSCAM_E_DEVICE, [&] {
        constexpr int64_t large = INT64_C(1) << 28;
        int (*create)(void **stream, unsigned flags) = nullptr;
        int (*set)(uintptr_t to, unsigned char value, size_t size, void *stream) = nullptr;
        int (*copy)(uintptr_t to, uintptr_t from, size_t size, void *stream) = nullptr;
        const c10::Device gpu = device_named(device);
        void *library = open_first({"libcuda.so.1", "libcuda.so"});
        find(library, "cuStreamCreate", create);
        find(library, "cuMemsetD8Async", set);
        find(library, "cuMemcpyDtoDAsync_v2", copy);
        static std::vector<at::Tensor> kept; // never freed
        const at::Tensor source =
            at::from_blob(const_cast<float *>(values), {count}, at::kFloat).to(gpu);
        const at::Tensor late = at::zeros_like(source),
                         other = at::zeros({large}, source.options().dtype(at::kByte));
        other.sum().item(); // all of it is there
        kept.insert(kept.end(), {source, late, other});
        const InContext context(primary_context(gpu.index()));
        constexpr unsigned non_blocking = 1; // beside the default stream, which does not wait
        need(create(stream, non_blocking), "cuStreamCreate()");
        for (int i = 0; i < 100; i++)
            need(set(reinterpret_cast<uintptr_t>(other.data_ptr()), 1, large, *stream),
                 "cuMemsetD8Async()");
        need(copy(reinterpret_cast<uintptr_t>(late.data_ptr()),
                  reinterpret_cast<uintptr_t>(source.data_ptr()), source.nbytes(), *stream),
             "cuMemcpyDtoDAsync()");
        *data = late.data_ptr();
    });
}

int64_t sscam_check_tf32_settings(void)
{
    return std::end(host_settings) - std::begin(host_settings);
}

int32_t sscam_check_tf32(int64_t setting, int32_t in_tf32)
{
    at::Context &context = at::globalContext();
    set_defaults(context);
    host_settings[setting](context);
    const Tf32Switches before = tf32_switches();
    bool is_right;
    {
        const Tf32Guard guard(c10::Device(c10::kCUDA, 0), in_tf32 != 0);
        is_right = is(tf32_switches(), in_tf32 != 0, in_tf32 != 0);
    }
    is_right = is_right && is(tf32_switches(), before.convolutions, before.matrices);
    set_defaults(context);
    return is_right;
}

sscam_status sscam_check_tf32_turns(void)
{
    return guarded("TF32", SSCAM_E_MODEL, check_turns);
}

sscam_status sscam_check_tf32_nesting(void)
{
    return guarded("TF32", SSCAM_E_MODEL, check_nesting);
}

sscam_status sscam_check_traced_convolution(void)
{
    return guarded("check", SSCAM_E_MODEL, [] {
        torch::jit::Module module("traced");
        module.register_buffer("weight", at::ones({2, 3, 1, 1}, at::kFloat));
        module.define(R"(
            def forward(self, x):
                return torch._convolution(x, self.weight, None, [1, 1], [0, 0], [1, 1], False,
                                          [0, 0], 1, False, False, True, True)
        )");
        const auto form = default_form(module, at::kCPU);
        const auto program = MarkedGraph(module, form).program([](int64_t) { return false; });
        const auto handle = at::addThreadLocalCallback(
            at::RecordFunctionCallback(count_plain_convolutions));
        plain_convolutions = 0;
        const at::Tensor found = program->run(at::ones({1, 3, 4, 4}, at::kFloat)).toTensor();
        at::removeCallback(handle);
        if (plain_convolutions != 1 || !found.equal(at::full({1, 2, 4, 4}, 3.0f, at::kFloat)))
            throw Error(SSCAM_E_MODEL,
                        std::to_string(plain_convolutions) + " convolutions went by the switches");
    });
}

sscam_status sscam_check_call_stacks(void *network)
{
    return guarded("check", SSCAM_E_MODEL, [&] {
        int64_t known = 0, others = 0;
        for (const auto &variant :
             make_variants(*static_cast<Network *>(network), Precision()).list) {
            const Program &program = *variant->program;
            const auto *forward = &program.module().get_method("forward").function();
            for (const torch::jit::Node *node : program.code().instructions_source())
                if (node->callstack())
                    for (const auto &entry : (*node->callstack())->vec())
                        ++(std::get<0>(entry) == forward ? known : others);
        }
        if (others > 0 || known == 0)
            throw Error(SSCAM_E_MODEL, std::to_string(others) + " of " +
                                           std::to_string(known + others) +
                                           " functions may be gone");
    });
}

sscam_status sscam_check_status_of(const char *text)
{
    return guarded("check", SSCAM_E_MODEL, [&] { throw std::runtime_error(text); });
}

sscam_status sscam_check_cuda_program(int32_t capability)
{
    return guarded("check", SSCAM_E_DEVICE, [&] { CudaProgram::machine_code(capability); });
}

void sscam_check_limit_memory(size_t bytes)
{
    static SmallMemory small;
    most_bytes = bytes;
    c10::SetCPUAllocator(&small, /*priority=*/1);
}
