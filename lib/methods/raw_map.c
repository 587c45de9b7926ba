/* Methods that make a map directly, without weights or terms of channels. */
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
