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

void sscam_blend_rows(const float *map, int64_t map_height, int64_t map_width,
                      sscam_sample_position y, float *row)
{
    const float *upper = map + y.lower * map_width;
    const float *lower = y.lower + 1 < map_height ? upper + map_width : upper;
    for (int64_t x = 0; x < map_width; x++)
        row[x] = upper[x] + y.share * (lower[x] - upper[x]);
    row[map_width] = row[map_width - 1];
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

void sscam_stretch_row(const float *row, const float *column, const float *share, int64_t width,
                       float *out)
{
    stretch(row, column, share, width, out);
}

sscam_status sscam_upsample(const float *map, sscam_sides map_sides, sscam_sides sides,
                            int32_t align_corners, float *out)
{
    const int64_t slice_floats = sscam_slice_floats(map_sides), width = sides.width;
    float *scratch = sscam_allocate_array(
        sscam_plus(slice_floats + map_sides.width + 1, sscam_times(2, width)), sizeof *scratch);
    if (!scratch)
        return sscam_fail_memory("upsampling a map");
    float *row = scratch + slice_floats, *column = row + map_sides.width + 1,
          *share = column + width;
    sscam_column_positions(map_sides.width, width, align_corners, column, share);
    for (int64_t z = 0; z < sides.depth; z++) {
        const sscam_sample_position at = sscam_source_position(z, map_sides.depth, sides.depth,
                                                               align_corners);
        const float *slice = sscam_blend_slices(map, map_sides, at, scratch);
        for (int64_t y = 0; y < sides.height; y++, out += width) {
            sscam_blend_rows(
                slice, map_sides.height, map_sides.width,
                sscam_source_position(y, map_sides.height, sides.height, align_corners), row);
            sscam_stretch_row(row, column, share, width, out);
        }
    }
    free(scratch);
    return SSCAM_OK;
}
