#include "explain/map_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "explain/combine.h"
#include "image/overlay.h"
#include "math/min_max.h"
#include "math/upsample.h"

/* ReLU, which would hide what is no number. */
static sscam_status rectify(const sscam_map *map)
{
    int64_t places = sscam_position_count(map->raw_sides);
    for (int64_t p = 0; p < places; p++) {
        if (!isfinite(map->raw[p]))
            return sscam_fail(SSCAM_E_MODEL, "layer %s: the weighted activations overflow",
                              map->layer);
        map->raw[p] = fmaxf(map->raw[p], 0.0f);
    }
    return SSCAM_OK;
}

/* ReLU(sum_k T_k), at the layer's size or, with combine=upsampled, at the input's. U is linear, so
 * the sum is upsampled once instead of every T_k. */
static sscam_status combine_raw(const sscam_map_job *job, sscam_map *map)
{
    const sscam_capture *capture = job->capture;
    int32_t upsampled = job->settings->value[SSCAM_OPTION_COMBINE].integer ==
                        SSCAM_COMBINE_UPSAMPLED;
    int64_t places = sscam_position_count(capture->sides);
    map->raw_sides = upsampled ? map->sides : capture->sides;
    float *sum = sscam_array(places, sizeof *sum);
    if (sum == NULL)
        return sscam_fail_memory("a raw map");
    sscam_status status = sscam_combine_channels(job, sum);
    if (status == SSCAM_OK && !upsampled) {
        map->raw = sum;
        return rectify(map);
    }
    if (status == SSCAM_OK)
        map->raw = sscam_array(sscam_position_count(map->raw_sides), sizeof *map->raw);
    if (status == SSCAM_OK && map->raw == NULL)
        status = sscam_fail_memory("a raw map");
    if (status == SSCAM_OK)
        status = sscam_upsample(sum, capture->sides, map->raw_sides, 0, map->raw);
    free(sum);
    return status == SSCAM_OK ? rectify(map) : status;
}

/* Whether a raw map says nothing about places. */
static int32_t is_constant(const sscam_map *map)
{
    int64_t places = sscam_position_count(map->raw_sides);
    for (int64_t p = 1; p < places; p++)
        if (map->raw[p] != map->raw[0])
            return 0;
    return 1;
}

/* s(U(raw)) (eq. 12); all zeros where the raw map is flat. */
static sscam_status normalise(sscam_map *map)
{
    int64_t pixels = sscam_position_count(map->sides);
    map->data = sscam_zeros(pixels, sizeof *map->data);
    if (map->data == NULL)
        return sscam_fail_memory("a map");
    map->is_flat = is_constant(map);
    if (map->is_flat)
        return SSCAM_OK;
    sscam_status status = sscam_upsample(map->raw, map->raw_sides, map->sides, 0, map->data);
    if (status != SSCAM_OK)
        return status;
    /* A structure that upsampling to a smaller input loses leaves a flat map. */
    map->is_flat = sscam_normalise(map->data, pixels);
    return SSCAM_OK;
}

/* The places stay behind when the capture goes. */
static sscam_status keep_places(const sscam_capture *capture, sscam_map *map)
{
    if (capture->target_pixels == NULL)
        return SSCAM_OK;
    sscam_status status = sscam_target_pixels_copy(capture->target_pixels, &map->target_pixels);
    if (status == SSCAM_OK)
        map->target_pixels->factor = 1.0;
    return status;
}

static void take_over(sscam_map_job *job, sscam_map *map)
{
    const sscam_capture *capture = job->capture;
    map->rank = job->shape.rank - 2;
    map->sides = job->shape.sides;
    map->channel_count = capture->channels;
    map->method = job->method->name;
    map->passes = job->passes;
    map->diagnostics = job->diagnostics;
    map->class_index = job->target.class_index;
    map->logit = capture->logits[job->target.class_index];
    map->probability = capture->target_pixels != NULL
                           ? capture->probabilities[job->target.class_index]
                           : sscam_score_of(capture->logits, capture->class_count,
                                            job->target.class_index,
                                            sscam_probability_kind(job->settings));
}

sscam_status sscam_map_combine(sscam_map_job *job, sscam_map **out)
{
    *out = NULL;
    sscam_map *map = calloc(1, sizeof *map);
    if (map == NULL)
        return sscam_fail_memory("a map");
    take_over(job, map);
    map->layer = strdup(job->capture->layer);
    sscam_status status = map->layer != NULL ? SSCAM_OK : sscam_fail_memory("a layer's name");
    if (status == SSCAM_OK)
        status = keep_places(job->capture, map);
    if (status == SSCAM_OK)
        status = combine_raw(job, map);
    if (status == SSCAM_OK)
        status = normalise(map);
    map->weights = job->weights;
    job->weights = NULL;
    if (status != SSCAM_OK)
        sscam_map_destroy(map);
    else
        *out = map;
    return status;
}

void sscam_map_destroy(sscam_map *map)
{
    if (map == NULL)
        return;
    free(map->data);
    free(map->raw);
    free(map->weights);
    free(map->layer);
    sscam_target_pixels_destroy(map->target_pixels);
    free(map);
}

int32_t sscam_map_rank(const sscam_map *map)
{
    return map ? map->rank : 0;
}

int32_t sscam_map_width(const sscam_map *map)
{
    return map ? (int32_t)map->sides.width : 0;
}

int32_t sscam_map_height(const sscam_map *map)
{
    return map ? (int32_t)map->sides.height : 0;
}

int32_t sscam_map_depth(const sscam_map *map)
{
    return map ? (int32_t)map->sides.depth : 0;
}

const float *sscam_map_data(const sscam_map *map)
{
    return map ? map->data : NULL;
}

int32_t sscam_map_raw_width(const sscam_map *map)
{
    return map ? (int32_t)map->raw_sides.width : 0;
}

int32_t sscam_map_raw_height(const sscam_map *map)
{
    return map ? (int32_t)map->raw_sides.height : 0;
}

int32_t sscam_map_raw_depth(const sscam_map *map)
{
    return map ? (int32_t)map->raw_sides.depth : 0;
}

const float *sscam_map_raw(const sscam_map *map)
{
    return map ? map->raw : NULL;
}

int64_t sscam_map_channel_count(const sscam_map *map)
{
    return map ? map->channel_count : 0;
}

const float *sscam_map_weights(const sscam_map *map)
{
    return map ? map->weights : NULL;
}

int64_t sscam_map_class_index(const sscam_map *map)
{
    return map ? map->class_index : -1;
}

double sscam_map_logit(const sscam_map *map)
{
    return map ? map->logit : 0;
}

double sscam_map_probability(const sscam_map *map)
{
    return map ? map->probability : 0;
}

int32_t sscam_map_is_flat(const sscam_map *map)
{
    return map ? map->is_flat : 0;
}

const char *sscam_map_method(const sscam_map *map)
{
    return map ? map->method : NULL;
}

const char *sscam_map_layer(const sscam_map *map)
{
    return map ? map->layer : NULL;
}

int64_t sscam_map_passes(const sscam_map *map)
{
    return map ? map->passes : 0;
}

const char *sscam_map_scoring_form(const sscam_map *map)
{
    return map ? map->diagnostics.form : NULL;
}

int64_t sscam_map_scoring_workers(const sscam_map *map)
{
    return map ? map->diagnostics.workers : 0;
}

int64_t sscam_map_scoring_batch_size(const sscam_map *map)
{
    return map ? map->diagnostics.batch_size : 0;
}

static sscam_status check_is_image(const sscam_map *map, const char *function)
{
    if (map->rank == 2)
        return SSCAM_OK;
    return sscam_fail(SSCAM_E_UNSUPPORTED, "%s: a map of rank %" PRId32 ", %s, is no image",
                      function, map->rank, map->rank == 1 ? "[W]" : "[D,H,W]");
}

sscam_status sscam_map_overlay(const sscam_map *map, const sscam_image *image, const char *colormap,
                               double alpha, sscam_image **out)
{
    if (out == NULL)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_map_overlay: out is NULL");
    *out = NULL;
    if (map == NULL || image == NULL)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_map_overlay: %s is NULL",
                          map == NULL ? "map" : "image");
    sscam_status status = check_is_image(map, "sscam_map_overlay");
    if (status == SSCAM_OK)
        status = sscam_draw_overlay(map->data, sscam_map_height(map), sscam_map_width(map),
                                    map->from_image ? &map->geometry : NULL, image,
                                    colormap ? colormap : "turbo", alpha, out);
    return status == SSCAM_OK ? sscam_succeed() : status;
}

sscam_status sscam_map_heatmap(const sscam_map *map, const char *colormap, sscam_image **out)
{
    if (out == NULL)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_map_heatmap: out is NULL");
    *out = NULL;
    if (map == NULL)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_map_heatmap: map is NULL");
    sscam_status status = check_is_image(map, "sscam_map_heatmap");
    if (status == SSCAM_OK)
        status = sscam_draw_heatmap(map->data, sscam_map_height(map), sscam_map_width(map),
                                    colormap ? colormap : "turbo", out);
    return status == SSCAM_OK ? sscam_succeed() : status;
}
