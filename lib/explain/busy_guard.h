/* Explainers that a call has in hand. A progress callback that uses one of them, or another thread,
 * would change under the call what it reads: it is refused instead. */
#ifndef SSCAM_LIB_EXPLAIN_BUSY_GUARD_H
#define SSCAM_LIB_EXPLAIN_BUSY_GUARD_H

#include <stdint.h>

#include "sscam/explainer.h"

/* Claims all for one call, which anything whose address is the call's own stands for; the same
 * explainer may stand there twice. SSCAM_E_ARGUMENT, and none claimed, when another call has one of
 * them. */
sscam_status sscam_busy_acquire(sscam_explainer *const *explainers, int64_t count, const void *call,
                                const char *function);

/* Ends what sscam_busy_acquire() began, and frees those that were destroyed in between. */
void sscam_busy_release(sscam_explainer *const *explainers, int64_t count, const void *call);

/* SSCAM_E_ARGUMENT when a call has the explainer. */
sscam_status sscam_busy_check(const sscam_explainer *explainer, const char *function);

#endif
