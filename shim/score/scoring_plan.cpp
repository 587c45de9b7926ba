#include "score/scoring_plan.hpp"

#include <atomic>
#include <limits>

#include "common/guard.hpp"
#include "common/log_queue.hpp"
#include "common/workers.hpp"
#include "engine/network.hpp"
#include "graph/raw_outputs.hpp"

namespace sscam {

namespace {

using Clock = std::chrono::steady_clock;

// Variants differ in rounding; a difference of more than this share of the largest logit is an
// error.
double tolerance_of(Precision precision)
{
    return precision.is_exact() ? 1e-3 : 5e-2;
}

// What measuring may take of the work that it speeds up.
constexpr double share_of_work = 0.04;

double seconds_since(Clock::time_point start)
{
    return std::chrono::duration<double>(Clock::now() - start).count();
}

at::Tensor repeated(const at::Tensor &input, int64_t rows, sscam_memory_format layout)
{
    const auto order = layout == SSCAM_MEMORY_FORMAT_NHWC ? channels_last(input.dim())
                                                          : at::MemoryFormat::Contiguous;
    return spread_over(input, rows).clone(order);
}

// The copy of the logits to the host also waits for the device.
at::Tensor run(const ModelVariant &variant, const at::Tensor &batch,
               const ReferenceInput &reference)
{
    *reference.passes += batch.size(0);
    return run_for_logits(*variant.program, batch.to(variant.precision.type), {}, 0,
                          reference.output)
        .to(at::kCPU);
}

at::Tensor run(const ScoringPlan &plan, const ReferenceInput &reference)
{
    return run(*plan.variant, repeated(reference.input, plan.batch, plan.variant->layout),
               reference);
}

// An input of half the contrast, whose least, mean and greatest values all differ from those of
// `input` and lie between them: a network that looks values up in a table needs them in its range.
at::Tensor with_another_range(const at::Tensor &input)
{
    const at::Tensor least = input.min(), range = input.max() - least;
    if (range.item<float>() == 0.0f)
        return at::linspace(0, 1, input.numel(), input.options()).view(input.sizes());
    return 0.5 * input + 0.5 * least + 0.375 * range;
}

// One batch for each worker.
template <class Check>
void run_batches(const ScoringPlan &plan, const ReferenceInput &reference, const Check &check)
{
    std::atomic<int64_t> left(plan.workers);
    const auto step = [&] {
        if (left-- <= 0)
            return false;
        check(run(plan, reference));
        return true;
    };
    run_workers(plan.workers, {step, plan.workers, [] {}});
}

double seconds_per_input(const ScoringPlan &plan, const ReferenceInput &reference)
{
    const Clock::time_point start = Clock::now();
    run_batches(plan, reference, [](const at::Tensor &) {});
    return seconds_since(start) / static_cast<double>(plan.workers * plan.batch);
}

// False, too, where the check throws. Running out of memory is thrown on where `needs_least`: no
// other plan could need less. Where it is false, the log says why of `what`.
template <class Check>
bool holds(const Check &check, const std::string &what, bool needs_least, bool *lacked_memory)
{
    try {
        if (check())
            return true;
        log_message(SSCAM_LOG_INFO, [&] { return what + ": the network's outputs differ"; });
    } catch (...) {
        const bool ran_out = memory_ran_out();
        if (ran_out && needs_least)
            throw;
        if (ran_out && lacked_memory)
            *lacked_memory = true;
        log_message(SSCAM_LOG_INFO, [&] { return what + ": " + current_reason(); });
    }
    return false;
}

} // namespace

bool logits_agree(const at::Tensor &found, const at::Tensor &logits, const std::string &output,
                  Precision precision)
{
    if (found.sizes().slice(1) != logits.sizes().slice(1))
        return false;
    if (selects_raw_outputs(output))
        return ((found - logits).abs() <= tolerance_of(precision) * logits.abs().clamp_min(1.0))
            .all()
            .item<bool>();
    const double scale = std::max(logits.abs().max().item<double>(), 1e-6);
    return (found - logits).abs().max().item<double>() <=
           tolerance_of(precision) * scale; // false for NaN
}

std::string plan_text(const ScoringPlan &plan)
{
    return plan.variant->form() + ", " + std::to_string(plan.workers) +
           (plan.workers == 1 ? " worker" : " workers") + ", batches of " +
           std::to_string(plan.batch);
}

bool TuningBudget::is_left(double seconds) const
{
    return seconds_since(start_) <
           std::max(least_seconds_, share_of_work * seconds * static_cast<double>(inputs_));
}

bool is_usable(const ScoringPlan &plan, const ReferenceInput &reference, bool *lacked_memory)
{
    const auto gives_reference = [&] {
        std::atomic<bool> all_agree(true);
        run_batches(plan, reference, [&](const at::Tensor &logits) {
            if (!logits_agree(logits, reference.logits, reference.output, plan.variant->precision))
                all_agree = false;
        });
        return all_agree.load();
    };
    return holds(gives_reference, "scoring plan dropped (" + plan_text(plan) + ")",
                 plan.batch == 1 && plan.workers == 1, lacked_memory);
}

bool has_independent_rows(const ModelVariant &variant, const ReferenceInput &reference,
                          bool *lacked_memory)
{
    const auto gives_both = [&] {
        const at::Tensor other = with_another_range(reference.input);
        const at::Tensor other_logits = run(variant, other.clone(), reference);
        const at::Tensor logits = run(variant, at::cat({reference.input, other}), reference);
        return logits.size(0) == 2 &&
               logits_agree(logits, at::cat({reference.logits, other_logits}), reference.output,
                            variant.precision);
    };
    return holds(gives_both, "inputs are scored one by one: in a batch of two", false,
                 lacked_memory);
}

std::optional<ScoringPlan> fastest_plan(const std::vector<ScoringPlan> &plans,
                                        const ReferenceInput &reference, const TuningBudget &budget)
{
    std::optional<ScoringPlan> fastest;
    double best = std::numeric_limits<double>::infinity();
    for (const ScoringPlan &plan : plans) {
        if (fastest && !budget.is_left(best))
            break;
        budget.report();
        if (!is_usable(plan, reference)) // which has also prepared its memory and kernels
            continue;
        const double seconds = plans.size() > 1 ? seconds_per_input(plan, reference) : 0.0;
        if (seconds < best) {
            best = seconds;
            fastest = plan;
        }
    }
    return fastest;
}

} // namespace sscam
