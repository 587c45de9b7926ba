/* Upsampling U of maps, linear along each side: bilinear for images, trilinear for what has slices.
 */
#ifndef SSCAM_LIB_MATH_UPSAMPLE_H
#define SSCAM_LIB_MATH_UPSAMPLE_H

#include <stdint.h>

#include "base/shape.h"
#include "sscam/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where each of output_size positions falls between source_size ones: after which, by which share
 * of the next. */
void sscam_source_positions(int64_t source_size, int64_t output_size, int32_t align_corners,
                            int32_t *lower, float *share);

/* Upsampling U of one map, linear along each side: bilinear for images, trilinear for what has
 * slices. */
sscam_status sscam_upsample(const float *map, sscam_sides map_sides, sscam_sides sides,
                            int32_t align_corners, float *out);

/* --- row by row, for whoever goes on with a row while it is in the cache ---------------------- */

/* Where an output position falls between two source positions. */
typedef struct sscam_sample_position {
    int64_t lower;
    float share; /* of the source position after `lower` */
} sscam_sample_position;

sscam_sample_position sscam_source_position(int64_t output, int64_t source_size,
                                            int64_t output_size, int32_t align_corners);

/* Floats that sscam_blend_slices() needs. */
int64_t sscam_slice_floats(sscam_sides sides);

/* The slice of the map at a position along its depth: one of its own where it falls on one, as in
 * all images. */
const float *sscam_blend_slices(const float *map, sscam_sides sides, sscam_sample_position z,
                                float *slice);

/* The row of the map at a vertical position, interpolated: map_width values, and the last one
 * again, so that a horizontal neighbour always exists. The form a + t (b - a) keeps constant maps
 * exactly constant. */
void sscam_blend_rows(const float *map, int64_t map_height, int64_t map_width,
                      sscam_sample_position y, float *row);

/* Source columns and shares of all output columns. Columns are kept as the bits of an int32_t, so
 * that one float buffer serves, the caller's, and columns beyond 2^24 stay exact. */
void sscam_column_positions(int64_t map_width, int64_t width, int32_t align_corners, float *column,
                            float *share);

/* The row that sscam_blend_rows() wrote at `width` columns. */
void sscam_stretch_row(const float *row, const float *column, const float *share, int64_t width,
                       float *out);

#ifdef __cplusplus
}
#endif

#endif
