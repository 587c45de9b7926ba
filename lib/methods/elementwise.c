/* Methods that weigh each position of a channel by its own gradient. */
#include <math.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "methods/methods.h"

sscam_status sscam_compute_terms(sscam_map_job *job,
                                 float (*term)(float activation, float gradient))
{
    const sscam_capture *capture = job->capture;
    int64_t count = capture->channels * sscam_position_count(capture->sides);
    job->terms = sscam_allocate_array(count, sizeof *job->terms);
    if (!job->terms)
        return sscam_fail_memory("the terms of a map");
    for (int64_t i = 0; i < count; i++) {
        job->terms[i] = term(capture->activations[i],
                             capture->gradients ? capture->gradients[i] : 0.0f);
        if (!isfinite(job->terms[i]))
            return sscam_fail(SSCAM_E_MODEL, "layer %s: activation %g times gradient %g overflows",
                              capture->layer, (double)capture->activations[i],
                              (double)capture->gradients[i]);
    }
    free(job->weights);
    job->weights = NULL;
    return SSCAM_OK;
}

static float activation_where_gradient_is_positive(float activation, float gradient)
{
    return fmaxf(gradient, 0.0f) * activation;
}

float sscam_gradient_times_activation(float activation, float gradient)
{
    return gradient * activation;
}

static float positive_product(float activation, float gradient)
{
    return fmaxf(gradient * activation, 0.0f);
}

/* ReLU(g_k(p)) A_k(p): Jiang et al. 2021. */
sscam_status sscam_weigh_layer_cam(sscam_map_job *job)
{
    return sscam_compute_terms(job, activation_where_gradient_is_positive);
}

/* g_k(p) A_k(p): Draelos & Carin 2020. */
sscam_status sscam_weigh_hires_cam(sscam_map_job *job)
{
    return sscam_compute_terms(job, sscam_gradient_times_activation);
}

/* ReLU(g_k(p) A_k(p)): GradCAMElementWise of the package grad-cam. */
sscam_status sscam_weigh_grad_cam_elementwise(sscam_map_job *job)
{
    return sscam_compute_terms(job, positive_product);
}
