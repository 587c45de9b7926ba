/* Group-CAM (Zhang, Rao & Yang 2021). */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "explain/option_values.h"
#include "math/blur.h"
#include "math/min_max.h"
#include "methods/methods.h"

/* State between the calls of weigh(). */
typedef struct group_state {
    int64_t group_count;
    float *masks;                 /* [group_count][positions] M_l */
    float *sorted;                /* [positions] scratch */
    float *blurred;               /* the input's blurred copy */
    sscam_mask_channel *channels; /* of the plan: groups whose mask is not constant */
    sscam_mask_plan plan;
    double baseline; /* the blurred input's score */
} group_state;

static void release(void *state)
{
    group_state *work = state;
    free(work->masks);
    free(work->sorted);
    free(work->blurred);
    free(work->channels);
    free(work);
}

static int by_value(const void *left, const void *right)
{
    const float a = *(const float *)left, b = *(const float *)right;
    return (a > b) - (a < b);
}

/* Linear between ranks, as numpy.percentile(). */
static double percentile(float *values, int64_t count, double percent)
{
    qsort(values, (size_t)count, sizeof *values, by_value);
    const double rank = percent / 100.0 * (double)(count - 1);
    const int64_t lower = (int64_t)rank, upper = lower + 1 < count ? lower + 1 : lower;
    return values[lower] + (rank - (double)lower) * ((double)values[upper] - values[lower]);
}

/* M_l = ReLU(sum_{k in group l} a_k A_k), a_k = mean_p g_k, and 0 where it does not exceed its
 * percentile: Zhang, Rao & Yang 2021, eq. 2-3. */
static void make_mask(const sscam_map_job *job, const float *weights, int64_t first, int64_t last,
                      float *sorted, float *mask)
{
    const sscam_capture *capture = job->capture;
    const int64_t positions = sscam_position_count(capture->sides);
    for (int64_t p = 0; p < positions; p++) {
        double sum = 0.0;
        for (int64_t k = first; k < last; k++)
            sum += (double)weights[k] * capture->activations[k * positions + p];
        sorted[p] = mask[p] = (float)fmax(sum, 0.0);
    }
    const double threshold = percentile(sorted, positions,
                                        job->settings->value[SSCAM_OPTION_GROUP_PERCENTILE].real);
    for (int64_t p = 0; p < positions; p++)
        if (!(mask[p] > threshold))
            mask[p] = 0.0f;
}

static sscam_status make_masks(sscam_map_job *job, group_state *work, int64_t group_size)
{
    const int64_t channels = job->capture->channels,
                  positions = sscam_position_count(job->capture->sides);
    sscam_mean_gradients(job->capture, job->weights);
    for (int64_t l = 0; l < work->group_count; l++) {
        const int64_t first = l * group_size,
                      last = first + group_size < channels ? first + group_size : channels;
        make_mask(job, job->weights, first, last, work->sorted, work->masks + l * positions);
        for (int64_t p = 0; p < positions; p++)
            if (!isfinite(work->masks[l * positions + p]))
                return sscam_fail(SSCAM_E_MODEL, "layer %s: the weighted activations overflow",
                                  job->capture->layer);
    }
    return SSCAM_OK;
}

/* Masks s(U(M_l)) of X0, over the blurred input; constant ones are left out. */
static sscam_status make_plan(sscam_map_job *job, group_state *work)
{
    const sscam_capture *capture = job->capture;
    const int64_t positions = sscam_position_count(capture->sides);
    sscam_min_max_plan *range = sscam_min_max_plan_new(capture->sides, job->shape.sides, 0);
    if (!range)
        return sscam_fail_memory("the ranges of maps");
    work->plan = (sscam_mask_plan){.input = job->input,
                                   .input_rank = job->shape.rank,
                                   .input_channels = job->shape.channels,
                                   .input_sides = job->shape.sides,
                                   .activations = work->masks,
                                   .map_sides = capture->sides,
                                   .channels = work->channels,
                                   .samples = 1,
                                   .noise_target = SSCAM_NOISE_ON_MASK,
                                   .background = work->blurred};
    for (int64_t l = 0; l < work->group_count; l++) {
        float lowest, highest;
        sscam_upsampled_min_max(range, work->masks + l * positions, &lowest, &highest);
        if (highest - lowest >= FLT_MIN)
            work->channels[work->plan.channel_count++] = (sscam_mask_channel){
                .channel = l, .offset = lowest, .gain = 1.0f / (highest - lowest)};
    }
    sscam_min_max_plan_free(range);
    return SSCAM_OK;
}

static sscam_status score_blurred(sscam_map_job *job, group_state *work)
{
    float *logits = NULL;
    int64_t class_count = 0;
    const sscam_score_kind kind = sscam_score_kind_of(job->settings);
    const sscam_output_selection reading = {
        .output = job->output, .target_pixels = job->target.target_pixels, .kind = kind};
    sscam_status status = job->backend->classify(job->network, work->blurred, &job->shape, &reading,
                                                 &logits, &class_count);
    if (status != SSCAM_OK)
        return status;
    job->passes++;
    if (class_count != job->capture->class_count)
        status = sscam_fail(SSCAM_E_MODEL,
                            "the network has %lld outputs for the blurred input, and %lld for the "
                            "input itself",
                            (long long)class_count, (long long)job->capture->class_count);
    else
        work->baseline = sscam_target_score(logits, class_count, &job->target,
                                            sscam_row_kind(&job->target, kind));
    free(logits);
    return status;
}

static sscam_status allocate(sscam_map_job *job, group_state *work)
{
    const int64_t positions = sscam_position_count(job->capture->sides);
    work->masks = sscam_allocate_array(sscam_times(work->group_count, positions),
                                       sizeof *work->masks);
    work->sorted = sscam_allocate_array(positions, sizeof *work->sorted);
    work->blurred = sscam_allocate_array(sscam_input_size(&job->shape), sizeof *work->blurred);
    work->channels = sscam_zeros(work->group_count, sizeof *work->channels);
    return work->masks && work->sorted && work->blurred && work->channels
               ? SSCAM_OK
               : sscam_fail_memory("masks of groups");
}

/* Creates the state, which the job owns from here on, and the plan. */
static sscam_status begin(sscam_map_job *job)
{
    const int64_t channels = job->capture->channels,
                  groups = job->settings->value[SSCAM_OPTION_GROUPS].integer,
                  group_size = groups < channels ? (channels + groups - 1) / groups : 1;
    const sscam_shape *shape = &job->shape;
    group_state *work = calloc(1, sizeof *work);
    if (!work)
        return sscam_fail_memory("masks of groups");
    job->state = work;
    job->release_state = release;
    work->group_count = (channels + group_size - 1) / group_size;
    sscam_status status = allocate(job, work);
    if (status == SSCAM_OK)
        status = make_masks(job, work, group_size);
    if (status == SSCAM_OK)
        status = sscam_gaussian_blur(job->input, shape->channels * shape->sides.depth,
                                     shape->sides.height, shape->sides.width, work->blurred);
    if (status == SSCAM_OK)
        status = make_plan(job, work);
    if (status == SSCAM_OK && work->plan.channel_count > 0 && !job->only_prepares)
        status = score_blurred(job, work);
    return status;
}

/* sum_l (f^c(X0 * s(U(M_l)) + blurred X0 * (1 - s(U(M_l)))) - f^c(blurred X0)) s(U(M_l)), at the
 * layer's size: Zhang, Rao & Yang 2021, eq. 4-6, with the published code's normalised masks. */
static sscam_status finish(sscam_map_job *job, const group_state *work)
{
    const int64_t positions = sscam_position_count(job->capture->sides);
    sscam_status status = sscam_begin_raw_map(job, job->capture->sides);
    for (int64_t i = 0; i < work->plan.channel_count && status == SSCAM_OK; i++) {
        const sscam_mask_channel *group = &work->channels[i];
        const double weight = job->scores[i] - work->baseline;
        if (!isfinite(weight))
            return sscam_fail(SSCAM_E_MODEL,
                              "the network's score of the input masked by group "
                              "%lld is %g",
                              (long long)group->channel, (double)job->scores[i]);
        for (int64_t p = 0; p < positions; p++)
            job->raw_map[p] +=
                (float)(weight * group->gain *
                        (work->masks[group->channel * positions + p] - group->offset));
    }
    return status;
}

sscam_status sscam_weigh_group_cam(sscam_map_job *job)
{
    group_state *work = job->state;
    if (!work) {
        sscam_status status = begin(job);
        work = job->state;
        if (status != SSCAM_OK)
            return status;
        if (work->plan.channel_count > 0) {
            job->requested_masks = &work->plan;
            return SSCAM_OK;
        }
    }
    job->requested_masks = NULL;
    return finish(job, work);
}
