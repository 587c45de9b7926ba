/* Minima and maxima of maps, by which they are normalised; those of upsampled maps without
 * upsampling them. */
#ifndef SSCAM_LIB_MATH_MIN_MAX_H
#define SSCAM_LIB_MATH_MIN_MAX_H

#include <stdint.h>

#include "base/shape.h"

/* Where the positions of the upsampled maps fall, for maps of one size; used by one thread at a
 * time. */
typedef struct sscam_min_max_plan sscam_min_max_plan;

/* For maps that sscam_upsample() (upsample.h) would bring to `sides`; the caller frees it. NULL:
 * out of memory. */
sscam_min_max_plan *sscam_min_max_plan_new(sscam_sides map_sides, sscam_sides sides,
                                           int32_t align_corners);
void sscam_min_max_plan_free(sscam_min_max_plan *plan);

/* Least and greatest of the values that sscam_upsample() gives, exact to the bit. */
void sscam_upsampled_min_max(const sscam_min_max_plan *plan, const float *map, float *lowest,
                             float *highest);

/* Least and greatest of the values; NaN is ignored. */
void sscam_min_max(const float *values, int64_t count, float *lowest, float *highest);

/* Whether values between these two cannot be scaled to [0,1]. Asks for the difference, by which is
 * divided: where the host flushes denormal numbers to zero, different values may have none. */
static inline int32_t sscam_is_constant(float lowest, float highest)
{
    return !(highest - lowest > 0.0f);
}

/* s(M) (eq. 12) in place: scales to [0,1]; zeros where M is constant. Returns whether it was. */
int32_t sscam_normalise(float *values, int64_t count);

/* Whether none of the values is NaN or infinite. */
int32_t sscam_all_are_finite(const float *values, int64_t count);

#endif
