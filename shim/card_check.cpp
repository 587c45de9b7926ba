#include "card_check.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <c10/core/CPUAllocator.h>

#include "card_scorer.hpp"
#include "guard.hpp"
#include "host_array.hpp"
#include "loading.hpp"
#include "network.hpp"

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

#if TORCH_VERSION_MAJOR >= 3 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 2)
#define SSCAM_ALLOCATE_CONST
#else
#define SSCAM_ALLOCATE_CONST const
#endif

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
#if TORCH_VERSION_MAJOR >= 3 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 3)
    void copy_data(void *to, const void *from, std::size_t count) const override { default_copy_data(to, from, count); }
#endif
    c10::DeleterFnPtr raw_deleter() const override { return c10::GetDefaultCPUAllocator()->raw_deleter(); }
};

} // namespace

} // namespace sscam

using namespace sscam;

sscam_status sscam_check_card_masks(const char *device, const sscam_mask_list *masks, int64_t first, int64_t rows,
                                    sscam_layout layout, sscam_precision precision, float *out, int64_t *uploaded)
{
    return guarded("card", SSCAM_E_DEVICE, [&] {
        const CardMasks card(*masks, device_named(device));
        at::Tensor batch = card.write(first, rows, layout, type_of(precision));
        copy_out(layout == SSCAM_LAYOUT_NHWC ? batch.permute({0, 2, 3, 1}) : batch, out);
        *uploaded = card.uploaded_bytes();
    });
}

sscam_status sscam_check_card_scores(const char *device, const float *logits, int64_t rows, int64_t class_count,
                                     const sscam_target *targets, int64_t target_count, sscam_score_kind kind,
                                     float *scores)
{
    return guarded("card", SSCAM_E_DEVICE, [&] {
        at::Tensor given = at::from_blob(const_cast<float *>(logits), {rows, class_count}, at::kFloat);
        copy_out(target_scores(given.to(device_named(device)), targets, target_count, kind), scores);
    });
}

sscam_status sscam_check_card_scoring(void *network, const sscam_score_request *request, float *scores)
{
    return guarded("card", SSCAM_E_DEVICE, [&] {
        const Network &own = *static_cast<Network *>(network);
        score_on_card({plain_form(own.plain()), 1, request->wish.batch_size}, *request, own.device(), scores);
    });
}

sscam_status sscam_check_card_program(int32_t capability)
{
    return guarded("card", SSCAM_E_DEVICE, [&] { CudaProgram::machine_code(capability); });
}

void sscam_check_limit_memory(size_t bytes)
{
    static SmallMemory small;
    most_bytes = bytes;
    c10::SetCPUAllocator(&small, /*priority=*/1);
}
