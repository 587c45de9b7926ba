// Scores of masked inputs, in batches, on the fastest form of the network that gives its numbers.
#ifndef SSCAM_SHIM_SCORER_HPP
#define SSCAM_SHIM_SCORER_HPP

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "backend.h"
#include "graph_tap.hpp"
#include "recent.hpp"
#include "scoring_form.hpp"

namespace sscam {

class Network;

// Rows that suit the device where nothing was measured.
int64_t usual_batch(c10::Device device);

// Whether every row of `found` is `logits`, [1, classes], up to what other forms and batch sizes round otherwise.
bool logits_agree(const at::Tensor &found, const at::Tensor &logits);

class Scorer {
public:
    explicit Scorer(const Network &network) : network_(network) {}

    // scores: [targets of the request][its masked inputs].
    void score(const sscam_score_request &request, float *scores);

private:
    // How inputs of one shape are scored. Decided on the first of them and kept, so that all explanations of
    // one loaded network come from the same arithmetic.
    struct Setting {
        std::shared_ptr<const ScoringForm> form;
        int64_t largest_batch;  // 1 for networks that were traced for one image
        int64_t usual_batch;    // for short plans
        int64_t measured_batch; // for long plans, which pay for measuring it; 0: not measured yet
    };
    using Key = std::pair<std::array<int64_t, 3>, std::string>; // of the inputs' shape and the output

    Setting setting_for(const sscam_mask_plan &plan, const std::string &output, bool measure);
    Setting first_setting(const at::Tensor &input, const std::string &output);
    std::shared_ptr<const ScoringForm> fastest_form(const at::Tensor &input, const std::string &output,
                                                    const at::Tensor &logits, int64_t rows);
    int64_t fastest_batch(const Setting &setting, const at::Tensor &input, const std::string &output);
    at::Tensor logits_of_masked(const ScoringForm &form, const sscam_score_request &request, int64_t first,
                                int64_t rows);

    at::Tensor take_buffer(int64_t size);
    void give_back(at::Tensor buffer);
    void free_idle_buffers();

    const Network &network_;
    std::mutex mutex_;
    std::shared_ptr<const ScoringForm> form_; // the one that the first setting chose
    Recent<Key, std::shared_ptr<Setting>> settings_;

    std::mutex buffer_mutex_;
    std::vector<at::Tensor> idle_buffers_; // fresh memory costs a page fault a page at every batch
};

} // namespace sscam

#endif
