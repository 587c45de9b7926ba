#include "cuda/cuda_scorer.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <limits>
#include <optional>
#include <thread>

#include <c10/core/Event.h>

#include "common/guard.hpp"
#include "cuda/cuda_stream.hpp"
#include "engine/network.hpp"
#include "score/score_rows.hpp"

namespace sscam {

namespace {

// The host prepares a batch while the device computes the one before, and never more: a cancelled
// call ends soon, and memory is bounded.
class Pace {
public:
    explicit Pace(const OnDefaultStream &on) : stream_(on.stream()) {}

    // A batch has been started.
    void step()
    {
        if (!stream_)
            return;
        under_way_.emplace_back(stream_->device_type());
        under_way_.back().record(*stream_);
        if (under_way_.size() <= most_under_way)
            return;
        while (!under_way_.front().query())
            std::this_thread::sleep_for(std::chrono::microseconds(20));
        under_way_.pop_front();
    }

private:
    static constexpr size_t most_under_way = 2;
    const std::optional<c10::Stream> stream_;
    std::deque<c10::Event> under_way_;
};

// Rows of a batch that `rows` inputs are left for: cuDNN chooses its algorithms anew for each
// number of rows that it has not seen, which costs more than a few rows that nobody asked for.
int64_t padded(int64_t rows, int64_t batch)
{
    const int64_t step = std::max<int64_t>(1, batch / 16);
    return std::min(batch, (rows + step - 1) / step * step);
}

} // namespace

bool makes_masks(c10::Device device)
{
    return device.is_cuda() && CudaProgram::for_device(device.index());
}

int64_t free_memory(c10::Device device)
{
    if (!makes_masks(device))
        return std::numeric_limits<int64_t>::max();
    return CudaProgram::for_device(device.index())->free_memory();
}

void score_on_card(const ScoringPlan &plan, const sscam_score_request &request,
                   const Network &network, float *scores)
{
    const c10::Device device = network.device();
    const OnDefaultStream stream(device);
    const CudaMasks masks(*request.masks, device, network.device_inputs());
    const int64_t count = sscam_mask_list_count(request.masks);
    const std::string output = text_or_empty(request.output);
    at::Tensor found = at::empty({request.target_count, count},
                                 at::TensorOptions(device).dtype(at::kFloat));
    Pace pace(stream);
    RowReader reader;
    in_batches(request, count, plan.batch, [&](int64_t first, int64_t rows, int64_t batch) {
        const at::Tensor inputs = masks.write(first, rows, padded(rows, batch),
                                              plan.variant->layout, plan.variant->precision.type);
        const at::Tensor logits =
            run_for_logits(*plan.variant->program, inputs, {}, 0, output).narrow(0, 0, rows);
        check_outputs(request, logits.size(1), name_of_masked, first);
        found.narrow(1, first, rows)
            .copy_(
                target_scores(logits, request.targets, request.target_count, request.kind, reader));
        pace.step();
    });
    found = found.to(at::kCPU);
    const float *score = found.data_ptr<float>();
    for (int64_t i = 0; i < found.numel(); i++)
        scores[i] = static_cast<float>(checked_score(score[i], name_of_masked, i % count));
}

} // namespace sscam
