/* CAM (Zhou et al. 2015), and the test that a network's head has the form that CAM needs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "explain/capture.h"
#include "methods/methods.h"

/* float32 gradients of one linear layer agree far better than 1e-4. */
enum { TOLERANCE_DENOMINATOR = 10000 };

/* Sums of gradients over positions. For pooling and one linear layer, Y = b + sum_k w_k mean_p
 * A_k(p), so g_k(p) = w_k / positions everywhere and the sum is w_k itself. */
static void sum_gradients(const sscam_capture *capture, float *weights)
{
    sscam_mean_gradients(capture, weights);
    for (int64_t k = 0; k < capture->channels; k++)
        weights[k] *= (float)sscam_position_count(capture->sides);
}

static double largest_magnitude(const float *values, int64_t count)
{
    double largest = 0.0;
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(values[i]));
    return largest;
}

/* Largest distance of a gradient from its channel's mean, w_k / positions. Infinite where a
 * gradient is NaN. */
static double largest_deviation(const sscam_capture *capture, const float *weights)
{
    int64_t positions = sscam_position_count(capture->sides);
    double largest = 0.0;
    for (int64_t k = 0; k < capture->channels; k++) {
        for (int64_t p = 0; p < positions; p++) {
            double deviation = fabs(capture->gradients[k * positions + p] -
                                    (double)weights[k] / (double)positions);
            largest = isnan(deviation) ? INFINITY : fmax(largest, deviation);
        }
    }
    return largest;
}

static sscam_status fail_unsupported(const sscam_map_job *job, const char *why)
{
    const int32_t is_cam = (job->method->needs & SSCAM_NEEDS_POOLED_LINEAR) != 0;
    return sscam_fail(SSCAM_E_UNSUPPORTED,
                      "%s needs global average pooling and then one linear layer after the target "
                      "layer %s, but %s",
                      is_cam ? "cam" : "option mask_weights=fc", job->capture->layer, why);
}

/* The same capture on another input, where only a linear head has the same gradients. */
static sscam_status capture_elsewhere(sscam_map_job *job, sscam_capture *capture)
{
    int64_t size = sscam_input_size(&job->shape);
    const float *given = NULL;
    sscam_status status = sscam_host_values(job->device_input, job->input, &given);
    if (status != SSCAM_OK)
        return status;
    float *input = sscam_allocate_array(size, sizeof *input);
    if (!input)
        return sscam_fail_memory("an input");
    for (int64_t i = 0; i < size; i++)
        input[i] = 0.5f - given[i];
    status = sscam_capture_layer(job, input, job->capture->layer, &job->target, 1, capture);
    free(input);
    return status;
}

sscam_status sscam_last_layer_weights(sscam_map_job *job, float *weights)
{
    const sscam_capture *capture = job->capture;
    int64_t positions = sscam_position_count(capture->sides);
    if (job->class_weights) {
        memcpy(weights, job->class_weights, (size_t)capture->channels * sizeof *weights);
        return SSCAM_OK;
    }
    sum_gradients(capture, weights);
    double allowed = largest_magnitude(weights, capture->channels) / (double)positions /
                     TOLERANCE_DENOMINATOR;
    if (largest_deviation(capture, weights) > allowed)
        return fail_unsupported(job, "its class scores depend on the position of an activation");
    if (capture->extra_gradient > 0.0f)
        return fail_unsupported(job,
                                "its class scores also depend on tokens that are not of the grid");

    sscam_capture elsewhere = {0};
    sscam_status status = capture_elsewhere(job, &elsewhere);
    if (status != SSCAM_OK)
        return status;
    if (elsewhere.channels != capture->channels ||
        !sscam_same_sides(elsewhere.sides, capture->sides))
        status = fail_unsupported(job, "its layers change shape with the input's values");
    else if (largest_deviation(&elsewhere, weights) > allowed)
        status = fail_unsupported(job, "its class scores are not linear in the pooled activations");
    sscam_capture_release(&elsewhere);
    return status;
}

/* a_k = w_fc[c,k]: Naidu & Michael 2020, eq. 1-2. */
sscam_status sscam_weigh_cam(sscam_map_job *job)
{
    return sscam_last_layer_weights(job, job->weights);
}
