/* As many samples of each channel as a map needs: the option `tolerance`.
 *
 * Samples are scored in rounds. After each, the map's error is estimated: the amount by which the
 * data, which are in [0,1], may still change at most if all samples were scored, with 95 %
 * certainty. The rounds end when it is within the tolerance. What is scored depends on scores
 * alone, not on batches or threads. */
#ifndef SSCAM_LIB_METHODS_SAMPLE_ROUNDS_H
#define SSCAM_LIB_METHODS_SAMPLE_ROUNDS_H

#include "explain/method_private.h"
#include "methods/score_weights.h"

/* From a score for each channel that is scored to the weights of all channels, [channels]. */
typedef void (*sscam_weigh_scores)(void *user, const double *score, double *weight);

typedef struct sscam_round_request {
    const sscam_map_job *job;
    const sscam_mask_channel *channels; /* [channel_count] those scored, without samples */
    const int64_t *slot_of;         /* [capture channels] of each its number there, or below 0 */
    int64_t channel_count, samples; /* samples: N, at least 2 */
    sscam_reduction reduction;
    sscam_weigh_scores weigh;
    void *user; /* of weigh() */
} sscam_round_request;

typedef struct sscam_sample_rounds sscam_sample_rounds;

/* SSCAM_E_ARGUMENT where the error of such a map cannot be estimated. NULL on failure. */
sscam_status sscam_sample_rounds_new(const sscam_round_request *request, sscam_sample_rounds **out);
void sscam_sample_rounds_free(sscam_sample_rounds *rounds);

/* The masked inputs of the round: one entry a sample. They are the rounds'. */
const sscam_mask_channel *sscam_round_channels(const sscam_sample_rounds *rounds, int64_t *count);

/* Takes the round's scores and makes the next round. Its count is 0 when the error is within the
 * tolerance or all samples are scored. */
sscam_status sscam_sample_rounds_take(sscam_sample_rounds *rounds, const float *scores);

/* Masked inputs that the rounds after this one are expected to have, for the progress. */
int64_t sscam_round_later_inputs(const sscam_sample_rounds *rounds);

/* When the rounds have ended: the scores, and the estimated error. */
void sscam_round_scores(const sscam_sample_rounds *rounds, double *score);
double sscam_round_error(const sscam_sample_rounds *rounds);

#endif
