/* Smooth Grad-CAM++ (Omeiza et al. 2019). */
#include <math.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "explain/capture.h"
#include "explain/option_values.h"
#include "masks/noise.h"
#include "methods/methods.h"

/* Sums over the noisy inputs of g, g^2 and g^3, each shaped as A. */
typedef struct derivative_sums {
    double *first, *second, *third;
    int64_t size;
} derivative_sums;

static int64_t choice(const sscam_map_job *job, int32_t option)
{
    return job->settings->value[option].integer;
}

static sscam_status find_noise_stddev(const sscam_map_job *job, const float *given, int64_t size,
                                      float *stddev)
{
    double sigma = job->settings->value[SSCAM_OPTION_SIGMA].real;
    float lowest = given[0], highest = given[0];
    for (int64_t i = 1; i < size; i++) {
        lowest = fminf(lowest, given[i]);
        highest = fmaxf(highest, given[i]);
    }
    double range = (double)highest - (double)lowest;
    *stddev = sigma > 0.0 ? (float)sscam_noise_stddev(job->settings, range) : 0.0f;
    if (!isfinite(*stddev))
        return sscam_fail(
            SSCAM_E_ARGUMENT,
            "noise_scale: the input has a range of %g, from which no finite noise follows", range);
    return SSCAM_OK;
}

/* X0 + noise; the noise belongs to no channel, so the k of its counter is 0. */
static void write_noisy_input(const sscam_map_job *job, const float *given, int64_t sample,
                              int64_t size, float stddev, float *out)
{
    const sscam_noise_plane plane = {choice(job, SSCAM_OPTION_SEED), 0, (uint32_t)sample,
                                     (uint32_t)job->image_index};
    sscam_noise_fill(&plane, 0, size, out);
    for (int64_t i = 0; i < size; i++)
        out[i] = given[i] + stddev * out[i];
}

static sscam_status add_derivatives(const sscam_capture *noisy, const sscam_map_job *job,
                                    derivative_sums *sums)
{
    const sscam_capture *capture = job->capture;
    if (noisy->channels != capture->channels || !sscam_same_sides(noisy->sides, capture->sides))
        return sscam_fail(SSCAM_E_UNSUPPORTED, "layer %s changes shape with the input's values",
                          capture->layer);
    for (int64_t i = 0; i < sums->size; i++) {
        double g = noisy->gradients[i];
        if (!isfinite(g))
            return sscam_fail(SSCAM_E_MODEL,
                              "layer %s: NaN or infinity among its gradients on a noisy input",
                              capture->layer);
        sums->first[i] += g;
        sums->second[i] += g * g;
        sums->third[i] += g * g * g;
    }
    return SSCAM_OK;
}

static sscam_status capture_noisy(sscam_map_job *job, const float *input, derivative_sums *sums)
{
    sscam_capture noisy = {0};
    sscam_status status = sscam_capture_layer(job, input, job->capture->layer, &job->target, 1,
                                              &noisy);
    if (status != SSCAM_OK)
        return status;
    status = add_derivatives(&noisy, job, sums);
    sscam_capture_release(&noisy);
    return status;
}

/* Without noise all samples equal the input, whose gradients are captured already. */
static sscam_status sample_derivatives(sscam_map_job *job, float *input, derivative_sums *sums,
                                       int64_t *count)
{
    int64_t size = sscam_input_size(&job->shape);
    float stddev = 0.0f;
    const float *given = NULL;
    sscam_status status = sscam_host_values(job->device_input, job->input, &given);
    if (status == SSCAM_OK)
        status = find_noise_stddev(job, given, size, &stddev);
    *count = 1;
    if (status == SSCAM_OK && stddev == 0.0f)
        return add_derivatives(job->capture, job, sums);
    *count = choice(job, SSCAM_OPTION_SAMPLES);
    for (int64_t sample = 0; sample < *count && status == SSCAM_OK; sample++) {
        write_noisy_input(job, given, sample, size, stddev, input);
        status = capture_noisy(job, input, sums);
        if (status == SSCAM_OK)
            status = sscam_progress_report(&job->progress, (double)(sample + 1) / (double)*count);
    }
    return status;
}

/* a_k = sum_p alpha_k(p) ReLU(D1), alpha_k = D2 / (2 D2 + D3 sum_q A_k(q)), Dn the mean over the
 * noisy inputs of g^n; 0 where the denominator is. */
static void weigh_by_derivatives(const derivative_sums *sums, int64_t samples, sscam_map_job *job)
{
    const sscam_capture *capture = job->capture;
    int64_t positions = sscam_position_count(capture->sides);
    for (int64_t k = 0; k < capture->channels; k++) {
        double activation_sum = 0.0, weight = 0.0;
        for (int64_t p = 0; p < positions; p++)
            activation_sum += capture->activations[k * positions + p];
        for (int64_t i = k * positions; i < (k + 1) * positions; i++) {
            double denominator = 2.0 * sums->second[i] + sums->third[i] * activation_sum;
            if (sums->first[i] > 0.0 && denominator != 0.0)
                weight += sums->second[i] / denominator * sums->first[i] / (double)samples;
        }
        job->weights[k] = (float)weight;
    }
}

sscam_status sscam_weigh_smooth_grad_cam_pp(sscam_map_job *job)
{
    const sscam_capture *capture = job->capture;
    size_t input_size = (size_t)sscam_input_size(&job->shape);
    derivative_sums sums = {.size = capture->channels * sscam_position_count(capture->sides)};
    sums.first = sscam_zeros(sscam_times(3, sums.size), sizeof *sums.first);
    float *input = sscam_allocate_array(input_size, sizeof *input);
    sscam_status status = SSCAM_OK;
    int64_t samples = 0;
    if (!sums.first || !input) {
        status = sscam_fail_memory("the derivatives on noisy inputs");
    } else {
        sums.second = sums.first + sums.size;
        sums.third = sums.second + sums.size;
        status = sample_derivatives(job, input, &sums, &samples);
    }
    if (status == SSCAM_OK)
        weigh_by_derivatives(&sums, samples, job);
    free(input);
    free(sums.first);
    return status;
}
