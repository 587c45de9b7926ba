#include "masks/masked_input.h"

#include "base/checked_size.h"
#include "masks/noise.h"
#include "math/simd.h"
#include "math/upsample.h"

/* A row between two of the map's, normalised. */
SSCAM_SIMD_TARGETS
static void blend_mask(const float *restrict upper, const float *restrict lower, float share,
                       float offset, float gain, int64_t width, float *restrict mask)
{
    for (int64_t x = 0; x < width; x++)
        mask[x] = (upper[x] + share * (lower[x] - upper[x]) - offset) * gain;
}

SSCAM_SIMD_TARGETS
static void add_noise(float *restrict row, const float *restrict noise, float stddev, int64_t width)
{
    for (int64_t x = 0; x < width; x++)
        row[x] += stddev * noise[x];
}

SSCAM_SIMD_TARGETS
static void multiply_row(const float *restrict input, const float *restrict mask, int64_t width,
                         float *restrict out)
{
    for (int64_t x = 0; x < width; x++)
        out[x] = input[x] * mask[x];
}

SSCAM_SIMD_TARGETS
static void blend_row(const float *restrict input, const float *restrict background,
                      const float *restrict mask, int64_t width, float *restrict out)
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

/* Rows of the mask whose noise is computed at once, since long stretches of it cost less a value.
 * */
static int64_t noise_rows(const sscam_mask_plan *plan)
{
    enum { VALUES = 1024 };
    return 1 + VALUES / plan->input_sides.width;
}

int64_t sscam_mask_scratch_size(const sscam_mask_plan *plan)
{
    return sscam_plus(sscam_slice_floats(plan->map_sides) +
                          (2 + noise_rows(plan)) * plan->input_sides.width,
                      sscam_stretched_rows_floats(plan->map_sides.width, plan->input_sides.width));
}

/* The scratch space, divided into what sscam_mask_write() works on. */
typedef struct mask_scratch {
    float *slice;                   /* of the map, where it has several */
    float *mask, *product;          /* rows: [input width] each */
    float *noise;                   /* [noise_rows(), input width] */
    sscam_stretched_rows stretched; /* of the map */
} mask_scratch;

static mask_scratch divide_scratch(const sscam_mask_plan *plan, float *scratch)
{
    const int64_t width = plan->input_sides.width;
    float *mask = scratch + sscam_slice_floats(plan->map_sides);
    float *noise = mask + 2 * width;
    return (mask_scratch){scratch, mask, mask + width, noise,
                          sscam_stretched_rows_in(noise + noise_rows(plan) * width,
                                                  plan->map_sides.height, plan->map_sides.width,
                                                  width)};
}

/* One row of one colour of the masked input: X0 * mask, plus the noise of Algorithm 1 where the
 * plan adds noise to the input. Rows are numbered through all slices. */
static void write_color_row(const sscam_mask_plan *plan, const mask_scratch *rows,
                            const sscam_noise_plane *plane, float noise_stddev, int64_t color,
                            int64_t row, sscam_memory_format layout, float *out)
{
    const int64_t width = plan->input_sides.width;
    const int64_t row_start = color * sscam_position_count(plan->input_sides) + row * width;
    float *target = layout == SSCAM_MEMORY_FORMAT_NCHW ? out + row_start : rows->product;
    if (plan->background)
        blend_row(plan->input + row_start, plan->background + row_start, rows->mask, width, target);
    else
        multiply_row(plan->input + row_start, rows->mask, width, target);
    if (plan->noise_target == SSCAM_NOISE_ON_INPUT && noise_stddev > 0.0f) {
        sscam_noise_fill(plane, row_start, width, rows->noise);
        add_noise(target, rows->noise, noise_stddev, width);
    }
    if (layout == SSCAM_MEMORY_FORMAT_NHWC)
        scatter_row(target, width, plan->input_channels,
                    out + row * width * plan->input_channels + color);
}

/* What all rows of one masked input share. */
typedef struct mask_writing {
    const sscam_mask_plan *plan;
    const sscam_mask_channel *channel;
    sscam_noise_plane plane;
    float gain; /* includes the share of a mask that fades in */
    mask_scratch rows;
    sscam_memory_format layout;
    float *out;
} mask_writing;

/* The noise of a row of the mask. Rows are asked for in their order. */
static const float *mask_noise(const mask_writing *writing, int64_t row)
{
    const sscam_sides sides = writing->plan->input_sides;
    const int64_t rows = noise_rows(writing->plan), left = sides.depth * sides.height - row;
    if (row % rows == 0)
        sscam_noise_fill(&writing->plane, row * sides.width,
                         (left < rows ? left : rows) * sides.width, writing->rows.noise);
    return writing->rows.noise + row % rows * sides.width;
}

/* One row of the mask, and that row of all colours. */
static void write_row(mask_writing *writing, sscam_sample_position y, int64_t row)
{
    const sscam_mask_plan *plan = writing->plan;
    const sscam_mask_channel *channel = writing->channel;
    const mask_scratch *rows = &writing->rows;
    const int64_t width = plan->input_sides.width;
    sscam_stretched_rows_seek(&writing->rows.stretched, y.lower);
    blend_mask(rows->stretched.upper, rows->stretched.lower, y.share, channel->offset,
               writing->gain, width, rows->mask);
    if (plan->noise_target != SSCAM_NOISE_ON_INPUT && channel->noise_stddev > 0.0f) {
        add_noise(rows->mask, mask_noise(writing, row), channel->noise_stddev, width);
    }
    for (int64_t color = 0; color < plan->input_channels; color++)
        write_color_row(plan, rows, &writing->plane, channel->noise_stddev, color, row,
                        writing->layout, writing->out);
}

void sscam_mask_write(const sscam_mask_plan *plan, int64_t index, sscam_memory_format layout,
                      float *scratch, float *out)
{
    const sscam_mask_channel *channel = &plan->channels[index / plan->samples];
    const sscam_sides from = plan->map_sides, to = plan->input_sides;
    const float *map = plan->activations + channel->channel * sscam_position_count(from);
    const float share = plan->fades_in ? (float)(index % plan->samples + 1) / (float)plan->samples
                                       : 1.0f;
    mask_writing writing = {.plan = plan,
                            .channel = channel,
                            .plane = {plan->seed,
                                      plan->common_noise ? 0 : (uint32_t)channel->channel,
                                      (uint32_t)(channel->first_sample + index % plan->samples),
                                      (uint32_t)plan->image_index},
                            .gain = share * channel->gain,
                            .rows = divide_scratch(plan, scratch),
                            .layout = layout,
                            .out = out};
    sscam_stretched_rows *stretched = &writing.rows.stretched;
    sscam_column_positions(from.width, to.width, plan->align_corners, stretched->column,
                           stretched->share);
    for (int64_t z = 0; z < to.depth; z++) {
        const sscam_sample_position at = sscam_source_position(z, from.depth, to.depth,
                                                               plan->align_corners);
        sscam_stretched_rows_begin(stretched,
                                   sscam_blend_slices(map, from, at, writing.rows.slice));
        for (int64_t y = 0; y < to.height; y++)
            write_row(&writing,
                      sscam_source_position(y, from.height, to.height, plan->align_corners),
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

void sscam_mask_list_write(const sscam_mask_list *list, int64_t index, sscam_memory_format layout,
                           float *scratch, float *out)
{
    const sscam_mask_plan *const *plan = list->plans;
    while (index >= sscam_mask_count(*plan))
        index -= sscam_mask_count(*plan++);
    sscam_mask_write(*plan, index, layout, scratch, out);
}
