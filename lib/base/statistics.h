/* Statistics of arrays. */
#ifndef SSCAM_LIB_BASE_STATISTICS_H
#define SSCAM_LIB_BASE_STATISTICS_H

#include <stdint.h>

/* Pearson's correlation of `count` values; NaN where one of the arrays is constant. */
double sscam_correlation(const float *a, const float *b, int64_t count);

void sscam_sort_ascending(double *values, int64_t count);

#endif
