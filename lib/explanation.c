/* Nothing here asks which method runs. */
#include "explanation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "map_private.h"
#include "sscam/explainer.h"

/* Everything of one call that explanations share. */
typedef struct common_work {
    sscam_explanation *explanations;
    int64_t count;
    sscam_capture *captures; /* [count], as many as capture_count in use */
    int64_t capture_count;
    /* One round of scoring: the plans that differ, and the classes that any explanation asks for. */
    const sscam_mask_plan **plans; /* [count] */
    int64_t plan_count;
    int64_t *classes; /* [count] */
    int64_t class_count;
} common_work;

/* --- capture ------------------------------------------------------------------------------------- */

static sscam_status check_capture(const sscam_capture *capture)
{
    int64_t count = capture->channels * capture->height * capture->width;
    if (count < 1 || capture->height > INT32_MAX || capture->width > INT32_MAX)
        return sscam_fail(SSCAM_E_LAYER, "layer %s: its output %lldx%lldx%lld has no places to map", capture->layer,
                          (long long)capture->channels, (long long)capture->height, (long long)capture->width);
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(capture->activations[i]) || (capture->gradients != NULL && !isfinite(capture->gradients[i])))
            return sscam_fail(SSCAM_E_MODEL, "layer %s: NaN or infinity among its %s", capture->layer,
                              isfinite(capture->activations[i]) ? "gradients" : "activations");
    for (int64_t j = 0; j < capture->class_count; j++)
        if (!isfinite(capture->logits[j]))
            return sscam_fail(SSCAM_E_MODEL, "the network's output %lld is NaN or infinity", (long long)j);
    return SSCAM_OK;
}

static int64_t resolve_class(int64_t class_index, const sscam_capture *capture)
{
    return class_index == SSCAM_CLASS_TOP ? sscam_top_class(capture->logits, capture->class_count) : class_index;
}

static const char *layer_of(const sscam_explanation *explanation)
{
    return explanation->settings->value[SSCAM_OPTION_LAYER].text;
}

/* A capture of an earlier explanation that serves this one too, or NULL. */
static const sscam_capture *find_capture(const common_work *work, const sscam_explanation *explanation)
{
    int32_t with_gradients = sscam_needs_gradients(explanation->method, explanation->settings);
    for (int64_t i = 0; i < work->count; i++) {
        const sscam_explanation *other = &work->explanations[i];
        const sscam_capture *capture = other->capture;
        if (capture == NULL || other->input != explanation->input ||
            strcmp(layer_of(other), layer_of(explanation)) != 0)
            continue;
        if (!with_gradients || (capture->gradients != NULL &&
                                capture->class_index == resolve_class(explanation->class_index, capture)))
            return capture;
    }
    return NULL;
}

static sscam_status capture_anew(common_work *work, sscam_explanation *explanation)
{
    sscam_capture *capture = &work->captures[work->capture_count];
    sscam_capture_request request = {
        .input = explanation->input,
        .layer = layer_of(explanation),
        .class_index = explanation->class_index,
        .want_gradients = sscam_needs_gradients(explanation->method, explanation->settings),
    };
    memcpy(request.shape, explanation->shape, sizeof request.shape);
    sscam_status status = explanation->backend->capture(explanation->network, &request, capture);
    if (status != SSCAM_OK)
        return status;
    work->capture_count++;
    explanation->passes++;
    explanation->capture = capture;
    return check_capture(capture);
}

static sscam_status capture_for(common_work *work, sscam_explanation *explanation)
{
    sscam_status status = SSCAM_OK;
    explanation->capture = find_capture(work, explanation);
    if (explanation->capture == NULL)
        status = capture_anew(work, explanation);
    if (status == SSCAM_OK)
        status = sscam_check_class(explanation->class_index, explanation->capture->class_count);
    if (status != SSCAM_OK)
        return status;
    explanation->class_index = resolve_class(explanation->class_index, explanation->capture);
    explanation->weights = calloc((size_t)explanation->capture->channels, sizeof *explanation->weights);
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

/* --- score --------------------------------------------------------------------------------------- */

static int32_t same_channel(const sscam_mask_channel *a, const sscam_mask_channel *b)
{
    return a->channel == b->channel && a->offset == b->offset && a->gain == b->gain &&
           a->noise_stddev == b->noise_stddev;
}

/* Whether two plans have the same masked inputs. Shared captures make pointers tell. */
static int32_t same_plan(const sscam_mask_plan *a, const sscam_mask_plan *b)
{
    if (a->input != b->input || a->activations != b->activations || a->align_corners != b->align_corners ||
        a->channel_count != b->channel_count || a->samples != b->samples || a->noise_target != b->noise_target ||
        a->seed != b->seed || a->image_index != b->image_index || a->background != b->background)
        return 0;
    for (int64_t i = 0; i < a->channel_count; i++)
        if (!same_channel(&a->channels[i], &b->channels[i]))
            return 0;
    return 1;
}

/* Whether two explanations can be scored by one call of the backend. */
static int32_t score_alike(const sscam_explanation *a, const sscam_explanation *b)
{
    const int32_t options[] = {SSCAM_OPTION_BATCH_SIZE, SSCAM_OPTION_CALIBRATE, SSCAM_OPTION_WORKERS};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (a->settings->value[options[i]].integer != b->settings->value[options[i]].integer)
            return 0;
    return sscam_score_kind_of(a->settings) == sscam_score_kind_of(b->settings);
}

static int32_t awaits_scores(const sscam_explanation *explanation)
{
    return explanation->wanted != NULL && explanation->scores == NULL;
}

static int64_t find_plan(const common_work *work, const sscam_mask_plan *plan)
{
    int64_t i = 0;
    while (i < work->plan_count && !same_plan(work->plans[i], plan))
        i++;
    return i;
}

static int64_t find_class(const common_work *work, int64_t class_index)
{
    int64_t i = 0;
    while (i < work->class_count && work->classes[i] != class_index)
        i++;
    return i;
}

/* Collects plans and classes of all explanations that can be scored together with `first`. */
static void collect_round(common_work *work, const sscam_explanation *first)
{
    work->plan_count = work->class_count = 0;
    for (int64_t i = 0; i < work->count; i++) {
        sscam_explanation *explanation = &work->explanations[i];
        if (!awaits_scores(explanation) || !score_alike(explanation, first))
            continue;
        int64_t plan = find_plan(work, explanation->wanted), class = find_class(work, explanation->class_index);
        if (plan == work->plan_count) {
            work->plans[work->plan_count++] = explanation->wanted;
            explanation->passes += sscam_mask_count(explanation->wanted);
        }
        if (class == work->class_count)
            work->classes[work->class_count++] = explanation->class_index;
    }
}

/* Tells every explanation of the round where its scores are among [class_count][total], and how they came about. */
static void hand_out_scores(common_work *work, const sscam_explanation *first, const sscam_scoring_way *way,
                            const float *scores, int64_t total)
{
    for (int64_t i = 0; i < work->count; i++) {
        sscam_explanation *explanation = &work->explanations[i];
        if (!awaits_scores(explanation) || !score_alike(explanation, first))
            continue;
        int64_t start = 0, own = find_plan(work, explanation->wanted);
        for (int64_t plan = 0; plan < own; plan++)
            start += sscam_mask_count(work->plans[plan]);
        explanation->scores = scores + find_class(work, explanation->class_index) * total + start;
        explanation->scoring_way = *way;
    }
}

static sscam_status weigh(sscam_explanation *explanation)
{
    sscam_status status = explanation->method->weigh(explanation);
    explanation->scores = NULL;
    return status;
}

/* Scores the plans of all explanations that can be scored together with `first`, and lets these go on. */
static sscam_status score_round(common_work *work, sscam_explanation *first, const sscam_progress *progress)
{
    collect_round(work, first);
    const sscam_mask_list masks = {work->plans, work->plan_count};
    int64_t total = sscam_mask_list_count(&masks);
    if ((uint64_t)total > SIZE_MAX / sizeof(float) / (uint64_t)work->class_count)
        return sscam_fail_memory("scores");
    float *scores = malloc((size_t)(total * work->class_count) * sizeof *scores);
    if (scores == NULL)
        return sscam_fail_memory("scores");
    sscam_scoring_way way = {NULL, 0, 0};
    const sscam_score_request request = {.masks = &masks,
                                         .kind = sscam_score_kind_of(first->settings),
                                         .classes = work->classes,
                                         .class_count = work->class_count,
                                         .batch_size = first->settings->value[SSCAM_OPTION_BATCH_SIZE].integer,
                                         .workers = first->settings->value[SSCAM_OPTION_WORKERS].integer,
                                         .calibrate = first->settings->value[SSCAM_OPTION_CALIBRATE].integer == SSCAM_SWITCH_FIRST,
                                         .way = &way,
                                         .progress = progress};
    sscam_status status = first->backend->score(first->network, &request, scores);
    if (status == SSCAM_OK)
        hand_out_scores(work, first, &way, scores, total);
    for (int64_t i = 0; i < work->count && status == SSCAM_OK; i++)
        if (work->explanations[i].scores != NULL)
            status = weigh(&work->explanations[i]);
    free(scores);
    return status;
}

static sscam_explanation *find_waiting(common_work *work)
{
    for (int64_t i = 0; i < work->count; i++)
        if (awaits_scores(&work->explanations[i]))
            return &work->explanations[i];
    return NULL;
}

/* Masked inputs that the explanations want in this turn: the measure of what is left to do. */
static int64_t count_wanted(const common_work *work)
{
    int64_t wanted = 0;
    for (int64_t i = 0; i < work->count; i++)
        if (awaits_scores(&work->explanations[i]))
            wanted += sscam_mask_count(work->explanations[i].wanted);
    return wanted;
}

static sscam_status weigh_all(common_work *work, const sscam_progress *progress)
{
    sscam_status status = SSCAM_OK;
    sscam_explanation *waiting;
    double done = 0.0;
    for (int64_t i = 0; i < work->count && status == SSCAM_OK; i++)
        status = weigh(&work->explanations[i]);
    while (status == SSCAM_OK && (waiting = find_waiting(work)) != NULL) {
        /* A round's share of what is left; a little is kept for a second pass that may follow. */
        double share = 0.98 * (double)sscam_mask_count(waiting->wanted) / (double)count_wanted(work);
        sscam_progress part = sscam_progress_part(progress, done, done + (1.0 - done) * share);
        status = score_round(work, waiting, &part);
        done += (1.0 - done) * share;
    }
    return status;
}

/* --- all together -------------------------------------------------------------------------------- */

static sscam_status explain(common_work *work, const sscam_progress *progress, sscam_map **maps)
{
    work->captures = calloc((size_t)work->count, sizeof *work->captures);
    work->plans = calloc((size_t)work->count, sizeof *work->plans);
    work->classes = calloc((size_t)work->count, sizeof *work->classes);
    if (work->captures == NULL || work->plans == NULL || work->classes == NULL)
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
        if (explanation->working != NULL)
            explanation->release_working(explanation->working);
    }
    for (int64_t i = 0; i < work->capture_count; i++)
        sscam_capture_release(&work->captures[i]);
    free(work->captures);
    free(work->plans);
    free(work->classes);
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
