#include "explain/capture.h"

#include <math.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "explain/option_values.h"

/* Puts *values, [shape], in the place of channels-first ones. */
static sscam_status put_channels_first(const sscam_activation_layout *arrangement, float **values)
{
    float *arranged = sscam_array(arrangement->channels * sscam_position_count(arrangement->sides),
                                  sizeof *arranged);
    if (arranged == NULL)
        return sscam_fail_memory("a layer's values");
    sscam_put_channels_first(arrangement, *values, arranged);
    free(*values);
    *values = arranged;
    return SSCAM_OK;
}

static float largest_extra(const sscam_activation_layout *arrangement, const float *values)
{
    const int64_t row = arrangement->extra + sscam_position_count(arrangement->sides);
    const int32_t is_last = arrangement->channel_axis >= 2;
    float largest = 0.0f;
    for (int64_t k = 0; k < arrangement->channels; k++)
        for (int64_t t = 0; t < arrangement->extra; t++)
            largest = fmaxf(largest,
                            fabsf(values[is_last ? t * arrangement->channels + k : k * row + t]));
    return largest;
}

/* A class token may be all that the rest of a transformer reads: then no place has a share in the
 * score. */
static sscam_status check_places_count(const sscam_capture *capture)
{
    int64_t count = capture->channels * sscam_position_count(capture->sides);
    if (capture->extra_gradient == 0.0f)
        return SSCAM_OK;
    for (int64_t i = 0; i < count; i++)
        if (capture->gradients[i] != 0.0f)
            return SSCAM_OK;
    return sscam_fail(SSCAM_E_LAYER,
                      "layer \"%s\": of its tokens the class score depends on those before the "
                      "grid's alone, such as "
                      "the class token; name a layer before the last attention",
                      capture->layer);
}

static sscam_status arrange(const sscam_map_job *job, sscam_capture *capture)
{
    const sscam_layout_hint wish = sscam_layout_hint_of(job->settings);
    sscam_activation_layout arrangement;
    sscam_status status = sscam_require_activation_layout(
        capture->layer, capture->shape, capture->rank, &job->shape, &wish, &arrangement);
    if (status != SSCAM_OK)
        return status;
    capture->channels = arrangement.channels;
    capture->sides = arrangement.sides;
    capture->batch_axis = arrangement.batch_axis;
    capture->channel_axis = arrangement.channel_axis;
    if (capture->gradients != NULL)
        capture->extra_gradient = largest_extra(&arrangement, capture->gradients);
    if (arrangement.channel_axis < 2 && arrangement.extra == 0)
        return SSCAM_OK; /* it is as it should be */
    status = put_channels_first(&arrangement, &capture->activations);
    if (status == SSCAM_OK && capture->gradients != NULL)
        status = put_channels_first(&arrangement, &capture->gradients);
    return status == SSCAM_OK ? check_places_count(capture) : status;
}

sscam_status sscam_capture_layer(sscam_map_job *job, const float *input, const char *layer,
                                 const sscam_target *target, int32_t want_gradients,
                                 sscam_capture *out)
{
    sscam_capture_request request = {
        .input = input,
        .shape = job->shape,
        .layer = layer,
        .output = sscam_output_of(job->settings),
        .target = *target,
        .region = job->region,
        .want_gradients = want_gradients,
    };
    sscam_status status = job->backend->capture(job->network, &request, out);
    if (status != SSCAM_OK)
        return status;
    job->passes++;
    status = arrange(job, out);
    if (status != SSCAM_OK)
        sscam_capture_release(out);
    return status;
}
