#include "evaluation/blur.h"

#include <math.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"

enum { TAPS = 11, CENTRE = TAPS / 2, REACH = 20 /* 4 deviations */ };
static const double DEVIATION = 5.0;

/* Reflects a position beyond the kernel's edges. The edge itself is repeated. */
static int reflected(int position)
{
    int within = ((position % (2 * TAPS)) + 2 * TAPS) % (2 * TAPS);
    return within < TAPS ? within : 2 * TAPS - 1 - within;
}

/* One factor of the separable kernel. */
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

/* One line of values that lie `step` apart. */
static void blur_line(const double taps[TAPS], const double *line, int64_t length, int64_t step,
                      double *out)
{
    for (int64_t at = 0; at < length; at++) {
        double sum = 0.0;
        for (int64_t tap = 0; tap < TAPS; tap++) {
            int64_t from = at + tap - CENTRE;
            if (from >= 0 && from < length)
                sum += taps[tap] * line[from * step];
        }
        out[at * step] = sum;
    }
}

static void blur_plane(const double taps[TAPS], const float *plane, int64_t height, int64_t width,
                       double *first, double *second, float *out)
{
    for (int64_t p = 0; p < height * width; p++)
        first[p] = plane[p];
    for (int64_t y = 0; y < height; y++)
        blur_line(taps, first + y * width, width, 1, second + y * width);
    for (int64_t x = 0; x < width; x++)
        blur_line(taps, second + x, height, width, first + x);
    for (int64_t p = 0; p < height * width; p++)
        out[p] = (float)first[p];
}

sscam_status sscam_blur(const float *input, int64_t channels, int64_t height, int64_t width,
                        float *out)
{
    int64_t positions = height * width;
    double taps[TAPS];
    double *planes = sscam_allocate_array(sscam_times(positions, 2), sizeof *planes);
    if (!planes)
        return sscam_fail_memory("a blurred input");
    make_taps(taps);
    for (int64_t channel = 0; channel < channels; channel++)
        blur_plane(taps, input + channel * positions, height, width, planes, planes + positions,
                   out + channel * positions);
    free(planes);
    return SSCAM_OK;
}
