/* Methods that make a map directly, without weights or terms of channels. */
#include <math.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "methods/methods.h"

sscam_status sscam_begin_raw_map(sscam_map_job *job, sscam_sides sides)
{
    job->raw_map = sscam_zeros(sscam_position_count(sides), sizeof *job->raw_map);
    if (!job->raw_map)
        return sscam_fail_memory("a raw map");
    job->raw_map_sides = sides;
    free(job->weights);
    job->weights = NULL;
    return SSCAM_OK;
}

sscam_status sscam_take_raw_map(sscam_map_job *job, sscam_sides sides, const double *values,
                                double divisor)
{
    const int64_t positions = sscam_position_count(sides);
    double lowest = INFINITY;
    sscam_status status = sscam_begin_raw_map(job, sides);
    for (int64_t p = 0; p < positions; p++)
        lowest = fmin(lowest, values[p]);
    for (int64_t p = 0; p < positions && status == SSCAM_OK; p++)
        job->raw_map[p] = (float)((values[p] - lowest) / divisor);
    return status;
}
