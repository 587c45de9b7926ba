// Turns rows of logits into scores, for masked inputs and ablations.
#ifndef SSCAM_SHIM_SCORE_SCORE_ROWS_HPP
#define SSCAM_SHIM_SCORE_SCORE_ROWS_HPP

#include <algorithm>
#include <cmath>
#include <string>

#include <ATen/ATen.h>

#include "common/forked_child.hpp"
#include "common/guard.hpp"
#include "cuda/tf32_guard.hpp"
#include "graph/dense_output.hpp"
#include "model/backend.h"

namespace sscam {

// The score of input number i, which messages name name(i).
template <class Name>
double checked_score(double score, const Name &name, int64_t i)
{
    if (!std::isfinite(score))
        throw Error(SSCAM_E_MODEL, "the network's score " + name(i) + " is not finite");
    return score;
}

// A network may give fewer outputs for an altered input than for the original.
template <class Request, class Name>
void check_outputs(const Request &request, int64_t output_count, const Name &name, int64_t i)
{
    for (int64_t t = 0; t < request.target_count; t++) {
        const int64_t wanted = sscam_target_output_count(&request.targets[t]);
        const bool takes_all = sscam_target_takes_all_outputs(&request.targets[t]) != 0;
        if (wanted > output_count || (takes_all && wanted != output_count))
            throw Error(SSCAM_E_MODEL, "the network has " + std::to_string(output_count) +
                                           " outputs now, where " + std::to_string(wanted) +
                                           (takes_all ? "" : " or more") +
                                           " are explained, in the score " + name(i));
    }
}

// `name` for store_scores().
inline std::string name_of_masked(int64_t input)
{
    return "of masked input " + std::to_string(input);
}

// Writes one score a row, of inputs number `first` and following, into `scores`, which is [targets
// of the request][count]. `name(i)` is how messages name input number i.
template <class Request, class Name>
void store_scores(const Request &request, const at::Tensor &logits, int64_t first, int64_t count,
                  const Name &name, float *scores)
{
    check_outputs(request, logits.size(1), name, first);
    RowReader reader;
    at::Tensor rows;
    for (int64_t t = 0; t < request.target_count; t++) {
        const sscam_target &target = request.targets[t];
        if (t == 0 || target.target_pixels != request.targets[t - 1].target_pixels)
            rows =
                reader.rows(logits, target.target_pixels, request.kind).to(at::kCPU).contiguous();
        const float *row = rows.data_ptr<float>();
        for (int64_t i = 0; i < rows.size(0); i++, row += rows.size(1)) {
            double score = sscam_target_score(row, rows.size(1), &target,
                                              sscam_row_kind(&target, request.kind));
            scores[t * count + first + i] = static_cast<float>(
                checked_score(score, name, first + i));
        }
    }
}

// Calls the request's progress callback, which may cancel.
template <class Request>
void report(const Request &request, double fraction)
{
    const Tf32Pause no_switches;
    const HostThreadState host_state;
    call_host([&] {
        if (LogQueue *log = LogQueue::current())
            log->pass_on();
        if (sscam_status status = sscam_progress_report(request.progress, fraction))
            throw Reported(status);
    });
}

// Calls work(first, rows, batch) for each batch of `count` inputs; the last may have fewer rows.
// Where memory runs out, batches are half as large from there on.
template <class Request, class Work>
void in_batches(const Request &request, int64_t count, int64_t batch, const Work &work)
{
    for (int64_t first = 0; first < count;) {
        const int64_t rows = std::min(batch, count - first);
        try {
            work(first, rows, batch);
        } catch (...) {
            if (!memory_ran_out() || rows == 1)
                throw;
            batch = (rows + 1) / 2;
            continue;
        }
        first += rows;
        report(request, static_cast<double>(first) / static_cast<double>(count));
    }
}

} // namespace sscam

#endif
