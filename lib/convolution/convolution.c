/* Convolutions: what does not depend on vector instructions. */
#include "convolution/convolution.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "convolution/convolution_target.h"

enum {
    WINOGRAD_KERNEL = 3,
    MOST_LANES = 16,
    MOST_KERNEL = 64,               /* sides, strides, padding */
    MOST_CHANNELS = 1 << 20,        /* so that no size of one kernel row overflows */
    CACHED_FLOATS = (3 << 20) / 16, /* of a block: 3/4 of 1 MiB, a second-level cache */
    LARGE_BLOCK = 8                 /* times the positions of the inner loop, at most */
};

/* --- targets ---------------------------------------------------------------------------------- */

static const sscam_convolution_code *code_of(sscam_convolution_target target)
{
#ifdef SSCAM_HAS_X86_CONVOLUTIONS
    __builtin_cpu_init();
    if (target == SSCAM_CONVOLUTION_AVX512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("fma")
                   ? &sscam_convolution_avx512
                   : NULL;
    if (target == SSCAM_CONVOLUTION_AVX2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
                   ? &sscam_convolution_avx2
                   : NULL;
#endif
    return target == SSCAM_CONVOLUTION_PORTABLE ? &sscam_convolution_portable : NULL;
}

int32_t sscam_convolution_has_target(sscam_convolution_target target)
{
    return code_of(target) != NULL;
}

sscam_convolution_target sscam_convolution_best_target(void)
{
    for (int target = SSCAM_CONVOLUTION_TARGETS - 1; target > SSCAM_CONVOLUTION_PORTABLE; target--)
        if (code_of((sscam_convolution_target)target))
            return (sscam_convolution_target)target;
    return SSCAM_CONVOLUTION_PORTABLE;
}

/* --- geometry --------------------------------------------------------------------------------- */

static int is_within(int64_t value, int64_t least, int64_t most)
{
    return value >= least && value <= most;
}

int32_t sscam_convolution_is_possible(const sscam_convolution_geometry *g,
                                      sscam_convolution_algorithm algorithm)
{
    if (!is_within(g->inputs, 1, MOST_CHANNELS) || !is_within(g->outputs, 1, MOST_CHANNELS) ||
        !is_within(g->kernel_height, 1, MOST_KERNEL) ||
        !is_within(g->kernel_width, 1, MOST_KERNEL) || !is_within(g->stride_y, 1, MOST_KERNEL) ||
        !is_within(g->stride_x, 1, MOST_KERNEL) || !is_within(g->padding_y, 0, MOST_KERNEL) ||
        !is_within(g->padding_x, 0, MOST_KERNEL))
        return 0;
    switch (algorithm) {
    case SSCAM_CONVOLUTION_DIRECT: return 1;
    case SSCAM_CONVOLUTION_WINOGRAD_2:
    case SSCAM_CONVOLUTION_WINOGRAD_4:
        return g->kernel_height == WINOGRAD_KERNEL && g->kernel_width == WINOGRAD_KERNEL &&
               g->stride_y == 1 && g->stride_x == 1;
    default: return 0;
    }
}

static int64_t output_side(int64_t side, int64_t kernel, int64_t stride, int64_t padding)
{
    const int64_t span = side + 2 * padding - kernel;
    return span < 0 ? 0 : span / stride + 1;
}

int64_t sscam_convolution_output_height(const sscam_convolution_geometry *g, int64_t height)
{
    return output_side(height, g->kernel_height, g->stride_y, g->padding_y);
}

int64_t sscam_convolution_output_width(const sscam_convolution_geometry *g, int64_t width)
{
    return output_side(width, g->kernel_width, g->stride_x, g->padding_x);
}

static int64_t round_up(int64_t value, int64_t step)
{
    return (value + step - 1) / step * step;
}

/* --- weights ---------------------------------------------------------------------------------- */

/* G of U = G g G^T: the kernel's values at the points of the interpolation, each divided by the
 * derivative of the points' polynomial. */
static const double winograd_2[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};

static void fill_winograd_4(double g[6][3])
{
    const double points[] = {SSCAM_WINOGRAD_NEAR, SSCAM_WINOGRAD_FAR};
    memset(g, 0, 6 * sizeof *g);
    g[0][0] = 1.0 / (points[0] * points[0] * points[1] * points[1]);
    g[5][2] = 1.0;
    for (int i = 0; i < 2; i++) {
        const double p = points[i], other = points[1 - i];
        const double derivative = 2.0 * p * p * (p * p - other * other);
        for (int sign = 0; sign < 2; sign++) {
            double *row = g[1 + 2 * i + sign];
            row[0] = 1.0 / derivative;
            row[1] = (sign ? -p : p) / derivative;
            row[2] = p * p / derivative;
        }
    }
}

/* One vector of output channels. */
typedef double channel_values[MOST_LANES];

/* transformed[side * side] = G kernel G^T, of kernel[9]. */
static void transform_kernels(double (*g)[3], int64_t side, channel_values *kernel,
                              channel_values *transformed)
{
    channel_values half[6 * WINOGRAD_KERNEL];
    for (int64_t i = 0; i < side; i++)
        for (int64_t x = 0; x < WINOGRAD_KERNEL; x++)
            for (int64_t l = 0; l < MOST_LANES; l++)
                half[i * WINOGRAD_KERNEL + x][l] = g[i][0] * kernel[x][l] +
                                                   g[i][1] * kernel[3 + x][l] +
                                                   g[i][2] * kernel[6 + x][l];
    for (int64_t i = 0; i < side; i++)
        for (int64_t j = 0; j < side; j++) {
            channel_values *row = half + i * WINOGRAD_KERNEL;
            for (int64_t l = 0; l < MOST_LANES; l++)
                transformed[i * side + j][l] = g[j][0] * row[0][l] + g[j][1] * row[1][l] +
                                               g[j][2] * row[2][l];
        }
}

/* Where the weight of an output channel stands within its point's matrix. */
static int64_t weight_index(const sscam_convolution *c, int64_t row, int64_t output)
{
    const int64_t full = c->code->vectors * c->code->lanes, panel = output / full;
    const int64_t left = c->channels - panel * full, width = left < full ? left : full;
    return panel * full * c->depth + row * width + output % full;
}

/* Kernels of up to a vector of output channels, from `first` on, for one input channel. */
static void load_kernels(const sscam_convolution *c, const float *weights, int64_t first,
                         int64_t input, channel_values *kernel)
{
    const int64_t left = c->geometry.outputs - first;
    for (int64_t l = 0; l < c->code->lanes && l < left; l++) {
        const float *from = weights + ((first + l) * c->geometry.inputs + input) * 9;
        for (int64_t i = 0; i < 9; i++)
            kernel[i][l] = (double)from[i];
    }
}

static void pack_winograd(sscam_convolution *c, const float *weights)
{
    const int64_t side = c->tile_side + WINOGRAD_KERNEL - 1, lanes = c->code->lanes;
    double g[6][3];
    channel_values transformed[36];
    if (c->algorithm == SSCAM_CONVOLUTION_WINOGRAD_4)
        fill_winograd_4(g);
    else
        memcpy(g, winograd_2, sizeof winograd_2);
    for (int64_t output = 0; output < c->geometry.outputs; output += lanes) {
        channel_values kernel[9] = {{0}};
        for (int64_t input = 0; input < c->geometry.inputs; input++) {
            load_kernels(c, weights, output, input, kernel);
            transform_kernels(g, side, kernel, transformed);
            float *to = c->weights + weight_index(c, input, output);
            for (int64_t point = 0; point < c->points; point++, to += c->depth * c->channels)
                for (int64_t l = 0; l < lanes; l++)
                    to[l] = (float)transformed[point][l];
        }
    }
}

static void pack_direct(sscam_convolution *c, const float *weights)
{
    const sscam_convolution_geometry *g = &c->geometry;
    const int64_t row_length = round_up(c->run_length, c->code->lanes);
    for (int64_t output = 0; output < g->outputs; output++)
        for (int64_t input = 0; input < g->inputs; input++)
            for (int64_t y = 0; y < g->kernel_height; y++)
                for (int64_t x = 0; x < g->kernel_width; x++)
                    c->weights[weight_index(c, y * row_length + x * g->inputs + input, output)] =
                        *weights++;
}

/* Zeroed, and aligned to a line of the cache. */
static float *new_weights(const sscam_convolution *c)
{
    enum { LINE = 64 };
    const int64_t count = sscam_times(sscam_times(c->points, c->depth), c->channels);
    const int64_t bytes = sscam_times(count, sizeof(float));
    if (bytes < 0 || bytes > PTRDIFF_MAX - LINE)
        return NULL;
    float *weights = aligned_alloc(LINE, (size_t)round_up(bytes, LINE));
    if (weights)
        memset(weights, 0, (size_t)bytes);
    return weights;
}

/* --- creation --------------------------------------------------------------------------------- */

/* Blocks whose inputs and sums stay in the second-level cache, and that are not so small that
 * reading the weights takes longer than multiplying by them. */
static int64_t choose_block(const sscam_convolution *c)
{
    const int64_t rows = c->code->rows, tile = c->points * (c->depth + c->channels);
    const int64_t weights = c->points * c->depth * c->channels;
    int64_t groups = CACHED_FLOATS / (tile * rows);
    const int64_t least = weights > CACHED_FLOATS ? LARGE_BLOCK / 2 : 2;
    groups = groups < least ? least : groups;
    return rows * (groups > LARGE_BLOCK ? LARGE_BLOCK : groups);
}

static void set_sizes(sscam_convolution *c)
{
    const int64_t lanes = c->code->lanes;
    c->tile_side = c->algorithm == SSCAM_CONVOLUTION_WINOGRAD_4   ? 4
                   : c->algorithm == SSCAM_CONVOLUTION_WINOGRAD_2 ? 2
                                                                  : 1;
    c->channels = round_up(c->geometry.outputs, lanes);
    if (c->tile_side > 1) {
        const int64_t side = c->tile_side + WINOGRAD_KERNEL - 1;
        c->points = side * side;
        c->depth = round_up(c->geometry.inputs, lanes);
    } else {
        c->points = 1;
        c->run_length = c->geometry.kernel_width * c->geometry.inputs;
        c->depth = c->geometry.kernel_height * round_up(c->run_length, lanes);
    }
    c->block_tiles = choose_block(c);
}

sscam_status sscam_convolution_create(const sscam_convolution_geometry *geometry,
                                      const float *weights, sscam_convolution_algorithm algorithm,
                                      sscam_convolution_target target,
                                      sscam_convolution **convolution)
{
    *convolution = NULL;
    const sscam_convolution_code *code = code_of(target);
    if (!code || !sscam_convolution_is_possible(geometry, algorithm))
        return sscam_fail(SSCAM_E_ARGUMENT, "a convolution that cannot be computed this way");
    sscam_convolution *created = sscam_zeros(1, sizeof *created);
    if (!created)
        return sscam_fail_memory("a convolution");
    created->geometry = *geometry;
    created->algorithm = algorithm;
    created->code = code;
    set_sizes(created);
    created->weights = new_weights(created);
    if (!created->weights) {
        sscam_convolution_destroy(created);
        return sscam_fail_memory("the weights of a convolution");
    }
    if (algorithm == SSCAM_CONVOLUTION_DIRECT)
        pack_direct(created, weights);
    else
        pack_winograd(created, weights);
    *convolution = created;
    return SSCAM_OK;
}

void sscam_convolution_destroy(sscam_convolution *convolution)
{
    if (!convolution)
        return;
    free(convolution->weights);
    free(convolution);
}

/* --- running ---------------------------------------------------------------------------------- */

sscam_tile_grid sscam_convolution_tiles(const sscam_convolution *c,
                                        const sscam_convolution_call *call)
{
    sscam_tile_grid grid;
    grid.rows = round_up(sscam_convolution_output_height(&c->geometry, call->height),
                         c->tile_side) /
                c->tile_side;
    grid.columns = round_up(sscam_convolution_output_width(&c->geometry, call->width),
                            c->tile_side) /
                   c->tile_side;
    grid.tiles = call->images * grid.rows * grid.columns;
    return grid;
}

static int64_t min_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* An odd number of cache lines. */
static int64_t odd_lines(int64_t floats)
{
    enum { LINE = 16 };
    return (round_up(floats, LINE) / LINE | 1) * LINE;
}

int64_t sscam_convolution_input_step(const sscam_convolution *c, int64_t tiles)
{
    return odd_lines(c->depth * tiles);
}

int64_t sscam_convolution_sum_step(const sscam_convolution *c, int64_t tiles)
{
    return odd_lines(c->channels * tiles);
}

int64_t sscam_convolution_block_count(const sscam_convolution *c,
                                      const sscam_convolution_call *call)
{
    return (sscam_convolution_tiles(c, call).tiles + c->block_tiles - 1) / c->block_tiles;
}

int64_t sscam_convolution_scratch_size(const sscam_convolution *c,
                                       const sscam_convolution_call *call)
{
    const int64_t tiles = min_of(c->block_tiles, sscam_convolution_tiles(c, call).tiles);
    const int64_t steps = sscam_convolution_input_step(c, tiles) +
                          sscam_convolution_sum_step(c, tiles);
    return c->points * steps + c->code->lanes; /* to align the rest */
}

void sscam_convolution_run(const sscam_convolution *c, const sscam_convolution_call *call,
                           int64_t first, int64_t end, float *scratch)
{
    const int64_t tiles = sscam_convolution_tiles(c, call).tiles;
    for (int64_t block = first; block < end; block++) {
        const int64_t start = block * c->block_tiles;
        c->code->run(c, call, start, min_of(c->block_tiles, tiles - start), scratch);
    }
}
