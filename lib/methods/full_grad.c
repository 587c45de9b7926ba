/* FullGrad: full-gradient saliency (Srinivas & Fleuret 2019). */
#include <math.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "explain/job_gradients.h"
#include "math/upsample.h"
#include "methods/methods.h"

/* Magnitudes of a map, [channels, positions], scaled to [0,1] by rows of `row` values. */
typedef struct scaling {
    int64_t row;
    double epsilon; /* added to what is divided by */
} scaling;

static scaling scaling_of(const sscam_map_job *job, int64_t channels, int64_t positions)
{
    switch (job->settings->value[SSCAM_OPTION_RESCALE].integer) {
    case SSCAM_RESCALE_LAYER: return (scaling){channels * positions, 1e-6};
    case SSCAM_RESCALE_CHANNEL_EPSILON: return (scaling){positions, 1e-7};
    default: return (scaling){positions, 0.0};
    }
}

/* Adds sum_c s(|v_c(p)|) to `sum`; s is 0 where all values are equal. */
static void add_scaled(const float *values, int64_t channels, int64_t positions, scaling scale,
                       double *sum)
{
    for (int64_t start = 0; start < channels * positions; start += scale.row) {
        double lowest = INFINITY, highest = 0.0;
        for (int64_t i = start; i < start + scale.row; i++) {
            lowest = fmin(lowest, fabs((double)values[i]));
            highest = fmax(highest, fabs((double)values[i]));
        }
        const double divisor = highest - lowest + scale.epsilon;
        for (int64_t i = start; i < start + scale.row && divisor > 0.0; i++)
            sum[i % positions] += (fabs((double)values[i]) - lowest) / divisor;
    }
}

/* Adds a map to the job's, which has the input's size. U is linear, so the channels are added up
 * before they are upsampled. */
static sscam_status add_map(sscam_map_job *job, const sscam_gradient_map *map)
{
    const int64_t positions = sscam_position_count(map->sides),
                  pixels = sscam_position_count(job->shape.sides);
    double *sum = sscam_zeros(positions, sizeof *sum);
    float *scaled = sscam_allocate_array(positions, sizeof *scaled),
          *upsampled = sscam_allocate_array(pixels, sizeof *upsampled);
    sscam_status status = SSCAM_OK;
    if (!sum || !scaled || !upsampled)
        status = sscam_fail_memory("gradients of biases");
    if (status == SSCAM_OK) {
        add_scaled(map->values, map->channels, positions, scaling_of(job, map->channels, positions),
                   sum);
        for (int64_t p = 0; p < positions; p++)
            scaled[p] = (float)sum[p];
        status = sscam_upsample(scaled, map->sides, job->shape.sides,
                                (int32_t)job->settings->value[SSCAM_OPTION_ALIGN_CORNERS].integer,
                                upsampled);
    }
    for (int64_t p = 0; p < pixels && status == SSCAM_OK; p++)
        job->raw_map[p] += upsampled[p];
    free(sum);
    free(scaled);
    free(upsampled);
    return status;
}

/* psi(X0 * dY/dX0), in the place of dY/dX0. */
static sscam_status add_input(sscam_map_job *job, const float *input, float *gradient)
{
    const sscam_gradient_map map = {job->shape.channels, job->shape.sides, gradient};
    for (int64_t i = 0; i < sscam_input_size(&job->shape); i++)
        gradient[i] *= input[i];
    return add_map(job, &map);
}

/* S = sum_c psi((X0 * dY/dX0)_c) + sum_l sum_c psi(b_lc dY/dz_lc), psi(v) = U(s(|v|)): Srinivas &
 * Fleuret 2019, section 3.1 and eq. 7. */
sscam_status sscam_weigh_full_grad(sscam_map_job *job)
{
    sscam_gradients found;
    const float *input = NULL;
    sscam_status status = sscam_host_values(job->device_input, job->input, &input);
    if (status == SSCAM_OK)
        status = sscam_find_gradients(job, job->input, SSCAM_GRADIENTS_OF_BIASES, &found);
    if (status != SSCAM_OK)
        return status;
    if (found.map_count == 0)
        status = sscam_fail(SSCAM_E_UNSUPPORTED,
                            "FullGrad: the network has no convolution or batch norm with a bias");
    if (status == SSCAM_OK)
        status = sscam_begin_raw_map(job, job->shape.sides);
    if (status == SSCAM_OK)
        status = add_input(job, input, found.input);
    for (int64_t i = 0; i < found.map_count && status == SSCAM_OK; i++)
        status = add_map(job, &found.maps[i]);
    sscam_gradients_release(&found);
    return status;
}
