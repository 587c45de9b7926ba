#include "explain/busy_guard.h"

#include "base/error.h"
#include "explain/explainer_private.h"

enum { CHANGING = -1 }; /* number of readers during a change */

static sscam_status refuse(const char *function)
{
    return sscam_fail(SSCAM_E_ARGUMENT,
                      "%s: the explainer is in use by a call that has not ended; neither a "
                      "progress callback nor another thread may use it meanwhile",
                      function);
}

static int32_t reserve(sscam_explainer *explainer, const void *call)
{
    const void *holder = NULL;
    if (!atomic_compare_exchange_strong(&explainer->call, &holder, call))
        return holder == call;
    atomic_store(&explainer->is_cancelled, 0); /* which ended an earlier call, or none */
    return 1;
}

sscam_status sscam_busy_acquire(sscam_explainer *const *explainers, int64_t count, const void *call,
                                const char *function)
{
    for (int64_t i = 0; i < count; i++) {
        if (!reserve(explainers[i], call)) {
            sscam_busy_release(explainers, i, call);
            return refuse(function);
        }
        sscam_explainer_ref(explainers[i]);
    }
    return SSCAM_OK;
}

void sscam_busy_release(sscam_explainer *const *explainers, int64_t count, const void *call)
{
    for (int64_t i = 0; i < count; i++) {
        const void *holder = call;
        atomic_compare_exchange_strong(&explainers[i]->call, &holder, NULL);
        sscam_explainer_unref(explainers[i]);
    }
}

/* Reading counts readers, which changes nothing that the caller can see. Every explainer is on the
 * heap, so none is const itself. */
static atomic_int *readers_of(const sscam_explainer *explainer)
{
    return &((sscam_explainer *)explainer)->settings_readers;
}

sscam_status sscam_busy_begin_reading(const sscam_explainer *explainer, const char *function)
{
    atomic_int *readers = readers_of(explainer);
    int count = atomic_load(readers);
    while (count != CHANGING)
        if (atomic_compare_exchange_weak(readers, &count, count + 1))
            return SSCAM_OK;
    return refuse(function);
}

void sscam_busy_end_reading(const sscam_explainer *explainer)
{
    atomic_fetch_sub(readers_of(explainer), 1);
}

sscam_status sscam_busy_begin_change(sscam_explainer *const *explainer, const char *function)
{
    sscam_status status = sscam_busy_acquire(explainer, 1, explainer, function);
    if (status != SSCAM_OK)
        return status;
    int readers = 0;
    if (atomic_compare_exchange_strong(&(*explainer)->settings_readers, &readers, CHANGING))
        return SSCAM_OK;
    sscam_busy_release(explainer, 1, explainer);
    return refuse(function);
}

void sscam_busy_end_change(sscam_explainer *const *explainer)
{
    atomic_store(&(*explainer)->settings_readers, 0);
    sscam_busy_release(explainer, 1, explainer);
}
