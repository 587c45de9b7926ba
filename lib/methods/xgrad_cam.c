/* XGrad-CAM (Fu et al. 2020). */
#include "methods/methods.h"

/* a_k = sum_p g_k(p) A_k(p) / sum_q A_k(q). The weight is 0 where the activations add up to
 * zero. */
sscam_status sscam_weigh_xgrad_cam(sscam_map_job *job)
{
    const sscam_capture *capture = job->capture;
    int64_t positions = sscam_position_count(capture->sides);
    for (int64_t k = 0; k < capture->channels; k++) {
        const float *activation = capture->activations + k * positions,
                    *gradient = capture->gradients + k * positions;
        double product_sum = 0.0, activation_sum = 0.0;
        for (int64_t p = 0; p < positions; p++) {
            product_sum += (double)gradient[p] * activation[p];
            activation_sum += activation[p];
        }
        job->weights[k] = activation_sum != 0.0 ? (float)(product_sum / activation_sum) : 0.0f;
    }
    return SSCAM_OK;
}
