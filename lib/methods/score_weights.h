/* Scores of channels by masked inputs: what Score-CAM, both SS-CAMs and IS-CAM share. */
#ifndef SSCAM_LIB_METHODS_SCORE_WEIGHTS_H
#define SSCAM_LIB_METHODS_SCORE_WEIGHTS_H

#include "explain/method_private.h"

/* The masked inputs of a channel. */
typedef enum sscam_sampling {
    SSCAM_SAMPLES_ONE,    /* Score-CAM, eq. 5-8 */
    SSCAM_SAMPLES_NOISY,  /* N with noise of their own: SS-CAM */
    SSCAM_SAMPLES_FADE_IN /* N with mask times i/N, i = 1..N: IS-CAM */
} sscam_sampling;

/* How a channel's scores become one. */
typedef enum sscam_reduction {
    SSCAM_REDUCE_MEAN,   /* eq. 9-11 */
    SSCAM_REDUCE_MAXIMUM /* eq. 13-15 */
} sscam_reduction;

/* Fills job->weights: C_k = reduce_i f^c(masked input k,i) - f^c(X_b), then the softmax over the
 * channels, by the job's options. Called repeatedly, as method_private.h describes. */
sscam_status sscam_weigh_by_scores(sscam_map_job *job, sscam_sampling sampling,
                                   sscam_reduction reduction);

#endif
