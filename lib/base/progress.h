/* The progress callback of a call, divided among the steps of its work, and what else ends a call
 * early. */
#ifndef SSCAM_LIB_BASE_PROGRESS_H
#define SSCAM_LIB_BASE_PROGRESS_H

#include "sscam/explainer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What ends a call besides its progress callback. */
typedef struct sscam_interruption {
    /* Why the call has to end, for its message; NULL: it goes on. Any thread may ask. Once there is
     * a reason, there is one until the call ends. */
    const char *(*reason)(const struct sscam_interruption *interruption);
} sscam_interruption;

/* The network evaluations of a share of a call. */
typedef struct sscam_pass_span {
    double start, end; /* fractions of the whole call */
    int64_t before;    /* evaluations of the call before it, */
    int64_t own;       /* in it, */
    int64_t total;     /* and expected in all; 0: unknown */
} sscam_pass_span;

typedef struct sscam_progress {
    sscam_progress_callback callback; /* may be NULL */
    void *user;
    double start, end; /* fractions of the whole call between which this share lies */
    const sscam_interruption *interruption; /* NULL: none */
    sscam_pass_span passes;                 /* of the share that this one is part of */
} sscam_progress;

/* Calls the callback with the fraction of the whole call that is done when `fraction` (0 to 1) of
 * this share is. SSCAM_E_CANCELLED when it returns non-zero or the call is interrupted. */
sscam_status sscam_progress_report(const sscam_progress *progress, double fraction);

/* SSCAM_E_CANCELLED when the call is interrupted; the callback is not called. */
sscam_status sscam_progress_check(const sscam_progress *progress);

/* Whether the call is interrupted: for threads that work for it. The calling thread fails it, with
 * a message of its own. */
int32_t sscam_progress_is_interrupted(const sscam_progress *progress);

/* The share of a share between two of its fractions. The end of one and the start of the next are
 * equal exactly. */
sscam_progress sscam_progress_part(const sscam_progress *progress, double start, double end);

#ifdef __cplusplus
}
#endif

#endif
