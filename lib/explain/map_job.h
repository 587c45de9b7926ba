/* The jobs of a call: each captures its layer, weighs the channels and combines them. Work that
 * jobs have in common is done once. */
#ifndef SSCAM_LIB_EXPLAIN_MAP_JOB_H
#define SSCAM_LIB_EXPLAIN_MAP_JOB_H

#include "base/progress.h"
#include "explain/method_private.h"
#include "sscam/map.h"

/* Runs jobs of one network on inputs of one shape. The caller sets what a job has up to `black`,
 * its region, target and target job. Writes `count` maps; all are NULL before, and after a failure.
 * What the jobs allocate is freed. */
sscam_status sscam_run_map_jobs(sscam_map_job *jobs, int64_t count, const sscam_progress *progress,
                                sscam_map **maps);

#endif
