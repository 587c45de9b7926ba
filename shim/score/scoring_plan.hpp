// Measuring which plan scores masked inputs fastest on this machine.
#ifndef SSCAM_SHIM_SCORE_SCORING_PLAN_HPP
#define SSCAM_SHIM_SCORE_SCORING_PLAN_HPP

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "score/model_variant.hpp"

namespace sscam {

// Several workers evaluate whole batches side by side, each on one thread; a single one leaves the
// threads to libtorch's operations.
struct ScoringPlan {
    std::shared_ptr<const ModelVariant> variant;
    int64_t workers;
    int64_t batch;
    bool is_one_by_one = false; // since batches change the outputs of their rows
};

// The time that measuring may take: a share of the work that it speeds up, and some seconds in any
// case.
class TuningBudget {
public:
    // `report` is called between measurements and may throw.
    TuningBudget(double least_seconds, int64_t inputs, std::function<void()> report)
        : least_seconds_(least_seconds), inputs_(inputs), report_(std::move(report))
    {
    }

    // Whether there is time for another measurement, now that an input is known to take `seconds`.
    bool is_left(double seconds) const;

    void report() const { report_(); }

private:
    using Clock = std::chrono::steady_clock;
    const double least_seconds_;
    const int64_t inputs_;
    const std::function<void()> report_;
    const Clock::time_point start_ = Clock::now();
};

// An input with the logits that the plain network gives for it: what plans are checked with.
struct ReferenceInput {
    at::Tensor input, logits;
    std::string output; // of the network's; "" for the one that is found
    // Network evaluations by which plans were checked and measured.
    std::shared_ptr<std::atomic<int64_t>> passes = std::make_shared<std::atomic<int64_t>>(0);
};

// "channels-last, 2 workers, batches of 4"
std::string plan_text(const ScoringPlan &plan);

// Whether every row of `found`, computed at a precision, is `logits`, [1, classes], up to the
// rounding that depends on variants and batch sizes. `output`: which output they are of. The values
// of a detector are compared one by one, since pixels of boxes would hide differences of scores.
bool logits_agree(const at::Tensor &found, const at::Tensor &logits, const std::string &output,
                  Precision precision = {});

// Whether the plan gives the reference logits, in every row of every worker's batch. A plan that
// fails is not usable, whatever the reason; where the reason is a lack of memory, which may pass,
// `*lacked_memory` becomes true. Throws where not even one input fits in memory.
bool is_usable(const ScoringPlan &plan, const ReferenceInput &reference,
               bool *lacked_memory = nullptr);

// Whether a batch of two different inputs gives the logits of each alone. It does not where the
// network was traced for one image or uses statistics of the batch. Failures: as of is_usable().
bool has_independent_rows(const ModelVariant &variant, const ReferenceInput &reference,
                          bool *lacked_memory);

// The fastest usable one, if any, of plans that are sorted by their promise; the later ones are
// tried as long as there is time.
std::optional<ScoringPlan> fastest_plan(const std::vector<ScoringPlan> &plans,
                                        const ReferenceInput &reference,
                                        const TuningBudget &budget);

} // namespace sscam

#endif
