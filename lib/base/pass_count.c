/* Apart from progress.c, of which the program links a copy: the callbacks that run are those of the
 * library's. */
#include "base/pass_count.h"

#include "base/error.h"
#include "sscam/explainer.h"

sscam_status sscam_progress_passes(int64_t *done, int64_t *total)
{
    if (!done || !total)
        return sscam_fail(SSCAM_E_ARGUMENT, "done and total must not be NULL");
    return sscam_passes_of_callback(done, total)
               ? sscam_succeed()
               : sscam_fail(SSCAM_E_ARGUMENT, "the thread is in no progress callback");
}
