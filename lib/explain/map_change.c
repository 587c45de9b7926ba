#include "explain/map_change.h"

#include <math.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "math/linalg.h"
#include "math/min_max.h"

/* Data are U((v - lowest) / (highest - lowest)) of the values v at the layer's size, and U keeps
 * constants: maps are compared by U of the difference of their scaled values, whose extremes are
 * found without upsampling. */
struct sscam_map_change {
    const sscam_map_job *job;
    int64_t positions;
    int32_t is_rectified_late; /* after upsampling: combine=upsampled */
    sscam_min_max_plan *range_finder;
    float *weights;                  /* [channels] */
    float *sum, *scaled, *reference; /* [positions] each; `sum` is that of the reference */
    float *values;                   /* [positions] */
    double range;                    /* of the reference */
};

void sscam_map_change_free(sscam_map_change *change)
{
    if (!change)
        return;
    sscam_min_max_plan_free(change->range_finder);
    free(change->weights);
    free(change->sum);
    free(change);
}

sscam_map_change *sscam_map_change_new(const sscam_map_job *job)
{
    const sscam_capture *capture = job->capture;
    sscam_map_change *change = calloc(1, sizeof *change);
    if (change) {
        change->job = job;
        change->positions = sscam_position_count(capture->sides);
        change->is_rectified_late = job->settings->value[SSCAM_OPTION_COMBINE].integer ==
                                    SSCAM_COMBINE_UPSAMPLED;
        change->range_finder = sscam_min_max_plan_new(capture->sides, job->shape.sides, 0);
        change->weights = sscam_allocate_array(capture->channels, sizeof *change->weights);
        change->sum = sscam_allocate_array(sscam_times(4, change->positions), sizeof *change->sum);
    }
    if (!change || !change->range_finder || !change->weights || !change->sum) {
        sscam_map_change_free(change);
        sscam_fail_memory("the change of a map");
        return NULL;
    }
    change->scaled = change->sum + change->positions;
    change->reference = change->scaled + change->positions;
    change->values = change->reference + change->positions;
    return change;
}

/* sum_k a_k A_k into `sum`, and the scaled map into `scaled`; zeros where it is constant. Returns
 * the map's range. */
static double scale_map(sscam_map_change *change, const double *weights, float *sum, float *scaled)
{
    const sscam_capture *capture = change->job->capture;
    float lowest, highest;
    for (int64_t k = 0; k < capture->channels; k++)
        change->weights[k] = (float)weights[k];
    sscam_weighted_sum(capture->activations, change->weights, capture->channels, change->positions,
                       sum);
    for (int64_t p = 0; p < change->positions; p++)
        scaled[p] = change->is_rectified_late ? sum[p] : fmaxf(sum[p], 0.0f);
    sscam_upsampled_min_max(change->range_finder, scaled, &lowest, &highest);
    lowest = fmaxf(lowest, 0.0f);
    highest = fmaxf(highest, 0.0f);
    const int32_t is_constant = sscam_is_constant(lowest, highest);
    for (int64_t p = 0; p < change->positions; p++)
        scaled[p] = is_constant ? 0.0f : (scaled[p] - lowest) / (highest - lowest);
    return is_constant ? 0.0 : (double)highest - (double)lowest;
}

void sscam_map_change_refer(sscam_map_change *change, const double *weights)
{
    change->range = scale_map(change, weights, change->sum, change->reference);
}

double sscam_map_change_of(sscam_map_change *change, const double *weights)
{
    float lowest, highest;
    scale_map(change, weights, change->values, change->scaled);
    for (int64_t p = 0; p < change->positions; p++)
        change->scaled[p] -= change->reference[p];
    sscam_upsampled_min_max(change->range_finder, change->scaled, &lowest, &highest);
    return fmin(1.0, fmax(fabs((double)lowest), fabs((double)highest)));
}

void sscam_map_change_sensitivities(const sscam_map_change *change, int32_t centered,
                                    double *sensitivity)
{
    const sscam_capture *capture = change->job->capture;
    for (int64_t k = 0; k < capture->channels; k++) {
        const float *map = capture->activations + k * change->positions;
        double largest = 0.0;
        for (int64_t p = 0; p < change->positions; p++)
            largest = fmax(largest, fabs((double)map[p] - (centered ? change->sum[p] : 0.0)));
        sensitivity[k] = change->range > 0.0 ? largest / change->range : largest;
    }
}
