#include "methods/channel_samples.h"

#include <math.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"

/* Samples that the pooled variance counts for, beside a channel's own. */
#define POOLED_WEIGHT 4.0

/* Points by which the mean of a maximum is integrated over its distribution. */
enum { MAXIMUM_POINTS = 32 };

void sscam_channel_samples_release(sscam_channel_samples *samples)
{
    free(samples->count);
    free(samples->mean);
    free(samples->replicate);
    free(samples->residuals.value);
}

sscam_status sscam_channel_samples_init(sscam_channel_samples *samples)
{
    const int64_t slots = samples->slots;
    samples->count = sscam_zeros(sscam_times(3, slots), sizeof *samples->count);
    samples->mean = sscam_zeros(sscam_times(3, slots), sizeof *samples->mean);
    samples->replicate = sscam_zeros(sscam_times(slots, SSCAM_REPLICATES),
                                     sizeof *samples->replicate);
    samples->residuals.value = sscam_zeros(sscam_times(slots, SSCAM_REPLICATES),
                                           sizeof *samples->residuals.value);
    if (!samples->count || !samples->mean || !samples->replicate || !samples->residuals.value)
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
    if (number < SSCAM_REPLICATES)
        samples->replicate[slot * SSCAM_REPLICATES + number] = score;
}

/* Degrees of freedom of a channel's variance. */
static double variance_freedom(const sscam_channel_samples *samples, int64_t slot)
{
    return POOLED_WEIGHT + (double)(samples->count[slot] - 1);
}

double sscam_sample_variance(const sscam_channel_samples *samples, int64_t slot)
{
    return (POOLED_WEIGHT * samples->pooled_variance + samples->squares[slot]) /
           variance_freedom(samples, slot);
}

/* Variance of the mean of a channel's samples about the mean of all N: the population is finite. */
static double mean_variance(const sscam_channel_samples *samples, int64_t slot)
{
    const double known = (double)samples->count[slot], all = (double)samples->limit;
    return sscam_sample_variance(samples, slot) * (1.0 / known - 1.0 / all);
}

/* Mean and variance of the means of the channels that have samples. */
static void find_prior(sscam_channel_samples *samples)
{
    double mean = 0.0, squares = 0.0;
    for (int64_t i = 0; i < samples->known_count; i++) {
        const double deviation = samples->mean[samples->known[i]] - mean;
        mean += deviation / (double)(i + 1);
        squares += deviation * (samples->mean[samples->known[i]] - mean);
    }
    samples->prior_mean = mean;
    samples->prior_variance = samples->known_count > 1
                                  ? squares / (double)(samples->known_count - 1)
                                  : 0.0;
}

/* The residuals of the samples that are kept, raised by what the mean of the same samples takes off
 * them. */
static void find_residuals(sscam_channel_samples *samples)
{
    sscam_score_residuals *residuals = &samples->residuals;
    residuals->count = 0;
    for (int64_t i = 0; i < samples->known_count; i++) {
        const int64_t slot = samples->known[i], count = samples->count[slot];
        const double deviation = sqrt(sscam_sample_variance(samples, slot)),
                     factor = deviation > 0.0 && count > 1
                                  ? sqrt((double)count / (double)(count - 1)) / deviation
                                  : 0.0;
        for (int64_t j = 0; j < count && j < SSCAM_REPLICATES; j++)
            residuals->value[residuals->count++] =
                factor * (samples->replicate[slot * SSCAM_REPLICATES + j] - samples->mean[slot]);
    }
    sscam_score_residuals_fit(residuals);
}

void sscam_channel_samples_settle(sscam_channel_samples *samples)
{
    double squares = 0.0;
    int64_t freedom = 0;
    samples->known_count = 0;
    for (int64_t slot = 0; slot < samples->slots; slot++) {
        if (samples->count[slot] == 0)
            continue;
        squares += samples->squares[slot];
        freedom += samples->count[slot] - 1;
        samples->known[samples->known_count++] = slot;
    }
    samples->pooled_variance = freedom ? squares / (double)freedom : 0.0;
    find_prior(samples);
    if (samples->reduction == SSCAM_REDUCE_MAXIMUM && freedom > 0)
        find_residuals(samples);
}

/* What is known of the mean of all N of a channel's samples. */
typedef struct known_mean {
    double mean, variance;
} known_mean;

/* Channels' scores are taken for draws of one normal distribution, of the mean and the variance of
 * those that are known (empirical Bayes; Efron and Morris 1973, with their (k - 3) / (k - 1)): the
 * highest of many means of few samples are high by chance, too. */
static known_mean posterior(const sscam_channel_samples *samples, int64_t slot)
{
    const double variance = mean_variance(samples, slot),
                 total = variance + samples->prior_variance,
                 channels = (double)samples->known_count,
                 shrinkage = channels > 3.0 && total > 0.0
                                 ? (channels - 3.0) / (channels - 1.0) * variance / total
                                 : 0.0,
                 share = 1.0 - shrinkage;
    return (known_mean){samples->prior_mean + share * (samples->mean[slot] - samples->prior_mean),
                        share * variance};
}

/* The score whose exponential is expected, since weights are in proportion to it; without softmax
 * the expected score. */
static double expected_score(const sscam_channel_samples *samples, int64_t slot)
{
    const known_mean known = posterior(samples, slot);
    return known.mean + (samples->with_softmax ? known.variance / 2.0 : 0.0);
}

/* The value that the greatest of `count` scores of a channel does not exceed with `probability`. */
static double maximum_quantile(const sscam_channel_samples *samples, double mean, double deviation,
                               double count, double probability)
{
    return mean +
           deviation * sscam_score_residual(&samples->residuals, -expm1(log(probability) / count));
}

/* The mean, or under the channel softmax the value whose exponential is the mean of theirs. */
static double mean_of(const double *value, int count, double highest, int32_t with_softmax)
{
    double sum = 0.0;
    for (int i = 0; i < count; i++)
        sum += with_softmax ? exp(value[i] - highest) : value[i];
    return with_softmax ? highest + log(sum / count) : sum / count;
}

/* The expected maximum of all N samples: of the highest known and the greatest of the others. */
static double expected_maximum(const sscam_channel_samples *samples, int64_t slot)
{
    const double others = (double)(samples->limit - samples->count[slot]),
                 deviation = sqrt(sscam_sample_variance(samples, slot));
    double value[MAXIMUM_POINTS];
    if (others == 0.0)
        return samples->highest[slot];
    for (int i = 0; i < MAXIMUM_POINTS; i++)
        value[i] = fmax(samples->highest[slot],
                        maximum_quantile(samples, samples->mean[slot], deviation, others,
                                         (i + 0.5) / MAXIMUM_POINTS));
    return mean_of(value, MAXIMUM_POINTS, value[MAXIMUM_POINTS - 1], samples->with_softmax);
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
        score[slot] = samples->reduction == SSCAM_REDUCE_MAXIMUM ? expected_maximum(samples, slot)
                                                                 : expected_score(samples, slot);
}

/* By how much a normal quantile has to be raised that rests on an estimated variance: the ratio of
 * Student's to the normal one at 97.5 %, to within 0.3 % from 4 degrees on. */
static double student_factor(double freedom)
{
    return 1.0 + 1.21 / freedom + 1.4 / (freedom * freedom);
}

/* Student's quantile where a normal one is `normal` (Abramowitz and Stegun, 26.7.5). */
static double student_quantile(double normal, double freedom)
{
    const double square = normal * normal, first = normal * (square + 1.0) / 4.0,
                 second = normal * ((5.0 * square + 16.0) * square + 3.0) / 96.0;
    return normal + first / freedom + second / (freedom * freedom);
}

/* Few samples tell little of a variance, too: the mean is Student's about what is known of it. */
static void simulate_independent(const sscam_channel_samples *samples, const float *normal,
                                 double *score)
{
    for (int64_t slot = 0; slot < samples->slots; slot++) {
        const known_mean known = posterior(samples, slot);
        score[slot] = known.mean +
                      sqrt(known.variance) *
                          student_quantile((double)normal[slot], variance_freedom(samples, slot));
    }
}

/* A deviation that `estimate`, of so many degrees of freedom, may be of: the square root of a
 * scaled inverse chi-squared variable (Wilson and Hilferty 1931). */
static double drawn_scale(double estimate, double freedom, double normal)
{
    const double part = 2.0 / (9.0 * freedom);
    return estimate / pow(fmax(0.1, 1.0 - part + normal * sqrt(part)), 1.5);
}

static void simulate_maximum(const sscam_channel_samples *samples, const float *normal,
                             double *score)
{
    const float *of_mean = normal + samples->slots, *of_deviation = of_mean + samples->slots;
    for (int64_t slot = 0; slot < samples->slots; slot++) {
        const double known = (double)samples->count[slot], others = (double)samples->limit - known,
                     deviation = drawn_scale(sqrt(sscam_sample_variance(samples, slot)),
                                             variance_freedom(samples, slot),
                                             (double)of_deviation[slot]),
                     mean = samples->mean[slot] + deviation / sqrt(known) * (double)of_mean[slot],
                     probability = 0.5 * erfc(-(double)normal[slot] / sqrt(2.0));
        score[slot] = samples->highest[slot];
        if (others > 0.0)
            score[slot] = fmax(score[slot],
                               maximum_quantile(samples, mean, deviation, others, probability));
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
    const int64_t needed = samples->reduction == SSCAM_REDUCE_MAXIMUM ? 3 * samples->slots
                           : samples->is_common ? SSCAM_REPLICATES + samples->slots
                                                : samples->slots;
    sscam_noise_fill(&plane, 0, needed, normal);
    if (samples->reduction == SSCAM_REDUCE_MAXIMUM)
        simulate_maximum(samples, normal, score);
    else if (samples->is_common)
        simulate_common(samples, estimate, what, normal, score);
    else
        simulate_independent(samples, normal, score);
}
