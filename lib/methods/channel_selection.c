#include "methods/channel_selection.h"

#include <math.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"

typedef struct ranked_channel {
    double rank;
    int64_t channel;
} ranked_channel;

static int by_falling_rank(const void *left, const void *right)
{
    const ranked_channel *a = left, *b = right;
    if (a->rank != b->rank)
        return a->rank < b->rank ? 1 : -1;
    return a->channel < b->channel ? -1 : 1;
}

static double spatial_deviation(const float *map, int64_t positions)
{
    double mean = 0.0, square = 0.0;
    for (int64_t p = 0; p < positions; p++)
        mean += map[p];
    mean /= (double)positions;
    for (int64_t p = 0; p < positions; p++)
        square += (map[p] - mean) * (map[p] - mean);
    return sqrt(square / (double)positions);
}

static double energy(const float *map, int64_t positions)
{
    double sum = 0.0;
    for (int64_t p = 0; p < positions; p++)
        sum += (double)map[p] * (double)map[p];
    return sum;
}

static double mean(const float *values, int64_t positions)
{
    double sum = 0.0;
    for (int64_t p = 0; p < positions; p++)
        sum += (double)values[p];
    return sum / (double)positions;
}

static double rank_of(const sscam_map_job *job, int64_t channel)
{
    const sscam_capture *capture = job->capture;
    const int64_t positions = sscam_position_count(capture->sides);
    const float *map = capture->activations + channel * positions;
    switch (job->settings->value[SSCAM_OPTION_CHANNEL_RANKING].integer) {
    case SSCAM_CHANNEL_RANKING_DEVIATION: return spatial_deviation(map, positions);
    case SSCAM_CHANNEL_RANKING_ENERGY: return energy(map, positions);
    default:
        return energy(map, positions) *
               fabs(mean(capture->gradients + channel * positions, positions));
    }
}

/* The chosen channels' share of the sum of all squared activations. */
static double energy_share(const sscam_capture *capture, const int32_t *chosen)
{
    const int64_t positions = sscam_position_count(capture->sides);
    double all = 0.0, covered = 0.0;
    for (int64_t k = 0; k < capture->channels; k++) {
        const double own = energy(capture->activations + k * positions, positions);
        all += own;
        covered += chosen[k] ? own : 0.0;
    }
    return all > 0.0 ? covered / all : 1.0;
}

/* How many channels the options max_channels and channel_share select; 0: all. */
static int64_t wanted_channels(const sscam_settings *settings, int64_t channels)
{
    const int64_t most = settings->value[SSCAM_OPTION_MAX_CHANNELS].integer,
                  share = (int64_t)ceil(settings->value[SSCAM_OPTION_CHANNEL_SHARE].real *
                                        (double)channels);
    if (share >= channels)
        return most;
    return most > 0 && most < share ? most : share;
}

sscam_status sscam_select_channels(sscam_map_job *job, int32_t *chosen)
{
    const sscam_capture *capture = job->capture;
    const int64_t wanted = wanted_channels(job->settings, capture->channels);
    const int32_t all = wanted == 0 || wanted >= capture->channels;
    for (int64_t k = 0; k < capture->channels; k++)
        chosen[k] = all;
    job->energy_share = 1.0;
    if (all)
        return SSCAM_OK;

    ranked_channel *ranked = sscam_allocate_array(capture->channels, sizeof *ranked);
    if (!ranked)
        return sscam_fail_memory("ranking channels");
    for (int64_t k = 0; k < capture->channels; k++)
        ranked[k] = (ranked_channel){rank_of(job, k), k};
    qsort(ranked, (size_t)capture->channels, sizeof *ranked, by_falling_rank);
    for (int64_t i = 0; i < wanted; i++)
        chosen[ranked[i].channel] = 1;
    free(ranked);
    job->energy_share = energy_share(capture, chosen);
    return SSCAM_OK;
}
