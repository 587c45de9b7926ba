/* Grad-CAM (Selvaraju et al. 2017). */
#include "methods/methods.h"

void sscam_mean_gradients(const sscam_capture *capture, float *weights)
{
    int64_t positions = sscam_position_count(capture->sides);
    for (int64_t k = 0; k < capture->channels; k++) {
        double sum = 0.0;
        for (int64_t p = 0; p < positions; p++)
            sum += capture->gradients[k * positions + p];
        weights[k] = (float)(sum / (double)positions);
    }
}

/* a_k = mean_p g_k(p): Naidu & Michael 2020, eq. 3-4. */
sscam_status sscam_weigh_grad_cam(sscam_map_job *job)
{
    sscam_mean_gradients(job->capture, job->weights);
    return SSCAM_OK;
}
