#include "explain/option_values.h"

#include <math.h>

const char *sscam_output_of(const sscam_settings *settings)
{
    return settings->value[SSCAM_OPTION_OUTPUT].text;
}

int32_t sscam_selects_channels(const sscam_settings *settings)
{
    return settings->value[SSCAM_OPTION_MAX_CHANNELS].integer > 0 ||
           settings->value[SSCAM_OPTION_CHANNEL_SHARE].real < 1.0;
}

int32_t sscam_needs_gradients(const sscam_method *method, const sscam_settings *settings)
{
    if (method->needs & SSCAM_NEEDS_GRADIENTS)
        return 1;
    if ((method->needs & (SSCAM_NEEDS_SCORING | SSCAM_NEEDS_ABLATION)) &&
        sscam_selects_channels(settings) &&
        settings->value[SSCAM_OPTION_CHANNEL_RANKING].integer == SSCAM_CHANNEL_RANKING_CONTRIBUTION)
        return 1;
    return (method->needs & SSCAM_NEEDS_SCORING) &&
           settings->value[SSCAM_OPTION_MASK_WEIGHTS].integer != SSCAM_MASK_WEIGHTS_NONE;
}

sscam_score_kind sscam_probability_kind(const sscam_settings *settings)
{
    switch (settings->value[SSCAM_OPTION_PROBABILITY].integer) {
    case SSCAM_PROBABILITY_SOFTMAX: return SSCAM_SCORE_SOFTMAX;
    case SSCAM_PROBABILITY_SIGMOID: return SSCAM_SCORE_SIGMOID;
    default: return (sscam_score_kind)settings->final_activation;
    }
}

sscam_score_kind sscam_score_kind_of(const sscam_settings *settings)
{
    return settings->value[SSCAM_OPTION_SCORE].integer == SSCAM_SCORE_CHOICE_LOGIT
               ? SSCAM_SCORE_LOGIT
               : sscam_probability_kind(settings);
}

double sscam_noise_stddev(const sscam_settings *settings, double range)
{
    const double sigma = settings->value[SSCAM_OPTION_SIGMA].real;
    switch (settings->value[SSCAM_OPTION_NOISE_SCALE].integer) {
    case SSCAM_NOISE_SCALE_ABSOLUTE: return sigma;
    case SSCAM_NOISE_SCALE_RANGE: return sigma * range;
    default: return pow(sigma / range, 2.0);
    }
}

sscam_scoring_options sscam_scoring_options_of(const sscam_settings *settings)
{
    return (sscam_scoring_options){
        .precision = (sscam_precision)settings->value[SSCAM_OPTION_PRECISION].integer,
        .batch_size = settings->value[SSCAM_OPTION_BATCH_SIZE].integer,
        .workers = settings->value[SSCAM_OPTION_WORKERS].integer,
        .calibrate = settings->value[SSCAM_OPTION_CALIBRATE].integer == SSCAM_CALIBRATE_ON};
}

sscam_layout_hint sscam_layout_hint_of(const sscam_settings *settings)
{
    sscam_layout_hint hint = {
        .channel_axis = (sscam_channel_axis)settings->value[SSCAM_OPTION_CHANNEL_AXIS].integer};
    sscam_parse_grid(settings->value[SSCAM_OPTION_GRID].text, &hint);
    return hint;
}
