/* Scores of channels by masked inputs: what Score-CAM and both SS-CAMs share. */
#ifndef SSCAM_LIB_CHANNEL_SCORE_H
#define SSCAM_LIB_CHANNEL_SCORE_H

#include "strategy.h"

/* How a channel's noisy scores become one. */
typedef enum sscam_reduction {
    SSCAM_REDUCE_MEAN,   /* eq. 9-11 */
    SSCAM_REDUCE_MAXIMUM /* eq. 13-15 */
} sscam_reduction;

/* Fills explanation->weights: C_k = reduce_i f^c(masked input k,i) - f^c(X_b), then the softmax over the channels,
 * by the explanation's options, in the turns that
 * strategy.h describes. `noisy` 0: one pass a channel without noise (Score-CAM, eq. 5-8). */
sscam_status sscam_weigh_by_scores(sscam_explanation *explanation, int32_t noisy, sscam_reduction reduction);

#endif
