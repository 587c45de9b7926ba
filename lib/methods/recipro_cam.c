/* Recipro-CAM (Byun & Lee 2022) and ViT-ReciproCAM (Byun & Lee 2023). */
#include <math.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "methods/methods.h"

static sscam_status begin(sscam_map_job *job, int32_t is_spread)
{
    const sscam_capture *capture = job->capture;
    sscam_ablation_plan *plan = calloc(1, sizeof *plan);
    if (!plan)
        return sscam_fail_memory("positions");
    job->state = plan;
    job->release_state = free;
    *plan = (sscam_ablation_plan){.input = job->input,
                                  .layer = capture->layer,
                                  .batch_axis = capture->batch_axis,
                                  .channel_axis = capture->channel_axis,
                                  .channel_count = sscam_position_count(capture->sides),
                                  .sides = capture->sides,
                                  .extra_tokens = capture->extra_tokens,
                                  .is_spread = is_spread};
    job->requested_ablations = plan;
    return SSCAM_OK;
}

/* The lowest score becomes 0: s() does not depend on it, and negative logits would be lost to the
 * ReLU. */
static sscam_status take_scores(sscam_map_job *job)
{
    const int64_t positions = sscam_position_count(job->capture->sides);
    float lowest = INFINITY;
    sscam_status status = sscam_begin_raw_map(job, job->capture->sides);
    for (int64_t p = 0; p < positions && status == SSCAM_OK; p++) {
        if (!isfinite(job->scores[p]))
            return sscam_fail(SSCAM_E_MODEL, "the network's score of position %lld alone is %g",
                              (long long)p, (double)job->scores[p]);
        lowest = fminf(lowest, job->scores[p]);
    }
    for (int64_t p = 0; p < positions && status == SSCAM_OK; p++)
        job->raw_map[p] = job->scores[p] - lowest;
    return status;
}

static sscam_status weigh(sscam_map_job *job, int32_t is_spread)
{
    if (!job->state)
        return begin(job, is_spread);
    job->requested_ablations = NULL;
    return take_scores(job);
}

/* S(p) = f^c of the network behind the layer for A times a mask that is 1 at p and 0 elsewhere:
 * Byun & Lee 2022. */
sscam_status sscam_weigh_recipro_cam(sscam_map_job *job)
{
    return weigh(job, 0);
}

/* The same with a Gaussian mask of 3 x 3 around p, (1/4, 1/2, 1/4) along each axis, and with tokens
 * outside the grid kept: Byun & Lee 2023. */
sscam_status sscam_weigh_vit_recipro_cam(sscam_map_job *job)
{
    return weigh(job, 1);
}
