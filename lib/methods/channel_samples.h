/* The scores of channels sampled so far, and what the rest of the samples may still make of them.
 *
 * Of each channel the first samples of a sequence of N are known. Its score by all N, their mean or
 * maximum, is estimated, and simulated: from how far the simulated scores move the map follows the
 * error of the estimate (sample_rounds.h). docs/methods.md has the formulas. */
#ifndef SSCAM_LIB_METHODS_CHANNEL_SAMPLES_H
#define SSCAM_LIB_METHODS_CHANNEL_SAMPLES_H

#include <stdint.h>

#include "masks/noise.h"
#include "methods/score_residuals.h"
#include "methods/score_weights.h"
#include "sscam/status.h"

enum {
    SSCAM_REPLICATES = 32 /* samples of a channel whose scores are kept */
};

typedef struct sscam_channel_samples {
    int64_t slots, limit; /* channels that are scored, and samples of each, N */
    sscam_reduction reduction;
    int32_t is_common;    /* whether the channels share the noise of a sample: those that have any
                             samples then have the same */
    int32_t with_softmax; /* whether weights are the softmax of the scores */
    int64_t *count; /* [slots] samples known, of the channel's first; 0 with common noise alone */
    int64_t *group; /* [slots] of common noise: those of one number, below slots, peak at one
                       position */
    int64_t *known; /* [known_count] slots that have samples */
    int64_t known_count;
    double *mean, *squares, *highest; /* [slots]; sums of squared deviations */
    double *replicate;                /* [slots][SSCAM_REPLICATES] */
    double pooled_variance;
    double prior_mean, prior_variance; /* of the channels' means, known so far */
    sscam_score_residuals residuals;   /* of a maximum */
} sscam_channel_samples;

/* sscam_channel_samples_release() releases it, also on failure. */
sscam_status sscam_channel_samples_init(sscam_channel_samples *samples);
void sscam_channel_samples_release(sscam_channel_samples *samples);

/* Takes the next sample of a channel. */
void sscam_channel_samples_add(sscam_channel_samples *samples, int64_t slot, double score);

/* After the scores of a round, before what follows. */
void sscam_channel_samples_settle(sscam_channel_samples *samples);

/* Variance of a channel's scores: of its own, and pooled where it has few. */
double sscam_sample_variance(const sscam_channel_samples *samples, int64_t slot);

/* The channels' scores by all samples, estimated; where all are known, the scores. */
void sscam_estimate_scores(const sscam_channel_samples *samples, double *score);

/* What is simulated: the samples that known channels lack, or the channels that have none. */
typedef enum sscam_simulated {
    SSCAM_SIMULATED_SAMPLES = 1,
    SSCAM_SIMULATED_CHANNELS = 2,
    SSCAM_SIMULATED_ALL = 3
} sscam_simulated;

/* Scores of all samples that those known may lead to; with common noise, scores that would be
 * estimated as `estimate` is, were `estimate` the truth. The plane's sample and seed number what
 * is drawn. `normal`: [3 * slots + SSCAM_REPLICATES] scratch. */
void sscam_simulate_scores(const sscam_channel_samples *samples, const double *estimate,
                           sscam_noise_plane plane, sscam_simulated what, float *normal,
                           double *score);

#endif
