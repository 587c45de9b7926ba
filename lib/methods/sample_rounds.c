#include "methods/sample_rounds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "base/statistics.h"
#include "explain/map_change.h"
#include "methods/channel_samples.h"

enum {
    FIRST_SAMPLES = 4,        /* of each channel, with noise of its own: a variance needs some, */
    FIRST_OF_MAXIMUM = 8,     /* and more where the tail of their distribution matters */
    SIMULATIONS = 200,        /* maps by which an error is estimated, */
    SIMULATIONS_WITHIN = 190, /* of which so many differ by less: 95 % */
    LARGEST_ROUND = 65536,    /* masked inputs: bounds the memory of a round */
    BISECTIONS = 60,
    FIRST_COMMON = 2,   /* with common noise, so many of the channels of highest influence: */
    FIRST_SHARE = 4,    /* one of four, */
    FIRST_CHANNELS = 64 /* and so many at least, if there are as many */
};

/* k of the noise counter of simulations: no channel of a layer. */
#define SIMULATION_CHANNEL UINT32_C(0xFFFFFFFE)

/* By how much the quantile is raised: rounds end where it happens to be low. */
#define CAUTION 1.4

/* The share of the tolerance that a round aims at, so that chance seldom costs another one. */
#define AIM 0.9

struct sscam_sample_rounds {
    sscam_round_request request;
    double tolerance;
    sscam_channel_samples samples;
    sscam_map_change *change;
    sscam_mask_channel *entry; /* [entry_count] of the round */
    int64_t *slot_of_entry;
    int64_t entry_count, entry_space, later_inputs;
    int64_t *wanted; /* [channel_count] samples after the round */
    int64_t *ranked; /* [channel_count] with common noise, by how far their activations can move
                        the map */
    double *estimate, *simulated, *influence; /* [channel_count] */
    double *weight, *sensitivity;             /* [channels] */
    float *normal;                            /* [3 * channel_count + SSCAM_REPLICATES] */
    double error;
};

void sscam_sample_rounds_free(sscam_sample_rounds *rounds)
{
    if (!rounds)
        return;
    sscam_channel_samples_release(&rounds->samples);
    sscam_map_change_free(rounds->change);
    free(rounds->entry);
    free(rounds->slot_of_entry);
    free(rounds->wanted);
    free(rounds->estimate);
    free(rounds->weight);
    free(rounds->normal);
    free(rounds);
}

/* --- the round -------------------------------------------------------------------------------- */

static sscam_status reserve_entries(sscam_sample_rounds *rounds, int64_t count)
{
    if (count <= rounds->entry_space)
        return SSCAM_OK;
    free(rounds->entry);
    free(rounds->slot_of_entry);
    rounds->entry_space = 0;
    rounds->entry = sscam_allocate_array(count, sizeof *rounds->entry);
    rounds->slot_of_entry = sscam_allocate_array(count, sizeof *rounds->slot_of_entry);
    if (!rounds->entry || !rounds->slot_of_entry)
        return sscam_fail_memory("a round of samples");
    rounds->entry_space = count;
    return SSCAM_OK;
}

static int64_t missing_samples(const sscam_sample_rounds *rounds)
{
    int64_t missing = 0;
    for (int64_t slot = 0; slot < rounds->request.channel_count; slot++)
        missing += rounds->wanted[slot] - rounds->samples.count[slot];
    return missing;
}

/* Fills the round with the samples that are wanted; what a round cannot hold is for later. */
static sscam_status fill_round(sscam_sample_rounds *rounds)
{
    const int64_t missing = missing_samples(rounds);
    const int64_t count = missing < LARGEST_ROUND ? missing : LARGEST_ROUND;
    sscam_status status = reserve_entries(rounds, count);
    rounds->entry_count = 0;
    for (int64_t slot = 0; slot < rounds->request.channel_count && status == SSCAM_OK; slot++)
        for (int64_t sample = rounds->samples.count[slot];
             sample < rounds->wanted[slot] && rounds->entry_count < count; sample++) {
            rounds->slot_of_entry[rounds->entry_count] = slot;
            sscam_mask_channel *entry = &rounds->entry[rounds->entry_count++];
            *entry = rounds->request.channels[slot];
            entry->first_sample = sample;
        }
    return status;
}

/* With common noise: so many samples of the channels of highest influence. */
static void want_of_highest(sscam_sample_rounds *rounds, int64_t channels, int64_t samples)
{
    const int64_t limit = rounds->request.samples, all = rounds->request.channel_count;
    for (int64_t i = 0; i < channels && i < all; i++)
        rounds->wanted[rounds->ranked[i]] = samples < limit ? samples : limit;
}

static int64_t at_least(int64_t count, int64_t least)
{
    return count > least ? count : least;
}

static void want_first_samples(sscam_sample_rounds *rounds)
{
    const int64_t channels = rounds->request.channel_count,
                  first = at_least(channels / FIRST_SHARE, FIRST_CHANNELS);
    if (rounds->samples.is_common) {
        want_of_highest(rounds, first, FIRST_COMMON);
        return;
    }
    const int64_t limit = rounds->request.samples,
                  wanted = rounds->samples.reduction == SSCAM_REDUCE_MAXIMUM ? FIRST_OF_MAXIMUM
                                                                             : FIRST_SAMPLES;
    for (int64_t slot = 0; slot < channels; slot++)
        rounds->wanted[slot] = wanted < limit ? wanted : limit;
}

/* --- the error -------------------------------------------------------------------------------- */

static int32_t is_complete(const sscam_sample_rounds *rounds)
{
    for (int64_t slot = 0; slot < rounds->request.channel_count; slot++)
        if (rounds->samples.count[slot] < rounds->request.samples)
            return 0;
    return 1;
}

static void weigh(const sscam_sample_rounds *rounds, const double *score)
{
    rounds->request.weigh(rounds->request.user, score, rounds->weight);
}

/* The 95 % quantile of the changes that simulated scores make to the map of the estimates, with
 * caution. */
static double simulated_error(sscam_sample_rounds *rounds, sscam_simulated what)
{
    const sscam_map_job *job = rounds->request.job;
    sscam_noise_plane plane = {job->settings->value[SSCAM_OPTION_SEED].integer, SIMULATION_CHANNEL,
                               0, (uint32_t)job->image_index};
    double change[SIMULATIONS];
    for (int i = 0; i < SIMULATIONS; i++) {
        plane.sample = (uint32_t)i;
        sscam_simulate_scores(&rounds->samples, rounds->estimate, plane, what, rounds->normal,
                              rounds->simulated);
        weigh(rounds, rounds->simulated);
        change[i] = sscam_map_change_of(rounds->change, rounds->weight);
    }
    sscam_sort_ascending(change, SIMULATIONS);
    return fmin(1.0, CAUTION * change[SIMULATIONS_WITHIN - 1]);
}

static double estimate_error(sscam_sample_rounds *rounds)
{
    sscam_estimate_scores(&rounds->samples, rounds->estimate);
    weigh(rounds, rounds->estimate);
    sscam_map_change_refer(rounds->change, rounds->weight);
    return simulated_error(rounds, SSCAM_SIMULATED_ALL);
}

/* --- what the next round has ------------------------------------------------------------------ */

/* By how much the map moves, to first order, when a channel's score moves by the standard deviation
 * of its samples. */
static void find_influences(sscam_sample_rounds *rounds)
{
    const sscam_map_job *job = rounds->request.job;
    const int32_t with_softmax = rounds->samples.with_softmax;
    weigh(rounds, rounds->estimate);
    sscam_map_change_sensitivities(rounds->change, with_softmax, rounds->sensitivity);
    memset(rounds->influence, 0, (size_t)rounds->request.channel_count * sizeof(double));
    for (int64_t k = 0; k < job->capture->channels; k++) {
        const int64_t slot = rounds->request.slot_of[k];
        if (slot >= 0)
            rounds->influence[slot] += rounds->sensitivity[k] *
                                       (with_softmax ? rounds->weight[k] : 1.0) *
                                       sqrt(sscam_sample_variance(&rounds->samples, slot));
    }
}

/* Samples of a channel when they are proportional to its influence: with these the variance of the
 * map is the least for their number (Neyman 1934). */
static int64_t proportional(const sscam_sample_rounds *rounds, int64_t slot, double factor)
{
    const double wanted = ceil(factor * rounds->influence[slot]),
                 limit = (double)rounds->request.samples;
    const int64_t known = rounds->samples.count[slot];
    return wanted <= (double)known ? known
           : wanted >= limit       ? rounds->request.samples
                                   : (int64_t)wanted;
}

/* Samples wanted in all by a factor, and the variance that the map has with them. */
static int64_t apply_factor(sscam_sample_rounds *rounds, double factor, double *variance)
{
    int64_t sum = 0;
    *variance = 0.0;
    for (int64_t slot = 0; slot < rounds->request.channel_count; slot++) {
        const int64_t wanted = proportional(rounds, slot, factor);
        rounds->wanted[slot] = wanted;
        sum += wanted;
        *variance += rounds->influence[slot] * rounds->influence[slot] *
                     (1.0 / (double)wanted - 1.0 / (double)rounds->request.samples);
    }
    return sum;
}

/* What a round of a factor is asked for. */
typedef struct round_aim {
    int64_t least, most; /* samples in all */
    double variance;     /* of the map, unless that takes more than `most` */
} round_aim;

static int32_t reaches(sscam_sample_rounds *rounds, double factor, const round_aim *aim)
{
    double variance;
    const int64_t sum = apply_factor(rounds, factor, &variance);
    return sum >= aim->least && (variance <= aim->variance || sum >= aim->most);
}

/* The least factor by which the map is expected to be within the tolerance. A round adds a quarter
 * of the known samples at least, so that there are few rounds, and doubles them at most, as the
 * estimate is rough. Returns 0 where no factor reaches that: no channel has an influence. */
static int32_t want_by_influence(sscam_sample_rounds *rounds)
{
    const double ratio = AIM * rounds->tolerance / rounds->error;
    const int64_t all = sscam_times(rounds->request.channel_count, rounds->request.samples);
    double variance, low = 0.0, high = 1.0;
    find_influences(rounds);
    const int64_t known = apply_factor(rounds, 0.0, &variance), quarter = known + (known + 3) / 4;
    const round_aim aim = {quarter < all ? quarter : all, 2 * known, variance * ratio * ratio};
    while (!reaches(rounds, high, &aim)) {
        if (high > 1e300)
            return 0;
        low = high;
        high *= 2.0;
    }
    for (int i = 0; i < BISECTIONS; i++) {
        const double middle = 0.5 * (low + high);
        if (reaches(rounds, middle, &aim))
            high = middle;
        else
            low = middle;
    }
    apply_factor(rounds, high, &variance);
    return 1;
}

/* Samples of all channels, or of those that have an influence, raised alike. */
static void want_alike(sscam_sample_rounds *rounds, double growth, double least_influence)
{
    const int64_t limit = rounds->request.samples;
    for (int64_t slot = 0; slot < rounds->request.channel_count; slot++) {
        const int64_t known = rounds->samples.count[slot];
        const double wanted = fmax(ceil(growth * (double)known), (double)(known + 1));
        if (rounds->influence[slot] < least_influence)
            rounds->wanted[slot] = known;
        else
            rounds->wanted[slot] = wanted < (double)limit ? (int64_t)wanted : limit;
    }
}

/* With common noise either twice as many channels get samples, or those that have some get more, as
 * many as the error's fall with the square root of their number asks for: whichever the error
 * depends on more. */
static void want_common(sscam_sample_rounds *rounds)
{
    const sscam_channel_samples *samples = &rounds->samples;
    const int64_t known = samples->known_count, count = samples->count[samples->known[0]];
    const double of_samples = simulated_error(rounds, SSCAM_SIMULATED_SAMPLES),
                 ratio = of_samples / (AIM * rounds->tolerance),
                 growth = fmax(1.0, fmin(ratio * ratio, 2.0));
    if (known < rounds->request.channel_count &&
        simulated_error(rounds, SSCAM_SIMULATED_CHANNELS) >= of_samples)
        want_of_highest(rounds, 2 * known, count);
    else
        want_of_highest(rounds, known, at_least((int64_t)ceil(growth * (double)count), count + 1));
}

/* Channels that all together cannot move the map by a twentieth of the tolerance get no more. */
static void want_for_maximum(sscam_sample_rounds *rounds)
{
    find_influences(rounds);
    want_alike(rounds, 1.5, 0.05 * rounds->tolerance / (double)rounds->request.channel_count);
}

static void want_more(sscam_sample_rounds *rounds)
{
    int32_t is_planned = 1;
    if (rounds->samples.reduction == SSCAM_REDUCE_MAXIMUM)
        want_for_maximum(rounds);
    else if (rounds->samples.is_common)
        want_common(rounds);
    else
        is_planned = want_by_influence(rounds);
    if (!is_planned || missing_samples(rounds) == 0)
        want_alike(rounds, 1.5, -1.0);
}

/* Of the map's variance, or of the error of shared noise, what a doubling leaves; so many samples
 * are expected after this round as the error still has to fall. */
static int64_t foresee(const sscam_sample_rounds *rounds, int64_t known)
{
    const double ratio = rounds->error / (AIM * rounds->tolerance),
                 all = (double)rounds->request.channel_count * (double)rounds->request.samples,
                 needed = fmin(all, (double)known * ratio * ratio) - (double)known -
                          (double)rounds->entry_count;
    return needed > 0.0 && needed < 1e15 ? (int64_t)needed : 0;
}

/* --- all -------------------------------------------------------------------------------------- */

static sscam_status check_request(const sscam_round_request *request, int32_t is_common)
{
    const sscam_settings *settings = request->job->settings;
    if (settings->value[SSCAM_OPTION_EIGEN_SMOOTH].integer == SSCAM_EIGEN_SMOOTH_ON)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "option tolerance: the error of a map with eigen_smooth=on cannot be "
                          "estimated; set tolerance=0, which scores all samples");
    if (settings->value[SSCAM_OPTION_RESCORE].integer == SSCAM_RESCORE_ON)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "option tolerance: the error of a map with rescore=on cannot be "
                          "estimated; set tolerance=0, which scores all samples");
    if (is_common && request->reduction == SSCAM_REDUCE_MAXIMUM)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "option tolerance: the error of %s with noise=common cannot be "
                          "estimated; set noise=independent, or tolerance=0",
                          request->job->method->name);
    return SSCAM_OK;
}

static sscam_status allocate(sscam_sample_rounds *rounds)
{
    const int64_t channels = rounds->request.job->capture->channels,
                  slots = rounds->request.channel_count;
    rounds->wanted = sscam_zeros(sscam_times(2, slots), sizeof *rounds->wanted);
    rounds->estimate = sscam_zeros(sscam_times(3, slots), sizeof *rounds->estimate);
    rounds->weight = sscam_zeros(sscam_times(2, channels), sizeof *rounds->weight);
    rounds->normal = sscam_zeros(sscam_plus(sscam_times(3, slots), SSCAM_REPLICATES),
                                 sizeof *rounds->normal);
    if (!rounds->wanted || !rounds->estimate || !rounds->weight || !rounds->normal)
        return sscam_fail_memory("the samples of channels");
    rounds->ranked = rounds->wanted + slots;
    rounds->simulated = rounds->estimate + slots;
    rounds->influence = rounds->simulated + slots;
    rounds->sensitivity = rounds->weight + channels;
    rounds->change = sscam_map_change_new(rounds->request.job);
    return rounds->change ? sscam_channel_samples_init(&rounds->samples) : SSCAM_E_MEMORY;
}

/* What is known of a channel before it is scored. */
typedef struct channel_rank {
    double influence; /* by how far its activations can move the map of equal weights */
    int64_t slot;
} channel_rank;

static int by_falling_influence(const void *left, const void *right)
{
    const channel_rank *a = left, *b = right;
    if (a->influence != b->influence)
        return a->influence < b->influence ? 1 : -1;
    return a->slot < b->slot ? -1 : 1;
}

static int64_t peak_of(const sscam_capture *capture, int64_t channel)
{
    const int64_t positions = sscam_position_count(capture->sides);
    const float *map = capture->activations + channel * positions;
    int64_t peak = 0;
    for (int64_t p = 1; p < positions; p++)
        if (map[p] > map[peak])
            peak = p;
    return peak;
}

/* Ranks the channels by their influence on the map of equal scores, and groups them by their peaks.
 */
static sscam_status rank_channels(sscam_sample_rounds *rounds)
{
    const sscam_round_request *request = &rounds->request;
    const sscam_capture *capture = request->job->capture;
    channel_rank *rank = sscam_zeros(request->channel_count, sizeof *rank);
    if (!rank)
        return sscam_fail_memory("ranking channels");
    weigh(rounds, rounds->estimate); /* zeros */
    sscam_map_change_refer(rounds->change, rounds->weight);
    sscam_map_change_sensitivities(rounds->change, rounds->samples.with_softmax,
                                   rounds->sensitivity);
    for (int64_t slot = 0; slot < request->channel_count; slot++) {
        const int64_t channel = request->channels[slot].channel;
        rank[slot] = (channel_rank){rounds->sensitivity[channel], slot};
        rounds->samples.group[slot] = peak_of(capture, channel) % request->channel_count;
    }
    qsort(rank, (size_t)request->channel_count, sizeof *rank, by_falling_influence);
    for (int64_t i = 0; i < request->channel_count; i++)
        rounds->ranked[i] = rank[i].slot;
    free(rank);
    return SSCAM_OK;
}

static sscam_status begin(sscam_sample_rounds *rounds)
{
    sscam_status status = allocate(rounds);
    if (status == SSCAM_OK && rounds->samples.is_common)
        status = rank_channels(rounds);
    if (status != SSCAM_OK)
        return status;
    want_first_samples(rounds);
    return fill_round(rounds);
}

sscam_status sscam_sample_rounds_new(const sscam_round_request *request, sscam_sample_rounds **out)
{
    const sscam_settings *settings = request->job->settings;
    const int32_t is_common = settings->value[SSCAM_OPTION_NOISE].integer == SSCAM_NOISE_COMMON;
    sscam_status status = check_request(request, is_common);
    *out = NULL;
    if (status != SSCAM_OK)
        return status;
    sscam_sample_rounds *rounds = calloc(1, sizeof *rounds);
    if (!rounds)
        return sscam_fail_memory("the samples of channels");
    rounds->request = *request;
    rounds->tolerance = settings->value[SSCAM_OPTION_TOLERANCE].real;
    rounds->samples = (sscam_channel_samples){
        .slots = request->channel_count,
        .limit = request->samples,
        .reduction = request->reduction,
        .is_common = is_common,
        .with_softmax = settings->value[SSCAM_OPTION_CHANNEL_SOFTMAX].integer ==
                        SSCAM_CHANNEL_SOFTMAX_ON};
    status = begin(rounds);
    if (status != SSCAM_OK)
        sscam_sample_rounds_free(rounds);
    else
        *out = rounds;
    return status;
}

const sscam_mask_channel *sscam_round_channels(const sscam_sample_rounds *rounds, int64_t *count)
{
    *count = rounds->entry_count;
    return rounds->entry;
}

sscam_status sscam_sample_rounds_take(sscam_sample_rounds *rounds, const float *scores)
{
    const int64_t taken = rounds->entry_count;
    int64_t known = 0;
    for (int64_t i = 0; i < taken; i++)
        sscam_channel_samples_add(&rounds->samples, rounds->slot_of_entry[i], scores[i]);
    rounds->later_inputs = 0;
    if (missing_samples(rounds) > 0)
        return fill_round(rounds);
    sscam_channel_samples_settle(&rounds->samples);
    rounds->entry_count = 0;
    rounds->error = is_complete(rounds) ? 0.0 : estimate_error(rounds);
    if (rounds->error <= rounds->tolerance)
        return SSCAM_OK;
    want_more(rounds);
    sscam_status status = fill_round(rounds);
    for (int64_t slot = 0; slot < rounds->request.channel_count; slot++)
        known += rounds->samples.count[slot];
    rounds->later_inputs = foresee(rounds, known);
    return status;
}

int64_t sscam_round_later_inputs(const sscam_sample_rounds *rounds)
{
    return rounds->later_inputs;
}

void sscam_round_scores(const sscam_sample_rounds *rounds, double *score)
{
    sscam_estimate_scores(&rounds->samples, score);
}

double sscam_round_error(const sscam_sample_rounds *rounds)
{
    return rounds->error;
}
