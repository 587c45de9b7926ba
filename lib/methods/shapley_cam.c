/* ShapleyCAM (Cai 2024). */
#include "methods/methods.h"

/* a_k = mean_p (g_k(p) - (H A)_k(p) / 2), H being the Hessian of Y^c by A: Cai 2024, the weights of
 * ShapleyCAM. */
sscam_status sscam_weigh_shapley_cam(sscam_map_job *job)
{
    const sscam_capture *capture = job->capture;
    const int64_t positions = sscam_position_count(capture->sides);
    for (int64_t k = 0; k < capture->channels; k++) {
        double sum = 0.0;
        for (int64_t i = k * positions; i < (k + 1) * positions; i++)
            sum += capture->gradients[i] - 0.5 * capture->curvature[i];
        job->weights[k] = (float)(sum / (double)positions);
    }
    return SSCAM_OK;
}
