/* The mean of a layer's activations: ActivationMap of OpenVINO XAI. */
#include <math.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "methods/methods.h"

static void average_channels(const sscam_capture *capture, int64_t positions, double *mean)
{
    for (int64_t k = 0; k < capture->channels; k++)
        for (int64_t p = 0; p < positions; p++)
            mean[p] += (double)capture->activations[k * positions + p] / (double)capture->channels;
}

/* (1/K) sum_k A_k(p): ActivationMap of OpenVINO XAI. The lowest value becomes 0, as negative means,
 * which layers without a ReLU have, would be lost to the map's ReLU. */
sscam_status sscam_weigh_activation_map(sscam_map_job *job)
{
    const sscam_capture *capture = job->capture;
    const int64_t positions = sscam_position_count(capture->sides);
    double *mean = sscam_zeros(positions, sizeof *mean), lowest = INFINITY;
    if (!mean)
        return sscam_fail_memory("the mean of activations");
    average_channels(capture, positions, mean);
    for (int64_t p = 0; p < positions; p++)
        lowest = fmin(lowest, mean[p]);
    sscam_status status = sscam_begin_raw_map(job, capture->sides);
    for (int64_t p = 0; p < positions && status == SSCAM_OK; p++)
        job->raw_map[p] = (float)(mean[p] - lowest);
    free(mean);
    return status;
}
