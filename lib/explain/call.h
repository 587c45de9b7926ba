/* A call that uses explainers, from its start to its end: they are reserved for it, and it ends
 * early at its deadline or when one of them is cancelled. */
#ifndef SSCAM_LIB_EXPLAIN_CALL_H
#define SSCAM_LIB_EXPLAIN_CALL_H

#include <stdint.h>

#include "base/progress.h"
#include "sscam/explainer.h"

/* Stays where it is while the call lasts: its address identifies the call. */
typedef struct sscam_call {
    sscam_interruption interruption; /* first: it is cast back */
    sscam_explainer *const *explainers;
    int64_t explainer_count;
    int64_t start;    /* of the monotonic clock, in milliseconds */
    int64_t deadline; /* milliseconds after the start, the least of all explainers; 0: none */
    char deadline_reason[64];
    sscam_progress progress; /* of the whole call, to the first explainer that has a callback */
} sscam_call;

/* Reserves the explainers as sscam_busy_acquire() does, and has their network take the inputs that
 * they give. */
sscam_status sscam_call_begin(sscam_call *call, sscam_explainer *const *explainers,
                              int64_t explainer_count, const char *function);

/* Ends the reservation. */
void sscam_call_end(sscam_call *call);

#endif
