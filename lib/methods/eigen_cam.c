/* Eigen-CAM (Muhammad & Yeasin 2020), of activations and of gradients times activations, and
 * Seg-Eigen-CAM (Chung & Ying 2025). */
#include <math.h>

#include "methods/methods.h"

static float activation_alone(float activation, float gradient)
{
    (void)gradient;
    return activation;
}

static float gradient_magnitude_times_activation(float activation, float gradient)
{
    return fabsf(gradient) * activation;
}

/* A projected on the first principal component of the activations minus their mean. */
sscam_status sscam_weigh_eigen_cam(sscam_map_job *job)
{
    job->is_projected = 1;
    return sscam_compute_terms(job, activation_alone);
}

/* g * A projected on its first principal component: EigenGradCAM of the package grad-cam. */
sscam_status sscam_weigh_eigen_grad_cam(sscam_map_job *job)
{
    job->is_projected = 1;
    return sscam_compute_terms(job, sscam_gradient_times_activation);
}

/* |g| * A (Chung & Ying 2025, eq. 10) projected on its first principal component, with the sign
 * that makes the value of the largest magnitude positive (eq. 13). */
sscam_status sscam_weigh_seg_eigen_cam(sscam_map_job *job)
{
    job->is_projected = 1;
    job->has_positive_peak = 1;
    return sscam_compute_terms(job, gradient_magnitude_times_activation);
}
