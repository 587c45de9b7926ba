/* Ablation-CAM (Desai & Ramaswamy 2020). */
#include <math.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "explain/option_values.h"
#include "methods/channel_selection.h"
#include "methods/methods.h"

/* State between the calls of weigh(). */
typedef struct ablation_state {
    sscam_ablation_plan plan;
    int64_t *channels; /* of the plan */
    int32_t *selected; /* [K] */
} ablation_state;

static void release(void *state)
{
    ablation_state *work = state;
    free(work->channels);
    free(work->selected);
    free(work);
}

/* Whether setting a channel to zero changes anything. */
static int32_t is_active(const sscam_capture *capture, int64_t channel)
{
    int64_t positions = sscam_position_count(capture->sides);
    for (int64_t p = 0; p < positions; p++)
        if (capture->activations[channel * positions + p] != 0.0f)
            return 1;
    return 0;
}

static sscam_status begin(sscam_map_job *job)
{
    const sscam_capture *capture = job->capture;
    ablation_state *work = calloc(1, sizeof *work);
    if (!work)
        return sscam_fail_memory("ablations");
    job->state = work;
    job->release_state = release;
    work->channels = sscam_allocate_array(capture->channels, sizeof *work->channels);
    work->selected = sscam_allocate_array(capture->channels, sizeof *work->selected);
    if (!work->channels || !work->selected)
        return sscam_fail_memory("ablations");
    sscam_status status = sscam_select_channels(job, work->selected);
    if (status != SSCAM_OK)
        return status;
    work->plan = (sscam_ablation_plan){.input = job->input,
                                       .layer = capture->layer,
                                       .batch_axis = capture->batch_axis,
                                       .channel_axis = capture->channel_axis,
                                       .channels = work->channels};
    for (int64_t k = 0; k < capture->channels; k++)
        if (work->selected[k] && is_active(capture, k))
            work->channels[work->plan.channel_count++] = k;
    if (work->plan.channel_count > 0)
        job->requested_ablations = &work->plan;
    return SSCAM_OK;
}

/* a_k = (f^c - f^c with A_k set to zero) / |f^c|. The paper divides by the score itself. Divided
 * by its magnitude, a drop gives a positive weight whatever the sign of the score. */
static sscam_status take_scores(sscam_map_job *job)
{
    const ablation_state *work = job->state;
    const sscam_capture *capture = job->capture;
    double whole = sscam_capture_score(capture, &job->target, sscam_score_kind_of(job->settings));
    double scale = whole != 0.0 ? fabs(whole) : 1.0;
    for (int64_t i = 0; i < work->plan.channel_count; i++) {
        if (!isfinite(job->scores[i]))
            return sscam_fail(SSCAM_E_MODEL, "the network's score without channel %lld is %g",
                              (long long)work->channels[i], (double)job->scores[i]);
        job->weights[work->channels[i]] = (float)((whole - job->scores[i]) / scale);
    }
    return SSCAM_OK;
}

sscam_status sscam_weigh_ablation_cam(sscam_map_job *job)
{
    if (!job->state)
        return begin(job);
    job->requested_ablations = NULL;
    return take_scores(job);
}
