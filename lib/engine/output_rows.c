#include "engine/output_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"

static int64_t pixel_count(const sscam_engine_values *outputs)
{
    return sscam_engine_is_dense(outputs) ? outputs->shape[2] * outputs->shape[3] : 1;
}

int64_t sscam_engine_output_size(const sscam_engine_values *outputs)
{
    return sscam_engine_class_count(outputs) * pixel_count(outputs);
}

/* --- rows ------------------------------------------------------------------------------------- */

/* Adds the probabilities of the classes at a pixel to `sums`; logits are `pixels` values apart. */
static void add_probabilities(const float *logits, int64_t classes, int64_t pixels,
                              sscam_score_kind kind, double *sums)
{
    double highest = -INFINITY, sum = 0.0;
    if (kind == SSCAM_SCORE_SIGMOID || classes == 1) {
        for (int64_t c = 0; c < classes; c++)
            sums[c] += 1.0 / (1.0 + exp(-(double)logits[c * pixels]));
        return;
    }
    for (int64_t c = 0; c < classes; c++)
        highest = fmax(highest, logits[c * pixels]);
    for (int64_t c = 0; c < classes; c++)
        sum += exp(logits[c * pixels] - highest);
    for (int64_t c = 0; c < classes; c++)
        sums[c] += exp(logits[c * pixels] - highest) / sum;
}

static void add_logits(const float *logits, int64_t classes, int64_t pixels, double *sums)
{
    for (int64_t c = 0; c < classes; c++)
        sums[c] += logits[c * pixels];
}

static sscam_status check_pixels(const sscam_engine_values *outputs,
                                 const sscam_target_pixels *target_pixels)
{
    if (!target_pixels ||
        (outputs->shape[2] == target_pixels->height && outputs->shape[3] == target_pixels->width))
        return SSCAM_OK;
    return sscam_fail(SSCAM_E_MODEL,
                      "the network's output has %lldx%lld pixels for one input and %lldx%lld for "
                      "another of the same size",
                      (long long)target_pixels->height, (long long)target_pixels->width,
                      (long long)outputs->shape[2], (long long)outputs->shape[3]);
}

static sscam_status read_dense_row(const sscam_engine_values *outputs, int64_t input,
                                   const sscam_target_pixels *target_pixels, sscam_score_kind kind,
                                   float *row)
{
    const int64_t classes = sscam_engine_class_count(outputs), pixels = pixel_count(outputs);
    const float *logits = outputs->values + input * classes * pixels;
    int64_t count = 0;
    sscam_status status = check_pixels(outputs, target_pixels);
    if (status != SSCAM_OK)
        return status;
    double *sums = sscam_zeros(classes, sizeof *sums);
    if (!sums)
        return sscam_fail_memory("a dense output");
    for (int64_t p = 0; p < pixels; p++) {
        if (target_pixels && !target_pixels->inside[p])
            continue;
        count++;
        if (kind == SSCAM_SCORE_LOGIT)
            add_logits(logits + p, classes, pixels, sums);
        else
            add_probabilities(logits + p, classes, pixels, kind, sums);
    }
    for (int64_t c = 0; c < classes; c++)
        row[c] = (float)(sums[c] / (double)count);
    free(sums);
    return SSCAM_OK;
}

sscam_status sscam_engine_read_row(const sscam_engine_values *outputs, int64_t input,
                                   const sscam_target_pixels *target_pixels, sscam_score_kind kind,
                                   float *row)
{
    const int64_t classes = sscam_engine_class_count(outputs);
    if (sscam_engine_is_dense(outputs))
        return read_dense_row(outputs, input, target_pixels, kind, row);
    memcpy(row, outputs->values + input * classes, (size_t)classes * sizeof *row);
    return SSCAM_OK;
}

/* --- target pixels ---------------------------------------------------------------------------- */

/* The class predicted at a pixel; -1: none. Of equal classes the lowest index counts. */
static int64_t highest_class(const float *logits, int64_t classes, int64_t pixels)
{
    int64_t highest = 0;
    for (int64_t c = 1; c < classes; c++)
        if (logits[c * pixels] > logits[highest * pixels])
            highest = c;
    return highest;
}

/* Whether a class is predicted at a pixel, given the highest class there. */
static int32_t is_predicted(const float *logits, int64_t classes, int64_t pixels,
                            const sscam_region *region, int64_t highest, int64_t class_index)
{
    if (region->by_sign || classes == 1)
        return logits[class_index * pixels] > 0.0f;
    return class_index == highest;
}

/* Resolves the class by the number of pixels at which each is predicted within the region. */
static sscam_status resolve_class(const sscam_engine_values *outputs, const sscam_region *region,
                                  const sscam_target_pixels *target_pixels, sscam_target *target)
{
    const int64_t classes = sscam_engine_class_count(outputs), pixels = pixel_count(outputs);
    int64_t *counts = sscam_zeros(classes, sizeof *counts);
    if (!counts)
        return sscam_fail_memory("a dense output");
    for (int64_t p = 0; p < pixels; p++) {
        const float *logits = outputs->values + p;
        const int64_t highest = highest_class(logits, classes, pixels);
        for (int64_t c = 0; c < classes && target_pixels->inside[p]; c++)
            counts[c] += is_predicted(logits, classes, pixels, region, highest, c);
    }
    sscam_status status = sscam_resolve_dense_class(target, counts, classes);
    free(counts);
    return status;
}

static void keep_predicted(const sscam_engine_values *outputs, const sscam_region *region,
                           int64_t class_index, sscam_target_pixels *target_pixels)
{
    const int64_t classes = sscam_engine_class_count(outputs), pixels = pixel_count(outputs);
    for (int64_t p = 0; p < pixels; p++) {
        const float *logits = outputs->values + p;
        const int64_t highest = highest_class(logits, classes, pixels);
        target_pixels->inside[p] = (uint8_t)is_predicted(logits, classes, pixels, region, highest,
                                                         class_index);
    }
}

sscam_status sscam_engine_find_pixels(const sscam_engine_values *outputs,
                                      const sscam_capture_request *request, sscam_target *target,
                                      sscam_target_pixels **out)
{
    static const sscam_region everywhere = {.kind = SSCAM_REGION_ALL};
    const sscam_region *region = request->region ? request->region : &everywhere;
    const sscam_sides sides = request->shape.sides;
    if (request->target.target_pixels) {
        sscam_status status = check_pixels(outputs, request->target.target_pixels);
        return status == SSCAM_OK ? sscam_target_pixels_copy(request->target.target_pixels, out)
                                  : status;
    }
    sscam_status status = sscam_target_pixels_create(outputs->shape[2], outputs->shape[3], out);
    if (status == SSCAM_OK)
        status = sscam_target_pixels_mark(*out, region, sides.height, sides.width);
    if (status == SSCAM_OK)
        status = resolve_class(outputs, region, *out, target);
    if (status == SSCAM_OK && region->kind == SSCAM_REGION_PREDICTED)
        keep_predicted(outputs, region, target->class_index, *out);
    return status == SSCAM_OK ? sscam_target_pixels_finish(*out, region, target->class_index)
                              : status;
}

/* --- weights ---------------------------------------------------------------------------------- */

static void add_class_weights(const sscam_engine_values *outputs, int64_t class_index,
                              const sscam_target_pixels *target_pixels, double weight,
                              float *weights)
{
    const int64_t pixels = pixel_count(outputs);
    float *own = weights + class_index * pixels;
    for (int64_t p = 0; p < pixels; p++) {
        if (!target_pixels)
            own[p] += (float)weight;
        else if (target_pixels->inside[p])
            own[p] += (float)(weight * target_pixels->factor / (double)target_pixels->count);
    }
}

sscam_status sscam_engine_write_weights(const sscam_engine_values *outputs, const float *logits,
                                        const sscam_target *target, float *weights)
{
    const int64_t classes = sscam_engine_class_count(outputs);
    double *slopes = sscam_allocate_array(classes, sizeof *slopes);
    if (!slopes)
        return sscam_fail_memory("output weights");
    sscam_target_slopes(target, logits, classes, slopes);
    memset(weights, 0, (size_t)sscam_engine_output_size(outputs) * sizeof *weights);
    for (int64_t c = 0; c < classes; c++)
        if (slopes[c] != 0.0)
            add_class_weights(outputs, c, target->target_pixels, slopes[c], weights);
    free(slopes);
    return SSCAM_OK;
}
