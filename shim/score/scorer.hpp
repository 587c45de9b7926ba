// Scores of masked inputs, in batches, on the fastest form of the network that gives its numbers.
#ifndef SSCAM_SHIM_SCORE_SCORER_HPP
#define SSCAM_SHIM_SCORE_SCORER_HPP

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/lru_cache.hpp"
#include "model/backend.h"
#include "score/buffer_pool.hpp"
#include "score/scoring_plan.hpp"

namespace sscam {

class Network;

// Rows that suit the device where nothing was measured.
int64_t usual_batch(c10::Device device);

class Scorer {
public:
    Scorer(const Network &network, Precision precision);

    // scores: [targets of the request][its masked inputs].
    void score(const sscam_score_request &request, float *scores);

private:
    // How inputs of one shape are scored. Decided once and kept, so that all explanations of one
    // loaded network come from the same arithmetic.
    struct Setting {
        int64_t largest_batch = 1; // stays 1 for networks that were traced for one image
        std::optional<ScoringWay> unmeasured, measured;
        bool batch_is_measured = false;
        int64_t bytes_an_input =
            0; // that measuring left taken on a card; 0 where it came by with what it had
        bool lacked_memory = false; // it might be better when memory is back, and is not kept
    };
    using Key =
        std::pair<std::vector<int64_t>, std::string>; // the input's shape and workers; output

    ScoringWay way_for(const sscam_score_request &request);
    void make_forms();
    std::shared_ptr<Setting> new_setting(const Example &example);
    ScoringWay unmeasured_way(Setting &setting, int64_t workers, const Example &example) const;
    ScoringWay measured_way(Setting &setting, int64_t workers, const Example &example,
                            const MeasuringTime &time);
    std::vector<ScoringWay> candidates(const Setting &setting, int64_t workers, int64_t rank) const;
    ScoringWay in_usual_batches(ScoringWay way, const Setting &setting,
                                const Example &example) const;
    ScoringWay with_measured_batch(const Setting &setting, const Example &example,
                                   const MeasuringTime &time) const;
    void score_batches(const ScoringWay &way, const sscam_score_request &request, float *scores);
    int64_t score_batch(const ScoringWay &way, const sscam_score_request &request, int64_t first,
                        int64_t rows, float *scores);
    void score_masked(const ScoringForm &form, const sscam_score_request &request, int64_t first,
                      int64_t rows, float *scores);

    const Network &network_;
    const Precision precision_;
    std::mutex mutex_; // of what follows
    std::vector<std::shared_ptr<const ScoringForm>>
        forms_;                            // the safest first, the most promising one last
    bool forms_lacked_memory_ = false;     // there may be more
    std::map<int64_t, ScoringWay> chosen_; // by workers asked for: what the first shape chose
    Recent<Key, std::shared_ptr<Setting>> settings_;

    BufferPool buffers_;
};

} // namespace sscam

#endif
