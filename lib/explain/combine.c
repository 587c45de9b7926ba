#include "explain/combine.h"

#include "math/linalg.h"

static void add_terms(const sscam_map_job *job, int64_t places, float *out)
{
    for (int64_t p = 0; p < places; p++) {
        double sum = 0.0;
        for (int64_t k = 0; k < job->capture->channels; k++)
            sum += job->terms[k * places + p];
        out[p] = (float)sum;
    }
}

sscam_status sscam_combine_channels(const sscam_map_job *job, float *out)
{
    const sscam_capture *capture = job->capture;
    int64_t places = sscam_position_count(capture->sides);
    int32_t smooths = job->settings->value[SSCAM_OPTION_EIGEN_SMOOTH].integer ==
                      SSCAM_EIGEN_SMOOTH_ON;
    if (job->projects || smooths)
        return sscam_project_on_principal_component(job->terms ? job->terms : capture->activations,
                                                    job->weights, capture->channels, places, out);
    if (job->terms)
        add_terms(job, places, out);
    else
        sscam_weighted_sum(capture->activations, job->weights, capture->channels, places, out);
    return SSCAM_OK;
}
