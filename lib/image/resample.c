#include "image/resample.h"

#include <math.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"

/* PIL's fixed-point weights: 32 bits less 8 for the pixel and 2 for sums above 1 and below 0. Not
 * the interpolation of math/upsample.h, since results must equal PIL's. */
enum { WEIGHT_BITS = 32 - 8 - 2 };
#define WEIGHT_ONE (INT32_C(1) << WEIGHT_BITS)
#define WEIGHT_HALF (INT32_C(1) << (WEIGHT_BITS - 1))

/* For each output position along one axis, the source positions that it blends and their weights.
 */
typedef struct resample_kernel {
    int32_t count;    /* output positions */
    int32_t *first;   /* [count] first source position */
    int32_t *taps;    /* [count] number of source positions */
    size_t room;      /* weights kept for each output position */
    int32_t *weights; /* [count,room] */
    double *exact;    /* [room] one position's weights before rounding */
} resample_kernel;

static double triangle(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

/* Keys' cubic convolution with a = -1/2. */
static double cubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    return x < 2.0 ? (((x - 5.0) * x + 8.0) * x - 4.0) * a : 0.0;
}

static int32_t fixed_point(double weight)
{
    double scaled = weight * WEIGHT_ONE;
    return (int32_t)(scaled < 0.0 ? scaled - 0.5 : scaled + 0.5);
}

/* When shrinking, the filter widens with the scale, which avoids aliasing. */
static double filter_radius(double scale, sscam_interpolation interpolation)
{
    double radius = interpolation == SSCAM_INTERPOLATION_BICUBIC ? 2.0 : 1.0;
    return scale > 1.0 ? radius * scale : radius;
}

/* Fills the kernel's entry number `slot` for position `output` of the axis. */
static void weigh_position(resample_kernel *kernel, int32_t slot, int32_t output,
                           int32_t source_size, double scale, sscam_interpolation interpolation)
{
    double centre = (output + 0.5) * scale;
    double radius = filter_radius(scale, interpolation);
    double shrink = 1.0 / (scale > 1.0 ? scale : 1.0);
    double start = centre - radius + 0.5, end = centre + radius + 0.5;
    int32_t first = start > 0.0 ? (int32_t)start : 0;
    int32_t taps = (end < source_size ? (int32_t)end : source_size) - first;

    double sum = 0.0;
    for (int32_t t = 0; t < taps; t++) {
        double distance = (t + first - centre + 0.5) * shrink;
        kernel->exact[t] = interpolation == SSCAM_INTERPOLATION_BICUBIC ? cubic(distance)
                                                                        : triangle(distance);
        sum += kernel->exact[t];
    }
    int32_t *weights = kernel->weights + (size_t)slot * kernel->room;
    for (int32_t t = 0; t < taps; t++)
        weights[t] = fixed_point(sum != 0.0 ? kernel->exact[t] / sum : kernel->exact[t]);
    kernel->first[slot] = first;
    kernel->taps[slot] = taps;
}

static void release_kernel(resample_kernel *kernel)
{
    free(kernel->first);
    free(kernel->taps);
    free(kernel->weights);
    free(kernel->exact);
}

/* The kernel for `count` output positions from `offset` on, of an axis resized from source_size to
 * output_size. */
static sscam_status make_kernel(resample_kernel *kernel, int32_t source_size, int32_t output_size,
                                int32_t offset, int32_t count, sscam_interpolation interpolation)
{
    double scale = (double)source_size / output_size;
    *kernel = (resample_kernel){.count = count};
    kernel->room = (size_t)ceil(filter_radius(scale, interpolation)) * 2 + 1;
    kernel->first = sscam_zeros(count, sizeof *kernel->first);
    kernel->taps = sscam_zeros(count, sizeof *kernel->taps);
    kernel->weights = sscam_zeros(sscam_times(count, (int64_t)kernel->room),
                                  sizeof *kernel->weights);
    kernel->exact = sscam_zeros((int64_t)kernel->room, sizeof *kernel->exact);
    if (!kernel->first || !kernel->taps || !kernel->weights || !kernel->exact) {
        release_kernel(kernel);
        return sscam_fail_memory("resizing an image");
    }
    for (int32_t slot = 0; slot < count; slot++)
        weigh_position(kernel, slot, offset + slot, source_size, scale, interpolation);
    return SSCAM_OK;
}

static uint8_t round_sum(int32_t sum)
{
    if (sum < 0)
        return 0;
    return sum >> WEIGHT_BITS > 255 ? 255 : (uint8_t)(sum >> WEIGHT_BITS);
}

static void resample_row(const resample_kernel *kernel, const uint8_t *row, int32_t step,
                         int32_t colours, uint8_t *out)
{
    for (int32_t slot = 0; slot < kernel->count; slot++) {
        const int32_t *weights = kernel->weights + (size_t)slot * kernel->room;
        const uint8_t *first = row + (size_t)kernel->first[slot] * (size_t)step;
        for (int32_t c = 0; c < colours; c++) {
            const uint8_t *pixel = first + c;
            int32_t sum = WEIGHT_HALF;
            for (int32_t t = 0; t < kernel->taps[slot]; t++, pixel += step)
                sum += *pixel * weights[t];
            *out++ = round_sum(sum);
        }
    }
}

/* One row of the result from the rows that the vertical kernel's entry blends. `sums` has room for
 * a row. */
static void blend_rows(const uint8_t *rows, size_t row_size, const int32_t *weights, int32_t taps,
                       int32_t *sums, uint8_t *out)
{
    for (size_t i = 0; i < row_size; i++)
        sums[i] = WEIGHT_HALF;
    for (int32_t t = 0; t < taps; t++, rows += row_size)
        for (size_t i = 0; i < row_size; i++)
            sums[i] += rows[i] * weights[t];
    for (size_t i = 0; i < row_size; i++)
        out[i] = round_sum(sums[i]);
}

/* PIL's two passes, with 8-bit rows between them. Only the rows that the window needs are computed.
 */
static sscam_status resample_with(const sscam_pixels *source, const resample_kernel *horizontal,
                                  const resample_kernel *vertical, uint8_t *out)
{
    int32_t last = vertical->count - 1;
    int32_t top = vertical->first[0];
    int32_t rows = vertical->first[last] + vertical->taps[last] - top;
    size_t row_size = (size_t)horizontal->count * (size_t)source->colours;
    uint8_t *narrow = sscam_allocate_array(sscam_times(rows, (int64_t)row_size), 1);
    int32_t *sums = sscam_zeros((int64_t)row_size, sizeof *sums);
    if (!narrow || !sums) {
        free(narrow);
        free(sums);
        return sscam_fail_memory("resizing an image");
    }

    size_t source_row = (size_t)source->width * (size_t)source->step;
    for (int32_t y = 0; y < rows; y++)
        resample_row(horizontal, source->first + (size_t)(top + y) * source_row, source->step,
                     source->colours, narrow + (size_t)y * row_size);
    for (int32_t y = 0; y < vertical->count; y++)
        blend_rows(narrow + (size_t)(vertical->first[y] - top) * row_size, row_size,
                   vertical->weights + (size_t)y * vertical->room, vertical->taps[y], sums,
                   out + (size_t)y * row_size);
    free(narrow);
    free(sums);
    return SSCAM_OK;
}

sscam_status sscam_resample(const sscam_pixels *source, int32_t width, int32_t height,
                            sscam_interpolation interpolation, const sscam_window *window,
                            uint8_t *out)
{
    resample_kernel horizontal, vertical;
    sscam_status status = make_kernel(&horizontal, source->width, width, window->left,
                                      window->width, interpolation);
    if (status != SSCAM_OK)
        return status;
    status = make_kernel(&vertical, source->height, height, window->top, window->height,
                         interpolation);
    if (status == SSCAM_OK) {
        status = resample_with(source, &horizontal, &vertical, out);
        release_kernel(&vertical);
    }
    release_kernel(&horizontal);
    return status;
}
