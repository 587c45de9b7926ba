/* Statistics of arrays. */
#ifndef SSCAM_LIB_BASE_STATISTICS_H
#define SSCAM_LIB_BASE_STATISTICS_H

#include <stdint.h>

/* Pearson's correlation of `count` values; NaN where one of the arrays is constant. */
double sscam_correlation(const float *a, const float *b, int64_t count);

/* The value that a standard normal variable does not exceed with `probability`, which is above 0
 * and below 1. Absolute error below 1e-8. */
double sscam_normal_quantile(double probability);

#endif
