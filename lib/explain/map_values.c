/* Values of maps that come from the host and go to it, and how far two maps agree. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "base/public_struct.h"
#include "base/shape_text.h"
#include "base/statistics.h"
#include "explain/map_private.h"
#include "math/min_max.h"
#include "model/input_array.h"

/* --- from the host ---------------------------------------------------------------------------- */

/* The host's array with the axes of images and channels, which the reading of inputs wants. */
typedef struct plane_array {
    sscam_array array;
    int64_t shape[SSCAM_MOST_RANK], strides[SSCAM_MOST_RANK];
} plane_array;

static sscam_status describe_plane(const sscam_array *values, plane_array *out)
{
    *out = (plane_array){.shape = {1, 1}};
    sscam_status status = sscam_public_struct_read(values, &out->array, sizeof out->array,
                                                   SSCAM_END_OF(sscam_array, element_type),
                                                   "sscam_map_create: values");
    if (status != SSCAM_OK)
        return status;
    const int32_t rank = out->array.rank;
    if (rank < 1 || rank > SSCAM_MOST_RANK - 2)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "sscam_map_create: values: rank is %" PRId32
                          ", not 1 ([W]), 2 ([H,W]) or 3 ([D,H,W])",
                          rank);
    if (!out->array.shape)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_map_create: values: shape is NULL");
    for (int32_t i = 0; i < rank; i++) {
        out->shape[i + 2] = out->array.shape[i];
        out->strides[i + 2] = out->array.strides ? out->array.strides[i] : 0;
    }
    out->array.rank = rank + 2;
    out->array.shape = out->shape;
    out->array.strides = out->array.strides ? out->strides : NULL;
    return SSCAM_OK;
}

/* Data and raw map from the values. */
static sscam_status fill_map(const float *values, int64_t count, sscam_map *map)
{
    float lowest, highest;
    sscam_min_max(values, count, &lowest, &highest);
    if (!isfinite(highest - lowest))
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "sscam_map_create: values from %g to %g: their range exceeds float32",
                          (double)lowest, (double)highest);
    map->raw = sscam_allocate_array(count, sizeof *map->raw);
    map->data = sscam_allocate_array(count, sizeof *map->data);
    map->layer = strdup("");
    map->diagnostics = strdup("{}");
    if (!map->raw || !map->data || !map->layer || !map->diagnostics)
        return sscam_fail_memory("a map");
    memcpy(map->raw, values, (size_t)count * sizeof *values);
    memcpy(map->data, values, (size_t)count * sizeof *values);
    map->is_flat = sscam_normalise(map->data, count);
    return SSCAM_OK;
}

static sscam_status create_map(const sscam_input *input, sscam_map **out)
{
    sscam_map *map = calloc(1, sizeof *map);
    if (!map)
        return sscam_fail_memory("a map");
    map->rank = input->shape.rank - 2;
    map->sides = map->raw_sides = input->shape.sides;
    map->class_index = -1;
    map->method = "external";
    sscam_status status = fill_map(input->values, sscam_position_count(map->sides), map);
    if (status != SSCAM_OK)
        sscam_map_unref(map);
    else
        *out = map;
    return status;
}

sscam_status sscam_map_create(const sscam_array *values, sscam_map **out)
{
    static const char function[] = "sscam_map_create";
    plane_array plane;
    sscam_input input;
    if (!out)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: out is NULL", function);
    *out = NULL;
    sscam_status status = describe_plane(values, &plane);
    if (status == SSCAM_OK)
        status = sscam_input_open(&plane.array, "values", function, &input);
    if (status != SSCAM_OK)
        return status;
    const int64_t count = sscam_position_count(input.shape.sides);
    status = count <= INT32_MAX
                 ? sscam_input_load(&input, function)
                 : sscam_fail(SSCAM_E_ARGUMENT, "%s: values: %" PRId64 " of them are too many",
                              function, count);
    if (status == SSCAM_OK)
        status = create_map(&input, out);
    sscam_input_close(&input);
    return status == SSCAM_OK ? sscam_succeed() : status;
}

/* --- to the host ------------------------------------------------------------------------------ */

static sscam_status check_room(const sscam_map *map, const int64_t *shape, int32_t rank)
{
    char wanted[SSCAM_SHAPE_TEXT_SIZE], given[SSCAM_SHAPE_TEXT_SIZE];
    int32_t own_rank = 0;
    const int64_t *own = sscam_map_shape(map, &own_rank);
    if (rank != own_rank)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "sscam_map_copy_data: rank is %" PRId32 ", not the map's %" PRId32, rank,
                          own_rank);
    if (memcmp(shape, own, (size_t)rank * sizeof *shape) != 0)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_map_copy_data: shape is %s, not the map's %s",
                          sscam_shape_text(shape, rank, given),
                          sscam_shape_text(own, rank, wanted));
    return SSCAM_OK;
}

sscam_status sscam_map_copy_data(const sscam_map *map, const int64_t *shape, int32_t rank,
                                 const int64_t *strides, float *out)
{
    if (!map || !shape || !out)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_map_copy_data: %s is NULL",
                          !map     ? "map"
                          : !shape ? "shape"
                                   : "out");
    sscam_status status = check_room(map, shape, rank);
    if (status != SSCAM_OK)
        return status;
    const sscam_sides sides = map->sides;
    const int64_t along_width = strides ? strides[rank - 1] : 1;
    const int64_t along_height = rank < 2 ? 0 : strides ? strides[rank - 2] : sides.width;
    const int64_t along_depth = rank < 3 ? 0 : strides ? strides[0] : sides.height * sides.width;
    const float *from = map->data;
    for (int64_t z = 0; z < sides.depth; z++)
        for (int64_t y = 0; y < sides.height; y++)
            for (int64_t x = 0; x < sides.width; x++)
                out[z * along_depth + y * along_height + x * along_width] = *from++;
    return sscam_succeed();
}

/* --- agreement -------------------------------------------------------------------------------- */

sscam_status sscam_map_correlation(const sscam_map *a, const sscam_map *b, double *out)
{
    if (!out)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_map_correlation: out is NULL");
    *out = NAN;
    if (!a || !b)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_map_correlation: %s is NULL", !a ? "a" : "b");
    if (a->rank != b->rank || !sscam_same_sides(a->sides, b->sides)) {
        char of_a[SSCAM_SHAPE_TEXT_SIZE], of_b[SSCAM_SHAPE_TEXT_SIZE];
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "sscam_map_correlation: maps of %s and %s differ in shape",
                          sscam_shape_text(sscam_map_shape(a, NULL), a->rank, of_a),
                          sscam_shape_text(sscam_map_shape(b, NULL), b->rank, of_b));
    }
    /* A flat map has none, even where rounding leaves differences. */
    if (!a->is_flat && !b->is_flat)
        *out = sscam_correlation(a->data, b->data, sscam_position_count(a->sides));
    return sscam_succeed();
}
