/* One block of a convolution, for vectors of LANES floats, of which an inner loop keeps ROWS times
 * VECTORS in registers. Included once by each file that sets these for its instructions, and CODE,
 * the name of what it defines.
 *
 * Scratch memory holds two arrays: transformed inputs, [points][depth / LANES][tiles][LANES], where
 * the inner loop finds the tiles of a group at constant distances; and sums,
 * [points][panels][tiles][floats of the panel]. */
#include <stdint.h>
#include <string.h>

#include "convolution/convolution_target.h"

#define INLINE static inline __attribute__((always_inline))

enum { FULL_PANEL = VECTORS * LANES, MOST_SIDE = 6 };

typedef float vector __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t lane_numbers __attribute__((vector_size(LANES * sizeof(int32_t))));
/* Anywhere in an array of floats. */
typedef float loose_vector
    __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));

INLINE vector load(const float *from)
{
    return *(const loose_vector *)from;
}

INLINE void store(float *to, vector value)
{
    *(loose_vector *)to = value;
}

INLINE vector zeros(void)
{
    return (vector){0};
}

/* The first `count` floats; the rest is 0. */
INLINE vector load_some(const float *from, int64_t count)
{
    if (count >= LANES)
        return load(from);
    vector value = zeros();
    memcpy(&value, from, (size_t)count * sizeof(float));
    return value;
}

INLINE void store_some(float *to, vector value, int64_t count)
{
    if (count >= LANES)
        store(to, value);
    else
        memcpy(to, &value, (size_t)count * sizeof(float));
}

/* 0 where the mask is 0; all bits of the others are set. */
INLINE vector keep_where(lane_numbers mask, vector value)
{
    return (vector)((lane_numbers)value & mask);
}

/* NaN stays NaN, as in libtorch. */
INLINE vector rectify(vector value)
{
    return keep_where(~(value < zeros()), value);
}

/* --- where a tile lies ------------------------------------------------------------------------ */

typedef struct tile_position {
    int64_t image, row, column; /* of the grid of tiles */
} tile_position;

INLINE tile_position tile_at(const sscam_tile_grid *grid, int64_t tile)
{
    const int64_t row = tile / grid->columns;
    return (tile_position){row / grid->rows, row % grid->rows, tile % grid->columns};
}

INLINE void advance(const sscam_tile_grid *grid, tile_position *at)
{
    if (++at->column < grid->columns)
        return;
    at->column = 0;
    if (++at->row < grid->rows)
        return;
    at->row = 0;
    at->image++;
}

/* --- inputs ----------------------------------------------------------------------------------- */

/* B^T of F(2x2, 3x3) and of F(4x4, 3x3): the input's polynomial divided by that of all points but
 * one. */
INLINE void transform_input_line(int64_t side, const vector *d, int64_t step, vector *out)
{
    if (side == 4) {
        out[0] = d[0] - d[2 * step];
        out[1] = d[step] + d[2 * step];
        out[2] = d[2 * step] - d[step];
        out[3] = d[3 * step] - d[step];
        return;
    }
    const float near = (float)SSCAM_WINOGRAD_NEAR, far = (float)SSCAM_WINOGRAD_FAR;
    const float near_2 = 0.5f, far_2 = 2.0f, both = near_2 + far_2; /* near_2 * far_2 = 1 */
    const vector even_near = d[4 * step] - far_2 * d[2 * step];
    const vector odd_near = d[3 * step] - far_2 * d[step];
    const vector even_far = d[4 * step] - near_2 * d[2 * step];
    const vector odd_far = d[3 * step] - near_2 * d[step];
    out[0] = d[0] + (d[4 * step] - both * d[2 * step]);
    out[1] = even_near + near * odd_near;
    out[2] = even_near - near * odd_near;
    out[3] = even_far + far * odd_far;
    out[4] = even_far - far * odd_far;
    out[5] = d[step] + (d[5 * step] - both * d[3 * step]);
}

/* A tile's input for one vector of channels, zeros outside of the image. `corner`: where the tile
 * begins, which may be outside. */
INLINE void load_tile(int64_t side, const sscam_convolution_call *call, int64_t channels,
                      const float *image, int64_t y, int64_t x, int64_t channel, vector *tile)
{
    const int64_t count = channels - channel;
    for (int64_t i = 0; i < side; i++)
        for (int64_t j = 0; j < side; j++) {
            const int64_t row = y + i, column = x + j;
            const int is_inside = row >= 0 && row < call->height && column >= 0 &&
                                  column < call->width;
            tile[i * side + j] =
                is_inside
                    ? load_some(image + (row * call->width + column) * channels + channel, count)
                    : zeros();
        }
}

INLINE void load_inner_tile(int64_t side, int64_t width, int64_t channels, const float *from,
                            vector *tile)
{
    for (int64_t i = 0; i < side; i++)
        for (int64_t j = 0; j < side; j++)
            tile[i * side + j] = load(from + (i * width + j) * channels);
}

/* V = B^T d B. */
INLINE void store_transformed(int64_t side, const vector *tile, float *to, int64_t step)
{
    vector half[MOST_SIDE * MOST_SIDE], line[MOST_SIDE];
    for (int64_t j = 0; j < side; j++) {
        transform_input_line(side, tile + j, side, line);
        for (int64_t i = 0; i < side; i++)
            half[i * side + j] = line[i];
    }
    for (int64_t i = 0; i < side; i++) {
        transform_input_line(side, half + i * side, 1, line);
        for (int64_t j = 0; j < side; j++)
            store(to + (i * side + j) * step, line[j]);
    }
}

INLINE void transform_inputs(int64_t side, const sscam_convolution *c,
                             const sscam_convolution_call *call, const sscam_tile_grid *grid,
                             int64_t first, int64_t count, float *out)
{
    const int64_t channels = c->geometry.inputs, step = sscam_convolution_input_step(c, count);
    const int64_t whole = channels / LANES * LANES;
    tile_position at = tile_at(grid, first);
    for (int64_t t = 0; t < count; t++, advance(grid, &at)) {
        const float *image = call->input + at.image * call->height * call->width * channels;
        const int64_t y = at.row * c->tile_side - c->geometry.padding_y,
                      x = at.column * c->tile_side - c->geometry.padding_x;
        const int is_inside = y >= 0 && x >= 0 && y + side <= call->height &&
                              x + side <= call->width;
        for (int64_t channel = 0; channel < channels; channel += LANES) {
            vector tile[MOST_SIDE * MOST_SIDE];
            if (is_inside && channel < whole)
                load_inner_tile(side, call->width, channels,
                                image + (y * call->width + x) * channels + channel, tile);
            else
                load_tile(side, call, channels, image, y, x, channel, tile);
            store_transformed(side, tile, out + channel * count + t * LANES, step);
        }
    }
}

/* Zeros in place of all but the first `count` values. */
INLINE vector first_of(vector value, int64_t count)
{
    lane_numbers numbers;
    for (int32_t i = 0; i < LANES; i++)
        numbers[i] = i;
    return keep_where(numbers < (int32_t)count, value);
}

/* The part of a row of the kernel that is `length` floats from `start` on, which may be outside of
 * the input's row of `row_length` floats. */
INLINE vector load_run(const float *row, int64_t row_length, int64_t start, int64_t length)
{
    if (start >= 0 && start + LANES <= row_length)
        return length >= LANES ? load(row + start) : first_of(load(row + start), length);
    float values[LANES] = {0};
    for (int64_t i = 0; i < LANES && i < length; i++)
        if (start + i >= 0 && start + i < row_length)
            values[i] = row[start + i];
    return load(values);
}

static void gather_inputs(const sscam_convolution *c, const sscam_convolution_call *call,
                          const sscam_tile_grid *grid, int64_t first, int64_t count, float *out)
{
    const sscam_convolution_geometry *g = &c->geometry;
    const int64_t row_length = call->width * g->inputs;
    tile_position at = tile_at(grid, first);
    for (int64_t t = 0; t < count; t++, advance(grid, &at)) {
        const float *image = call->input + at.image * call->height * row_length;
        const int64_t y = at.row * g->stride_y - g->padding_y;
        const int64_t start = (at.column * g->stride_x - g->padding_x) * g->inputs;
        float *to = out + t * LANES;
        for (int64_t i = 0; i < g->kernel_height; i++) {
            const int is_inside = y + i >= 0 && y + i < call->height;
            const float *row = is_inside ? image + (y + i) * row_length : NULL;
            for (int64_t l = 0; l < c->run_length; l += LANES, to += count * LANES)
                store(to, row ? load_run(row, row_length, start + l, c->run_length - l) : zeros());
        }
    }
}

/* --- products --------------------------------------------------------------------------------- */

/* rows x (vectors * LANES) sums of `depth` products, added in the order of the depth whatever the
 * number of rows. */
INLINE void multiply(int64_t rows, int64_t vectors, const float *inputs, int64_t input_step,
                     const float *weights, int64_t depth, float *sums)
{
    vector sum[ROWS][VECTORS];
#pragma GCC unroll 16
    for (int64_t r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int64_t v = 0; v < vectors; v++)
            sum[r][v] = zeros();
    for (int64_t d = 0; d < depth; d += LANES, inputs += input_step)
#pragma GCC unroll 1
        for (int64_t l = 0; l < LANES; l++, weights += vectors * LANES) {
            vector w[VECTORS];
#pragma GCC unroll 4
            for (int64_t v = 0; v < vectors; v++)
                w[v] = load(weights + v * LANES);
#pragma GCC unroll 16
            for (int64_t r = 0; r < rows; r++) {
                const vector input = zeros() + inputs[r * LANES + l];
#pragma GCC unroll 4
                for (int64_t v = 0; v < vectors; v++)
                    sum[r][v] += input * w[v];
            }
        }
#pragma GCC unroll 16
    for (int64_t r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int64_t v = 0; v < vectors; v++)
            store(sums + (r * vectors + v) * LANES, sum[r][v]);
}

typedef void multiply_function(const float *inputs, int64_t input_step, const float *weights,
                               int64_t depth, float *sums);

#define MULTIPLY(rows, vectors)                                                               \
    static void multiply_##rows##_##vectors(const float *inputs, int64_t input_step,          \
                                            const float *weights, int64_t depth, float *sums) \
    {                                                                                         \
        multiply(rows, vectors, inputs, input_step, weights, depth, sums);                    \
    }
#define MULTIPLY_ROWS(rows) MULTIPLY(rows, 1) MULTIPLY(rows, 2)
#define NAME_ROWS(rows)                          \
    {                                            \
        multiply_##rows##_1, multiply_##rows##_2 \
    }

MULTIPLY_ROWS(1)
MULTIPLY_ROWS(2)
MULTIPLY_ROWS(3)
MULTIPLY_ROWS(4)
MULTIPLY_ROWS(5)
MULTIPLY_ROWS(6)
#if ROWS == 14
MULTIPLY_ROWS(7)
MULTIPLY_ROWS(8)
MULTIPLY_ROWS(9)
MULTIPLY_ROWS(10)
MULTIPLY_ROWS(11)
MULTIPLY_ROWS(12)
MULTIPLY_ROWS(13)
MULTIPLY_ROWS(14)
#endif

/* By rows and vectors, each less 1. */
static multiply_function *const multiply_functions[ROWS][VECTORS] = {
    NAME_ROWS(1),  NAME_ROWS(2),  NAME_ROWS(3), NAME_ROWS(4),  NAME_ROWS(5),  NAME_ROWS(6),
#if ROWS == 14
    NAME_ROWS(7),  NAME_ROWS(8),  NAME_ROWS(9), NAME_ROWS(10), NAME_ROWS(11), NAME_ROWS(12),
    NAME_ROWS(13), NAME_ROWS(14),
#endif
};

/* One panel of one point: groups of tiles that are as equal as can be. */
INLINE void multiply_panel(const float *inputs, const float *weights, int64_t depth,
                           int64_t vectors, int64_t tiles, float *sums)
{
    const int64_t groups = (tiles + ROWS - 1) / ROWS;
    for (int64_t group = 0, first = 0; group < groups; group++) {
        const int64_t end = tiles * (group + 1) / groups;
        multiply_functions[end - first - 1][vectors - 1](
            inputs + first * LANES, tiles * LANES, weights, depth, sums + first * vectors * LANES);
        first = end;
    }
}

static void multiply_points(const sscam_convolution *c, const float *inputs, int64_t tiles,
                            float *sums)
{
    const int64_t input_step = sscam_convolution_input_step(c, tiles),
                  sum_step = sscam_convolution_sum_step(c, tiles);
    const float *weights = c->weights;
    for (int64_t point = 0; point < c->points; point++, inputs += input_step, sums += sum_step)
        for (int64_t channel = 0; channel < c->channels; channel += FULL_PANEL) {
            const int64_t left = (c->channels - channel) / LANES,
                          vectors = left < VECTORS ? left : VECTORS;
            multiply_panel(inputs, weights, c->depth, vectors, tiles, sums + channel * tiles);
            weights += c->depth * vectors * LANES;
        }
}

/* --- outputs ---------------------------------------------------------------------------------- */

/* A^T of F(2x2, 3x3) and of F(4x4, 3x3): the powers of the points. */
INLINE void transform_output_line(int64_t side, const vector *m, int64_t step, vector *out)
{
    if (side == 1) {
        out[0] = m[0];
        return;
    }
    if (side == 2) {
        out[0] = m[0] + m[step] + m[2 * step];
        out[1] = m[step] - m[2 * step] + m[3 * step];
        return;
    }
    const float near = (float)SSCAM_WINOGRAD_NEAR, far = (float)SSCAM_WINOGRAD_FAR;
    const vector near_sum = m[step] + m[2 * step], far_sum = m[3 * step] + m[4 * step];
    const vector near_difference = near * (m[step] - m[2 * step]);
    const vector far_difference = far * (m[3 * step] - m[4 * step]);
    out[0] = m[0] + near_sum + far_sum;
    out[1] = near_difference + far_difference;
    out[2] = 0.5f * near_sum + 2.0f * far_sum;
    out[3] = 0.5f * near_difference + 2.0f * far_difference + m[5 * step];
}

/* Y = A^T M A, of side x side values. */
INLINE void load_outputs(int64_t side, const float *sums, int64_t step, vector *tile)
{
    const int64_t from = side == 1 ? 1 : side + 2;
    vector m[MOST_SIDE], half[4 * MOST_SIDE], line[4];
    for (int64_t j = 0; j < from; j++) {
        for (int64_t i = 0; i < from; i++)
            m[i] = load(sums + (i * from + j) * step);
        transform_output_line(side, m, 1, line);
        for (int64_t i = 0; i < side; i++)
            half[i * from + j] = line[i];
    }
    for (int64_t i = 0; i < side; i++)
        transform_output_line(side, half + i * from, 1, tile + i * side);
}

/* Where the output of a tile is, and how much of it is inside. */
typedef struct tile_output {
    int64_t start, row_step, channels; /* in floats */
    int64_t rows, columns;
} tile_output;

INLINE void store_outputs(int64_t side, const sscam_convolution_call *call,
                          const tile_output *output, const vector *tile, int64_t channel)
{
    const int64_t count = output->channels - channel;
    const vector bias = call->bias ? load_some(call->bias + channel, count) : zeros();
    for (int64_t i = 0; i < output->rows; i++)
        for (int64_t j = 0; j < output->columns; j++) {
            const int64_t at = output->start + i * output->row_step + j * output->channels +
                               channel;
            vector value = tile[i * side + j] + bias;
            if (call->residual)
                value += load_some(call->residual + at, count);
            if (call->relu)
                value = rectify(value);
            store_some(call->output + at, value, count);
        }
}

INLINE void transform_outputs(int64_t side, const sscam_convolution *c,
                              const sscam_convolution_call *call, const sscam_tile_grid *grid,
                              int64_t first, int64_t count, const float *sums)
{
    const int64_t height = sscam_convolution_output_height(&c->geometry, call->height),
                  width = sscam_convolution_output_width(&c->geometry, call->width);
    const int64_t step = sscam_convolution_sum_step(c, count);
    tile_position at = tile_at(grid, first);
    for (int64_t t = 0; t < count; t++, advance(grid, &at)) {
        const int64_t y = at.row * side, x = at.column * side, channels = c->geometry.outputs;
        const tile_output output = {.start = ((at.image * height + y) * width + x) * channels,
                                    .row_step = width * channels,
                                    .channels = channels,
                                    .rows = height - y < side ? height - y : side,
                                    .columns = width - x < side ? width - x : side};
        for (int64_t channel = 0; channel < channels; channel += LANES) {
            const int64_t panel = channel / FULL_PANEL * FULL_PANEL, left = c->channels - panel,
                          panel_width = left < FULL_PANEL ? left : FULL_PANEL;
            vector tile[4 * 4];
            load_outputs(side, sums + panel * count + t * panel_width + (channel - panel), step,
                         tile);
            store_outputs(side, call, &output, tile, channel);
        }
    }
}

/* --- a block ---------------------------------------------------------------------------------- */

static float *aligned(float *scratch)
{
    const uintptr_t mask = LANES * sizeof(float) - 1;
    return (float *)(((uintptr_t)scratch + mask) & ~mask);
}

static void run(const sscam_convolution *c, const sscam_convolution_call *call, int64_t first,
                int64_t count, float *scratch)
{
    const sscam_tile_grid grid = sscam_convolution_tiles(c, call);
    float *inputs = aligned(scratch),
          *sums = inputs + c->points * sscam_convolution_input_step(c, count);
    switch (c->tile_side) {
    case 4: transform_inputs(6, c, call, &grid, first, count, inputs); break;
    case 2: transform_inputs(4, c, call, &grid, first, count, inputs); break;
    default: gather_inputs(c, call, &grid, first, count, inputs);
    }
    multiply_points(c, inputs, count, sums);
    switch (c->tile_side) {
    case 4: transform_outputs(4, c, call, &grid, first, count, sums); break;
    case 2: transform_outputs(2, c, call, &grid, first, count, sums); break;
    default: transform_outputs(1, c, call, &grid, first, count, sums);
    }
}

const sscam_convolution_code CODE = {LANES, ROWS, VECTORS, run};
