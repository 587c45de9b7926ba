#include "explain/call.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/monotonic_clock.h"
#include "explain/busy_guard.h"
#include "explain/explainer_inputs.h"
#include "explain/explainer_private.h"

static const char *reason_of(const sscam_interruption *interruption)
{
    const sscam_call *call = (const sscam_call *)interruption;
    for (int64_t i = 0; i < call->explainer_count; i++)
        if (atomic_load(&call->explainers[i]->is_cancelled))
            return "sscam_explainer_cancel() was called";
    if (call->deadline > 0 && sscam_monotonic_milliseconds() - call->start >= call->deadline)
        return call->deadline_reason;
    return NULL;
}

static void read_options(sscam_call *call)
{
    for (int64_t i = 0; i < call->explainer_count; i++) {
        const sscam_explainer *explainer = call->explainers[i];
        const int64_t deadline = explainer->settings.value[SSCAM_OPTION_DEADLINE].integer;
        if (!call->progress.callback) {
            call->progress.callback = explainer->progress.callback;
            call->progress.user = explainer->progress.user;
        }
        if (deadline > 0 && (call->deadline == 0 || deadline < call->deadline))
            call->deadline = deadline;
    }
    snprintf(call->deadline_reason, sizeof call->deadline_reason,
             "the deadline of %" PRId64 " ms has passed", call->deadline);
}

sscam_status sscam_call_begin(sscam_call *call, sscam_explainer *const *explainers,
                              int64_t explainer_count, const char *function)
{
    *call = (sscam_call){.interruption = {reason_of},
                         .explainers = explainers,
                         .explainer_count = explainer_count,
                         .start = sscam_monotonic_milliseconds(),
                         .progress = {.end = 1.0, .interruption = &call->interruption}};
    sscam_status status = sscam_busy_acquire(explainers, explainer_count, call, function);
    if (status != SSCAM_OK)
        return status;
    read_options(call);
    status = sscam_apply_inputs(explainers, explainer_count, function);
    if (status != SSCAM_OK)
        sscam_call_end(call);
    return status;
}

void sscam_call_end(sscam_call *call)
{
    sscam_busy_release(call->explainers, call->explainer_count, call);
}
