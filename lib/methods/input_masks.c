#include "methods/input_masks.h"

#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"

/* Floats of masks that exist at a time; inputs that are masked by them, at least and at most. */
enum { MASK_FLOATS = 1 << 22, LEAST_INPUTS = 8, MOST_INPUTS = 256 };

sscam_status sscam_input_masks_init(sscam_input_masks *masks, const sscam_map_job *job,
                                    int64_t scores_each, int64_t most)
{
    const int64_t positions = sscam_position_count(job->shape.sides),
                  fitting = MASK_FLOATS / positions, least = LEAST_INPUTS / scores_each,
                  largest = MOST_INPUTS / scores_each;
    masks->scores_each = scores_each;
    masks->limit = fitting < least ? least : fitting > largest ? largest : fitting;
    if (masks->limit > most)
        masks->limit = most;
    masks->values = sscam_allocate_array(sscam_times(masks->limit, positions),
                                         sizeof *masks->values);
    masks->channels = sscam_zeros(scores_each * masks->limit, sizeof *masks->channels);
    return masks->values && masks->channels ? SSCAM_OK : sscam_fail_memory("masks");
}

void sscam_input_masks_release(sscam_input_masks *masks)
{
    free(masks->values);
    free(masks->channels);
}

void sscam_request_input_masks(sscam_map_job *job, sscam_input_masks *masks, int64_t count,
                               int64_t later)
{
    masks->plan = (sscam_mask_plan){.input = job->input,
                                    .input_rank = job->shape.rank,
                                    .input_channels = job->shape.channels,
                                    .input_sides = job->shape.sides,
                                    .activations = masks->values,
                                    .map_sides = job->shape.sides,
                                    .channels = masks->channels,
                                    .channel_count = masks->scores_each * count,
                                    .samples = 1,
                                    .noise_target = SSCAM_NOISE_ON_MASK};
    job->requested_masks = &masks->plan;
    job->later_inputs = later;
}
