#include "math/upsample.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "math/simd.h"

sscam_sample_position sscam_position_between(double index, int64_t source_size)
{
    if (index < 0.0)
        index = 0.0;
    sscam_sample_position position = {(int64_t)index, 0.0f};
    if (position.lower >= source_size - 1)
        position.lower = source_size - 1;
    else
        position.share = (float)(index - (double)position.lower);
    return position;
}

sscam_sample_position sscam_source_position(int64_t output, int64_t source_size,
                                            int64_t output_size, int32_t align_corners)
{
    double at = 0.0;
    if (!align_corners)
        at = ((double)output + 0.5) * (double)source_size / (double)output_size - 0.5;
    else if (output_size > 1)
        at = (double)output * (double)(source_size - 1) / (double)(output_size - 1);
    return sscam_position_between(at, source_size);
}

void sscam_source_positions(int64_t source_size, int64_t output_size, int32_t align_corners,
                            int32_t *lower, float *share)
{
    for (int64_t i = 0; i < output_size; i++) {
        sscam_sample_position position = sscam_source_position(i, source_size, output_size,
                                                               align_corners);
        lower[i] = (int32_t)position.lower;
        share[i] = position.share;
    }
}

int64_t sscam_slice_floats(sscam_sides sides)
{
    return sides.depth > 1 ? sides.height * sides.width : 0;
}

const float *sscam_blend_slices(const float *map, sscam_sides sides, sscam_sample_position z,
                                float *slice)
{
    const int64_t size = sides.height * sides.width;
    const float *front = map + z.lower * size, *back = front + size;
    if (z.share == 0.0f)
        return front;
    for (int64_t p = 0; p < size; p++)
        slice[p] = front[p] + z.share * (back[p] - front[p]);
    return slice;
}

void sscam_store_column(sscam_sample_position position, float *column, float *share)
{
    const int32_t lower = (int32_t)position.lower;
    memcpy(column, &lower, sizeof lower);
    *share = position.share;
}

void sscam_column_positions(int64_t map_width, int64_t width, int32_t align_corners, float *column,
                            float *share)
{
    for (int64_t x = 0; x < width; x++)
        sscam_store_column(sscam_source_position(x, map_width, width, align_corners), &column[x],
                           &share[x]);
}

/* Static, since the compiler would export the resolver of a function that is not. */
SSCAM_SIMD_TARGETS
static void stretch(const float *restrict row, const float *restrict column,
                    const float *restrict share, int64_t width, float *restrict out)
{
    for (int64_t x = 0; x < width; x++) {
        int32_t at;
        memcpy(&at, &column[x], sizeof at);
        out[x] = row[at] + share[x] * (row[at + 1] - row[at]);
    }
}

SSCAM_SIMD_TARGETS
static void blend(const float *restrict upper, const float *restrict lower, float share,
                  int64_t width, float *restrict out)
{
    for (int64_t x = 0; x < width; x++)
        out[x] = upper[x] + share * (lower[x] - upper[x]);
}

int64_t sscam_stretched_rows_floats(int64_t map_width, int64_t width)
{
    return sscam_plus(sscam_times(4, width), sscam_plus(map_width, 1));
}

sscam_stretched_rows sscam_stretched_rows_in(float *scratch, int64_t map_height, int64_t map_width,
                                             int64_t width)
{
    return (sscam_stretched_rows){.map_height = map_height,
                                  .map_width = map_width,
                                  .width = width,
                                  .column = scratch,
                                  .share = scratch + width,
                                  .upper = scratch + 2 * width,
                                  .lower = scratch + 3 * width,
                                  .source = scratch + 4 * width,
                                  .at = -1};
}

void sscam_stretched_rows_begin(sscam_stretched_rows *rows, const float *slice)
{
    rows->slice = slice;
    rows->at = -1;
}

/* The last value again, so that every column has a right neighbour. */
static void stretch_row(const sscam_stretched_rows *rows, int64_t row, float *out)
{
    if (row > rows->map_height - 1)
        row = rows->map_height - 1;
    memcpy(rows->source, rows->slice + row * rows->map_width,
           (size_t)rows->map_width * sizeof *rows->source);
    rows->source[rows->map_width] = rows->source[rows->map_width - 1];
    stretch(rows->source, rows->column, rows->share, rows->width, out);
}

void sscam_stretched_rows_seek(sscam_stretched_rows *rows, int64_t row)
{
    if (rows->at == row)
        return;
    if (rows->at >= 0 && rows->at + 1 == row) {
        float *upper = rows->upper;
        rows->upper = rows->lower;
        rows->lower = upper;
    } else {
        stretch_row(rows, row, rows->upper);
    }
    stretch_row(rows, row + 1, rows->lower);
    rows->at = row;
}

void sscam_stretched_rows_blend(sscam_stretched_rows *rows, sscam_sample_position y, float *out)
{
    sscam_stretched_rows_seek(rows, y.lower);
    blend(rows->upper, rows->lower, y.share, rows->width, out);
}

sscam_status sscam_upsample(const float *map, sscam_sides map_sides, sscam_sides sides,
                            int32_t align_corners, float *out)
{
    const int64_t slice_floats = sscam_slice_floats(map_sides), width = sides.width;
    float *slice = sscam_allocate_array(
        sscam_plus(slice_floats, sscam_stretched_rows_floats(map_sides.width, width)),
        sizeof *slice);
    if (!slice)
        return sscam_fail_memory("upsampling a map");
    sscam_stretched_rows rows = sscam_stretched_rows_in(slice + slice_floats, map_sides.height,
                                                        map_sides.width, width);
    sscam_column_positions(map_sides.width, width, align_corners, rows.column, rows.share);
    for (int64_t z = 0; z < sides.depth; z++) {
        const sscam_sample_position at = sscam_source_position(z, map_sides.depth, sides.depth,
                                                               align_corners);
        sscam_stretched_rows_begin(&rows, sscam_blend_slices(map, map_sides, at, slice));
        for (int64_t y = 0; y < sides.height; y++, out += width)
            sscam_stretched_rows_blend(
                &rows, sscam_source_position(y, map_sides.height, sides.height, align_corners),
                out);
    }
    free(slice);
    return SSCAM_OK;
}
