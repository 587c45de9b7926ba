#include "base/progress.h"

#include "base/error.h"

/* The fraction of the whole call. Rounding must not carry it past the end of its share: the
 * fractions that a callback gets never decrease. */
static double position_in_whole(const sscam_progress *progress, double fraction)
{
    double position = progress->start + (progress->end - progress->start) * fraction;
    return fraction >= 1.0 || position > progress->end ? progress->end : position;
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
    if (progress->callback(progress->user, position_in_whole(progress, fraction)) != 0)
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
