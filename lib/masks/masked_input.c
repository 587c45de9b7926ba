#include "masks/masked_input.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "masks/noise.h"
#include "math/simd.h"

/* Where an output position falls between two source positions. */
typedef struct sample_position {
    int64_t lower;
    float share; /* of the source position after `lower` */
} sample_position;

static sample_position source_position(int64_t output, int64_t source_size, int64_t output_size,
                                       int32_t align_corners)
{
    double at = 0.0;
    if (!align_corners)
        at = ((double)output + 0.5) * (double)source_size / (double)output_size - 0.5;
    else if (output_size > 1)
        at = (double)output * (double)(source_size - 1) / (double)(output_size - 1);
    if (at < 0.0)
        at = 0.0;
    sample_position position = {(int64_t)at, 0.0f};
    if (position.lower >= source_size - 1)
        position.lower = source_size - 1;
    else
        position.share = (float)(at - (double)position.lower);
    return position;
}

void sscam_source_positions(int64_t source_size, int64_t output_size, int32_t align_corners, int32_t *lower,
                            float *share)
{
    for (int64_t i = 0; i < output_size; i++) {
        sample_position position = source_position(i, source_size, output_size, align_corners);
        lower[i] = (int32_t)position.lower;
        share[i] = position.share;
    }
}

/* Floats that blend_slices() needs. */
static int64_t slice_size(sscam_sides sides)
{
    return sides.depth > 1 ? sides.height * sides.width : 0;
}

/* The slice of the map at a position along its depth: one of its own where it falls on one, as in all pictures. */
static const float *blend_slices(const float *map, sscam_sides sides, sample_position z, float *slice)
{
    const int64_t size = sides.height * sides.width;
    const float *front = map + z.lower * size, *back = front + size;
    if (z.share == 0.0f)
        return front;
    for (int64_t p = 0; p < size; p++)
        slice[p] = front[p] + z.share * (back[p] - front[p]);
    return slice;
}

/* The row of the map at a vertical position, interpolated: map_width values, and the last one again, so that a
 * horizontal neighbour always exists. The form a + t (b - a) keeps constant maps exactly constant. */
static void blend_rows(const float *map, int64_t map_height, int64_t map_width, sample_position y, float *row)
{
    const float *upper = map + y.lower * map_width;
    const float *lower = y.lower + 1 < map_height ? upper + map_width : upper;
    for (int64_t x = 0; x < map_width; x++)
        row[x] = upper[x] + y.share * (lower[x] - upper[x]);
    row[map_width] = row[map_width - 1];
}

/* Source columns and shares of all output columns. Columns are kept as the bits of an int32_t, so that one float
 * buffer serves, the caller's, and columns beyond 2^24 stay exact. */
static void column_positions(int64_t map_width, int64_t width, int32_t align_corners, float *column, float *share)
{
    for (int64_t x = 0; x < width; x++) {
        sample_position position = source_position(x, map_width, width, align_corners);
        int32_t lower = (int32_t)position.lower;
        memcpy(&column[x], &lower, sizeof lower);
        share[x] = position.share;
    }
}

SSCAM_VECTOR_TARGETS
static void stretch_row(const float *restrict row, const float *restrict column, const float *restrict share,
                        int64_t width, float *restrict out)
{
    for (int64_t x = 0; x < width; x++) {
        int32_t at;
        memcpy(&at, &column[x], sizeof at);
        out[x] = row[at] + share[x] * (row[at + 1] - row[at]);
    }
}

SSCAM_VECTOR_TARGETS
static void scale_row(float *restrict row, float offset, float gain, int64_t width)
{
    for (int64_t x = 0; x < width; x++)
        row[x] = (row[x] - offset) * gain;
}

SSCAM_VECTOR_TARGETS
static void add_noise(float *restrict row, const float *restrict noise, float stddev, int64_t width)
{
    for (int64_t x = 0; x < width; x++)
        row[x] += stddev * noise[x];
}

SSCAM_VECTOR_TARGETS
static void multiply_row(const float *restrict input, const float *restrict mask, int64_t width,
                         float *restrict out)
{
    for (int64_t x = 0; x < width; x++)
        out[x] = input[x] * mask[x];
}

SSCAM_VECTOR_TARGETS
static void blend_row(const float *restrict input, const float *restrict background, const float *restrict mask,
                      int64_t width, float *restrict out)
{
    for (int64_t x = 0; x < width; x++)
        out[x] = input[x] * mask[x] + background[x] * (1.0f - mask[x]);
}

static void scatter_row(const float *row, int64_t width, int64_t step, float *out)
{
    for (int64_t x = 0; x < width; x++)
        out[x * step] = row[x];
}

int64_t sscam_mask_count(const sscam_mask_plan *plan)
{
    return sscam_times(plan->channel_count, plan->samples);
}

sscam_shape sscam_mask_shape(const sscam_mask_plan *plan)
{
    return (sscam_shape){plan->input_rank, 1, plan->input_channels, plan->input_sides};
}

int64_t sscam_mask_scratch_size(const sscam_mask_plan *plan)
{
    return slice_size(plan->map_sides) + plan->map_sides.width + 1 + 5 * plan->input_sides.width;
}

/* Parts of the scratch space, one for each row that sscam_mask_write() works on. */
typedef struct scratch_rows {
    float *slice;          /* of the map, where it has several */
    float *blended;        /* the map's width + 1 */
    float *column, *share; /* the input's width each, as the others */
    float *mask, *noise, *product;
} scratch_rows;

static scratch_rows divide_scratch(const sscam_mask_plan *plan, float *scratch)
{
    int64_t width = plan->input_sides.width;
    float *blended = scratch + slice_size(plan->map_sides), *column = blended + plan->map_sides.width + 1;
    return (scratch_rows){scratch,          blended,            column, column + width, column + 2 * width,
                          column + 3 * width, column + 4 * width};
}

/* One colour row of the masked input: X0 * mask, and the noise of Algorithm 1 where the plan asks for it. Rows are
 * numbered through all slices. */
static void write_color_row(const sscam_mask_plan *plan, const scratch_rows *rows, const sscam_noise_plane *plane,
                            float noise_stddev, int64_t color, int64_t row, sscam_layout layout, float *out)
{
    const int64_t width = plan->input_sides.width;
    const int64_t row_start = color * sscam_place_count(plan->input_sides) + row * width;
    float *target = layout == SSCAM_LAYOUT_NCHW ? out + row_start : rows->product;
    if (plan->background != NULL)
        blend_row(plan->input + row_start, plan->background + row_start, rows->mask, width, target);
    else
        multiply_row(plan->input + row_start, rows->mask, width, target);
    if (plan->noise_target == SSCAM_NOISE_ON_INPUT && noise_stddev > 0.0f) {
        sscam_noise_fill(plane, row_start, width, rows->noise);
        add_noise(target, rows->noise, noise_stddev, width);
    }
    if (layout == SSCAM_LAYOUT_NHWC)
        scatter_row(target, width, plan->input_channels, out + row * width * plan->input_channels + color);
}

/* What all rows of one masked input share. */
typedef struct mask_writing {
    const sscam_mask_plan *plan;
    const sscam_mask_channel *channel;
    sscam_noise_plane plane;
    float gain; /* with the share of a mask that fades in */
    scratch_rows rows;
    sscam_layout layout;
    float *out;
} mask_writing;

/* One row of the mask, from the slice of the map that it lies in, and of all colours under it. */
static void write_row(const mask_writing *writing, const float *slice, sample_position y, int64_t row)
{
    const sscam_mask_plan *plan = writing->plan;
    const sscam_mask_channel *channel = writing->channel;
    const scratch_rows *rows = &writing->rows;
    const int64_t width = plan->input_sides.width;
    blend_rows(slice, plan->map_sides.height, plan->map_sides.width, y, rows->blended);
    stretch_row(rows->blended, rows->column, rows->share, width, rows->mask);
    scale_row(rows->mask, channel->offset, writing->gain, width);
    if (plan->noise_target != SSCAM_NOISE_ON_INPUT && channel->noise_stddev > 0.0f) {
        sscam_noise_fill(&writing->plane, row * width, width, rows->noise);
        add_noise(rows->mask, rows->noise, channel->noise_stddev, width);
    }
    for (int64_t color = 0; color < plan->input_channels; color++)
        write_color_row(plan, rows, &writing->plane, channel->noise_stddev, color, row, writing->layout, writing->out);
}

void sscam_mask_write(const sscam_mask_plan *plan, int64_t index, sscam_layout layout, float *scratch, float *out)
{
    const sscam_mask_channel *channel = &plan->channels[index / plan->samples];
    const sscam_sides from = plan->map_sides, to = plan->input_sides;
    const float *map = plan->activations + channel->channel * sscam_place_count(from);
    const float share = plan->fades_in ? (float)(index % plan->samples + 1) / (float)plan->samples : 1.0f;
    const mask_writing writing = {.plan = plan,
                                  .channel = channel,
                                  .plane = {plan->seed, (uint32_t)channel->channel, (uint32_t)(index % plan->samples),
                                            (uint32_t)plan->image_index},
                                  .gain = share * channel->gain,
                                  .rows = divide_scratch(plan, scratch),
                                  .layout = layout,
                                  .out = out};
    column_positions(from.width, to.width, plan->align_corners, writing.rows.column, writing.rows.share);
    for (int64_t z = 0; z < to.depth; z++) {
        const sample_position at = source_position(z, from.depth, to.depth, plan->align_corners);
        const float *slice = blend_slices(map, from, at, writing.rows.slice);
        for (int64_t y = 0; y < to.height; y++)
            write_row(&writing, slice, source_position(y, from.height, to.height, plan->align_corners),
                      z * to.height + y);
    }
}

int64_t sscam_mask_list_count(const sscam_mask_list *list)
{
    int64_t count = 0;
    for (int64_t i = 0; i < list->plan_count; i++)
        count = sscam_plus(count, sscam_mask_count(list->plans[i]));
    return count;
}

int64_t sscam_mask_list_scratch_size(const sscam_mask_list *list)
{
    int64_t largest = 0;
    for (int64_t i = 0; i < list->plan_count; i++) {
        int64_t size = sscam_mask_scratch_size(list->plans[i]);
        largest = size > largest ? size : largest;
    }
    return largest;
}

void sscam_mask_list_write(const sscam_mask_list *list, int64_t index, sscam_layout layout, float *scratch,
                           float *out)
{
    const sscam_mask_plan *const *plan = list->plans;
    while (index >= sscam_mask_count(*plan))
        index -= sscam_mask_count(*plan++);
    sscam_mask_write(*plan, index, layout, scratch, out);
}

sscam_status sscam_upsample(const float *map, sscam_sides map_sides, sscam_sides sides, int32_t align_corners,
                            float *out)
{
    const int64_t slice_floats = slice_size(map_sides), width = sides.width;
    float *scratch =
        sscam_array(sscam_plus(slice_floats + map_sides.width + 1, sscam_times(2, width)), sizeof *scratch);
    if (scratch == NULL)
        return sscam_fail_memory("upsampling a map");
    float *row = scratch + slice_floats, *column = row + map_sides.width + 1, *share = column + width;
    column_positions(map_sides.width, width, align_corners, column, share);
    for (int64_t z = 0; z < sides.depth; z++) {
        const sample_position at = source_position(z, map_sides.depth, sides.depth, align_corners);
        const float *slice = blend_slices(map, map_sides, at, scratch);
        for (int64_t y = 0; y < sides.height; y++, out += width) {
            blend_rows(slice, map_sides.height, map_sides.width,
                       source_position(y, map_sides.height, sides.height, align_corners), row);
            stretch_row(row, column, share, width, out);
        }
    }
    free(scratch);
    return SSCAM_OK;
}
