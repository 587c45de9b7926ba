/* Nothing here asks which method runs. */
#include "explain/map_job.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "explain/capture.h"
#include "base/checked_size.h"
#include "base/error.h"
#include "explain/map_private.h"
#include "explain/score_scheduler.h"
#include "sscam/explainer.h"

/* Everything of one call that explanations share. */
typedef struct common_work {
    sscam_explanation *explanations;
    int64_t count;
    sscam_capture *captures; /* [count], as many as capture_count in use */
    int64_t capture_count;
} common_work;

/* --- capture ------------------------------------------------------------------------------------- */

static sscam_status check_capture(const sscam_capture *capture)
{
    const sscam_sides sides = capture->sides;
    int64_t places = sscam_times(sscam_times(sides.depth, sides.height), sides.width);
    int64_t count = sscam_times(capture->channels, places);
    /* BLAS and maps count in 32 bits. */
    if (count < 1 || places > INT32_MAX || capture->channels > INT32_MAX)
        return sscam_fail(SSCAM_E_LAYER, "layer %s: its output of %lld channels of %lldx%lldx%lld has no places to map",
                          capture->layer, (long long)capture->channels, (long long)sides.depth,
                          (long long)sides.height, (long long)sides.width);
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(capture->activations[i]) || (capture->gradients != NULL && !isfinite(capture->gradients[i])))
            return sscam_fail(SSCAM_E_MODEL, "layer %s: NaN or infinity among its %s", capture->layer,
                              isfinite(capture->activations[i]) ? "gradients" : "activations");
    for (int64_t j = 0; j < capture->class_count; j++)
        if (!isfinite(capture->logits[j]))
            return sscam_fail(SSCAM_E_MODEL, "the network's output %lld is NaN or infinity", (long long)j);
    return SSCAM_OK;
}

/* Whether a capture's gradients are those of a target, which need not be resolved. */
static int32_t has_gradients_of(const sscam_capture *capture, sscam_target target)
{
    return capture->gradients != NULL &&
           sscam_resolve_target(&target, capture->logits, capture->class_count) == SSCAM_OK &&
           sscam_same_target(&capture->target, &target);
}

static int32_t arrange_alike(const sscam_settings *a, const sscam_settings *b)
{
    const sscam_arrangement_wish own = sscam_arrangement_wish_of(a), other = sscam_arrangement_wish_of(b);
    return own.channel_axis == other.channel_axis && own.grid_height == other.grid_height &&
           own.grid_width == other.grid_width;
}

/* Whether an earlier explanation's capture, of the same input, layer and output, serves this one too. What is captured
 * of a dense output hangs on the class, whose places count. */
static int32_t serves(const sscam_explanation *other, const sscam_explanation *explanation)
{
    const sscam_capture *capture = other->capture;
    int32_t with_gradients = sscam_needs_gradients(explanation->method, explanation->settings);
    if (capture->places != NULL)
        return (!with_gradients || capture->gradients != NULL) && sscam_same_region(other->region, explanation->region) &&
               sscam_same_target(&other->asked, &explanation->asked);
    return !with_gradients || has_gradients_of(capture, explanation->target);
}

/* A capture of an earlier explanation that serves this one too, or NULL. */
static const sscam_capture *find_capture(const common_work *work, const sscam_explanation *explanation)
{
    for (int64_t i = 0; i < work->count; i++) {
        const sscam_explanation *other = &work->explanations[i];
        if (other->capture == NULL || other->input != explanation->input ||
            strcmp(other->layer, explanation->layer) != 0 || !arrange_alike(other->settings, explanation->settings) ||
            strcmp(sscam_output_of(other->settings), sscam_output_of(explanation->settings)) != 0)
            continue;
        if (serves(other, explanation))
            return other->capture;
    }
    return NULL;
}

/* The leader's places as they are in this input. */
static sscam_status mirror_places(const sscam_explanation *explanation, sscam_target *target, sscam_places **mirrored)
{
    if (target->places == NULL || !explanation->is_mirrored)
        return SSCAM_OK;
    sscam_status status = sscam_places_copy(target->places, mirrored);
    if (status != SSCAM_OK)
        return status;
    sscam_places_mirror(*mirrored);
    target->places = *mirrored;
    return SSCAM_OK;
}

/* Boxes and masks mean nothing to outputs that have no places. */
static sscam_status check_region(const sscam_explanation *explanation)
{
    const sscam_region_kind kind = explanation->region->kind;
    if (explanation->capture->places != NULL || kind == SSCAM_REGION_PREDICTED || kind == SSCAM_REGION_ALL)
        return SSCAM_OK;
    return sscam_fail(SSCAM_E_UNSUPPORTED, "option region: the network's output has one value a class, and no places that "
                                           "a %s could choose", kind == SSCAM_REGION_BOX ? "box" : "mask");
}

static sscam_status capture_anew(common_work *work, sscam_explanation *explanation)
{
    sscam_places *mirrored = NULL;
    sscam_capture *capture = &work->captures[work->capture_count];
    sscam_target target = explanation->target;
    sscam_status status = mirror_places(explanation, &target, &mirrored);
    if (status == SSCAM_OK)
        status = sscam_capture_layer(explanation, explanation->input, explanation->layer, &target,
                                     sscam_needs_gradients(explanation->method, explanation->settings), capture);
    sscam_places_destroy(mirrored);
    if (status != SSCAM_OK)
        return status;
    work->capture_count++;
    explanation->capture = capture;
    return check_capture(capture);
}

static sscam_status resolve_target(sscam_explanation *explanation)
{
    const sscam_capture *capture = explanation->capture;
    if (capture->places == NULL)
        return sscam_resolve_target(&explanation->target, capture->logits, capture->class_count);
    explanation->target = capture->target;
    return SSCAM_OK;
}

static sscam_status capture_for(common_work *work, sscam_explanation *explanation)
{
    sscam_status status = SSCAM_OK;
    if (explanation->leader != NULL)
        explanation->target = explanation->leader->target;
    explanation->asked = explanation->target;
    explanation->capture = find_capture(work, explanation);
    if (explanation->capture == NULL)
        status = capture_anew(work, explanation);
    if (status == SSCAM_OK)
        status = check_region(explanation);
    if (status == SSCAM_OK)
        status = resolve_target(explanation);
    if (status != SSCAM_OK)
        return status;
    explanation->weights = sscam_zeros(explanation->capture->channels, sizeof *explanation->weights);
    return explanation->weights != NULL ? SSCAM_OK : sscam_fail_memory("channel weights");
}

/* Captures with gradients come first: they serve explanations that need none, not the reverse. */
static sscam_status capture_all(common_work *work)
{
    sscam_status status = SSCAM_OK;
    for (int32_t with_gradients = 1; with_gradients >= 0; with_gradients--) {
        for (int64_t i = 0; i < work->count && status == SSCAM_OK; i++) {
            sscam_explanation *explanation = &work->explanations[i];
            if (sscam_needs_gradients(explanation->method, explanation->settings) == with_gradients)
                status = capture_for(work, explanation);
        }
    }
    return status;
}

/* --- all together -------------------------------------------------------------------------------- */

static sscam_status weigh_all(const common_work *work, const sscam_progress *progress)
{
    sscam_score_work scoring = {.explanations = work->explanations, .count = work->count};
    sscam_status status = SSCAM_OK;
    scoring.plans = sscam_zeros(work->count, sizeof *scoring.plans);
    scoring.targets = sscam_zeros(work->count, sizeof *scoring.targets);
    if (scoring.plans == NULL || scoring.targets == NULL)
        status = sscam_fail_memory("explanations");
    else
        status = sscam_weigh_all(&scoring, progress);
    free(scoring.plans);
    free(scoring.targets);
    return status;
}

static sscam_status explain(common_work *work, const sscam_progress *progress, sscam_map **maps)
{
    work->captures = sscam_zeros(work->count, sizeof *work->captures);
    if (work->captures == NULL)
        return sscam_fail_memory("explanations");
    sscam_status status = sscam_progress_report(progress, 0.0);
    if (status == SSCAM_OK)
        status = capture_all(work);
    if (status == SSCAM_OK)
        status = weigh_all(work, progress);
    for (int64_t i = 0; i < work->count && status == SSCAM_OK; i++)
        status = sscam_map_combine(&work->explanations[i], &maps[i]);
    return status == SSCAM_OK ? sscam_progress_report(progress, 1.0) : status;
}

static void release(common_work *work)
{
    for (int64_t i = 0; i < work->count; i++) {
        sscam_explanation *explanation = &work->explanations[i];
        free(explanation->weights);
        free(explanation->terms);
        if (explanation->working != NULL)
            explanation->release_working(explanation->working);
    }
    for (int64_t i = 0; i < work->capture_count; i++)
        sscam_capture_release(&work->captures[i]);
    free(work->captures);
}

sscam_status sscam_explain_together(sscam_explanation *explanations, int64_t count, const sscam_progress *progress,
                                    sscam_map **maps)
{
    common_work work = {.explanations = explanations, .count = count};
    sscam_status status = explain(&work, progress, maps);
    release(&work);
    if (status == SSCAM_OK)
        return SSCAM_OK;
    for (int64_t i = 0; i < count; i++) {
        sscam_map_destroy(maps[i]);
        maps[i] = NULL;
    }
    return status;
}
