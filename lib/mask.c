#include "mask.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "failure.h"
#include "noise.h"
#include "vector.h"

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

int64_t sscam_mask_scratch_size(const sscam_mask_plan *plan)
{
    return plan->map_width + 1 + 5 * plan->input_width;
}

/* Parts of the scratch space, one for each row that sscam_mask_write() works on. */
typedef struct scratch_rows {
    float *blended;        /* map_width + 1 */
    float *column, *share; /* input_width each, as the others */
    float *mask, *noise, *product;
} scratch_rows;

static scratch_rows divide_scratch(const sscam_mask_plan *plan, float *scratch)
{
    int64_t width = plan->input_width;
    float *column = scratch + plan->map_width + 1;
    return (scratch_rows){scratch,          column,           column + width, column + 2 * width,
                          column + 3 * width, column + 4 * width};
}

/* One colour row of the masked input: X0 * mask, and the noise of Algorithm 1 where the plan asks for it. */
static void write_color_row(const sscam_mask_plan *plan, const scratch_rows *rows, const sscam_noise_plane *plane,
                            float noise_stddev, int64_t color, int64_t y, sscam_layout layout, float *out)
{
    int64_t width = plan->input_width, row_start = (color * plan->input_height + y) * width;
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
        scatter_row(target, width, plan->input_channels, out + y * width * plan->input_channels + color);
}

void sscam_mask_write(const sscam_mask_plan *plan, int64_t index, sscam_layout layout, float *scratch, float *out)
{
    const sscam_mask_channel *channel = &plan->channels[index / plan->samples];
    const float *map = plan->activations + channel->channel * plan->map_height * plan->map_width;
    const sscam_noise_plane plane = {plan->seed, (uint32_t)channel->channel, (uint32_t)(index % plan->samples),
                                     (uint32_t)plan->image_index};
    const int64_t width = plan->input_width;
    const scratch_rows rows = divide_scratch(plan, scratch);
    const float share = plan->fades_in ? (float)(index % plan->samples + 1) / (float)plan->samples : 1.0f;
    column_positions(plan->map_width, width, plan->align_corners, rows.column, rows.share);

    for (int64_t y = 0; y < plan->input_height; y++) {
        sample_position position = source_position(y, plan->map_height, plan->input_height, plan->align_corners);
        blend_rows(map, plan->map_height, plan->map_width, position, rows.blended);
        stretch_row(rows.blended, rows.column, rows.share, width, rows.mask);
        scale_row(rows.mask, channel->offset, share * channel->gain, width);
        if (plan->noise_target != SSCAM_NOISE_ON_INPUT && channel->noise_stddev > 0.0f) {
            sscam_noise_fill(&plane, y * width, width, rows.noise);
            add_noise(rows.mask, rows.noise, channel->noise_stddev, width);
        }
        for (int64_t color = 0; color < plan->input_channels; color++)
            write_color_row(plan, &rows, &plane, channel->noise_stddev, color, y, layout, out);
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

sscam_status sscam_upsample(const float *map, int64_t map_height, int64_t map_width, int64_t height, int64_t width,
                            int32_t align_corners, float *out)
{
    float *scratch = sscam_array(sscam_plus(map_width + 1, sscam_times(2, width)), sizeof *scratch);
    if (scratch == NULL)
        return sscam_fail_memory("upsampling a map");
    float *column = scratch + map_width + 1, *share = column + width;
    column_positions(map_width, width, align_corners, column, share);
    for (int64_t y = 0; y < height; y++) {
        blend_rows(map, map_height, map_width, source_position(y, map_height, height, align_corners), scratch);
        stretch_row(scratch, column, share, width, out + y * width);
    }
    free(scratch);
    return SSCAM_OK;
}

/* Whether an output position is the first or the last of those between the same two source positions. A row is
 * monotone between, rounding included, so its extremes lie at such positions. */
static int borders_source(int64_t output, int64_t source_size, int64_t output_size, int32_t align_corners)
{
    if (output == 0 || output == output_size - 1)
        return 1;
    int64_t here = source_position(output, source_size, output_size, align_corners).lower;
    return here != source_position(output - 1, source_size, output_size, align_corners).lower ||
           here != source_position(output + 1, source_size, output_size, align_corners).lower;
}

/* Keeps the columns that border a source column, in place; gives their number. */
static int64_t keep_border_columns(int64_t map_width, int64_t width, int32_t align_corners, float *column,
                                   float *share)
{
    int64_t kept = 0;
    for (int64_t x = 0; x < width; x++) {
        if (!borders_source(x, map_width, width, align_corners))
            continue;
        column[kept] = column[x];
        share[kept] = share[x];
        kept++;
    }
    return kept;
}

sscam_status sscam_upsampled_range(const float *map, int64_t map_height, int64_t map_width, int64_t height,
                                   int64_t width, int32_t align_corners, float *minimum, float *maximum)
{
    float *scratch = sscam_array(sscam_plus(map_width + 1, sscam_times(3, width)), sizeof *scratch);
    if (scratch == NULL)
        return sscam_fail_memory("the range of a map");
    float *column = scratch + map_width + 1, *share = column + width, *row = share + width;
    column_positions(map_width, width, align_corners, column, share);
    int64_t kept = keep_border_columns(map_width, width, align_corners, column, share);

    /* All rows: down a column, the blended rows' own rounding can carry a value past those at the ends. */
    float lowest = INFINITY, highest = -INFINITY;
    for (int64_t y = 0; y < height; y++) {
        blend_rows(map, map_height, map_width, source_position(y, map_height, height, align_corners), scratch);
        stretch_row(scratch, column, share, kept, row);
        for (int64_t x = 0; x < kept; x++) {
            lowest = row[x] < lowest ? row[x] : lowest;
            highest = row[x] > highest ? row[x] : highest;
        }
    }
    free(scratch);
    *minimum = lowest;
    *maximum = highest;
    return SSCAM_OK;
}
