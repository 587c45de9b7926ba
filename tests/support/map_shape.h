/* Sides of maps by name; 1 where a map has not so many. */
#ifndef SSCAM_TESTS_SUPPORT_MAP_SHAPE_H
#define SSCAM_TESTS_SUPPORT_MAP_SHAPE_H

#include <stdint.h>

#include "sscam/map.h"

/* 0: the last side of a shape. */
static inline int64_t side_from_last(const int64_t *shape, int32_t rank, int32_t from_last)
{
    return from_last < rank ? shape[rank - 1 - from_last] : 1;
}

static inline int64_t map_depth(const sscam_map *map)
{
    int32_t rank = 0;
    const int64_t *shape = sscam_map_shape(map, &rank);
    return side_from_last(shape, rank, 2);
}

static inline int64_t raw_side(const sscam_map *map, int32_t from_last)
{
    int32_t rank = 0;
    const int64_t *shape = sscam_map_raw_shape(map, &rank);
    return side_from_last(shape, rank, from_last);
}

static inline int64_t raw_width(const sscam_map *map)
{
    return raw_side(map, 0);
}

static inline int64_t raw_height(const sscam_map *map)
{
    return raw_side(map, 1);
}

static inline int64_t raw_depth(const sscam_map *map)
{
    return raw_side(map, 2);
}

/* Numbers in sscam_map_data() and in sscam_map_raw(). */
static inline int64_t data_size(const sscam_map *map)
{
    return map_depth(map) * sscam_map_height(map) * sscam_map_width(map);
}

static inline int64_t raw_size(const sscam_map *map)
{
    return raw_depth(map) * raw_height(map) * raw_width(map);
}

#endif
