/* The scores of channels sampled so far, and what the rest of the samples may still make of them.
 *
 * Of each channel the first samples of a sequence of N are known. Its score by all N, their mean or
 * maximum, is estimated, and simulated: from how far the simulated scores move the map follows the
 * error of the estimate (sample_rounds.h). docs/methods.md has the formulas. */
#ifndef SSCAM_LIB_METHODS_CHANNEL_SAMPLES_H
#define SSCAM_LIB_METHODS_CHANNEL_SAMPLES_H

#include <stdint.h>

#include "masks/noise.h"
#include "methods/score_weights.h"
#include "sscam/status.h"

enum {
    SSCAM_REPLICATES = 32,  /* samples of common noise whose scores are kept */
    SSCAM_PILOT_SHARE = 8,  /* of the channels, one of so many gets a second sample first, */
    SSCAM_LEAST_PILOTS = 32 /* and not fewer than this, if there are as many */
};

typedef struct sscam_channel_samples {
    int64_t slots, limit; /* channels that are scored, and samples of each, N */
    sscam_reduction reduction;
    int32_t is_common;    /* whether the channels share the noise of a sample: all then have the
                             same samples, but for the pilots' second */
    int32_t with_softmax; /* whether weights are the softmax of the scores */
    int64_t *count;       /* [slots] samples known, of the channel's first */
    double *mean, *squares, *highest; /* [slots]; sums of squared deviations */
    double *replicate;                /* [slots][SSCAM_REPLICATES], of common noise; NULL */
    double pooled_variance;
    int64_t freedom; /* degrees of freedom of the variances */
} sscam_channel_samples;

/* sscam_channel_samples_release() releases it, also on failure. */
sscam_status sscam_channel_samples_init(sscam_channel_samples *samples);
void sscam_channel_samples_release(sscam_channel_samples *samples);

/* Takes the next sample of a channel. */
void sscam_channel_samples_add(sscam_channel_samples *samples, int64_t slot, double score);

/* Whether a channel has a second sample before the others: with common noise. */
int32_t sscam_is_pilot(const sscam_channel_samples *samples, int64_t slot);

/* After the scores of a round, before what follows. */
void sscam_channel_samples_settle(sscam_channel_samples *samples);

/* Variance of a channel's scores: of its own, and pooled where it has few. */
double sscam_sample_variance(const sscam_channel_samples *samples, int64_t slot);

/* The channels' scores by all samples, estimated; where all are known, the scores. */
void sscam_estimate_scores(const sscam_channel_samples *samples, double *score);

/* Scores that would be estimated as `estimate` is, were `estimate` the truth, or in the case of a
 * maximum, that the samples to come may lead to. `draw` and the plane's seed number what is
 * drawn. `normal`: [2 * slots] scratch. */
void sscam_simulate_scores(const sscam_channel_samples *samples, const double *estimate,
                           sscam_noise_plane plane, float *normal, double *score);

#endif
