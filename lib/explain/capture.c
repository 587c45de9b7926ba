#include "explain/capture.h"

#include <math.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "explain/option_values.h"

/* Replaces *values, in the layer's own order, by the same with their channels first. */
static sscam_status put_channels_first(const sscam_activation_layout *layout, float **values)
{
    float *reordered = sscam_allocate_array(layout->channels * sscam_position_count(layout->sides),
                                            sizeof *reordered);
    if (!reordered)
        return sscam_fail_memory("a layer's values");
    sscam_put_channels_first(layout, *values, reordered);
    free(*values);
    *values = reordered;
    return SSCAM_OK;
}

static float largest_extra(const sscam_activation_layout *layout, const float *values)
{
    const int64_t row = layout->extra + sscam_position_count(layout->sides);
    const int32_t is_last = layout->channel_axis >= 2;
    float largest = 0.0f;
    for (int64_t k = 0; k < layout->channels; k++)
        for (int64_t t = 0; t < layout->extra; t++)
            largest = fmaxf(largest,
                            fabsf(values[is_last ? t * layout->channels + k : k * row + t]));
    return largest;
}

/* What follows the layer in a transformer may read nothing but the class token. Then no position
 * has a share in the score. */
static sscam_status check_grid_is_read(const sscam_capture *capture)
{
    int64_t count = capture->channels * sscam_position_count(capture->sides);
    if (capture->extra_gradient == 0.0f)
        return SSCAM_OK;
    for (int64_t i = 0; i < count; i++)
        if (capture->gradients[i] != 0.0f)
            return SSCAM_OK;
    return sscam_fail(
        SSCAM_E_LAYER,
        "layer \"%s\": the class score depends on none of the grid's tokens, only on tokens before "
        "it such as the class token; name a layer before the last attention",
        capture->layer);
}

/* What the caller leaves open, as the network tells it. */
static sscam_layout_hint complete_hint(sscam_layout_hint hint, const sscam_layout_hint *found)
{
    if (hint.grid_width > 0 ||
        (hint.channel_axis != SSCAM_CHANNEL_AXIS_AUTO && hint.channel_axis != found->channel_axis))
        return hint;
    return *found;
}

static sscam_status put_in_order(const sscam_map_job *job, sscam_capture *capture)
{
    const sscam_layout_hint hint = complete_hint(sscam_layout_hint_of(job->settings),
                                                 &capture->tokens);
    sscam_activation_layout layout;
    sscam_status status = sscam_require_activation_layout(
        capture->layer, capture->shape, capture->rank, &job->shape, &hint, &layout);
    if (status != SSCAM_OK)
        return status;
    capture->channels = layout.channels;
    capture->sides = layout.sides;
    capture->batch_axis = layout.batch_axis;
    capture->channel_axis = layout.channel_axis;
    capture->extra_tokens = layout.extra;
    if (capture->gradients)
        capture->extra_gradient = largest_extra(&layout, capture->gradients);
    if (layout.channel_axis < 2 && layout.extra == 0)
        return SSCAM_OK; /* the channels are first */
    status = put_channels_first(&layout, &capture->activations);
    if (status == SSCAM_OK && capture->gradients)
        status = put_channels_first(&layout, &capture->gradients);
    if (status == SSCAM_OK && capture->curvature)
        status = put_channels_first(&layout, &capture->curvature);
    return status == SSCAM_OK ? check_grid_is_read(capture) : status;
}

sscam_status sscam_capture_layer(sscam_map_job *job, const float *input, const char *layer,
                                 const sscam_target *target, int32_t want_gradients,
                                 sscam_capture *out)
{
    sscam_capture_request request = {
        .input = input,
        .shape = job->shape,
        .layer = layer,
        .output = job->output,
        .target = *target,
        .region = job->region,
        .probability = sscam_probability_kind(job->settings),
        .want_gradients = want_gradients,
        .want_curvature = want_gradients && (job->method->needs & SSCAM_NEEDS_CURVATURE),
    };
    sscam_status status = sscam_progress_check(&job->progress);
    if (status != SSCAM_OK)
        return status;
    status = job->backend->capture(job->network, &request, out);
    if (status == SSCAM_E_UNSUPPORTED)
        return sscam_fail(status, "%s: %s", job->method->title, sscam_error_message());
    if (status != SSCAM_OK)
        return status;
    job->passes++;
    status = put_in_order(job, out);
    if (status == SSCAM_OK)
        status = sscam_progress_check(&job->progress);
    if (status != SSCAM_OK)
        sscam_capture_release(out);
    return status;
}
