// From rows of logits to scores, for masked inputs and ablations alike.
#ifndef SSCAM_SHIM_SCORE_ROWS_HPP
#define SSCAM_SHIM_SCORE_ROWS_HPP

#include <cmath>
#include <string>

#include <ATen/ATen.h>

#include "backend.h"
#include "guard.hpp"

namespace sscam {

// Writes the scores of the inputs number `first` and following, of `count` in all, to their places in
// [targets of the request][count]. `name(i)` says in messages which one input number i is.
template <class Request, class Name>
void store_scores(const Request &request, const at::Tensor &logits, int64_t first, int64_t count, const Name &name,
                  float *scores)
{
    const float *row = logits.data_ptr<float>();
    for (int64_t i = 0; i < logits.size(0); i++, row += logits.size(1))
        for (int64_t t = 0; t < request.target_count; t++) {
            double score = sscam_target_score(row, logits.size(1), &request.targets[t], request.kind);
            if (!std::isfinite(score))
                throw Refusal(SSCAM_E_MODEL, "the network's score " + name(first + i) + " is not finite");
            scores[t * count + first + i] = static_cast<float>(score);
        }
}

// Tells the request's callback, which may cancel.
template <class Request> void report(const Request &request, double fraction)
{
    if (sscam_status status = sscam_progress_report(request.progress, fraction))
        throw Reported(status);
}

} // namespace sscam

#endif
