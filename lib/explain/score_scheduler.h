/* Weighing: what strategies want to know of the network, asked for together, in rounds. */
#ifndef SSCAM_LIB_EXPLAIN_SCORE_SCHEDULER_H
#define SSCAM_LIB_EXPLAIN_SCORE_SCHEDULER_H

#include "base/progress.h"
#include "explain/method_private.h"

typedef struct sscam_score_schedule {
    sscam_map_job *explanations; /* captured */
    int64_t count;
    /* One round of scoring: the plans that differ, and the targets that any explanation has. */
    const sscam_mask_plan **plans; /* [count] */
    int64_t plan_count;
    sscam_target *targets; /* [count] */
    int64_t target_count;
} sscam_score_schedule;

/* Weighs all explanations. */
sscam_status sscam_weigh_all(sscam_score_schedule *work, const sscam_progress *progress);

#endif
