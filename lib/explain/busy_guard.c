#include "explain/busy_guard.h"

#include "base/error.h"
#include "explain/explainer_private.h"

static sscam_status refuse(const char *function)
{
    return sscam_fail(
        SSCAM_E_ARGUMENT,
        "%s: the explainer is in use by a call that has not ended; neither a progress callback nor "
        "another thread may use it meanwhile",
        function);
}

static int32_t claim(sscam_explainer *explainer, const void *call)
{
    const void *holder = NULL;
    return atomic_compare_exchange_strong(&explainer->call, &holder, call) || holder == call;
}

sscam_status sscam_busy_acquire(sscam_explainer *const *explainers, int64_t count, const void *call,
                                const char *function)
{
    for (int64_t i = 0; i < count; i++)
        if (!claim(explainers[i], call)) {
            sscam_busy_release(explainers, i, call);
            return refuse(function);
        }
    return SSCAM_OK;
}

/* One that stands twice is let go where it stands last, so that none is looked at once it is free.
 */
void sscam_busy_release(sscam_explainer *const *explainers, int64_t count, const void *call)
{
    for (int64_t i = 0; i < count; i++) {
        const void *holder = call;
        int32_t stands_again = 0;
        for (int64_t later = i + 1; later < count && !stands_again; later++)
            stands_again = explainers[later] == explainers[i];
        if (!stands_again && atomic_compare_exchange_strong(&explainers[i]->call, &holder, NULL) &&
            explainers[i]->is_abandoned)
            sscam_explainer_destroy(explainers[i]);
    }
}

sscam_status sscam_busy_check(const sscam_explainer *explainer, const char *function)
{
    return atomic_load(&explainer->call) == NULL ? SSCAM_OK : refuse(function);
}
