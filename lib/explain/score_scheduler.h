/* Weighs the channels of all jobs of a call. Jobs that request scores are grouped, so that one call
 * of the backend scores all masked inputs that can be scored together. */
#ifndef SSCAM_LIB_EXPLAIN_SCORE_SCHEDULER_H
#define SSCAM_LIB_EXPLAIN_SCORE_SCHEDULER_H

#include "base/progress.h"
#include "explain/method_private.h"

typedef struct sscam_score_schedule {
    sscam_map_job *jobs; /* captured */
    int64_t count;
    /* The group that is being scored: its plans and its targets, each once. */
    const sscam_mask_plan **plans; /* [count] */
    int64_t plan_count;
    sscam_target *targets; /* [count] */
    int64_t target_count;
} sscam_score_schedule;

/* Weighs the channels of all jobs. */
sscam_status sscam_weigh_all(sscam_score_schedule *work, const sscam_progress *progress);

#endif
