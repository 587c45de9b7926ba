#include "methods/score_weights.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "explain/option_values.h"
#include "math/min_max.h"
#include "math/upsample.h"
#include "methods/channel_selection.h"
#include "methods/methods.h"
#include "methods/sample_rounds.h"

/* Values of slot_of for channels without a score. */
enum { NOT_SELECTED = -2, CONSTANT = -1 };

/* State between the calls of weigh(). */
typedef struct channel_scoring {
    sscam_map_job *job;
    sscam_sampling sampling;
    int32_t is_second_pass; /* of Algorithm 1, which scores again */
    int64_t *slot_of;       /* [K] slot of a channel's score; equal channels share one */
    float *mask_weights;    /* [K] w_k of Algorithm 1; NULL: all 1 */
    sscam_min_max_plan *range_finder;
    float *upsampled; /* [D,H,W] scratch, only for noise scaled by the masked input's range */
    sscam_mask_channel *channel; /* [slot_count] the channels to mask by, in the plan's order */
    double *score;               /* [slot_count] C_k before the baseline */
    int64_t slot_count;
    double constant_score; /* of constant channels; NaN: they have none */
    double baseline;
    sscam_sample_rounds *rounds; /* with a tolerance; NULL: all samples are scored at once */
    sscam_mask_plan plan;
} channel_scoring;

static int64_t choice(const channel_scoring *scoring, int32_t option)
{
    return scoring->job->settings->value[option].integer;
}

/* --- which channels --------------------------------------------------------------------------- */

/* The channels that max_channels selects count as constant until they get a slot. */
static sscam_status select_channels(channel_scoring *scoring)
{
    const sscam_capture *capture = scoring->job->capture;
    int32_t *chosen = sscam_allocate_array(capture->channels, sizeof *chosen);
    if (!chosen)
        return sscam_fail_memory("ranking channels");
    sscam_status status = sscam_select_channels(scoring->job, chosen);
    for (int64_t k = 0; k < capture->channels && status == SSCAM_OK; k++)
        scoring->slot_of[k] = chosen[k] ? CONSTANT : NOT_SELECTED;
    free(chosen);
    return status;
}

static sscam_status find_mask_weights(channel_scoring *scoring)
{
    sscam_map_job *job = scoring->job;
    int64_t kind = choice(scoring, SSCAM_OPTION_MASK_WEIGHTS);
    if (kind == SSCAM_MASK_WEIGHTS_NONE)
        return SSCAM_OK;
    scoring->mask_weights = sscam_allocate_array(job->capture->channels,
                                                 sizeof *scoring->mask_weights);
    if (!scoring->mask_weights)
        return sscam_fail_memory("mask weights");
    if (kind == SSCAM_MASK_WEIGHTS_FC)
        return sscam_last_layer_weights(job, scoring->mask_weights);
    sscam_mean_gradients(job->capture, scoring->mask_weights);
    return SSCAM_OK;
}

/* --- one channel's mask ----------------------------------------------------------------------- */

/* Range of X0 * mask over all channels and positions: what noise_scale refers to when the noise is
 * added to the input. */
static sscam_status masked_input_range(channel_scoring *scoring, const sscam_mask_channel *channel,
                                       double *range)
{
    const sscam_mask_plan *plan = &scoring->plan;
    int64_t positions = sscam_position_count(plan->input_sides);
    if (!scoring->upsampled)
        scoring->upsampled = sscam_allocate_array(positions, sizeof *scoring->upsampled);
    if (!scoring->upsampled)
        return sscam_fail_memory("a mask");
    sscam_status status = sscam_upsample(
        plan->activations + channel->channel * sscam_position_count(plan->map_sides),
        plan->map_sides, plan->input_sides, plan->align_corners, scoring->upsampled);
    const float *input = NULL;
    if (status == SSCAM_OK)
        status = sscam_host_values(scoring->job->device_input, plan->input, &input);
    if (status != SSCAM_OK)
        return status;
    float lowest = INFINITY, highest = -INFINITY;
    for (int64_t color = 0; color < plan->input_channels; color++) {
        for (int64_t p = 0; p < positions; p++) {
            float value = input[color * positions + p] *
                          ((scoring->upsampled[p] - channel->offset) * channel->gain);
            lowest = fminf(lowest, value);
            highest = fmaxf(highest, value);
        }
    }
    *range = (double)highest - (double)lowest;
    return SSCAM_OK;
}

/* Standard deviation of a channel's noise by `sigma` and `noise_scale`. `upsampled_range`: max -
 * min of U(A_k). */
static sscam_status find_noise_stddev(channel_scoring *scoring, sscam_mask_channel *channel,
                                      double upsampled_range)
{
    double range = upsampled_range * fabs(channel->gain);
    if (scoring->plan.noise_target == SSCAM_NOISE_ON_INPUT &&
        choice(scoring, SSCAM_OPTION_NOISE_SCALE) != SSCAM_NOISE_SCALE_ABSOLUTE) {
        sscam_status status = masked_input_range(scoring, channel, &range);
        if (status != SSCAM_OK)
            return status;
    }
    channel->noise_stddev = (float)sscam_noise_stddev(scoring->job->settings, range);
    if (!isfinite(channel->noise_stddev))
        return sscam_fail(
            SSCAM_E_ARGUMENT,
            "noise_scale=authors-code: channel %lld has a range of %g, too small to divide by",
            (long long)channel->channel, range);
    return SSCAM_OK;
}

/* Offset and gain that make s(U(w_k A_k)), or U(w_k A_k) for noise on the raw activation. s is
 * scale-invariant, so only the sign of w_k matters: s(U(A)) above zero, 1 - s(U(A)) below (eq. 8,
 * 12, Algorithm 1). */
static void find_normalisation(const channel_scoring *scoring, double mask_weight, float lowest,
                               float highest, sscam_mask_channel *channel)
{
    if (scoring->plan.noise_target == SSCAM_NOISE_ON_ACTIVATION) {
        channel->offset = 0.0f;
        channel->gain = (float)mask_weight;
        return;
    }
    channel->offset = mask_weight > 0.0 ? lowest : highest;
    channel->gain = (mask_weight > 0.0 ? 1.0f : -1.0f) / (highest - lowest);
}

static int32_t is_noisy(const channel_scoring *scoring)
{
    return scoring->sampling == SSCAM_SAMPLES_NOISY;
}

/* Whether noise is added, so that samples differ. */
static int32_t has_noise(const channel_scoring *scoring)
{
    return is_noisy(scoring) && scoring->job->settings->value[SSCAM_OPTION_SIGMA].real > 0.0;
}

static int32_t is_common_noise(const channel_scoring *scoring)
{
    return choice(scoring, SSCAM_OPTION_NOISE) == SSCAM_NOISE_COMMON;
}

/* The slot whose masked input equals this channel's, or -1. Where noise differs between channels
 * there is none. */
static int64_t find_equal_slot(const channel_scoring *scoring, const sscam_mask_channel *channel)
{
    const sscam_mask_plan *plan = &scoring->plan;
    int64_t positions = sscam_position_count(plan->map_sides);
    const float *map = plan->activations + channel->channel * positions;
    if (has_noise(scoring) && !is_common_noise(scoring))
        return -1;
    for (int64_t slot = 0; slot < scoring->slot_count; slot++) {
        const sscam_mask_channel *other = &scoring->channel[slot];
        if (other->gain == channel->gain && other->offset == channel->offset &&
            memcmp(plan->activations + other->channel * positions, map,
                   (size_t)positions * sizeof *map) == 0)
            return slot;
    }
    return -1;
}

/* Gives channel k a slot in the plan unless its mask is constant. */
static sscam_status add_channel(channel_scoring *scoring, int64_t k)
{
    const sscam_mask_plan *plan = &scoring->plan;
    const float *map = plan->activations + k * sscam_position_count(plan->map_sides);
    double mask_weight = scoring->mask_weights ? scoring->mask_weights[k] : 1.0;
    float lowest, highest;
    sscam_status status = SSCAM_OK;
    sscam_upsampled_min_max(scoring->range_finder, map, &lowest, &highest);
    double upsampled_range = (double)highest - (double)lowest;
    if (choice(scoring, SSCAM_OPTION_NORMALISE) == SSCAM_NORMALISE_BEFORE_UPSAMPLE)
        sscam_min_max(map, sscam_position_count(plan->map_sides), &lowest, &highest);
    /* A range below the normal numbers has no reciprocal. A SiLU far below zero has such a range.
     */
    if (upsampled_range < FLT_MIN || mask_weight == 0.0)
        return SSCAM_OK;
    if (!isfinite(highest - lowest))
        return sscam_fail(
            SSCAM_E_MODEL,
            "layer %s: the activations of channel %lld span %g, which cannot be scaled",
            scoring->job->capture->layer, (long long)k, (double)highest - (double)lowest);

    sscam_mask_channel *channel = &scoring->channel[scoring->slot_count];
    *channel = (sscam_mask_channel){.channel = k};
    find_normalisation(scoring, mask_weight, lowest, highest, channel);
    if (has_noise(scoring))
        status = find_noise_stddev(scoring, channel, upsampled_range);
    if (status != SSCAM_OK)
        return status;
    int64_t equal = find_equal_slot(scoring, channel);
    scoring->slot_of[k] = equal >= 0 ? equal : scoring->slot_count++;
    return SSCAM_OK;
}

static int64_t sample_count(const channel_scoring *scoring)
{
    int64_t samples = choice(scoring, SSCAM_OPTION_SAMPLES);
    if (scoring->sampling == SSCAM_SAMPLES_FADE_IN)
        return samples;
    if (!has_noise(scoring))
        return 1; /* without noise all samples are the same */
    if (choice(scoring, SSCAM_OPTION_SAMPLE_COUNT) == SSCAM_SAMPLE_COUNT_N_MINUS_1 && samples > 1)
        samples--;
    return samples;
}

static sscam_status make_plan(channel_scoring *scoring)
{
    const sscam_map_job *job = scoring->job;
    const sscam_capture *capture = job->capture;
    scoring->plan = (sscam_mask_plan){
        .input = job->input,
        .input_rank = job->shape.rank,
        .input_channels = job->shape.channels,
        .input_sides = job->shape.sides,
        .activations = capture->activations,
        .map_sides = capture->sides,
        .align_corners = choice(scoring, SSCAM_OPTION_ALIGN_CORNERS) == SSCAM_ALIGN_CORNERS_ON,
        .channels = scoring->channel,
        .samples = sample_count(scoring),
        .fades_in = scoring->sampling == SSCAM_SAMPLES_FADE_IN,
        .noise_target = is_noisy(scoring)
                            ? (sscam_noise_target)choice(scoring, SSCAM_OPTION_NOISE_TARGET)
                            : SSCAM_NOISE_ON_MASK,
        .seed = choice(scoring, SSCAM_OPTION_SEED),
        .image_index = job->image_index,
        .common_noise = is_common_noise(scoring),
    };
    scoring->range_finder = sscam_min_max_plan_new(capture->sides, job->shape.sides,
                                                   scoring->plan.align_corners);
    if (!scoring->range_finder)
        return sscam_fail_memory("the ranges of maps");
    for (int64_t k = 0; k < capture->channels; k++) {
        if (scoring->slot_of[k] == NOT_SELECTED)
            continue;
        sscam_status status = add_channel(scoring, k);
        if (status != SSCAM_OK)
            return status;
    }
    scoring->plan.channel_count = scoring->slot_count;
    return SSCAM_OK;
}

/* --- scoring ---------------------------------------------------------------------------------- */

static double reduce(const float *scores, int64_t count, sscam_reduction reduction)
{
    double sum = 0.0, highest = -INFINITY;
    for (int64_t i = 0; i < count; i++) {
        sum += scores[i];
        highest = fmax(highest, scores[i]);
    }
    return reduction == SSCAM_REDUCE_MEAN ? sum / (double)count : highest;
}

static sscam_status check_scores(const channel_scoring *scoring, const float *scores)
{
    int64_t samples = scoring->plan.samples;
    for (int64_t i = 0; i < scoring->plan.channel_count * samples; i++)
        if (!isfinite(scores[i]))
            return sscam_fail(
                SSCAM_E_MODEL, "the network's score of the input masked by channel %lld is %g",
                (long long)scoring->plan.channels[i / samples].channel, (double)scores[i]);
    return SSCAM_OK;
}

/* Reduces the scores of the plan to one for each slot. */
static sscam_status take_scores(channel_scoring *scoring, sscam_reduction reduction)
{
    const float *scores = scoring->job->scores;
    int64_t samples = scoring->plan.samples;
    sscam_status status = check_scores(scoring, scores);
    for (int64_t slot = 0; slot < scoring->slot_count && status == SSCAM_OK; slot++)
        scoring->score[slot] = reduce(scores + slot * samples, samples, reduction);
    return status;
}

/* The plan of Algorithm 1's second pass: each mask, without noise, times its score in the first. */
static void plan_second_pass(channel_scoring *scoring)
{
    for (int64_t slot = 0; slot < scoring->slot_count; slot++) {
        scoring->channel[slot].gain *= (float)scoring->score[slot];
        scoring->channel[slot].noise_stddev = 0.0f;
    }
    scoring->plan.samples = 1;
    scoring->is_second_pass = 1;
}

/* The score of a constant input, for which a network may have another number of outputs. */
static sscam_status take_constant_score(const sscam_map_job *job, const float *logits,
                                        int64_t class_count, double *score)
{
    if (class_count != job->capture->class_count)
        return sscam_fail(
            SSCAM_E_MODEL,
            "the network has %lld outputs for a constant input, and %lld for the input itself",
            (long long)class_count, (long long)job->capture->class_count);
    *score = sscam_target_score(logits, class_count, &job->target,
                                sscam_row_kind(&job->target, sscam_score_kind_of(job->settings)));
    return isfinite(*score)
               ? SSCAM_OK
               : sscam_fail(SSCAM_E_MODEL, "the network's score of a constant input is %g", *score);
}

/* Score of an input whose channels are constant. */
static sscam_status score_constant_input(channel_scoring *scoring, const float value[3],
                                         double *score)
{
    sscam_map_job *job = scoring->job;
    const sscam_shape *shape = &job->shape;
    const int64_t positions = sscam_position_count(shape->sides);
    float *input = sscam_allocate_array(sscam_times(shape->channels, positions), sizeof *input),
          *logits = NULL;
    int64_t class_count = 0;
    if (!input)
        return sscam_fail_memory("a baseline input");
    for (int64_t c = 0; c < shape->channels; c++)
        for (int64_t p = 0; p < positions; p++)
            input[c * positions + p] = value[c < 3 ? c : 2];
    const sscam_output_selection reading = {.output = job->output,
                                            .target_pixels = job->target.target_pixels,
                                            .kind = sscam_score_kind_of(job->settings)};
    sscam_status status = sscam_progress_check(&job->progress);
    if (status == SSCAM_OK)
        status = job->backend->classify(job->network, input, shape, &reading, &logits,
                                        &class_count);
    if (status == SSCAM_OK) {
        job->passes++;
        status = take_constant_score(job, logits, class_count, score);
    }
    free(logits);
    free(input);
    return status;
}

static sscam_status score_black_input(channel_scoring *scoring, double *score)
{
    const sscam_map_job *job = scoring->job;
    const float *black = job->black;
    if (job->shape.channels > 3 && (black[0] != black[1] || black[0] != black[2]))
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "option baseline: black follows from mean and std of three channels, and "
                          "the input has %lld",
                          (long long)job->shape.channels);
    return score_constant_input(scoring, black, score);
}

/* f^c(X_b) by the option `baseline`. */
static sscam_status score_baseline(channel_scoring *scoring, double *score)
{
    static const float zeros[3] = {0.0f, 0.0f, 0.0f};
    const sscam_map_job *job = scoring->job;
    switch (choice(scoring, SSCAM_OPTION_BASELINE)) {
    case SSCAM_BASELINE_ZEROS: return score_constant_input(scoring, zeros, score);
    case SSCAM_BASELINE_BLACK: return score_black_input(scoring, score);
    case SSCAM_BASELINE_INPUT:
        *score = sscam_capture_score(job->capture, &job->target,
                                     sscam_score_kind_of(job->settings));
        return SSCAM_OK;
    default: *score = 0.0; return SSCAM_OK;
    }
}

/* --- weights ---------------------------------------------------------------------------------- */

/* The score of each channel: its slot's, that of constant ones for selected channels without a
 * slot, NaN for others. */
static void collect_scores(const channel_scoring *scoring, const double *slot_score, double *weight)
{
    for (int64_t k = 0; k < scoring->job->capture->channels; k++) {
        int64_t slot = scoring->slot_of[k];
        weight[k] = slot >= 0 ? slot_score[slot] : slot == CONSTANT ? scoring->constant_score : NAN;
    }
}

/* Softmax over the channels that have a score. */
static void softmax(double *weight, int64_t count)
{
    double highest = -INFINITY, sum = 0.0;
    for (int64_t k = 0; k < count; k++)
        highest = fmax(highest, weight[k]); /* fmax ignores NaN */
    for (int64_t k = 0; k < count; k++) {
        weight[k] = exp(weight[k] - highest);
        sum += isnan(weight[k]) ? 0.0 : weight[k];
    }
    for (int64_t k = 0; k < count; k++)
        weight[k] /= sum;
}

/* C_k = score - baseline, or the softmax of Algorithm 1, under which a baseline cancels. Channels
 * without a score have weight 0. */
static void weigh_slots(void *user, const double *slot_score, double *weight)
{
    const channel_scoring *scoring = user;
    const int64_t channels = scoring->job->capture->channels;
    collect_scores(scoring, slot_score, weight);
    if (choice(scoring, SSCAM_OPTION_CHANNEL_SOFTMAX) == SSCAM_CHANNEL_SOFTMAX_ON)
        softmax(weight, channels);
    for (int64_t k = 0; k < channels; k++)
        weight[k] = isnan(weight[k]) ? 0.0 : weight[k] - scoring->baseline;
}

static sscam_status finish_weights(channel_scoring *scoring)
{
    sscam_map_job *job = scoring->job;
    const int64_t channels = job->capture->channels;
    double *weight = sscam_allocate_array(channels, sizeof *weight);
    if (!weight)
        return sscam_fail_memory("channel weights");
    weigh_slots(scoring, scoring->score, weight);
    for (int64_t k = 0; k < channels; k++)
        job->weights[k] = (float)weight[k];
    free(weight);
    return SSCAM_OK;
}

static int32_t any_constant_channel(const channel_scoring *scoring)
{
    for (int64_t k = 0; k < scoring->job->capture->channels; k++)
        if (scoring->slot_of[k] == CONSTANT)
            return 1;
    return 0;
}

/* The scores that do not depend on a channel: of constant channels, and the baseline, which is not
 * evaluated where it cancels. */
static sscam_status score_references(channel_scoring *scoring)
{
    static const float zeros[3] = {0.0f, 0.0f, 0.0f};
    sscam_status status = SSCAM_OK;
    if (choice(scoring, SSCAM_OPTION_FLAT_CHANNELS) == SSCAM_FLAT_CHANNELS_SCORE &&
        any_constant_channel(scoring))
        status = score_constant_input(scoring, zeros, &scoring->constant_score);
    if (status == SSCAM_OK &&
        choice(scoring, SSCAM_OPTION_CHANNEL_SOFTMAX) != SSCAM_CHANNEL_SOFTMAX_ON)
        status = score_baseline(scoring, &scoring->baseline);
    return status;
}

static void release(void *state)
{
    channel_scoring *scoring = state;
    free(scoring->slot_of);
    free(scoring->mask_weights);
    sscam_min_max_plan_free(scoring->range_finder);
    free(scoring->upsampled);
    free(scoring->channel);
    free(scoring->score);
    sscam_sample_rounds_free(scoring->rounds);
    free(scoring);
}

/* Creates the state, which the job owns from here on, and the plan of the first pass. */
static sscam_status begin(sscam_map_job *job, sscam_sampling sampling)
{
    const int64_t channels = job->capture->channels;
    channel_scoring *scoring = calloc(1, sizeof *scoring);
    if (!scoring)
        return sscam_fail_memory("channel scores");
    job->state = scoring;
    job->release_state = release;
    scoring->job = job;
    scoring->sampling = sampling;
    scoring->constant_score = NAN;
    scoring->slot_of = sscam_zeros(channels, sizeof *scoring->slot_of);
    scoring->channel = sscam_zeros(channels, sizeof *scoring->channel);
    scoring->score = sscam_zeros(channels, sizeof *scoring->score);
    if (!scoring->slot_of || !scoring->channel || !scoring->score)
        return sscam_fail_memory("channel scores");
    sscam_status status = select_channels(scoring);
    if (status == SSCAM_OK)
        status = find_mask_weights(scoring);
    return status == SSCAM_OK ? make_plan(scoring) : status;
}

/* --- rounds of samples ------------------------------------------------------------------------ */

static void plan_round(channel_scoring *scoring)
{
    scoring->plan.channels = sscam_round_channels(scoring->rounds, &scoring->plan.channel_count);
    scoring->plan.samples = 1;
    scoring->job->later_inputs = sscam_round_later_inputs(scoring->rounds);
}

/* With a tolerance, samples are scored in rounds, the first of which replaces the plan. What the
 * error of the map depends on beside them is scored before. */
static sscam_status begin_rounds(channel_scoring *scoring, sscam_reduction reduction)
{
    const sscam_map_job *job = scoring->job;
    const sscam_round_request request = {.job = job,
                                         .channels = scoring->channel,
                                         .slot_of = scoring->slot_of,
                                         .channel_count = scoring->slot_count,
                                         .samples = scoring->plan.samples,
                                         .reduction = reduction,
                                         .weigh = weigh_slots,
                                         .user = scoring};
    if (job->settings->value[SSCAM_OPTION_TOLERANCE].real == 0.0 || !has_noise(scoring) ||
        request.samples < 2)
        return SSCAM_OK;
    sscam_status status = sscam_sample_rounds_new(&request, &scoring->rounds);
    if (status == SSCAM_OK && !job->only_prepares)
        status = score_references(scoring);
    if (status == SSCAM_OK)
        plan_round(scoring);
    return status;
}

/* Takes the scores of a round and plans the next one, which may be empty. */
static sscam_status take_round(channel_scoring *scoring)
{
    sscam_status status = check_scores(scoring, scoring->job->scores);
    if (status == SSCAM_OK)
        status = sscam_sample_rounds_take(scoring->rounds, scoring->job->scores);
    if (status != SSCAM_OK)
        return status;
    plan_round(scoring);
    if (scoring->plan.channel_count > 0)
        return SSCAM_OK;
    sscam_round_scores(scoring->rounds, scoring->score);
    scoring->job->estimated_error = sscam_round_error(scoring->rounds);
    return SSCAM_OK;
}

/* --- all -------------------------------------------------------------------------------------- */

static sscam_status start(sscam_map_job *job, sscam_sampling sampling, sscam_reduction reduction)
{
    sscam_status status = begin(job, sampling);
    channel_scoring *scoring = job->state;
    if (status == SSCAM_OK && scoring->slot_count > 0)
        status = begin_rounds(scoring, reduction);
    if (status == SSCAM_OK && scoring->slot_count > 0)
        job->requested_masks = &scoring->plan;
    return status;
}

/* Takes the scores that were requested; the plan stays requested where there are more to come. */
static sscam_status take(channel_scoring *scoring, sscam_reduction reduction)
{
    sscam_map_job *job = scoring->job;
    if (scoring->rounds) {
        sscam_status status = take_round(scoring);
        if (status != SSCAM_OK || scoring->plan.channel_count == 0)
            job->requested_masks = NULL;
        return status;
    }
    sscam_status status = take_scores(scoring,
                                      scoring->is_second_pass ? SSCAM_REDUCE_MEAN : reduction);
    if (status == SSCAM_OK && is_noisy(scoring) && !scoring->is_second_pass &&
        choice(scoring, SSCAM_OPTION_RESCORE) == SSCAM_RESCORE_ON)
        plan_second_pass(scoring);
    else
        job->requested_masks = NULL;
    return status;
}

sscam_status sscam_weigh_by_scores(sscam_map_job *job, sscam_sampling sampling,
                                   sscam_reduction reduction)
{
    sscam_status status = job->state ? take(job->state, reduction)
                                     : start(job, sampling, reduction);
    channel_scoring *scoring = job->state;
    if (status != SSCAM_OK || job->requested_masks)
        return status;
    if (!scoring->rounds)
        status = score_references(scoring);
    return status == SSCAM_OK ? finish_weights(scoring) : status;
}
