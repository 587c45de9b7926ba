// Which way of scoring masked inputs is fastest here.
#ifndef SSCAM_SHIM_SCORE_SCORING_PLAN_HPP
#define SSCAM_SHIM_SCORE_SCORING_PLAN_HPP

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "score/model_variant.hpp"

namespace sscam {

// In which form, by how many workers, in batches of what size. Workers run whole batches side by
// side, each on one thread; a single one leaves the threads to the operations.
struct ScoringWay {
    std::shared_ptr<const ScoringForm> form;
    int64_t workers;
    int64_t batch;
};

// What measuring may cost: a share of the work that it speeds up, and some seconds in any case.
class MeasuringTime {
public:
    // `between` is called between measurements and may throw.
    MeasuringTime(double least_seconds, int64_t inputs, std::function<void()> between)
        : least_seconds_(least_seconds), inputs_(inputs), between_(std::move(between))
    {
    }

    // Whether there is time for another, now that an input is known to take `seconds`.
    bool left(double seconds) const;

    void pause() const { between_(); }

private:
    using Clock = std::chrono::steady_clock;
    const double least_seconds_;
    const int64_t inputs_;
    const std::function<void()> between_;
    const Clock::time_point start_ = Clock::now();
};

// One input whose logits are known, for trying ways on.
struct Example {
    at::Tensor input, logits;
    std::string output; // of the network's; "" for the one that is found
};

// Whether every row of `found`, computed at a precision, is `logits`, [1, classes], up to what
// other forms and batch sizes round otherwise.
bool logits_agree(const at::Tensor &found, const at::Tensor &logits, Precision precision = {});

// Whether the network gives the example's logits in this way, in every row of every worker's batch.
// A way that fails is not usable, whatever the reason; where it is memory, which may come back,
// `*lacked_memory` becomes true.
bool is_usable(const ScoringWay &way, const Example &example, bool *lacked_memory = nullptr);

// The fastest usable one, if any, of ways in the order in which they promise most; the later ones
// are tried as long as there is time.
std::optional<ScoringWay> fastest_of(const std::vector<ScoringWay> &ways, const Example &example,
                                     const MeasuringTime &time);

} // namespace sscam

#endif
