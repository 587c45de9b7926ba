#include "score/channel_ablation.hpp"

#include <ATen/ATen.h>

#include "common/guard.hpp"
#include "graph/activation_capture.hpp"
#include "score/score_rows.hpp"
#include "score/scorer.hpp"

namespace sscam {

namespace {

// A layer that runs several times is meant as it is the last time, which is what a capture shows.
class CountingTap : public Tap {
public:
    at::Tensor pass(int64_t, const at::Tensor &value) override
    {
        calls++;
        return value;
    }

    int64_t calls = 0;
};

// Hands on the layer's output with one channel of each row set to zero, class tokens and all; rows
// beyond the channels stay whole. An output of one row is spread over all rows, so that what comes
// before the layer runs once a batch.
class AblationTap : public Tap {
public:
    AblationTap(int64_t last_call, int64_t rows, const sscam_ablation_plan &plan, int64_t first,
                int64_t channel_count)
        : last_call_(last_call), rows_(rows), plan_(plan), first_(first),
          channel_count_(channel_count)
    {
    }

    at::Tensor pass(int64_t, const at::Tensor &value) override
    {
        if (++calls_ != last_call_)
            return value;
        at::Tensor altered = spread(value).clone();
        // Without the batch's axis, those behind it move up.
        const int64_t channel_axis = plan_.channel_axis - (plan_.channel_axis > plan_.batch_axis);
        for (int64_t row = 0; row < channel_count_; row++)
            altered.select(plan_.batch_axis, row)
                .select(channel_axis, plan_.channels[first_ + row])
                .zero_();
        return altered;
    }

private:
    at::Tensor spread(const at::Tensor &value) const
    {
        std::vector<int64_t> shape = value.sizes().vec();
        shape[plan_.batch_axis] = rows_;
        return value.expand(shape);
    }

    int64_t last_call_, rows_;
    const sscam_ablation_plan &plan_;
    int64_t first_, channel_count_, calls_ = 0;
};

class Ablation {
public:
    Ablation(Network &network, const sscam_ablation_request &request)
        : request_(request), table_(network.layers(request.shape, text_or_empty(request.output))),
          program_(network.tapped_at(wanted_layer(*table_, request.plan->layer))),
          input_(network.input_from(request.plan->input, request.shape))
    {
        auto tap = c10::make_intrusive<CountingTap>();
        logits_ = run_for_logits(*program_, input_.clone(), tap, 0, text_or_empty(request.output))
                      .to(at::kCPU);
        last_call_ = tap->calls;
        const int64_t standard = default_batch(network.device());
        *request.extra_inputs = 1 + 2;
        if (gives_logits(1, 2)) {
            batch_ = 4 * standard; // only the tail has as many rows
        } else {
            *request.extra_inputs += 2;
            if (gives_logits(2, 2))
                batch_ = input_rows_ = standard;
        }
        if (request.batch_size > 0 && batch_ > 1)
            batch_ = request.batch_size;
    }

    // Logits without the channels number `first` to `first + rows - 1` of the plan.
    at::Tensor logits_without(int64_t first, int64_t rows) const
    {
        return run(input_rows_ == 1 ? 1 : rows, rows, first, rows);
    }

    int64_t batch() const { return batch_; }

private:
    at::Tensor run(int64_t input_rows, int64_t rows, int64_t first, int64_t channel_count) const
    {
        auto tap = c10::make_intrusive<AblationTap>(last_call_, rows, *request_.plan, first,
                                                    channel_count);
        at::Tensor logits = run_for_logits(*program_, spread_over(input_, input_rows).clone(), tap,
                                           rows, text_or_empty(request_.output));
        if (logits.size(0) != rows || logits.size(1) != logits_.size(1))
            throw Error(SSCAM_E_MODEL, "the network returns logits of shape " +
                                           shape_text(logits.sizes()) + " for " +
                                           std::to_string(rows) + " ablations");
        return logits;
    }

    // Whether rows that are spread at the layer, or before it, come out as the network's own. Skip
    // connections around the layer, and networks traced for one image, may not go along.
    bool gives_logits(int64_t input_rows, int64_t rows) const
    {
        try {
            return logits_agree(run(input_rows, rows, 0, 0).to(at::kCPU), logits_);
        } catch (...) {
            if (memory_ran_out())
                throw;
            return false;
        }
    }

    const sscam_ablation_request &request_;
    std::shared_ptr<const LayerTable> table_;
    std::shared_ptr<const Program> program_;
    at::Tensor input_, logits_;
    int64_t last_call_ = 0, input_rows_ = 1, batch_ = 1;
};

} // namespace

void ablate(Network &network, const sscam_ablation_request &request, float *scores)
{
    const int64_t count = request.plan->channel_count;
    Ablation ablation(network, request);
    const auto name_of = [&](int64_t i) {
        return "without channel " + std::to_string(request.plan->channels[i]);
    };
    in_batches(request, count, ablation.batch(), [&](int64_t first, int64_t rows, int64_t) {
        store_scores(request, ablation.logits_without(first, rows), first, count, name_of, scores);
    });
}

} // namespace sscam
