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
    samples->count = sscam_zeros(sscam_times(3, slots), sizeof *samples->count);
    samples->mean = sscam_zeros(sscam_times(3, slots), sizeof *samples->mean);
    if (samples->is_common)
        samples->replicate = sscam_zeros(sscam_times(slots, SSCAM_REPLICATES),
                                         sizeof *samples->replicate);
    if (!samples->count || !samples->mean || (samples->is_common && !samples->replicate))
        return sscam_fail_memory("the samples of channels");
    samples->group = samples->count + slots;
    samples->known = samples->group + slots;
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

void sscam_channel_samples_settle(sscam_channel_samples *samples)
{
    double squares = 0.0;
    samples->freedom = samples->known_count = 0;
    for (int64_t slot = 0; slot < samples->slots; slot++) {
        if (samples->count[slot] == 0)
            continue;
        squares += samples->squares[slot];
        samples->freedom += samples->count[slot] - 1;
        samples->known[samples->known_count++] = slot;
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

/* Of common noise: the mean of a channel's samples; of channels without samples, the mean of the
 * others. */
static void estimate_common(const sscam_channel_samples *samples, double *score)
{
    double sum = 0.0;
    for (int64_t i = 0; i < samples->known_count; i++)
        sum += samples->mean[samples->known[i]];
    for (int64_t slot = 0; slot < samples->slots; slot++)
        score[slot] = samples->count[slot] > 0 ? samples->mean[slot]
                                               : sum / (double)samples->known_count;
}

void sscam_estimate_scores(const sscam_channel_samples *samples, double *score)
{
    if (samples->is_common && samples->reduction == SSCAM_REDUCE_MEAN) {
        estimate_common(samples, score);
        return;
    }
    for (int64_t slot = 0; slot < samples->slots; slot++)
        score[slot] = samples->reduction == SSCAM_REDUCE_MAXIMUM
                          ? expected_maximum(samples, slot)
                          : samples->mean[slot] -
                                softmax_bias(samples, mean_variance(samples, slot));
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

/* A channel without samples gets the score of any that has some, the same for all that peak at one
 * position: they are expected to err together. */
static double drawn_score(const sscam_channel_samples *samples, const double *estimate,
                          double normal)
{
    const double share = 0.5 * erfc(-normal / sqrt(2.0));
    const int64_t number = (int64_t)(share * (double)samples->known_count);
    return estimate[samples
                        ->known[number < samples->known_count ? number : samples->known_count - 1]];
}

/* A channel's deviation, drawn: the sum of its samples' deviations from their mean, each times the
 * factor of the sample. */
static double drawn_deviation(const double *replicate, int64_t columns, const float *normal)
{
    double mean = 0.0, deviation = 0.0;
    for (int64_t i = 0; i < columns; i++)
        mean += replicate[i] / (double)columns;
    for (int64_t i = 0; i < columns; i++)
        deviation += (double)normal[i] * (replicate[i] - mean);
    return deviation;
}

/* Shared noise moves channels of similar activations together. Deviations are therefore drawn with
 * the same factors for all channels, so that they have the covariance of the samples. */
static void simulate_common(const sscam_channel_samples *samples, const double *estimate,
                            sscam_simulated what, const float *normal, double *score)
{
    const int64_t count = samples->count[samples->known[0]],
                  columns = count < SSCAM_REPLICATES ? count : SSCAM_REPLICATES;
    const double remaining = 1.0 / (double)count - 1.0 / (double)samples->limit,
                 scale = student_factor(4.0 * (double)(columns - 1)) *
                         sqrt(remaining / (double)(columns - 1));
    for (int64_t slot = 0; slot < samples->slots; slot++) {
        score[slot] = estimate[slot];
        if (samples->count[slot] > 0 && (what & SSCAM_SIMULATED_SAMPLES))
            score[slot] += scale * drawn_deviation(samples->replicate + slot * SSCAM_REPLICATES,
                                                   columns, normal);
        if (samples->count[slot] == 0 && (what & SSCAM_SIMULATED_CHANNELS))
            score[slot] = drawn_score(samples, estimate,
                                      (double)normal[SSCAM_REPLICATES + samples->group[slot]]);
    }
}

void sscam_simulate_scores(const sscam_channel_samples *samples, const double *estimate,
                           sscam_noise_plane plane, sscam_simulated what, float *normal,
                           double *score)
{
    const int64_t needed = samples->is_common ? SSCAM_REPLICATES + samples->slots
                                              : 2 * samples->slots;
    sscam_noise_fill(&plane, 0, needed, normal);
    if (samples->reduction == SSCAM_REDUCE_MAXIMUM)
        simulate_maximum(samples, normal, score);
    else if (samples->is_common)
        simulate_common(samples, estimate, what, normal, score);
    else
        simulate_independent(samples, estimate, normal, score);
}
