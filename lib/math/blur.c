#include "math/blur.h"

#include <math.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"

enum { TAPS = 11, CENTRE = TAPS / 2, REACH = 20 /* 4 deviations */ };
enum { GAUSSIAN_TAPS = 51 };
static const double DEVIATION = 5.0, GAUSSIAN_DEVIATION = 50.0;

/* Reflects a position beyond the kernel's edges. The edge itself is repeated. */
static int reflected(int position)
{
    int within = ((position % (2 * TAPS)) + 2 * TAPS) % (2 * TAPS);
    return within < TAPS ? within : 2 * TAPS - 1 - within;
}

/* A separable kernel. */
typedef struct blur_kernel {
    const double *taps;
    int64_t tap_count; /* odd */
    int32_t
        reflects_border; /* whether the input is reflected at its border; else it is zero there */
} blur_kernel;

/* One factor of RISE's kernel. */
static void make_taps(double taps[TAPS])
{
    double sum = 0.0;
    for (int d = -REACH; d <= REACH; d++)
        sum += exp(-0.5 * d * d / (DEVIATION * DEVIATION));
    for (int i = 0; i < TAPS; i++) {
        taps[i] = 0.0;
        for (int d = -REACH; d <= REACH; d++)
            if (reflected(i + d) == CENTRE)
                taps[i] += exp(-0.5 * d * d / (DEVIATION * DEVIATION)) / sum;
    }
}

/* An index reflected into the line, without repeating its ends. */
static int64_t reflected_index(int64_t index, int64_t length)
{
    const int64_t period = 2 * (length - 1);
    if (period == 0)
        return 0;
    index = (index % period + period) % period;
    return index < length ? index : period - index;
}

/* One line of values that lie `step` apart. */
static void blur_line(const blur_kernel *kernel, const double *line, int64_t length, int64_t step,
                      double *out)
{
    for (int64_t at = 0; at < length; at++) {
        double sum = 0.0;
        for (int64_t tap = 0; tap < kernel->tap_count; tap++) {
            int64_t from = at + tap - kernel->tap_count / 2;
            if (kernel->reflects_border)
                from = reflected_index(from, length);
            if (from >= 0 && from < length)
                sum += kernel->taps[tap] * line[from * step];
        }
        out[at * step] = sum;
    }
}

static void blur_plane(const blur_kernel *kernel, const float *plane, int64_t height, int64_t width,
                       double *first, double *second, float *out)
{
    for (int64_t p = 0; p < height * width; p++)
        first[p] = plane[p];
    for (int64_t y = 0; y < height; y++)
        blur_line(kernel, first + y * width, width, 1, second + y * width);
    for (int64_t x = 0; x < width; x++)
        blur_line(kernel, second + x, height, width, first + x);
    for (int64_t p = 0; p < height * width; p++)
        out[p] = (float)first[p];
}

static sscam_status blur(const blur_kernel *kernel, const float *input, int64_t planes,
                         int64_t height, int64_t width, float *out)
{
    int64_t positions = height * width;
    double *scratch = sscam_allocate_array(sscam_times(positions, 2), sizeof *scratch);
    if (!scratch)
        return sscam_fail_memory("a blurred input");
    for (int64_t i = 0; i < planes; i++)
        blur_plane(kernel, input + i * positions, height, width, scratch, scratch + positions,
                   out + i * positions);
    free(scratch);
    return SSCAM_OK;
}

sscam_status sscam_blur(const float *input, int64_t channels, int64_t height, int64_t width,
                        float *out)
{
    double taps[TAPS];
    const blur_kernel kernel = {taps, TAPS, 0};
    make_taps(taps);
    return blur(&kernel, input, channels, height, width, out);
}

sscam_status sscam_gaussian_blur(const float *input, int64_t planes, int64_t height, int64_t width,
                                 float *out)
{
    double taps[GAUSSIAN_TAPS], sum = 0.0;
    const blur_kernel kernel = {taps, GAUSSIAN_TAPS, 1};
    for (int i = 0; i < GAUSSIAN_TAPS; i++) {
        const double steps = i - GAUSSIAN_TAPS / 2;
        taps[i] = exp(-0.5 * steps * steps / (GAUSSIAN_DEVIATION * GAUSSIAN_DEVIATION));
        sum += taps[i];
    }
    for (int i = 0; i < GAUSSIAN_TAPS; i++)
        taps[i] /= sum;
    return blur(&kernel, input, planes, height, width, out);
}
