#include "base/progress.h"

#include "base/error.h"
#include "base/pass_count.h"

/* The fraction of the whole call. Rounding must not carry it past the end of its share: the
 * fractions that a callback gets never decrease. */
static double position_in_whole(const sscam_progress *progress, double fraction)
{
    double position = progress->start + (progress->end - progress->start) * fraction;
    return fraction >= 1.0 || position > progress->end ? progress->end : position;
}

/* What sscam_progress_passes() says in the callback that runs. */
typedef struct pass_count {
    int32_t is_running;
    int64_t done, total;
} pass_count;

static _Thread_local pass_count current;

static pass_count count_passes(const sscam_pass_span *passes, double position)
{
    const double length = passes->end - passes->start;
    double share = length > 0.0 ? (position - passes->start) / length : 1.0;
    share = share < 0.0 ? 0.0 : share > 1.0 ? 1.0 : share;
    return (pass_count){1, passes->before + (int64_t)(share * (double)passes->own + 0.5),
                        passes->total};
}

int32_t sscam_passes_of_callback(int64_t *done, int64_t *total)
{
    *done = current.done;
    *total = current.total;
    return current.is_running;
}

/* The callback may make calls of its own, whose callbacks have counts of theirs. */
static int32_t call_back(const sscam_progress *progress, double position)
{
    const pass_count outer = current;
    current = count_passes(&progress->passes, position);
    const int32_t answer = progress->callback(progress->user, position);
    current = outer;
    return answer;
}

static const char *interruption_of(const sscam_progress *progress)
{
    return progress && progress->interruption
               ? progress->interruption->reason(progress->interruption)
               : NULL;
}

sscam_status sscam_progress_check(const sscam_progress *progress)
{
    const char *reason = interruption_of(progress);
    return reason ? sscam_fail(SSCAM_E_CANCELLED, "cancelled: %s", reason) : SSCAM_OK;
}

int32_t sscam_progress_is_interrupted(const sscam_progress *progress)
{
    return interruption_of(progress) != NULL;
}

sscam_status sscam_progress_report(const sscam_progress *progress, double fraction)
{
    sscam_status status = sscam_progress_check(progress);
    if (status != SSCAM_OK || !progress || !progress->callback)
        return status;
    if (call_back(progress, position_in_whole(progress, fraction)) != 0)
        return sscam_fail(SSCAM_E_CANCELLED, "cancelled by the progress callback");
    return sscam_progress_check(progress); /* the callback may have interrupted the call */
}

sscam_progress sscam_progress_part(const sscam_progress *progress, double start, double end)
{
    sscam_progress part = *progress;
    part.start = position_in_whole(progress, start);
    part.end = position_in_whole(progress, end);
    return part;
}
