/* Upsampling U of maps, linear along each side: bilinear for images, trilinear for maps with
 * slices.
 */
#ifndef SSCAM_LIB_MATH_UPSAMPLE_H
#define SSCAM_LIB_MATH_UPSAMPLE_H

#include <stdint.h>

#include "base/shape.h"
#include "sscam/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Upsampling U of one map. `align_corners` 0: the grids have half-pixel centres. */
sscam_status sscam_upsample(const float *map, sscam_sides map_sides, sscam_sides sides,
                            int32_t align_corners, float *out);

/* --- positions -------------------------------------------------------------------------------- */

/* A position between two source positions. */
typedef struct sscam_sample_position {
    int64_t lower;
    float share; /* of the source position after `lower` */
} sscam_sample_position;

/* The position at a fractional index, 0 being the centre of the first source position. Beyond the
 * centres of the first and the last the source is constant. */
sscam_sample_position sscam_position_between(double index, int64_t source_size);

/* Where an output position falls. */
sscam_sample_position sscam_source_position(int64_t output, int64_t source_size,
                                            int64_t output_size, int32_t align_corners);

/* Where all of output_size positions fall, as two arrays. */
void sscam_source_positions(int64_t source_size, int64_t output_size, int32_t align_corners,
                            int32_t *lower, float *share);

/* --- row by row, so that a caller can go on with a row while it is in the cache ----------------
 */

/* Floats of scratch space that sscam_blend_slices() needs. */
int64_t sscam_slice_floats(sscam_sides sides);

/* The map's slice at a position along its depth: interpolated in `slice`, or one of the map's own
 * where the position falls on it, as always for images. */
const float *sscam_blend_slices(const float *map, sscam_sides sides, sscam_sample_position z,
                                float *slice);

/* Source columns and shares of output columns. A column is stored as the bits of an int32_t: so the
 * caller's one float buffer holds both, and columns beyond 2^24 are exact. */
void sscam_store_column(sscam_sample_position position, float *column, float *share);
void sscam_column_positions(int64_t map_width, int64_t width, int32_t align_corners, float *column,
                            float *share);

/* Two neighbouring rows of a slice, interpolated along the row to the output's width. An output row
 * lies between them. All rows between the same two use them again, so that what is slow, reading at
 * positions that are not neighbours, is done once for each row of the map. */
typedef struct sscam_stretched_rows {
    int64_t map_height, map_width, width;
    const float *slice;
    float *column, *share; /* [width] each, which the caller fills */
    float *upper, *lower;  /* [width] each: row `at` and the next one, or the last one again */
    float *source;         /* [map_width + 1] */
    int64_t at;            /* -1: none yet */
} sscam_stretched_rows;

/* Floats of the scratch space that the rows lie in. */
int64_t sscam_stretched_rows_floats(int64_t map_width, int64_t width);
sscam_stretched_rows sscam_stretched_rows_in(float *scratch, int64_t map_height, int64_t map_width,
                                             int64_t width);

/* Goes on with another slice, or with new values of the same one. */
void sscam_stretched_rows_begin(sscam_stretched_rows *rows, const float *slice);

/* Makes `upper` the slice's row `row`. */
void sscam_stretched_rows_seek(sscam_stretched_rows *rows, int64_t row);

/* The output row at a vertical position. Computed as a + t (b - a), along the row and then between
 * rows, which keeps constant maps exactly constant. */
void sscam_stretched_rows_blend(sscam_stretched_rows *rows, sscam_sample_position y, float *out);

#ifdef __cplusplus
}
#endif

#endif
