#include "progress.h"

#include "failure.h"

sscam_status sscam_progress_report(const sscam_progress *progress, double fraction)
{
    if (progress == NULL || progress->callback == NULL)
        return SSCAM_OK;
    if (progress->callback(progress->user, progress->start + progress->span * fraction) != 0)
        return sscam_fail(SSCAM_E_CANCELLED, "cancelled by the progress callback");
    return SSCAM_OK;
}

sscam_progress sscam_progress_part(const sscam_progress *progress, double start, double span)
{
    sscam_progress part = *progress;
    part.start += progress->span * start;
    part.span *= span;
    return part;
}
