/* The extremes of maps, by which they are normalised; of upsampled ones exactly, without upsampling
 * them. */
#ifndef SSCAM_LIB_MATH_MIN_MAX_H
#define SSCAM_LIB_MATH_MIN_MAX_H

#include <stdint.h>

#include "base/shape.h"

/* What maps of one size share: where the places of their upsampling fall. For one thread at a time.
 */
typedef struct sscam_min_max_plan sscam_min_max_plan;

/* For maps that sscam_upsample() (upsample.h) would bring to `sides`; the caller frees it. NULL: no
 * memory. */
sscam_min_max_plan *sscam_min_max_plan_new(sscam_sides map_sides, sscam_sides sides,
                                           int32_t align_corners);
void sscam_min_max_plan_free(sscam_min_max_plan *finder);

/* Least and greatest of the values that sscam_upsample() gives, to the bit. */
void sscam_upsampled_min_max(const sscam_min_max_plan *finder, const float *map, float *lowest,
                             float *highest);

/* Least and greatest of values as they are; what is not a number is passed over. */
void sscam_min_max(const float *values, int64_t count, float *lowest, float *highest);

/* s(M) (eq. 12) in place: to [0, 1]; zeros where M is constant. Gives whether it was. */
int32_t sscam_normalise(float *values, int64_t count);

#endif
