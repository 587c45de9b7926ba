/* Eigen-CAM (Muhammad & Yeasin 2020), and the same of gradient times activation. */
#include "explain/method.h"

static float activation_alone(float activation, float gradient)
{
    (void)gradient;
    return activation;
}

/* A projected on its first principal component, that of the activations minus their mean. */
sscam_status sscam_weigh_eigen_cam(sscam_explanation *explanation)
{
    explanation->projects = 1;
    return sscam_make_terms(explanation, activation_alone);
}

/* g * A projected on its first principal component: EigenGradCAM of the package grad-cam. */
sscam_status sscam_weigh_eigen_grad_cam(sscam_explanation *explanation)
{
    explanation->projects = 1;
    return sscam_make_terms(explanation, sscam_gradient_times_activation);
}
