/* Masks of the input's size that a method makes itself and has scored part by part. */
#ifndef SSCAM_LIB_METHODS_INPUT_MASKS_H
#define SSCAM_LIB_METHODS_INPUT_MASKS_H

#include "explain/method_private.h"

typedef struct sscam_input_masks {
    int64_t limit;                /* masks that exist at a time */
    int64_t scores_each;          /* masked inputs of each mask */
    float *values;                /* [limit][input sides] */
    sscam_mask_channel *channels; /* [limit][scores_each] */
    sscam_mask_plan plan;
} sscam_input_masks;

/* Zeroed masks at first; `most` are made in all. SSCAM_E_MEMORY. */
sscam_status sscam_input_masks_init(sscam_input_masks *masks, const sscam_map_job *job,
                                    int64_t scores_each, int64_t most);
void sscam_input_masks_release(sscam_input_masks *masks);

/* Requests the scores of the first `count` masks; `later`: masked inputs of those still to come. */
void sscam_request_input_masks(sscam_map_job *job, sscam_input_masks *masks, int64_t count,
                               int64_t later);

#endif
