/* Means with confidence intervals. */
#ifndef SSCAM_LIB_EVALUATION_BOOTSTRAP_H
#define SSCAM_LIB_EVALUATION_BOOTSTRAP_H

#include <stdint.h>

typedef struct sscam_mean_interval {
    double mean, lower, upper; /* NaN without values */
} sscam_mean_interval;

/* The mean of finite values and the percentiles 2.5 and 97.5 of its bootstrap, linear between
 * ranks. Sorts the values: the result does not depend on their order. Draw j of resample r is value
 * number floor(w n / 2^32), w being word j of the plane of Philox with seed 0, channel r, sample 0
 * and image 0. */
sscam_mean_interval sscam_bootstrap_mean(double *values, int64_t count);

#endif
