#include "image/resample.h"

#include <math.h>
#include <stdbool.h>
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
    int32_t *weights; /* [count,room] in fixed point; NULL: exact ones are kept */
    double *exact;    /* [count,room], or [room]: one position's weights before rounding */
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
    double *exact = kernel->exact + (kernel->weights ? 0 : (size_t)slot * kernel->room);
    for (int32_t t = 0; t < taps; t++) {
        double distance = (t + first - centre + 0.5) * shrink;
        exact[t] = interpolation == SSCAM_INTERPOLATION_BICUBIC ? cubic(distance)
                                                                : triangle(distance);
        sum += exact[t];
    }
    for (int32_t t = 0; t < taps; t++) {
        exact[t] = sum != 0.0 ? exact[t] / sum : exact[t];
        if (kernel->weights)
            kernel->weights[(size_t)slot * kernel->room + (size_t)t] = fixed_point(exact[t]);
    }
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
                                int32_t offset, int32_t count, sscam_interpolation interpolation,
                                bool wide)
{
    double scale = (double)source_size / output_size;
    *kernel = (resample_kernel){.count = count};
    kernel->room = (size_t)ceil(filter_radius(scale, interpolation)) * 2 + 1;
    kernel->first = sscam_zeros(count, sizeof *kernel->first);
    kernel->taps = sscam_zeros(count, sizeof *kernel->taps);
    const int64_t all = sscam_times(count, (int64_t)kernel->room);
    if (!wide)
        kernel->weights = sscam_zeros(all, sizeof *kernel->weights);
    kernel->exact = sscam_zeros(wide ? all : (int64_t)kernel->room, sizeof *kernel->exact);
    if (!kernel->first || !kernel->taps || (!wide && !kernel->weights) || !kernel->exact) {
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

static void resample_row(const resample_kernel *kernel, const sscam_row_reader *source,
                         const uint8_t *row, uint8_t *out)
{
    for (int32_t slot = 0; slot < kernel->count; slot++) {
        const int32_t *weights = kernel->weights + (size_t)slot * kernel->room;
        const uint8_t *first = row + (size_t)kernel->first[slot] * (size_t)source->step;
        for (int32_t c = 0; c < source->channels; c++) {
            const uint8_t *pixel = first + source->offset[c];
            int32_t sum = WEIGHT_HALF;
            for (int32_t t = 0; t < kernel->taps[slot]; t++, pixel += source->step)
                sum += *pixel * weights[t];
            *out++ = round_sum(sum);
        }
    }
}

static void resample_wide_row(const resample_kernel *kernel, const sscam_row_reader *source,
                              const uint16_t *row, float *out)
{
    for (int32_t slot = 0; slot < kernel->count; slot++) {
        const double *weights = kernel->exact + (size_t)slot * kernel->room;
        const uint16_t *first = row + (size_t)kernel->first[slot] * (size_t)source->step;
        for (int32_t c = 0; c < source->channels; c++) {
            const uint16_t *pixel = first + source->offset[c];
            double sum = 0.0;
            for (int32_t t = 0; t < kernel->taps[slot]; t++, pixel += source->step)
                sum += *pixel * weights[t];
            *out++ = (float)sum;
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

static void blend_wide_rows(const float *rows, size_t row_size, const double *weights, int32_t taps,
                            double *sums, double maximum, float *out)
{
    for (size_t i = 0; i < row_size; i++)
        sums[i] = 0.0;
    for (int32_t t = 0; t < taps; t++, rows += row_size)
        for (size_t i = 0; i < row_size; i++)
            sums[i] += rows[i] * weights[t];
    for (size_t i = 0; i < row_size; i++)
        out[i] = (float)fmin(fmax(sums[i], 0.0), maximum);
}

/* What both passes share. */
typedef struct resampling {
    sscam_row_reader *source;
    resample_kernel horizontal, vertical;
    int32_t top, rows; /* of the source, that the window needs */
    size_t row_size;   /* samples of a row of the result */
    void *narrow;      /* [rows,row_size] uint8_t, or float of 16-bit samples */
    void *sums;        /* [row_size] int32_t or double */
} resampling;

static sscam_status allocate_passes(resampling *run, bool wide)
{
    const int32_t last = run->vertical.count - 1;
    run->top = run->vertical.first[0];
    run->rows = run->vertical.first[last] + run->vertical.taps[last] - run->top;
    run->row_size = (size_t)run->horizontal.count * (size_t)run->source->channels;
    run->narrow = sscam_allocate_array(sscam_times(run->rows, (int64_t)run->row_size),
                                       wide ? sizeof(float) : 1);
    run->sums = sscam_zeros((int64_t)run->row_size, wide ? sizeof(double) : sizeof(int32_t));
    return run->narrow && run->sums ? SSCAM_OK : sscam_fail_memory("resizing an image");
}

/* PIL's first pass, row by row. Only the rows that the window needs are computed. */
static sscam_status narrow_rows(resampling *run, bool wide)
{
    sscam_status status = SSCAM_OK;
    for (int32_t y = 0; y < run->rows && status == SSCAM_OK; y++) {
        const void *row = NULL;
        status = sscam_row_reader_read(run->source, run->top + y, &row);
        if (status == SSCAM_OK && wide)
            resample_wide_row(&run->horizontal, run->source, row,
                              (float *)run->narrow + (size_t)y * run->row_size);
        else if (status == SSCAM_OK)
            resample_row(&run->horizontal, run->source, row,
                         (uint8_t *)run->narrow + (size_t)y * run->row_size);
    }
    return status;
}

/* The second pass: `out` is of the type of `narrow`. */
static void blend_all(const resampling *run, bool wide, void *out)
{
    for (int32_t y = 0; y < run->vertical.count; y++) {
        const size_t first = (size_t)(run->vertical.first[y] - run->top) * run->row_size;
        const size_t weights = (size_t)y * run->vertical.room, to = (size_t)y * run->row_size;
        if (wide)
            blend_wide_rows((const float *)run->narrow + first, run->row_size,
                            run->vertical.exact + weights, run->vertical.taps[y], run->sums,
                            run->source->maximum, (float *)out + to);
        else
            blend_rows((const uint8_t *)run->narrow + first, run->row_size,
                       run->vertical.weights + weights, run->vertical.taps[y], run->sums,
                       (uint8_t *)out + to);
    }
}

static sscam_status run_passes(resampling *run, bool wide, void *out)
{
    sscam_status status = allocate_passes(run, wide);
    if (status == SSCAM_OK)
        status = narrow_rows(run, wide);
    if (status == SSCAM_OK)
        blend_all(run, wide, out);
    free(run->narrow);
    free(run->sums);
    return status;
}

static sscam_status resample(sscam_row_reader *source, int32_t width, int32_t height,
                             sscam_interpolation interpolation, const sscam_window *window,
                             bool wide, void *out)
{
    resampling run = {.source = source};
    sscam_status status = make_kernel(&run.horizontal, (int32_t)source->pixels->width, width,
                                      window->left, window->width, interpolation, wide);
    if (status != SSCAM_OK)
        return status;
    status = make_kernel(&run.vertical, (int32_t)source->pixels->height, height, window->top,
                         window->height, interpolation, wide);
    if (status == SSCAM_OK) {
        status = run_passes(&run, wide, out);
        release_kernel(&run.vertical);
    }
    release_kernel(&run.horizontal);
    return status;
}

sscam_status sscam_resample(sscam_row_reader *source, int32_t width, int32_t height,
                            sscam_interpolation interpolation, const sscam_window *window,
                            uint8_t *out)
{
    return resample(source, width, height, interpolation, window, false, out);
}

sscam_status sscam_resample_wide(sscam_row_reader *source, int32_t width, int32_t height,
                                 sscam_interpolation interpolation, const sscam_window *window,
                                 float *out)
{
    return resample(source, width, height, interpolation, window, true, out);
}
