/* The progress callback of a call, divided among the steps of its work. */
#ifndef SSCAM_LIB_BASE_PROGRESS_H
#define SSCAM_LIB_BASE_PROGRESS_H

#include "sscam/explainer.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sscam_progress {
    sscam_progress_callback callback; /* may be NULL */
    void *user;
    double start, end; /* fractions of the whole call between which this share lies */
} sscam_progress;

/* Calls the callback with the fraction of the whole call that is done when `fraction` (0 to 1) of
 * this share is. SSCAM_E_CANCELLED when it returns non-zero. */
sscam_status sscam_progress_report(const sscam_progress *progress, double fraction);

/* The share of a share between two of its fractions. The end of one and the start of the next are
 * equal exactly. */
sscam_progress sscam_progress_part(const sscam_progress *progress, double start, double end);

#ifdef __cplusplus
}
#endif

#endif
