// Scores of masked inputs, in batches, by the fastest variant of the network that agrees with it.
#ifndef SSCAM_SHIM_SCORE_SCORER_HPP
#define SSCAM_SHIM_SCORE_SCORER_HPP

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "common/lru_cache.hpp"
#include "model/backend.h"
#include "score/buffer_pool.hpp"
#include "score/calibration.hpp"
#include "score/scoring_plan.hpp"
#include "score/tuning_lock.hpp"

namespace sscam {

class Network;

// Rows of a batch that suit the device where nothing was measured.
int64_t default_batch(c10::Device device);

class Scorer {
public:
    Scorer(const Network &network, Precision precision);

    // scores: [targets of the request][its masked inputs].
    void score(const sscam_score_request &request, float *scores);

    // Decides how masked inputs like those of the request are scored, as the first score() would.
    void prepare(const sscam_score_request &request);

    // What measuring has chosen, and what was set.
    std::vector<CalibratedPlan> calibration();

    // From now on such plans instead of measuring. Without: measures anew, forgetting what is
    // known.
    void set_calibration(std::optional<std::vector<CalibratedPlan>> plans);

private:
    using Key = PlanKey;

    // How inputs of one shape are scored. Decided once and kept, so that all explanations of one
    // loaded network come from the same arithmetic.
    struct ShapePlans {
        int64_t largest_batch = 1; // stays 1 where rows of a batch depend on each other
        std::optional<ScoringPlan> untuned, tuned; // tuned: measured
        bool batch_is_tuned = false;
        int64_t bytes_per_input = 0; // that measuring has left allocated on a GPU; 0: none
        bool lacked_memory = false;  // a later call may find better plans: these are not kept
    };

    // What a request needs of the plans.
    struct PlanRequest {
        Key key;
        int64_t workers, input_count;
        bool wants_tuned, wants_tuned_batch;
    };

    // A plan, and the network evaluations by which it was chosen now.
    struct Choice {
        ScoringPlan plan;
        int64_t passes = 0;
    };

    using Variants = std::shared_ptr<const ModelVariants>;

    Choice plan_for(const sscam_score_request &request, bool is_first_of_many);
    Choice calibrated_plan(const sscam_score_request &request, const PlanRequest &wanted);
    std::optional<CalibratedPlan> find_calibrated(const PlanRequest &wanted, bool &is_calibrated);
    PlanRequest plan_request(const sscam_score_request &request) const;
    std::shared_ptr<const ShapePlans> known_plans(const Key &key);
    void keep_plans(const Key &key, const std::shared_ptr<const ShapePlans> &plans);
    ReferenceInput reference_input(const sscam_score_request &request) const;
    Variants variants();
    Variants all_variants(const ReferenceInput &reference);
    void release_measured_variants(const ScoringPlan &chosen);

    std::shared_ptr<const ShapePlans> complete_plans(const ShapePlans *known,
                                                     const PlanRequest &wanted,
                                                     const ReferenceInput &reference,
                                                     const std::function<void()> &report);
    ShapePlans new_plans(const ModelVariants &variants, const ReferenceInput &reference) const;
    ScoringPlan untuned_plan(ShapePlans &plans, const ModelVariants &variants, int64_t workers,
                             const ReferenceInput &reference) const;
    ScoringPlan tuned_plan(ShapePlans &plans, const ModelVariants &variants, int64_t workers,
                           const ReferenceInput &reference, const TuningBudget &budget);
    std::vector<ScoringPlan> candidates(const ShapePlans &plans, const ModelVariants &variants,
                                        int64_t workers, int64_t rank) const;
    std::optional<ScoringPlan> fastest_for_batches(std::vector<ScoringPlan> found,
                                                   const ShapePlans &plans,
                                                   const ReferenceInput &reference,
                                                   const TuningBudget &budget) const;
    std::optional<ScoringPlan> with_default_batch(ScoringPlan plan, const ShapePlans &plans,
                                                  const ReferenceInput &reference) const;
    ScoringPlan with_tuned_batch(const ShapePlans &plans, const ReferenceInput &reference,
                                 const TuningBudget &budget) const;

    void score_batches(const ScoringPlan &plan, const sscam_score_request &request, float *scores);
    int64_t score_batch(const ScoringPlan &plan, const sscam_score_request &request, int64_t first,
                        int64_t rows, float *scores);
    void score_rows(const ModelVariant &variant, const sscam_score_request &request, int64_t first,
                    int64_t rows, float *scores);

    const Network &network_;
    const Precision precision_;
    BufferPool buffers_;
    TuningLock tuning_;

    std::mutex mutex_; // of what follows; held for look-ups only
    std::optional<std::map<Key, CalibratedPlan>> calibrated_; // set from outside
    Variants variants_;
    std::map<int64_t, ScoringPlan> first_tuned_; // by workers asked for: the first shape's plan
    LruCache<Key, std::shared_ptr<const ShapePlans>> plans_;
};

} // namespace sscam

#endif
