#include "explain/combine.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "math/linalg.h"

static void add_terms(const sscam_map_job *job, int64_t positions, float *out)
{
    for (int64_t p = 0; p < positions; p++) {
        double sum = 0.0;
        for (int64_t k = 0; k < job->capture->channels; k++)
            sum += job->terms[k * positions + p];
        out[p] = (float)sum;
    }
}

/* Inverts values whose lowest one has a larger magnitude than the highest. */
static void make_peak_positive(float *values, int64_t count)
{
    float lowest = INFINITY, highest = -INFINITY;
    for (int64_t i = 0; i < count; i++) {
        lowest = fminf(lowest, values[i]);
        highest = fmaxf(highest, values[i]);
    }
    for (int64_t i = 0; i < count && -lowest > highest; i++)
        values[i] = -values[i];
}

static sscam_status project(const sscam_map_job *job, int64_t positions, float *out)
{
    const sscam_capture *capture = job->capture;
    sscam_status status = sscam_project_on_principal_component(
        job->terms ? job->terms : capture->activations, job->weights, capture->channels, positions,
        out);
    if (status == SSCAM_OK && job->has_positive_peak)
        make_peak_positive(out, positions);
    return status;
}

sscam_status sscam_combine_channels(const sscam_map_job *job, float *out)
{
    const sscam_capture *capture = job->capture;
    int64_t positions = sscam_position_count(capture->sides);
    const int32_t smooths = job->settings->value[SSCAM_OPTION_EIGEN_SMOOTH].integer ==
                            SSCAM_EIGEN_SMOOTH_ON;
    if (job->raw_map && smooths)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "option eigen_smooth: %s has no weighted activations to project",
                          job->method->name);
    if (job->raw_map) {
        memcpy(out, job->raw_map, (size_t)sscam_position_count(job->raw_map_sides) * sizeof *out);
        return SSCAM_OK;
    }
    if (job->is_projected || smooths)
        return project(job, positions, out);
    if (job->terms)
        add_terms(job, positions, out);
    else
        sscam_weighted_sum(capture->activations, job->weights, capture->channels, positions, out);
    return SSCAM_OK;
}
