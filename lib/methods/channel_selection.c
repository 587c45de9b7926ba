#include "methods/channel_selection.h"

#include <math.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"

typedef struct ranked_channel {
    double deviation;
    int64_t channel;
} ranked_channel;

static int by_falling_deviation(const void *left, const void *right)
{
    const ranked_channel *a = left, *b = right;
    if (a->deviation != b->deviation)
        return a->deviation < b->deviation ? 1 : -1;
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

int64_t sscam_wanted_channels(const sscam_settings *settings, int64_t channels)
{
    const int64_t most = settings->value[SSCAM_OPTION_MAX_CHANNELS].integer,
                  share = (int64_t)ceil(settings->value[SSCAM_OPTION_CHANNEL_SHARE].real *
                                        (double)channels);
    if (share >= channels)
        return most;
    return most > 0 && most < share ? most : share;
}

sscam_status sscam_select_channels(const sscam_capture *capture, int64_t wanted, int32_t *chosen)
{
    int64_t positions = sscam_position_count(capture->sides);
    int32_t all = wanted == 0 || wanted >= capture->channels;
    for (int64_t k = 0; k < capture->channels; k++)
        chosen[k] = all;
    if (all)
        return SSCAM_OK;

    ranked_channel *ranked = sscam_allocate_array(capture->channels, sizeof *ranked);
    if (!ranked)
        return sscam_fail_memory("ranking channels");
    for (int64_t k = 0; k < capture->channels; k++)
        ranked[k] = (ranked_channel){
            spatial_deviation(capture->activations + k * positions, positions), k};
    qsort(ranked, (size_t)capture->channels, sizeof *ranked, by_falling_deviation);
    for (int64_t i = 0; i < wanted; i++)
        chosen[ranked[i].channel] = 1;
    free(ranked);
    return SSCAM_OK;
}
