#include "explain/score_scheduler.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "explain/option_values.h"

/* --- masked inputs ---------------------------------------------------------------------------- */

static int32_t same_channel(const sscam_mask_channel *a, const sscam_mask_channel *b)
{
    return a->channel == b->channel && a->offset == b->offset && a->gain == b->gain &&
           a->noise_stddev == b->noise_stddev && a->first_sample == b->first_sample;
}

/* Captures are shared, so equal activations have the same address. Masks of the input's size are
 * made for each job, and equal where the jobs draw the same ones. */
static int32_t may_have_same_maps(const sscam_mask_plan *a, const sscam_mask_plan *b)
{
    return a->activations == b->activations || (sscam_same_sides(a->map_sides, b->map_sides) &&
                                                sscam_same_sides(a->map_sides, a->input_sides));
}

/* Several masked inputs may refer to one map: how many maps there are, the channels alone tell. */
static int32_t same_map(const sscam_mask_plan *a, const sscam_mask_plan *b, int64_t channel)
{
    const int64_t positions = sscam_position_count(a->map_sides);
    return a->activations == b->activations ||
           memcmp(a->activations + channel * positions, b->activations + channel * positions,
                  (size_t)positions * sizeof *a->activations) == 0;
}

/* Whether two plans have the same masked inputs. */
static int32_t same_plan(const sscam_mask_plan *a, const sscam_mask_plan *b)
{
    if (a->input != b->input || !may_have_same_maps(a, b) || a->align_corners != b->align_corners ||
        a->channel_count != b->channel_count || a->samples != b->samples ||
        a->fades_in != b->fades_in || a->noise_target != b->noise_target ||
        a->common_noise != b->common_noise || a->seed != b->seed ||
        a->image_index != b->image_index || a->background != b->background)
        return 0;
    for (int64_t i = 0; i < a->channel_count; i++)
        if (!same_channel(&a->channels[i], &b->channels[i]) ||
            !same_map(a, b, a->channels[i].channel))
            return 0;
    return 1;
}

/* Whether one call of the backend can score the masked inputs of two jobs. */
static int32_t share_scoring(const sscam_map_job *a, const sscam_map_job *b)
{
    const sscam_scoring_options own = sscam_scoring_options_of(a->settings),
                                other = sscam_scoring_options_of(b->settings);
    return sscam_score_kind_of(a->settings) == sscam_score_kind_of(b->settings) &&
           strcmp(a->output, b->output) == 0 && own.precision == other.precision &&
           own.batch_size == other.batch_size && own.workers == other.workers &&
           own.calibrate == other.calibrate;
}

static int32_t awaits_scores(const sscam_map_job *job)
{
    return job->requested_masks && !job->scores;
}

static int64_t find_plan(const sscam_score_schedule *work, const sscam_mask_plan *plan)
{
    int64_t i = 0;
    while (i < work->plan_count && !same_plan(work->plans[i], plan))
        i++;
    return i;
}

static int64_t find_target(const sscam_score_schedule *work, const sscam_target *target)
{
    int64_t i = 0;
    while (i < work->target_count && !sscam_same_target(&work->targets[i], target))
        i++;
    return i;
}

/* Collects plans and targets of all jobs that can be scored together with `first`. A plan that
 * several jobs share counts for the first of them. */
static void collect_group(sscam_score_schedule *work, const sscam_map_job *first)
{
    work->plan_count = work->target_count = 0;
    for (int64_t i = 0; i < work->count; i++) {
        sscam_map_job *job = &work->jobs[i];
        if (!awaits_scores(job) || !share_scoring(job, first))
            continue;
        int64_t plan = find_plan(work, job->requested_masks),
                target = find_target(work, &job->target);
        if (plan == work->plan_count) {
            work->plans[work->plan_count++] = job->requested_masks;
            job->passes += sscam_mask_count(job->requested_masks);
        }
        if (target == work->target_count)
            work->targets[work->target_count++] = job->target;
    }
}

/* Points each job of the group to its scores among [target_count][total]. */
static void distribute_scores(sscam_score_schedule *work, const sscam_map_job *first,
                              const sscam_scoring_diagnostics *diagnostics, const float *scores,
                              int64_t total)
{
    for (int64_t i = 0; i < work->count; i++) {
        sscam_map_job *job = &work->jobs[i];
        if (!awaits_scores(job) || !share_scoring(job, first))
            continue;
        int64_t start = 0, own = find_plan(work, job->requested_masks);
        for (int64_t plan = 0; plan < own; plan++)
            start += sscam_mask_count(work->plans[plan]);
        job->scores = scores + find_target(work, &job->target) * total + start;
        job->diagnostics = *diagnostics;
    }
}

static sscam_status weigh(sscam_map_job *job)
{
    sscam_status status = job->method->weigh(job);
    job->scores = NULL;
    return status;
}

/* Continues the jobs that have their scores. */
static sscam_status weigh_scored(sscam_score_schedule *work)
{
    sscam_status status = SSCAM_OK;
    for (int64_t i = 0; i < work->count && status == SSCAM_OK; i++)
        if (work->jobs[i].scores)
            status = weigh(&work->jobs[i]);
    return status;
}

static sscam_status allocate_scores(int64_t total, int64_t target_count, float **scores)
{
    *scores = sscam_allocate_array(sscam_times(total, target_count), sizeof **scores);
    return *scores ? SSCAM_OK : sscam_fail_memory("scores");
}

/* Has the backend prepare what jobs like `first` need, which then request nothing more. */
static sscam_status prepare_group(sscam_score_schedule *work, sscam_map_job *first,
                                  const sscam_score_request *request)
{
    sscam_status status = sscam_progress_check(request->progress);
    if (status == SSCAM_OK && first->backend->prepare)
        status = first->backend->prepare(first->network, request);
    for (int64_t i = 0; i < work->count; i++)
        if (awaits_scores(&work->jobs[i]) && share_scoring(&work->jobs[i], first) &&
            &work->jobs[i] != first)
            work->jobs[i].requested_masks = NULL;
    first->requested_masks = NULL;
    return status;
}

static sscam_status run_group(sscam_score_schedule *work, sscam_map_job *first,
                              const sscam_score_request *request)
{
    const int64_t total = sscam_mask_list_count(request->masks);
    float *scores = NULL;
    sscam_status status = allocate_scores(total, work->target_count, &scores);
    if (status == SSCAM_OK)
        status = sscam_progress_check(request->progress);
    if (status == SSCAM_OK)
        status = first->backend->score(first->network, request, scores);
    if (status == SSCAM_OK)
        distribute_scores(work, first, request->diagnostics, scores, total);
    if (status == SSCAM_OK)
        status = weigh_scored(work);
    free(scores);
    return status;
}

/* Scores all jobs that can be scored together with `first`, and continues them. */
static sscam_status score_group(sscam_score_schedule *work, sscam_map_job *first,
                                const sscam_progress *progress)
{
    collect_group(work, first);
    const sscam_mask_list masks = {work->plans, work->plan_count};
    sscam_scoring_diagnostics diagnostics = {NULL, 0, 0, 0};
    const sscam_score_request request = {.masks = &masks,
                                         .kind = sscam_score_kind_of(first->settings),
                                         .output = first->output,
                                         .targets = work->targets,
                                         .target_count = work->target_count,
                                         .scoring = sscam_scoring_options_of(first->settings),
                                         .diagnostics = &diagnostics,
                                         .progress = progress};
    return first->only_prepares ? prepare_group(work, first, &request)
                                : run_group(work, first, &request);
}

/* --- ablations -------------------------------------------------------------------------------- */

static int32_t awaits_ablations(const sscam_map_job *job)
{
    return job->requested_ablations && !job->scores;
}

/* Whether two jobs request the same ablations, if for different targets. */
static int32_t share_ablations(const sscam_map_job *a, const sscam_map_job *b)
{
    const sscam_ablation_plan *own = a->requested_ablations, *other = b->requested_ablations;
    return share_scoring(a, b) && own->input == other->input &&
           strcmp(own->layer, other->layer) == 0 && own->batch_axis == other->batch_axis &&
           own->channel_axis == other->channel_axis && own->channel_count == other->channel_count &&
           own->is_spread == other->is_spread &&
           (own->channels != NULL) == (other->channels != NULL) &&
           (!own->channels || memcmp(own->channels, other->channels,
                                     (size_t)own->channel_count * sizeof *own->channels) == 0);
}

static void collect_ablated_targets(sscam_score_schedule *work, const sscam_map_job *first)
{
    work->target_count = 0;
    for (int64_t i = 0; i < work->count; i++) {
        const sscam_map_job *job = &work->jobs[i];
        if (awaits_ablations(job) && share_ablations(job, first) &&
            find_target(work, &job->target) == work->target_count)
            work->targets[work->target_count++] = job->target;
    }
}

static void distribute_ablations(sscam_score_schedule *work, sscam_map_job *first,
                                 const float *scores)
{
    const int64_t total = first->requested_ablations->channel_count;
    for (int64_t i = 0; i < work->count; i++) {
        sscam_map_job *job = &work->jobs[i];
        if (awaits_ablations(job) && share_ablations(job, first))
            job->scores = scores + find_target(work, &job->target) * total;
    }
}

/* Runs the ablations of all jobs that request the same as `first`, and continues them. */
static sscam_status ablate_group(sscam_score_schedule *work, sscam_map_job *first,
                                 const sscam_progress *progress)
{
    if (first->only_prepares) { /* each call finds out anew how channels can be ablated */
        first->requested_ablations = NULL;
        return SSCAM_OK;
    }
    const sscam_ablation_plan *plan = first->requested_ablations;
    collect_ablated_targets(work, first);
    float *scores = NULL;
    int64_t extra_inputs = 0;
    sscam_status status = allocate_scores(plan->channel_count, work->target_count, &scores);
    if (status != SSCAM_OK)
        return status;
    sscam_ablation_request request = {
        .plan = plan,
        .shape = first->shape,
        .kind = sscam_score_kind_of(first->settings),
        .output = first->output,
        .targets = work->targets,
        .target_count = work->target_count,
        .batch_size = first->settings->value[SSCAM_OPTION_BATCH_SIZE].integer,
        .extra_inputs = &extra_inputs,
        .progress = progress};
    status = sscam_progress_check(progress);
    if (status == SSCAM_OK)
        status = first->backend->ablate(first->network, &request, scores);
    if (status == SSCAM_E_UNSUPPORTED)
        sscam_fail(status, "%s: %s", first->method->title, sscam_error_message());
    first->passes += plan->channel_count + extra_inputs;
    if (status == SSCAM_OK)
        distribute_ablations(work, first, scores);
    if (status == SSCAM_OK)
        status = weigh_scored(work);
    free(scores);
    return status;
}

/* --- all -------------------------------------------------------------------------------------- */

/* Network evaluations that a job waits for. */
static int64_t requested_inputs(const sscam_map_job *job)
{
    if (awaits_ablations(job))
        return job->requested_ablations->channel_count;
    return awaits_scores(job) ? sscam_mask_count(job->requested_masks) : 0;
}

static sscam_map_job *find_waiting(sscam_score_schedule *work)
{
    for (int64_t i = 0; i < work->count; i++)
        if (requested_inputs(&work->jobs[i]) > 0)
            return &work->jobs[i];
    return NULL;
}

/* Evaluations that all jobs wait for, and expect to wait for later: what is left to do. */
static int64_t count_requested(const sscam_score_schedule *work)
{
    int64_t requested = 0;
    for (int64_t i = 0; i < work->count; i++)
        requested += requested_inputs(&work->jobs[i]) + work->jobs[i].later_inputs;
    return requested;
}

/* Calls every weigh() for the first time. Methods that run the network themselves share the
 * progress up to `done`. */
static sscam_status weigh_unscored(sscam_score_schedule *work, const sscam_progress *progress,
                                   double *done)
{
    sscam_status status = SSCAM_OK;
    *done = 0.0;
    for (int64_t i = 0; i < work->count && status == SSCAM_OK; i++) {
        sscam_map_job *job = &work->jobs[i];
        double end = *done + (job->method->runs_network ? 0.98 / (double)work->count : 0.0);
        job->progress = sscam_progress_part(progress, *done, end);
        if (!job->only_prepares || !job->method->runs_network)
            status = weigh(job);
        *done = end;
    }
    return status;
}

sscam_status sscam_weigh_all(sscam_score_schedule *work, const sscam_progress *progress)
{
    sscam_map_job *waiting;
    double done = 0.0;
    int64_t passes = 0;
    sscam_status status = weigh_unscored(work, progress, &done);
    while (status == SSCAM_OK && (waiting = find_waiting(work))) {
        /* The group's share of what is left; a little is kept for a second pass that may follow. */
        const int64_t requested = requested_inputs(waiting), left = count_requested(work);
        const double share = 0.98 * (double)requested / (double)left;
        sscam_progress progress_share = sscam_progress_part(progress, done,
                                                            done + (1.0 - done) * share);
        progress_share.passes = (sscam_pass_span){progress_share.start, progress_share.end, passes,
                                                  requested, passes + left};
        passes += requested;
        status = awaits_ablations(waiting) ? ablate_group(work, waiting, &progress_share)
                                           : score_group(work, waiting, &progress_share);
        done += (1.0 - done) * share;
    }
    return status;
}
