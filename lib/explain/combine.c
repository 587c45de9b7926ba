#include "explain/combine.h"

#include "math/linalg.h"

static void add_terms(const sscam_explanation *explanation, int64_t places, float *out)
{
    for (int64_t p = 0; p < places; p++) {
        double sum = 0.0;
        for (int64_t k = 0; k < explanation->capture->channels; k++)
            sum += explanation->terms[k * places + p];
        out[p] = (float)sum;
    }
}

sscam_status sscam_combine_channels(const sscam_explanation *explanation, float *out)
{
    const sscam_capture *capture = explanation->capture;
    int64_t places = sscam_place_count(capture->sides);
    int32_t smooths = explanation->settings->value[SSCAM_OPTION_EIGEN_SMOOTH].integer != SSCAM_SWITCH_FIRST;
    if (explanation->projects || smooths)
        return sscam_project_on_principal_component(explanation->terms ? explanation->terms : capture->activations,
                                                    explanation->weights, capture->channels, places, out);
    if (explanation->terms)
        add_terms(explanation, places, out);
    else
        sscam_weighted_sum(capture->activations, explanation->weights, capture->channels, places, out);
    return SSCAM_OK;
}
