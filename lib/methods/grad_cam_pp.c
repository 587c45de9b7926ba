/* Grad-CAM++ (Chattopadhyay et al. 2018). */
#include "methods/methods.h"

/* a_k = sum_p alpha_k(p) ReLU(g_k(p)), alpha_k = g^2 / (2 g^2 + g^3 sum_q A_k(q)): eq. 19, whose
 * sum runs over A alone. The factor exp(Y) of the original is the same for all channels and is left
 * out, because it overflows. With g^2 cancelled, alpha = 1 / (2 + g sum A),
 * which does not underflow for tiny gradients. */
sscam_status sscam_weigh_grad_cam_pp(sscam_map_job *job)
{
    const sscam_capture *capture = job->capture;
    int64_t positions = sscam_position_count(capture->sides);
    for (int64_t k = 0; k < capture->channels; k++) {
        const float *activation = capture->activations + k * positions,
                    *gradient = capture->gradients + k * positions;
        double activation_sum = 0.0, weight = 0.0;
        for (int64_t p = 0; p < positions; p++)
            activation_sum += activation[p];
        for (int64_t p = 0; p < positions; p++) {
            double g = gradient[p], denominator = 2.0 + g * activation_sum;
            if (g > 0.0 && denominator != 0.0)
                weight += g / denominator;
        }
        job->weights[k] = (float)weight;
    }
    return SSCAM_OK;
}
