/* The way of explanations: capture, weigh, combine; what several of one call have in common is done
 * once. */
#ifndef SSCAM_LIB_EXPLAIN_MAP_JOB_H
#define SSCAM_LIB_EXPLAIN_MAP_JOB_H

#include "base/progress.h"
#include "explain/method_private.h"
#include "sscam/map.h"

/* Explains all of `explanations`, which are of one network and inputs of one shape; each has
 * everything up to `black` set, and `class_index` as the caller asked for it. Writes `count` maps,
 * or none on failure; `maps` holds NULL before. The explanations' memory is given back. */
sscam_status sscam_run_map_jobs(sscam_map_job *explanations, int64_t count,
                                const sscam_progress *progress, sscam_map **maps);

#endif
