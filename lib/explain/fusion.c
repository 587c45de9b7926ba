#include "explain/fusion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "explain/augmentation.h"
#include "explain/map_private.h"
#include "math/min_max.h"

static float fuse_values(int64_t kind, float fused, float value)
{
    switch (kind) {
    case SSCAM_FUSION_MEAN: return fused + value;
    case SSCAM_FUSION_PRODUCT: return fused * value; /* RefineCAM (2026) */
    default: return fmaxf(fused, value);
    }
}

/* One map from the layers of an augmentation. */
static void fuse_layers(const sscam_fusion *fusion, int64_t augmentation, int64_t pixels,
                        float *out)
{
    sscam_map *const *maps = fusion->maps + augmentation * fusion->layer_count;
    memcpy(out, maps[0]->data, (size_t)pixels * sizeof *out);
    for (int64_t layer = 1; layer < fusion->layer_count; layer++)
        for (int64_t p = 0; p < pixels; p++)
            out[p] = fuse_values(fusion->kind, out[p], maps[layer]->data[p]);
    for (int64_t p = 0; p < pixels && fusion->kind == SSCAM_FUSION_MEAN; p++)
        out[p] /= (float)fusion->layer_count;
}

static void add_augmentation(const sscam_map *map, const float *fused, int64_t augmentation,
                             float share, float *sum)
{
    const int64_t width = map->sides.width, rows = sscam_position_count(map->sides) / width;
    for (int64_t y = 0; y < rows; y++)
        for (int64_t x = 0; x < width; x++) {
            int64_t from = sscam_augmentation_mirrors(augmentation) ? width - 1 - x : x;
            sum[y * width + x] += share * fused[y * width + from];
        }
}

/* Of maps that differ by no more than `error` at any position, what s(M) differs by at most, to
 * first order: each of the value and the two ends of its range moves by the error. */
static double normalised_error(double error, const float *values, int64_t count)
{
    float lowest, highest;
    sscam_min_max(values, count, &lowest, &highest);
    return sscam_is_constant(lowest, highest)
               ? fmin(1.0, error)
               : fmin(1.0, 2.0 * error / ((double)highest - (double)lowest));
}

/* The largest estimated error among the maps of an augmentation. */
static double largest_error(const sscam_fusion *fusion, int64_t augmentation)
{
    double largest = 0.0;
    for (int64_t layer = 0; layer < fusion->layer_count; layer++)
        largest = fmax(largest,
                       fusion->maps[augmentation * fusion->layer_count + layer]->estimated_error);
    return largest;
}

static sscam_status fill(const sscam_fusion *fusion, sscam_map *map)
{
    const int64_t pixels = sscam_position_count(map->sides);
    double error = 0.0;
    float *fused = sscam_allocate_array(pixels, sizeof *fused);
    map->raw = sscam_zeros(pixels, sizeof *map->raw);
    map->data = sscam_allocate_array(pixels, sizeof *map->data);
    if (!fused || !map->raw || !map->data) {
        free(fused);
        return sscam_fail_memory("a fused map");
    }
    for (int64_t i = 0; i < fusion->augmentation_count; i++) {
        double own_error = largest_error(fusion, i);
        fuse_layers(fusion, i, pixels, fused);
        if (fusion->augmentation_count > 1) {
            if (fusion->layer_count > 1)
                own_error = normalised_error(own_error, fused, pixels);
            sscam_normalise(fused, pixels);
        }
        error += own_error / (double)fusion->augmentation_count;
        add_augmentation(map, fused, i, 1.0f / (float)fusion->augmentation_count, map->raw);
    }
    free(fused);
    map->estimated_error = normalised_error(error, map->raw, pixels);
    memcpy(map->data, map->raw, (size_t)pixels * sizeof *map->data);
    map->is_flat = sscam_normalise(map->data, pixels);
    return SSCAM_OK;
}

sscam_status sscam_fuse_maps(const sscam_fusion *fusion, sscam_map **out)
{
    const sscam_map *first = fusion->maps[0];
    sscam_map *map = calloc(1, sizeof *map);
    if (!map)
        return sscam_fail_memory("a map");
    map->rank = first->rank;
    map->sides = map->raw_sides = first->sides;
    map->channel_count = fusion->layer_count == 1 ? first->channel_count : 0;
    map->class_index = first->class_index;
    map->logit = first->logit;
    map->probability = first->probability;
    map->has_detection = first->has_detection;
    map->box = first->box;
    map->method = first->method;
    for (int64_t i = 0; i < fusion->layer_count * fusion->augmentation_count; i++)
        map->passes += fusion->maps[i]->passes;
    map->layer = strdup(fusion->layer_count == 1 ? first->layer : fusion->layers);
    map->diagnostics = strdup(first->diagnostics);
    sscam_status status = map->layer && map->diagnostics ? fill(fusion, map)
                                                         : sscam_fail_memory("layers' names");
    if (status == SSCAM_OK && first->target_pixels)
        status = sscam_target_pixels_copy(first->target_pixels, &map->target_pixels);
    if (status != SSCAM_OK)
        sscam_map_unref(map);
    else
        *out = map;
    return status;
}
