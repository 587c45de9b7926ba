#include "explain/map_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "explain/combine.h"
#include "explain/diagnostics_text.h"
#include "explain/option_values.h"
#include "math/min_max.h"
#include "math/upsample.h"

/* ReLU. It would turn a NaN into 0, so that is checked first. */
static sscam_status rectify(const sscam_map *map)
{
    int64_t positions = sscam_position_count(map->raw_sides);
    for (int64_t p = 0; p < positions; p++) {
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
    const sscam_sides sides = job->raw_map ? job->raw_map_sides : job->capture->sides;
    int32_t upsampled = job->settings->value[SSCAM_OPTION_COMBINE].integer ==
                        SSCAM_COMBINE_UPSAMPLED;
    int64_t positions = sscam_position_count(sides);
    map->raw_sides = upsampled ? map->sides : sides;
    float *sum = sscam_allocate_array(positions, sizeof *sum);
    if (!sum)
        return sscam_fail_memory("a raw map");
    sscam_status status = sscam_combine_channels(job, sum);
    if (status == SSCAM_OK && !upsampled) {
        map->raw = sum;
        return rectify(map);
    }
    if (status == SSCAM_OK)
        map->raw = sscam_allocate_array(sscam_position_count(map->raw_sides), sizeof *map->raw);
    if (status == SSCAM_OK && !map->raw)
        status = sscam_fail_memory("a raw map");
    if (status == SSCAM_OK)
        status = sscam_upsample(sum, sides, map->raw_sides, 0, map->raw);
    free(sum);
    return status == SSCAM_OK ? rectify(map) : status;
}

/* Whether all positions of a raw map are equal. */
static int32_t is_constant(const sscam_map *map)
{
    int64_t positions = sscam_position_count(map->raw_sides);
    for (int64_t p = 1; p < positions; p++)
        if (map->raw[p] != map->raw[0])
            return 0;
    return 1;
}

/* s(U(raw)) (eq. 12); all zeros where the raw map is constant. */
static sscam_status normalise(sscam_map *map)
{
    int64_t pixels = sscam_position_count(map->sides);
    map->data = sscam_zeros(pixels, sizeof *map->data);
    if (!map->data)
        return sscam_fail_memory("a map");
    map->is_flat = is_constant(map);
    if (map->is_flat)
        return SSCAM_OK;
    sscam_status status = sscam_upsample(map->raw, map->raw_sides, map->sides, 0, map->data);
    if (status != SSCAM_OK)
        return status;
    /* Upsampling to an input that is smaller than the layer may lose all structure. */
    map->is_flat = sscam_normalise(map->data, pixels);
    return SSCAM_OK;
}

/* The map outlives the capture. Its values are means, whatever the option `reduction` says. */
static sscam_status copy_target_pixels(const sscam_capture *capture, sscam_map *map)
{
    if (!capture->target_pixels)
        return SSCAM_OK;
    sscam_status status = sscam_target_pixels_copy(capture->target_pixels, &map->target_pixels);
    if (status == SSCAM_OK)
        map->target_pixels->factor = 1.0;
    return status;
}

/* What was explained; of given activations that is not known. */
static void describe_class(const sscam_map_job *job, sscam_map *map)
{
    const sscam_capture *capture = job->capture;
    map->class_index = -1;
    if (capture->class_count == 0)
        return;
    map->class_index = job->target.class_index;
    if (job->target.kind == SSCAM_TARGET_DETECTION) {
        map->has_detection = 1;
        map->box = job->target.detection->box;
        map->logit = sscam_capture_score(capture, &job->target, SSCAM_SCORE_LOGIT);
        map->probability = sscam_capture_score(capture, &job->target, SSCAM_SCORE_SIGMOID);
        return;
    }
    map->logit = capture->logits[job->target.class_index];
    map->probability = capture->target_pixels
                           ? capture->probabilities[job->target.class_index]
                           : sscam_score_of(capture->logits, capture->class_count,
                                            job->target.class_index,
                                            sscam_probability_kind(job->settings));
}

static void describe(sscam_map_job *job, sscam_map *map)
{
    map->rank = job->shape.rank - 2;
    map->sides = job->shape.sides;
    map->channel_count = job->method->needs & SSCAM_NEEDS_NO_LAYER ? 0 : job->capture->channels;
    map->method = job->method->name;
    map->passes = job->passes;
    map->estimated_error = job->estimated_error;
    describe_class(job, map);
}

sscam_status sscam_map_combine(sscam_map_job *job, sscam_map **out)
{
    *out = NULL;
    sscam_map *map = calloc(1, sizeof *map);
    if (!map)
        return sscam_fail_memory("a map");
    describe(job, map);
    map->layer = strdup(job->method->needs & SSCAM_NEEDS_NO_LAYER ? "" : job->capture->layer);
    sscam_status status = map->layer ? SSCAM_OK : sscam_fail_memory("a layer's name");
    if (status == SSCAM_OK)
        status = sscam_diagnostics_text(job, &map->diagnostics);
    if (status == SSCAM_OK)
        status = copy_target_pixels(job->capture, map);
    if (status == SSCAM_OK)
        status = combine_raw(job, map);
    if (status == SSCAM_OK)
        status = normalise(map);
    map->weights = job->weights;
    job->weights = NULL;
    if (status != SSCAM_OK)
        sscam_map_unref(map);
    else
        *out = map;
    return status;
}

sscam_map *sscam_map_ref(sscam_map *map)
{
    if (map)
        sscam_reference_add(&map->references);
    return map;
}

void sscam_map_unref(sscam_map *map)
{
    if (!map || !sscam_reference_drop(&map->references))
        return;
    free(map->data);
    free(map->raw);
    free(map->weights);
    free(map->own_method);
    free(map->layer);
    free(map->diagnostics);
    sscam_target_pixels_destroy(map->target_pixels);
    free(map);
}

/* Defines a function that returns a value of a map, or `none` for NULL. */
#define MAP_GETTER(type, function, value, none) \
    type function(const sscam_map *map)         \
    {                                           \
        return map != NULL ? (value) : (none);  \
    }

MAP_GETTER(int64_t, sscam_map_width, map->sides.width, 0)
MAP_GETTER(int64_t, sscam_map_height, map->sides.height, 0)
MAP_GETTER(const float *, sscam_map_data, map->data, NULL)
MAP_GETTER(const float *, sscam_map_raw, map->raw, NULL)
MAP_GETTER(int64_t, sscam_map_channel_count, map->channel_count, 0)
MAP_GETTER(const float *, sscam_map_weights, map->weights, NULL)
MAP_GETTER(int64_t, sscam_map_class_index, map->class_index, -1)
MAP_GETTER(double, sscam_map_logit, map->logit, 0)
MAP_GETTER(double, sscam_map_probability, map->probability, 0)
MAP_GETTER(int32_t, sscam_map_is_flat, map->is_flat, 0)
MAP_GETTER(const char *, sscam_map_method, map->method, NULL)
MAP_GETTER(const char *, sscam_map_layer, map->layer, NULL)
MAP_GETTER(int64_t, sscam_map_passes, map->passes, 0)
MAP_GETTER(double, sscam_map_estimated_error, map->estimated_error, 0)
MAP_GETTER(const char *, sscam_map_diagnostics, map->diagnostics, NULL)

#undef MAP_GETTER

/* Of depth, height and width the last `rank`. */
static const int64_t *shape_of(const sscam_sides *sides, int32_t rank)
{
    _Static_assert(sizeof *sides == 3 * sizeof(int64_t), "sides are read as an array");
    return (const int64_t *)(const void *)sides + (3 - rank);
}

const int64_t *sscam_map_shape(const sscam_map *map, int32_t *rank)
{
    if (rank)
        *rank = map ? map->rank : 0;
    return map ? shape_of(&map->sides, map->rank) : NULL;
}

const int64_t *sscam_map_raw_shape(const sscam_map *map, int32_t *rank)
{
    if (rank)
        *rank = map ? map->rank : 0;
    return map ? shape_of(&map->raw_sides, map->rank) : NULL;
}
