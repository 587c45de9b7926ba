/* A share of a caller's progress callback, handed down to whoever does the long work. */
#ifndef SSCAM_LIB_PROGRESS_H
#define SSCAM_LIB_PROGRESS_H

#include "sscam/explainer.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sscam_progress {
    sscam_progress_callback callback; /* may be NULL */
    void *user;
    double start; /* fraction of the whole call where this share begins ... */
    double span;  /* ... and how much of the whole it is */
} sscam_progress;

/* Tells the callback that `fraction` (0 to 1) of this share is done. SSCAM_E_CANCELLED when it asks to stop. */
sscam_status sscam_progress_report(const sscam_progress *progress, double fraction);

/* The part of a share from `start` to `start + span`, both fractions of that share. */
sscam_progress sscam_progress_part(const sscam_progress *progress, double start, double span);

#ifdef __cplusplus
}
#endif

#endif
