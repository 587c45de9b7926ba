#include "score/scoring_plan.hpp"

#include <atomic>
#include <limits>

#include "common/guard.hpp"
#include "common/workers.hpp"
#include "engine/network.hpp"

namespace sscam {

namespace {

using Clock = std::chrono::steady_clock;

// Forms differ in rounding; more than this share of the largest logit is another network.
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

// Logits of a batch of the example. The copy to the host also waits for the device.
at::Tensor run(const ScoringWay &way, const Example &example)
{
    const at::Tensor batch =
        repeated(example.input, way.batch, way.form->layout).to(way.form->precision.type);
    return run_for_logits(*way.form->program, batch, {}, 0, example.output).to(at::kCPU);
}

double seconds_an_input(const ScoringWay &way, const Example &example)
{
    const Clock::time_point start = Clock::now();
    run_workers(way.workers, [&](bool) { run(way, example); });
    return seconds_since(start) / static_cast<double>(way.workers * way.batch);
}

} // namespace

bool logits_agree(const at::Tensor &found, const at::Tensor &logits, Precision precision)
{
    if (found.sizes().slice(1) != logits.sizes().slice(1))
        return false;
    const double scale = std::max(logits.abs().max().item<double>(), 1e-6);
    return (found - logits).abs().max().item<double>() <=
           tolerance_of(precision) * scale; // false for NaN
}

bool MeasuringTime::left(double seconds) const
{
    return seconds_since(start_) <
           std::max(least_seconds_, share_of_work * seconds * static_cast<double>(inputs_));
}

bool is_usable(const ScoringWay &way, const Example &example, bool *lacked_memory)
{
    try {
        std::atomic<bool> all_are_near(true);
        run_workers(way.workers, [&](bool) {
            if (!logits_agree(run(way, example), example.logits, way.form->precision))
                all_are_near = false;
        });
        return all_are_near;
    } catch (...) {
        const bool ran_out = memory_ran_out();
        if (ran_out && way.batch == 1 && way.workers == 1) // less is not to be had
            throw;
        if (ran_out && lacked_memory != nullptr)
            *lacked_memory = true;
        return false;
    }
}

std::optional<ScoringWay> fastest_of(const std::vector<ScoringWay> &ways, const Example &example,
                                     const MeasuringTime &time)
{
    std::optional<ScoringWay> fastest;
    double best = std::numeric_limits<double>::infinity();
    for (const ScoringWay &way : ways) {
        if (fastest && !time.left(best))
            break;
        time.pause();
        if (!is_usable(way, example)) // which has also prepared its memory and kernels
            continue;
        const double seconds = ways.size() > 1 ? seconds_an_input(way, example) : 0.0;
        if (seconds < best) {
            best = seconds;
            fastest = way;
        }
    }
    return fastest;
}

} // namespace sscam
