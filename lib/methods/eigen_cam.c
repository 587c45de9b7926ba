/* Eigen-CAM (Muhammad & Yeasin 2020), of activations and of gradients times activations. */
#include "methods/methods.h"

static float activation_alone(float activation, float gradient)
{
    (void)gradient;
    return activation;
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
