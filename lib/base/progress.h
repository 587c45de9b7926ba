/* A share of a caller's progress callback, handed down to whoever does the long work. */
#ifndef SSCAM_LIB_BASE_PROGRESS_H
#define SSCAM_LIB_BASE_PROGRESS_H

#include "sscam/explainer.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sscam_progress {
    sscam_progress_callback callback; /* may be NULL */
    void *user;
    double start, end; /* fractions of the whole call where this share begins and ends */
} sscam_progress;

/* Tells the callback that `fraction` (0 to 1) of this share is done. SSCAM_E_CANCELLED when it asks
 * to stop. */
sscam_status sscam_progress_report(const sscam_progress *progress, double fraction);

/* The part of a share from `start` to `end`, both fractions of that share. Neighbouring parts meet
 * exactly. */
sscam_progress sscam_progress_part(const sscam_progress *progress, double start, double end);

#ifdef __cplusplus
}
#endif

#endif
