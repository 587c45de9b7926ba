/* sscam_explainer_prepare(): what the first explanation of a shape would do besides the others. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "explain/call.h"
#include "explain/explainer_inputs.h"
#include "explain/explainer_private.h"
#include "explain/pipeline.h"
#include "model/input_array.h"

/* Noise, so that a network's layers have structure: forms of the network are compared on it. From
 * -2 to 2, or whole numbers like pixels. */
static void fill_with_noise(float *values, int64_t count, int32_t as_pixels)
{
    uint32_t state = 1u;
    for (int64_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        values[i] = as_pixels ? (float)(state >> 24)
                              : (float)(state >> 8) / (float)(1 << 22) - 2.0f;
    }
}

static sscam_status prepare(sscam_explainer *explainer, const sscam_shape *shape,
                            const sscam_progress *progress)
{
    const int64_t count = sscam_times(shape->images, sscam_input_size(shape));
    float *input = sscam_allocate_array(count, sizeof *input);
    if (!input)
        return sscam_fail_memory("an input");
    fill_with_noise(input, count, explainer->settings.takes_pixels);
    const sscam_explain_request request = {.explainers = &explainer,
                                           .explainer_count = 1,
                                           .input = input,
                                           .shape = *shape,
                                           .class_count = 1,
                                           .only_prepares = 1};
    sscam_status status = sscam_explain_images(&request, 0, shape->images, progress, NULL);
    free(input);
    return status;
}

sscam_status sscam_explainer_prepare(sscam_explainer *explainer, const int64_t *shape, int32_t rank)
{
    static const char function[] = "sscam_explainer_prepare";
    sscam_shape read;
    sscam_call call;
    if (!explainer || !shape)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: %s is NULL", function,
                          !explainer ? "explainer" : "shape");
    sscam_input_description wanted;
    sscam_status status = sscam_describe_input(explainer, function, &wanted);
    if (status == SSCAM_OK)
        status = sscam_read_shape_as(shape, rank, &wanted, "input", &read);
    if (status == SSCAM_OK)
        status = sscam_check_positions(&read);
    if (status == SSCAM_OK)
        status = sscam_call_begin(&call, &explainer, 1, function);
    if (status != SSCAM_OK)
        return status;
    if (read.images > SSCAM_IMAGES_AT_ONCE)
        read.images = SSCAM_IMAGES_AT_ONCE; /* a call takes no more together */
    status = prepare(explainer, &read, &call.progress);
    sscam_call_end(&call);
    return status == SSCAM_OK ? sscam_succeed() : status;
}
