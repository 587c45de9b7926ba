/* Explainers that a call is using. A progress callback or another thread that changed one of them
 * would change what the call reads; it is refused instead. */
#ifndef SSCAM_LIB_EXPLAIN_BUSY_GUARD_H
#define SSCAM_LIB_EXPLAIN_BUSY_GUARD_H

#include <stdint.h>

#include "sscam/explainer.h"

/* Reserves all explainers for one call, which the address of any object of its own identifies. An
 * explainer may be listed twice. SSCAM_E_ARGUMENT, with none reserved, when another call uses one
 * of them; `function` is named in the message. */
sscam_status sscam_busy_acquire(sscam_explainer *const *explainers, int64_t count, const void *call,
                                const char *function);

/* Ends the reservation, and frees the explainers that were destroyed meanwhile. */
void sscam_busy_release(sscam_explainer *const *explainers, int64_t count, const void *call);

/* Reserves an explainer for a change of its settings: no call uses it, and no other thread reads
 * its settings. The address of the caller's variable identifies the change. */
sscam_status sscam_busy_begin_change(sscam_explainer *const *explainer, const char *function);
void sscam_busy_end_change(sscam_explainer *const *explainer);

/* Reserves the settings for reading: other readers and a call, which do not change settings, may
 * use the explainer meanwhile. */
sscam_status sscam_busy_begin_reading(const sscam_explainer *explainer, const char *function);
void sscam_busy_end_reading(const sscam_explainer *explainer);

#endif
