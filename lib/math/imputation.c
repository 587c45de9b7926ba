#include "math/imputation.h"

#include <math.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"

enum { NEIGHBOURS = 8, MOST_STEPS = 2000 };

/* The equations of all removed pixels: sum_q w_q (x_p - x_q) = 0 over the neighbours q. */
typedef struct equations {
    int64_t count, channels, pixels;
    int64_t *pixel;     /* [count] */
    int32_t *neighbour; /* [count][NEIGHBOURS] number of an equation; its own: known, or none */
    float *weight;      /* [count][NEIGHBOURS] of unknown neighbours, else 0 */
    float *diagonal;    /* [count] */
    double *x, *b, *r, *p, *q; /* [count][channels]: conjugate gradients */
} equations;

static const struct {
    int y, x;
    float weight;
} steps[NEIGHBOURS] = {{-1, -1, 1.0f / 12.0f}, {-1, 0, 1.0f / 6.0f}, {-1, 1, 1.0f / 12.0f},
                       {0, -1, 1.0f / 6.0f},   {0, 1, 1.0f / 6.0f},  {1, -1, 1.0f / 12.0f},
                       {1, 0, 1.0f / 6.0f},    {1, 1, 1.0f / 12.0f}};

static sscam_status allocate(equations *of)
{
    const int64_t values = sscam_times(of->count, of->channels);
    of->pixel = sscam_allocate_array(of->count, sizeof *of->pixel);
    of->neighbour = sscam_allocate_array(sscam_times(of->count, NEIGHBOURS), sizeof *of->neighbour);
    of->weight = sscam_zeros(sscam_times(of->count, NEIGHBOURS), sizeof *of->weight);
    of->diagonal = sscam_zeros(of->count, sizeof *of->diagonal);
    of->x = sscam_zeros(sscam_times(5, values), sizeof *of->x);
    if (!of->pixel || !of->neighbour || !of->weight || !of->diagonal || !of->x)
        return sscam_fail_memory("imputed pixels");
    of->b = of->x + values;
    of->r = of->b + values;
    of->p = of->r + values;
    of->q = of->p + values;
    return SSCAM_OK;
}

static void release(equations *of)
{
    free(of->pixel);
    free(of->neighbour);
    free(of->weight);
    free(of->diagonal);
    free(of->x);
}

/* One equation; numbers: [height, width] the number of a pixel's equation, -1 for known pixels. */
static void set_equation(equations *of, int64_t i, const int32_t *numbers, int64_t height,
                         int64_t width, const float *image)
{
    const int64_t at = of->pixel[i], y = at / width, x = at % width;
    for (int n = 0; n < NEIGHBOURS; n++) {
        const int64_t near_y = y + steps[n].y, near_x = x + steps[n].x,
                      near = near_y * width + near_x;
        of->neighbour[i * NEIGHBOURS + n] = (int32_t)i;
        if (near_y < 0 || near_y >= height || near_x < 0 || near_x >= width)
            continue;
        of->diagonal[i] += steps[n].weight;
        if (numbers[near] >= 0) {
            of->neighbour[i * NEIGHBOURS + n] = numbers[near];
            of->weight[i * NEIGHBOURS + n] = steps[n].weight;
        }
        for (int64_t c = 0; c < of->channels && numbers[near] < 0; c++)
            of->b[i * of->channels + c] += (double)steps[n].weight * image[c * of->pixels + near];
    }
    for (int64_t c = 0; c < of->channels; c++)
        of->x[i * of->channels + c] = image[c * of->pixels + at];
}

enum { CHANNELS_AT_ONCE = 3 };

/* out = A in, of `count` channels from `first` on: a constant where it is inlined, so that the sums
 * stay in registers. Known neighbours have no weight, and need no branch. */
static inline void multiply_channels(const equations *of, const double *restrict in,
                                     double *restrict out, int64_t first, int64_t count)
{
    const int64_t channels = of->channels;
    for (int64_t i = 0; i < of->count; i++) {
        double sum[CHANNELS_AT_ONCE];
        for (int64_t c = 0; c < count; c++)
            sum[c] = of->diagonal[i] * in[i * channels + first + c];
        for (int n = 0; n < NEIGHBOURS; n++) {
            const double *near = in + of->neighbour[i * NEIGHBOURS + n] * channels + first;
            const double weight = of->weight[i * NEIGHBOURS + n];
            for (int64_t c = 0; c < count; c++)
                sum[c] -= weight * near[c];
        }
        for (int64_t c = 0; c < count; c++)
            out[i * channels + first + c] = sum[c];
    }
}

static void multiply(const equations *of, const double *in, double *out)
{
    int64_t done = 0;
    for (; of->channels - done >= CHANNELS_AT_ONCE; done += CHANNELS_AT_ONCE)
        multiply_channels(of, in, out, done, CHANNELS_AT_ONCE);
    for (; done < of->channels; done++)
        multiply_channels(of, in, out, done, 1);
}

static double product(const double *a, const double *b, int64_t count)
{
    double sum = 0.0;
    for (int64_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Conjugate gradients, of all channels together: the matrix is symmetric and positive definite. */
static void solve(equations *of)
{
    const int64_t count = of->count * of->channels;
    const double allowed = 1e-10 * product(of->b, of->b, count);
    multiply(of, of->x, of->q);
    for (int64_t i = 0; i < count; i++)
        of->p[i] = of->r[i] = of->b[i] - of->q[i];
    double residual = product(of->r, of->r, count);
    for (int step = 0; step < MOST_STEPS && residual > allowed; step++) {
        multiply(of, of->p, of->q);
        const double length = residual / product(of->p, of->q, count);
        for (int64_t i = 0; i < count; i++) {
            of->x[i] += length * of->p[i];
            of->r[i] -= length * of->q[i];
        }
        const double next = product(of->r, of->r, count);
        for (int64_t i = 0; i < count; i++)
            of->p[i] = of->r[i] + next / residual * of->p[i];
        residual = next;
    }
}

static sscam_status number_pixels(const uint8_t *removed, int64_t pixels, equations *of,
                                  int32_t *numbers)
{
    for (int64_t at = 0; at < pixels; at++)
        numbers[at] = removed[at] ? (int32_t)of->count++ : -1;
    sscam_status status = allocate(of);
    for (int64_t at = 0; at < pixels && status == SSCAM_OK; at++)
        if (numbers[at] >= 0)
            of->pixel[numbers[at]] = at;
    return status;
}

sscam_status sscam_impute(const uint8_t *removed, int64_t channels, int64_t height, int64_t width,
                          float *image)
{
    equations of = {.channels = channels, .pixels = height * width};
    int32_t *numbers = sscam_allocate_array(of.pixels, sizeof *numbers);
    sscam_status status = numbers ? number_pixels(removed, of.pixels, &of, numbers)
                                  : sscam_fail_memory("imputed pixels");
    for (int64_t i = 0; i < of.count && status == SSCAM_OK; i++)
        set_equation(&of, i, numbers, height, width, image);
    if (status == SSCAM_OK && of.count > 0)
        solve(&of);
    for (int64_t i = 0; i < of.count && status == SSCAM_OK; i++)
        for (int64_t c = 0; c < channels; c++)
            image[c * of.pixels + of.pixel[i]] = (float)of.x[i * channels + c];
    release(&of);
    free(numbers);
    return status;
}
