#include "evaluation/bootstrap.h"

#include <math.h>

#include "base/statistics.h"
#include "masks/noise.h"
#include "sscam/evaluation.h"

static const double CONFIDENCE_TAIL = 0.025;

static double resampled_mean(const double *values, int64_t count, uint32_t resample)
{
    enum { WORDS = 1024 };
    const sscam_noise_plane plane = {.channel = resample};
    uint32_t words[WORDS];
    double sum = 0.0;
    for (int64_t first = 0; first < count; first += WORDS) {
        int64_t some = count - first < WORDS ? count - first : WORDS;
        sscam_noise_words(&plane, first, some, words);
        for (int64_t i = 0; i < some; i++)
            sum += values[((uint64_t)words[i] * (uint64_t)count) >> 32];
    }
    return sum / (double)count;
}

static double percentile(const double *sorted, int64_t count, double share)
{
    double at = share * (double)(count - 1), below = floor(at);
    int64_t lower = (int64_t)below, upper = lower + 1 < count ? lower + 1 : lower;
    return sorted[lower] + (at - below) * (sorted[upper] - sorted[lower]);
}

sscam_mean_interval sscam_bootstrap_mean(double *values, int64_t count)
{
    sscam_mean_interval total = {NAN, NAN, NAN};
    double means[SSCAM_EVALUATION_RESAMPLES], sum = 0.0;
    if (count == 0)
        return total;
    sscam_sort_ascending(values, count);
    for (int64_t i = 0; i < count; i++)
        sum += values[i];
    total.mean = sum / (double)count;
    for (uint32_t resample = 0; resample < SSCAM_EVALUATION_RESAMPLES; resample++)
        means[resample] = resampled_mean(values, count, resample);
    sscam_sort_ascending(means, SSCAM_EVALUATION_RESAMPLES);
    total.lower = percentile(means, SSCAM_EVALUATION_RESAMPLES, CONFIDENCE_TAIL);
    total.upper = percentile(means, SSCAM_EVALUATION_RESAMPLES, 1.0 - CONFIDENCE_TAIL);
    return total;
}
