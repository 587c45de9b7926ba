/* How scores of masked inputs lie about their channel's mean, in units of its deviation: the
 * distribution that all channels have together, also beyond what was seen of it. */
#ifndef SSCAM_LIB_METHODS_SCORE_RESIDUALS_H
#define SSCAM_LIB_METHODS_SCORE_RESIDUALS_H

#include <stdint.h>

typedef struct sscam_score_residuals {
    double *value; /* [count] ascending, once fitted */
    int64_t count;
    double threshold, mean_excess, tail; /* of the residuals beyond `threshold`, a share `tail` */
} sscam_score_residuals;

/* Sorts the values, one at least, and fits the tail. */
void sscam_score_residuals_fit(sscam_score_residuals *residuals);

/* The residual that is exceeded with `probability`, above 0 and at most 1. */
double sscam_score_residual(const sscam_score_residuals *residuals, double probability);

#endif
