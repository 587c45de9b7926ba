#include "methods/score_residuals.h"

#include <math.h>

#include "base/statistics.h"

/* The tail: a twentieth of the residuals, but so many at least. */
enum { TAIL_SHARE = 20, LEAST_IN_TAIL = 8 };

/* What exceeds a high threshold is exponential for most distributions, and falls faster for the
 * normal one (peaks over threshold; Pickands 1975, with shape 0): the greatest of many scores is
 * seldom among few that were seen. */
void sscam_score_residuals_fit(sscam_score_residuals *residuals)
{
    const int64_t count = residuals->count;
    int64_t in_tail = count / TAIL_SHARE;
    double excess = 0.0;
    sscam_sort_ascending(residuals->value, count);
    if (in_tail < LEAST_IN_TAIL)
        in_tail = LEAST_IN_TAIL;
    if (in_tail > count - 1)
        in_tail = count - 1;
    residuals->threshold = residuals->value[count - in_tail - 1];
    for (int64_t i = count - in_tail; i < count; i++)
        excess += residuals->value[i] - residuals->threshold;
    residuals->mean_excess = in_tail > 0 ? excess / (double)in_tail : 0.0;
    residuals->tail = (double)in_tail / (double)count;
}

double sscam_score_residual(const sscam_score_residuals *residuals, double probability)
{
    if (probability < residuals->tail)
        return residuals->threshold + residuals->mean_excess * log(residuals->tail / probability);
    const int64_t last = residuals->count - 1,
                  place = (int64_t)((1.0 - probability) * (double)residuals->count);
    return residuals->value[place < last ? place : last];
}
