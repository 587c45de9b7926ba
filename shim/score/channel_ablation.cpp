#include "score/channel_ablation.hpp"

#include <functional>
#include <utility>

#include <ATen/ATen.h>

#include "common/guard.hpp"
#include "graph/activation_capture.hpp"
#include "graph/batch_axis.hpp"
#include "score/score_rows.hpp"
#include "score/scorer.hpp"

namespace sscam {

namespace {

// Counts the calls of a layer: of several, the last one is ablated, which is what a capture shows.
class CountingTap : public Tap {
public:
    at::Tensor pass(int64_t, const at::Tensor &value) override
    {
        calls++;
        return value;
    }

    int64_t calls = 0;
};

// Replaces the layer's output by one in which each of the rows is ablated. An output of one row is
// repeated for all rows, so that the network before the layer runs once a batch.
class AblationTap : public Tap {
public:
    // Sets values of row number `row` to zero.
    using AblateRow = std::function<void(at::Tensor values, int64_t row)>;

    AblationTap(const InputForm &form, int64_t last_call, int64_t rows, int64_t batch_axis,
                AblateRow ablate_row)
        : form_(form), last_call_(last_call), rows_(rows), batch_axis_(batch_axis),
          ablate_row_(std::move(ablate_row))
    {
    }

    at::Tensor pass(int64_t, const at::Tensor &value) override
    {
        if (++calls_ != last_call_)
            return value;
        const bool lacks_batch = lacks_batch_axis(form_, value);
        at::Tensor altered = spread(lacks_batch ? value.unsqueeze(0) : value).clone();
        for (int64_t row = 0; row < rows_; row++)
            ablate_row_(altered.select(batch_axis_, row), row);
        return lacks_batch && rows_ == 1 ? altered.squeeze(0) : altered;
    }

private:
    at::Tensor spread(const at::Tensor &value) const
    {
        std::vector<int64_t> shape = value.sizes().vec();
        shape[batch_axis_] = rows_;
        return value.expand(shape);
    }

    const InputForm &form_;
    const int64_t last_call_, rows_, batch_axis_;
    const AblateRow ablate_row_;
    int64_t calls_ = 0;
};

// Factors of one row's values, of which they lack the channels.
at::Tensor position_mask(const sscam_ablation_plan &plan, int64_t position,
                         const at::Tensor &values, int64_t channel_axis)
{
    std::vector<int64_t> shape = values.sizes().vec();
    shape[channel_axis] = 1;
    const int64_t count = c10::multiply_integers(shape);
    if (count != plan.extra_tokens + sscam_position_count(plan.sides))
        throw Error(SSCAM_E_MODEL, "layer \"" + std::string(plan.layer) + "\": it has now " +
                                       std::to_string(count) + " positions");
    at::Tensor mask = at::empty(shape, at::kFloat);
    sscam_position_mask(&plan, position, mask.data_ptr<float>());
    return mask.to(values.device(), values.scalar_type());
}

class Ablation {
public:
    Ablation(Network &network, const sscam_ablation_request &request)
        : request_(request), input_(network.input_from(request.plan->input, request.shape)),
          table_(network.layers(input_, text_or_empty(request.output))),
          program_(network.tapped_at(wanted_layer(*table_, request.plan->layer)))
    {
        auto tap = c10::make_intrusive<CountingTap>();
        logits_ = run_for_logits(*program_, input_.clone(), tap, 0, text_or_empty(request.output))
                      .to(at::kCPU);
        last_call_ = tap->calls;
        const int64_t standard = default_batch(network.device());
        *request.extra_inputs = 1 + 2;
        if (gives_logits(1)) {
            batch_ = 4 * standard; // only the network behind the layer has as many rows
        } else {
            *request.extra_inputs += 2;
            if (gives_logits(2))
                batch_ = input_rows_ = standard;
        }
        if (request.batch_size > 0 && batch_ > 1)
            batch_ = request.batch_size;
    }

    // Row i: logits with the plan's alteration number `first + i`. A channel's values are set to
    // zero in class tokens, too.
    at::Tensor logits_altered(int64_t first, int64_t rows) const
    {
        const sscam_ablation_plan &plan = *request_.plan;
        // Without the batch axis, those behind it move up.
        const int64_t channel_axis = plan.channel_axis - (plan.channel_axis > plan.batch_axis);
        return run(input_rows_ == 1 ? 1 : rows, rows, [&](const at::Tensor &values, int64_t row) {
            if (plan.channels)
                values.select(channel_axis, plan.channels[first + row]).zero_();
            else
                values.mul_(position_mask(plan, first + row, values, channel_axis));
        });
    }

    int64_t batch() const { return batch_; }

private:
    at::Tensor run(int64_t input_rows, int64_t rows, const AblationTap::AblateRow &ablate_row) const
    {
        auto tap = c10::make_intrusive<AblationTap>(program_->form(), last_call_, rows,
                                                    request_.plan->batch_axis, ablate_row);
        at::Tensor logits = run_for_logits(*program_, spread_over(input_, input_rows).clone(), tap,
                                           rows, text_or_empty(request_.output));
        if (logits.size(0) != rows || logits.size(1) != logits_.size(1))
            throw Error(SSCAM_E_MODEL, "the network returns logits of shape " +
                                           shape_text(logits.sizes()) + " for " +
                                           std::to_string(rows) + " ablations");
        return logits;
    }

    // Whether a row in which nothing is ablated, behind one of zeros, gives the network's own
    // logits where `input_rows` enter it. It may not with skip connections around the layer, in
    // networks traced for one image, and where rows of a batch depend on each other.
    bool gives_logits(int64_t input_rows) const
    {
        try {
            const at::Tensor logits = run(input_rows, 2, [](const at::Tensor &values, int64_t row) {
                if (row == 0)
                    values.zero_();
            });
            return logits_agree(logits.slice(0, 1, 2).to(at::kCPU), logits_,
                                text_or_empty(request_.output));
        } catch (...) {
            if (memory_ran_out())
                throw;
            return false;
        }
    }

    const sscam_ablation_request &request_;
    const at::Tensor input_;
    std::shared_ptr<const LayerTable> table_;
    std::shared_ptr<const Program> program_;
    at::Tensor logits_;
    int64_t last_call_ = 0, input_rows_ = 1, batch_ = 1;
};

} // namespace

void ablate(Network &network, const sscam_ablation_request &request, float *scores)
{
    const int64_t count = request.plan->channel_count;
    Ablation ablation(network, request);
    const auto name_of = [&](int64_t i) {
        return request.plan->channels
                   ? "without channel " + std::to_string(request.plan->channels[i])
                   : "with position " + std::to_string(i) + " alone";
    };
    in_batches(request, count, ablation.batch(), [&](int64_t first, int64_t rows, int64_t) {
        store_scores(request, ablation.logits_altered(first, rows), first, count, name_of, scores);
    });
}

} // namespace sscam
