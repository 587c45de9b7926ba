#include "explain/map_job.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "explain/capture.h"
#include "explain/map_private.h"
#include "explain/option_values.h"
#include "explain/score_scheduler.h"
#include "sscam/explainer.h"

/* What the jobs of one call share. */
typedef struct shared_work {
    sscam_map_job *jobs;
    int64_t count;
    sscam_capture *captures; /* [count], as many as capture_count in use */
    int64_t capture_count;
} shared_work;

/* --- capture ---------------------------------------------------------------------------------- */

static sscam_status check_logits(const sscam_capture *capture)
{
    for (int64_t j = 0; j < capture->class_count; j++)
        if (!isfinite(capture->logits[j]))
            return sscam_fail(SSCAM_E_MODEL, "the network's output %lld is NaN or infinity",
                              (long long)j);
    return SSCAM_OK;
}

static sscam_status check_capture(const sscam_capture *capture)
{
    const sscam_sides sides = capture->sides;
    int64_t positions = sscam_times(sscam_times(sides.depth, sides.height), sides.width);
    int64_t count = sscam_times(capture->channels, positions);
    /* BLAS and maps count in 32 bits. */
    if (count < 1 || positions > INT32_MAX || capture->channels > INT32_MAX)
        return sscam_fail(
            SSCAM_E_LAYER,
            "layer %s: its output of %lld channels of %lldx%lldx%lld has no positions to map",
            capture->layer, (long long)capture->channels, (long long)sides.depth,
            (long long)sides.height, (long long)sides.width);
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(capture->activations[i]) ||
            (capture->gradients && !isfinite(capture->gradients[i])))
            return sscam_fail(SSCAM_E_MODEL, "layer %s: NaN or infinity among its %s",
                              capture->layer,
                              isfinite(capture->activations[i]) ? "gradients" : "activations");
    for (int64_t i = 0; i < count && capture->curvature; i++)
        if (!isfinite(capture->curvature[i]))
            return sscam_fail(SSCAM_E_MODEL,
                              "layer %s: NaN or infinity among its second "
                              "derivatives",
                              capture->layer);
    return check_logits(capture);
}

/* Whether a capture's gradients are those of a target, which need not be resolved. */
static int32_t has_gradients_of(const sscam_capture *capture, sscam_target target)
{
    return capture->gradients &&
           sscam_resolve_target(&target, capture->logits, capture->class_count) == SSCAM_OK &&
           sscam_same_target(&capture->target, &target);
}

static int32_t same_layout(const sscam_settings *a, const sscam_settings *b)
{
    const sscam_layout_hint own = sscam_layout_hint_of(a), other = sscam_layout_hint_of(b);
    return own.channel_axis == other.channel_axis && own.grid_depth == other.grid_depth &&
           own.grid_height == other.grid_height && own.grid_width == other.grid_width;
}

static int32_t uses_no_layer(const sscam_map_job *job)
{
    return (job->method->needs & SSCAM_NEEDS_NO_LAYER) != 0;
}

/* Whether the capture of an earlier job of the same input, layer and output suits this job too.
 * What is captured of a dense output depends on the class, which selects the pixels. */
static int32_t suits(const sscam_map_job *other, const sscam_map_job *job)
{
    const sscam_capture *capture = other->capture;
    int32_t with_gradients = sscam_needs_gradients(job->method, job->settings);
    if ((job->method->needs & SSCAM_NEEDS_CURVATURE) && !capture->curvature)
        return 0;
    if (!capture->activations && !uses_no_layer(job))
        return 0;
    if (capture->target_pixels)
        return (!with_gradients || capture->gradients) &&
               sscam_same_region(other->region, job->region) &&
               sscam_same_target(&other->requested_target, &job->requested_target);
    return !with_gradients || has_gradients_of(capture, job->target);
}

/* The capture of an earlier job that suits this one too, or NULL. */
static const sscam_capture *find_capture(const shared_work *work, const sscam_map_job *job)
{
    for (int64_t i = 0; i < work->count; i++) {
        const sscam_map_job *other = &work->jobs[i];
        if (!other->capture || other->input != job->input ||
            strcmp(other->layer, job->layer) != 0 || !same_layout(other->settings, job->settings) ||
            strcmp(other->output, job->output) != 0)
            continue;
        if (suits(other, job))
            return other->capture;
    }
    return NULL;
}

/* In an altered input the detection lies where the mirror image has it, and another box may match
 * it best. */
static void move_detection(const sscam_map_job *job, sscam_target *target)
{
    if (target->kind != SSCAM_TARGET_DETECTION || job->input == job->target_job->input)
        return;
    target->anchor = -1;
    if (job->is_mirrored)
        target->detection = job->mirrored_detection;
}

/* A detection of which the layer knows nothing would be explained by a map without anything. */
static sscam_status check_detection_depends(const sscam_map_job *job, const sscam_capture *capture)
{
    const int64_t count = capture->channels * sscam_position_count(capture->sides);
    if (job->target.kind != SSCAM_TARGET_DETECTION || !capture->gradients)
        return SSCAM_OK;
    for (int64_t i = 0; i < count; i++)
        if (capture->gradients[i] != 0.0f)
            return SSCAM_OK;
    return sscam_fail(SSCAM_E_LAYER,
                      "layer %s: the detection's score does not depend on it: its gradients are 0. "
                      "Without the option layer, one is chosen that it depends on",
                      capture->layer);
}

/* The target pixels of the target job, mirrored when this job's input is. */
static sscam_status mirror_target(const sscam_map_job *job, sscam_target *target,
                                  sscam_target_pixels **mirrored)
{
    if (!target->target_pixels || !job->is_mirrored)
        return SSCAM_OK;
    sscam_status status = sscam_target_pixels_copy(target->target_pixels, mirrored);
    if (status != SSCAM_OK)
        return status;
    sscam_target_pixels_mirror(*mirrored);
    target->target_pixels = *mirrored;
    return SSCAM_OK;
}

/* Boxes and masks select positions, which other outputs do not have. */
static sscam_status check_region(const sscam_map_job *job)
{
    const sscam_region_kind kind = job->region->kind;
    if (job->capture->target_pixels || kind == SSCAM_REGION_PREDICTED || kind == SSCAM_REGION_ALL)
        return SSCAM_OK;
    return sscam_fail(SSCAM_E_UNSUPPORTED,
                      "option region: the network's output has one value for each class, and no "
                      "positions that a %s could select",
                      kind == SSCAM_REGION_BOX ? "box" : "mask");
}

/* Whether outputs that the caller calls probabilities can be such, up to rounding. */
static sscam_status check_probabilities(const sscam_map_job *job)
{
    const sscam_capture *capture = job->capture;
    const float rounding = 1e-3f;
    if (job->target.kind == SSCAM_TARGET_DETECTION ||
        job->settings->value[SSCAM_OPTION_PROBABILITY].integer != SSCAM_PROBABILITY_NONE ||
        job->settings->final_activation != SSCAM_SCORE_LOGIT)
        return SSCAM_OK;
    for (int64_t j = 0; j < capture->class_count; j++)
        if (!(capture->logits[j] >= -rounding && capture->logits[j] <= 1.0f + rounding))
            return sscam_fail(SSCAM_E_ARGUMENT,
                              "option probability: none, but the network's output %lld is %g, "
                              "which is no probability",
                              (long long)j, (double)capture->logits[j]);
    return SSCAM_OK;
}

static sscam_status capture_layer(shared_work *work, sscam_map_job *job)
{
    sscam_target_pixels *mirrored = NULL;
    sscam_capture *capture = &work->captures[work->capture_count];
    sscam_target target = job->target;
    sscam_status status = mirror_target(job, &target, &mirrored);
    if (status == SSCAM_OK)
        status = sscam_capture_layer(job, job->input, job->layer, &target,
                                     sscam_needs_gradients(job->method, job->settings), capture);
    sscam_target_pixels_destroy(mirrored);
    if (status != SSCAM_OK)
        return status;
    work->capture_count++;
    job->capture = capture;
    status = check_capture(capture);
    return status == SSCAM_OK ? check_detection_depends(job, capture) : status;
}

/* The outputs alone, for methods without a layer. A dense output's region needs a capture, of the
 * default layer. */
static sscam_status capture_outputs(shared_work *work, sscam_map_job *job)
{
    sscam_capture *capture = &work->captures[work->capture_count];
    int32_t is_dense = 0;
    const sscam_output_selection selection = {
        .output = job->output, .kind = SSCAM_SCORE_LOGIT, .is_dense = &is_dense};
    sscam_status status = sscam_progress_check(&job->progress);
    if (status == SSCAM_OK)
        status = job->backend->classify(job->network, job->input, &job->shape, &selection,
                                        &capture->logits, &capture->class_count);
    if (status != SSCAM_OK)
        return status;
    job->passes++;
    work->capture_count++;
    if (is_dense) {
        sscam_capture_release(capture);
        work->capture_count--;
        return capture_layer(work, job);
    }
    capture->target = job->target;
    capture->sides = job->shape.sides;
    capture->layer = strdup("");
    job->capture = capture;
    return capture->layer ? check_logits(capture) : sscam_fail_memory("a layer's name");
}

static sscam_status resolve_target(sscam_map_job *job)
{
    const sscam_capture *capture = job->capture;
    if (!capture->target_pixels)
        return sscam_resolve_target(&job->target, capture->logits, capture->class_count);
    job->target = capture->target;
    return SSCAM_OK;
}

static sscam_status provide_capture(shared_work *work, sscam_map_job *job)
{
    sscam_status status = SSCAM_OK;
    if (job->target_job)
        job->target = job->target_job->target;
    if (job->target_job)
        move_detection(job, &job->target);
    job->requested_target = job->target;
    job->capture = find_capture(work, job);
    if (!job->capture)
        status = uses_no_layer(job) ? capture_outputs(work, job) : capture_layer(work, job);
    if (status == SSCAM_OK)
        status = check_region(job);
    if (status == SSCAM_OK)
        status = check_probabilities(job);
    if (status == SSCAM_OK)
        status = resolve_target(job);
    if (status != SSCAM_OK || uses_no_layer(job))
        return status;
    job->weights = sscam_zeros(job->capture->channels, sizeof *job->weights);
    return job->weights ? SSCAM_OK : sscam_fail_memory("channel weights");
}

/* How much a job's capture holds: 0 outputs, 1 activations, 2 gradients, 3 second derivatives. */
static int32_t capture_extent(const sscam_map_job *job)
{
    if (job->method->needs & SSCAM_NEEDS_CURVATURE)
        return 3;
    return sscam_needs_gradients(job->method, job->settings) ? 2 : uses_no_layer(job) ? 0 : 1;
}

/* Captures that hold more come first: they suit jobs that need less, but not the reverse. A job
 * takes the target of an earlier job of its map, which has the same method. */
static sscam_status capture_all(shared_work *work)
{
    sscam_status status = SSCAM_OK;
    for (int32_t extent = 3; extent >= 0; extent--)
        for (int64_t i = 0; i < work->count && status == SSCAM_OK; i++)
            if (capture_extent(&work->jobs[i]) == extent)
                status = provide_capture(work, &work->jobs[i]);
    return status;
}

/* --- jobs ------------------------------------------------------------------------------------- */

static sscam_status weigh_all(const shared_work *work, const sscam_progress *progress)
{
    sscam_score_schedule scoring = {.jobs = work->jobs, .count = work->count};
    sscam_status status = SSCAM_OK;
    scoring.plans = sscam_zeros(work->count, sizeof *scoring.plans);
    scoring.targets = sscam_zeros(work->count, sizeof *scoring.targets);
    if (!scoring.plans || !scoring.targets)
        status = sscam_fail_memory("the maps of a call");
    else
        status = sscam_weigh_all(&scoring, progress);
    free(scoring.plans);
    free(scoring.targets);
    return status;
}

static sscam_status explain(shared_work *work, const sscam_progress *progress, sscam_map **maps)
{
    work->captures = sscam_zeros(work->count, sizeof *work->captures);
    if (!work->captures)
        return sscam_fail_memory("the maps of a call");
    for (int64_t i = 0; i < work->count; i++)
        work->jobs[i].progress = sscam_progress_part(progress, 0.0, 0.0);
    sscam_status status = sscam_progress_report(progress, 0.0);
    if (status == SSCAM_OK)
        status = capture_all(work);
    if (status == SSCAM_OK)
        status = weigh_all(work, progress);
    for (int64_t i = 0; i < work->count && status == SSCAM_OK && !work->jobs[i].only_prepares; i++)
        status = sscam_map_combine(&work->jobs[i], &maps[i]);
    return status == SSCAM_OK ? sscam_progress_report(progress, 1.0) : status;
}

static void release(shared_work *work)
{
    for (int64_t i = 0; i < work->count; i++) {
        sscam_map_job *job = &work->jobs[i];
        free(job->weights);
        free(job->terms);
        free(job->raw_map);
        if (job->state)
            job->release_state(job->state);
    }
    for (int64_t i = 0; i < work->capture_count; i++)
        sscam_capture_release(&work->captures[i]);
    free(work->captures);
}

sscam_status sscam_run_map_jobs(sscam_map_job *jobs, int64_t count, const sscam_progress *progress,
                                sscam_map **maps)
{
    shared_work work = {.jobs = jobs, .count = count};
    sscam_status status = explain(&work, progress, maps);
    release(&work);
    if (status == SSCAM_OK)
        return SSCAM_OK;
    for (int64_t i = 0; i < count; i++) {
        sscam_map_unref(maps[i]);
        maps[i] = NULL;
    }
    return status;
}
