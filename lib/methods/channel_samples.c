#include "methods/channel_samples.h"

#include <math.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "base/statistics.h"

/* Samples that the pooled variance counts for, beside a channel's own. */
#define POOLED_WEIGHT 4.0

/* Points by which the mean of a maximum is integrated over its distribution. */
enum { MAXIMUM_POINTS = 32 };

void sscam_channel_samples_release(sscam_channel_samples *samples)
{
    free(samples->count);
    free(samples->mean);
    free(samples->replicate);
}

sscam_status sscam_channel_samples_init(sscam_channel_samples *samples)
{
    const int64_t slots = samples->slots;
    samples->count = sscam_zeros(slots, sizeof *samples->count);
    samples->mean = sscam_zeros(sscam_times(3, slots), sizeof *samples->mean);
    if (samples->is_common)
        samples->replicate = sscam_zeros(sscam_times(slots, SSCAM_REPLICATES),
                                         sizeof *samples->replicate);
    if (!samples->count || !samples->mean || (samples->is_common && !samples->replicate))
        return sscam_fail_memory("the samples of channels");
    samples->squares = samples->mean + slots;
    samples->highest = samples->squares + slots;
    for (int64_t slot = 0; slot < slots; slot++)
        samples->highest[slot] = -INFINITY;
    return SSCAM_OK;
}

/* Welford's recurrence. */
void sscam_channel_samples_add(sscam_channel_samples *samples, int64_t slot, double score)
{
    const int64_t number = samples->count[slot]++;
    const double deviation = score - samples->mean[slot];
    samples->mean[slot] += deviation / (double)(number + 1);
    samples->squares[slot] += deviation * (score - samples->mean[slot]);
    samples->highest[slot] = fmax(samples->highest[slot], score);
    if (samples->replicate && number < SSCAM_REPLICATES)
        samples->replicate[slot * SSCAM_REPLICATES + number] = score;
}

static int64_t pilot_step(const sscam_channel_samples *samples)
{
    const int64_t step = samples->slots / SSCAM_LEAST_PILOTS;
    return step < 1 ? 1 : step < SSCAM_PILOT_SHARE ? step : SSCAM_PILOT_SHARE;
}

int32_t sscam_is_pilot(const sscam_channel_samples *samples, int64_t slot)
{
    return slot % pilot_step(samples) == 0;
}

/* Whether the pilots alone have a second sample. */
static int32_t only_pilots(const sscam_channel_samples *samples)
{
    for (int64_t slot = 0; slot < samples->slots && samples->is_common; slot++)
        if (samples->count[slot] == 1)
            return 1;
    return 0;
}

/* The mean change of the pilots' scores from their first sample to their second. */
static double pilot_shift(const sscam_channel_samples *samples)
{
    double sum = 0.0;
    int64_t pilots = 0;
    for (int64_t slot = 0; slot < samples->slots; slot++) {
        if (samples->count[slot] < 2)
            continue;
        sum += samples->replicate[slot * SSCAM_REPLICATES + 1] -
               samples->replicate[slot * SSCAM_REPLICATES];
        pilots++;
    }
    return pilots ? sum / (double)pilots : 0.0;
}

void sscam_channel_samples_settle(sscam_channel_samples *samples)
{
    double squares = 0.0;
    samples->freedom = 0;
    for (int64_t slot = 0; slot < samples->slots; slot++) {
        squares += samples->squares[slot];
        samples->freedom += samples->count[slot] - 1;
    }
    samples->pooled_variance = samples->freedom ? squares / (double)samples->freedom : 0.0;
}

double sscam_sample_variance(const sscam_channel_samples *samples, int64_t slot)
{
    return (POOLED_WEIGHT * samples->pooled_variance + samples->squares[slot]) /
           (POOLED_WEIGHT + (double)(samples->count[slot] - 1));
}

/* Variance of the mean of a channel's samples about the mean of all N: the population is finite. */
static double mean_variance(const sscam_channel_samples *samples, int64_t slot)
{
    const double known = (double)samples->count[slot], all = (double)samples->limit;
    return sscam_sample_variance(samples, slot) * (1.0 / known - 1.0 / all);
}

/* What weights take off a channel's mean: the exponential of an unbiased estimate is too large by
 * exp(variance / 2), so that channels of few samples would get too much weight. */
static double softmax_bias(const sscam_channel_samples *samples, double variance)
{
    return samples->with_softmax ? variance / 2.0 : 0.0;
}

/* The value that the greatest of `count` scores of a channel does not exceed with `probability`,
 * were they normal. */
static double maximum_quantile(double mean, double deviation, double count, double probability)
{
    return mean - deviation * sscam_normal_quantile(-expm1(log(probability) / count));
}

/* The expected maximum of all N samples: of the highest known and the greatest of the others. */
static double expected_maximum(const sscam_channel_samples *samples, int64_t slot)
{
    const double others = (double)(samples->limit - samples->count[slot]),
                 deviation = sqrt(sscam_sample_variance(samples, slot));
    double sum = 0.0;
    if (others == 0.0)
        return samples->highest[slot];
    for (int i = 0; i < MAXIMUM_POINTS; i++)
        sum += fmax(samples->highest[slot], maximum_quantile(samples->mean[slot], deviation, others,
                                                             (i + 0.5) / MAXIMUM_POINTS));
    return sum / MAXIMUM_POINTS;
}

void sscam_estimate_scores(const sscam_channel_samples *samples, double *score)
{
    const double shift = only_pilots(samples) ? pilot_shift(samples) : 0.0;
    for (int64_t slot = 0; slot < samples->slots; slot++) {
        if (samples->reduction == SSCAM_REDUCE_MAXIMUM)
            score[slot] = expected_maximum(samples, slot);
        else if (samples->is_common)
            score[slot] = samples->mean[slot] + (samples->count[slot] == 1 ? shift / 2.0 : 0.0);
        else
            score[slot] = samples->mean[slot] - softmax_bias(samples, mean_variance(samples, slot));
    }
}

/* By how much a normal quantile has to be raised that rests on an estimated variance: the ratio of
 * Student's to the normal one at 97.5 %, to within 0.3 % from 4 degrees on. */
static double student_factor(double freedom)
{
    return 1.0 + 1.21 / freedom + 1.4 / (freedom * freedom);
}

static void simulate_independent(const sscam_channel_samples *samples, const double *estimate,
                                 const float *normal, double *score)
{
    const double factor = student_factor((double)samples->freedom);
    for (int64_t slot = 0; slot < samples->slots; slot++) {
        const double variance = factor * factor * mean_variance(samples, slot);
        score[slot] = estimate[slot] + sqrt(variance) * (double)normal[slot] -
                      softmax_bias(samples, variance);
    }
}

static void simulate_maximum(const sscam_channel_samples *samples, const float *normal,
                             double *score)
{
    for (int64_t slot = 0; slot < samples->slots; slot++) {
        const double known = (double)samples->count[slot], others = (double)samples->limit - known,
                     deviation = sqrt(sscam_sample_variance(samples, slot)),
                     mean = samples->mean[slot] +
                            deviation / sqrt(known) * (double)normal[samples->slots + slot],
                     probability = 0.5 * erfc(-(double)normal[slot] / sqrt(2.0));
        score[slot] = samples->highest[slot];
        if (others > 0.0)
            score[slot] = fmax(score[slot], maximum_quantile(mean, deviation, others, probability));
    }
}

/* Shared noise moves channels of similar activations together. Deviations are therefore drawn as
 * whole columns: sums of the samples' deviations from the channels' means with normal factors,
 * which have the covariance of the samples. Those of the pilots stand for all channels. */
static void simulate_common(const sscam_channel_samples *samples, const double *estimate,
                            const float *normal, double *score)
{
    const int32_t pilots = only_pilots(samples);
    const int64_t known = pilots ? 1 : samples->count[0], columns = pilots ? 2
                                                                    : known < SSCAM_REPLICATES
                                                                        ? known
                                                                        : SSCAM_REPLICATES;
    const double share = pilots ? (double)pilot_step(samples) : 1.0,
                 shift = pilots && samples->with_softmax ? pilot_shift(samples) : 0.0,
                 remaining = 1.0 / (double)known - 1.0 / (double)samples->limit,
                 scale = share * student_factor(4.0 * (double)(columns - 1)) *
                         sqrt(remaining / (double)(columns - 1));
    for (int64_t slot = 0; slot < samples->slots; slot++) {
        const double *replicate = samples->replicate + slot * SSCAM_REPLICATES;
        double mean = 0.0, deviation = 0.0;
        score[slot] = estimate[slot];
        if (samples->count[slot] < columns)
            continue;
        for (int64_t i = 0; i < columns; i++)
            mean += (replicate[i] - (i == 1 ? shift : 0.0)) / (double)columns;
        for (int64_t i = 0; i < columns; i++)
            deviation += (double)normal[i] * (replicate[i] - (i == 1 ? shift : 0.0) - mean);
        score[slot] += scale * deviation;
    }
}

void sscam_simulate_scores(const sscam_channel_samples *samples, const double *estimate,
                           sscam_noise_plane plane, float *normal, double *score)
{
    const int64_t needed = samples->is_common ? SSCAM_REPLICATES : 2 * samples->slots;
    sscam_noise_fill(&plane, 0, needed, normal);
    if (samples->reduction == SSCAM_REDUCE_MAXIMUM)
        simulate_maximum(samples, normal, score);
    else if (samples->is_common)
        simulate_common(samples, estimate, normal, score);
    else
        simulate_independent(samples, estimate, normal, score);
}
