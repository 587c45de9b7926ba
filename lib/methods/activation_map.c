/* The mean of a layer's activations: ActivationMap of OpenVINO XAI. */
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

/* (1/K) sum_k A_k(p): ActivationMap of OpenVINO XAI. Layers without a ReLU have negative
 * means. */
sscam_status sscam_weigh_activation_map(sscam_map_job *job)
{
    const sscam_capture *capture = job->capture;
    const int64_t positions = sscam_position_count(capture->sides);
    double *mean = sscam_zeros(positions, sizeof *mean);
    if (!mean)
        return sscam_fail_memory("the mean of activations");
    average_channels(capture, positions, mean);
    sscam_status status = sscam_take_raw_map(job, capture->sides, mean, 1.0);
    free(mean);
    return status;
}
