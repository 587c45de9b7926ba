/* Shapes of inputs and of maps: sound has a width, an image a height too, a video or a volume also
 * a depth. The library gives all of them three sides; those that an input lacks are 1. */
#ifndef SSCAM_LIB_BASE_SHAPE_H
#define SSCAM_LIB_BASE_SHAPE_H

#include <stdint.h>

enum { SSCAM_LEAST_RANK = 3, SSCAM_IMAGE_RANK = 4, SSCAM_MOST_RANK = 5 };

/* Sides of a box of positions. */
typedef struct sscam_sides {
    int64_t depth, height, width;
} sscam_sides;

/* Shape of an input. The network takes it with rank 3 [N,C,W], 4 [N,C,H,W] or 5 [N,C,D,H,W]. */
typedef struct sscam_shape {
    int32_t rank;
    int64_t images, channels;
    sscam_sides sides;
} sscam_shape;

static inline int64_t sscam_position_count(sscam_sides sides)
{
    return sides.depth * sides.height * sides.width;
}

static inline int32_t sscam_same_sides(sscam_sides a, sscam_sides b)
{
    return a.depth == b.depth && a.height == b.height && a.width == b.width;
}

/* Number of values of one input. */
static inline int64_t sscam_input_size(const sscam_shape *shape)
{
    return shape->channels * sscam_position_count(shape->sides);
}

/* The `rank` numbers of a shape, in order. */
static inline void sscam_shape_write(const sscam_shape *shape, int64_t *out)
{
    const int64_t sides[] = {shape->sides.depth, shape->sides.height, shape->sides.width};
    out[0] = shape->images;
    out[1] = shape->channels;
    for (int32_t i = 2; i < shape->rank; i++)
        out[i] = sides[i + SSCAM_MOST_RANK - 2 - shape->rank];
}

#endif
