/* What the classes of an evaluation are scored by. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "evaluation/evaluated_maps.h"
#include "evaluation/evaluation_run.h"
#include "explain/explainer_private.h"
#include "explain/map_private.h"
#include "explain/option_values.h"
#include "options/region_option.h"

static void set_target(sscam_evaluation_run *run, int64_t position, int64_t class_index,
                       const sscam_target_pixels *pixels)
{
    run->out->classes[position] = class_index;
    run->targets[position] = (sscam_target){.kind = SSCAM_TARGET_CLASS,
                                            .class_index = class_index,
                                            .other_index = -1,
                                            .target_pixels = pixels};
}

/* What a class is scored by, as the map of an explainer has resolved it. */
static void take_target(sscam_evaluation_run *run, int64_t position, const sscam_map *map)
{
    set_target(run, position, map->class_index, map->target_pixels);
    run->unmasked[position] = (sscam_unmasked_scores){.logit = map->logit,
                                                      .probability = map->probability};
}

/* The class and the pixels of a dense output, without a map. The caller releases the capture. */
static sscam_status capture_class(const sscam_evaluation_run *run, int64_t class_index,
                                  sscam_capture *capture)
{
    const sscam_explainer *explainer = run->request->explainers[0];
    const sscam_perturbation *perturbation = &run->perturbation;
    sscam_region region;
    sscam_status status = sscam_region_of(run->settings, explainer->region_mask,
                                          explainer->region_height, explainer->region_width,
                                          &region);
    const sscam_capture_request request = {
        .input = run->input,
        .shape = perturbation->shape,
        .output = perturbation->output,
        .target = {.kind = SSCAM_TARGET_CLASS, .class_index = class_index, .other_index = -1},
        .region = &region};
    memset(capture, 0, sizeof *capture);
    if (status == SSCAM_OK)
        status = perturbation->backend->capture(perturbation->network, &request, capture);
    if (status != SSCAM_OK)
        return status;
    class_index = capture->target.class_index;
    if (isfinite(capture->logits[class_index]))
        return SSCAM_OK;
    sscam_capture_release(capture);
    return sscam_fail(SSCAM_E_MODEL, "the network's output %" PRId64 " is NaN or infinity",
                      class_index);
}

/* take_target() for a dense output without a map. */
static sscam_status capture_target(sscam_evaluation_run *run, int64_t position)
{
    sscam_capture capture;
    sscam_status status = capture_class(run, run->explained[position], &capture);
    if (status != SSCAM_OK)
        return status;
    const int64_t class_index = capture.target.class_index;
    run->unmasked[position] = (sscam_unmasked_scores){
        .logit = capture.logits[class_index],
        .probability = capture.probabilities[class_index],
        .target_pixels = capture.target_pixels};
    capture.target_pixels->factor = 1.0; /* means, whatever the option `reduction` says */
    set_target(run, position, class_index, capture.target_pixels);
    capture.target_pixels = NULL;
    sscam_capture_release(&capture);
    return SSCAM_OK;
}

static sscam_status compute_target(sscam_evaluation_run *run, int64_t position)
{
    if (run->is_dense)
        return capture_target(run, position);
    const int64_t class_index = run->explained[position];
    set_target(run, position, class_index, NULL);
    run->unmasked[position] = (sscam_unmasked_scores){
        .logit = run->logits[class_index],
        .probability = sscam_score_of(run->logits, run->output_count, class_index,
                                      sscam_probability_kind(run->settings))};
    return SSCAM_OK;
}

/* The first method that is explained; method_count: none. */
static int64_t explained_method(const sscam_evaluation_run *run)
{
    int64_t method = 0;
    while (method < run->request->method_count && sscam_maps_are_given(run->request, method))
        method++;
    return method;
}

sscam_status sscam_find_targets(sscam_evaluation_run *run)
{
    const sscam_image_evaluation_request *request = run->request;
    const int64_t method = explained_method(run);
    run->targets = sscam_zeros(request->class_count, sizeof *run->targets);
    run->unmasked = sscam_zeros(request->class_count, sizeof *run->unmasked);
    if (!run->targets || !run->unmasked)
        return sscam_fail_memory("an evaluation's classes");
    sscam_status status = SSCAM_OK;
    for (int64_t i = 0; i < request->class_count && status == SSCAM_OK; i++) {
        if (method < request->method_count)
            take_target(run, i, sscam_run_map(run, method, i));
        else
            status = compute_target(run, i);
    }
    return status;
}

sscam_status sscam_find_top_class(sscam_evaluation_run *run)
{
    const int64_t method = explained_method(run);
    if (!sscam_run_wants(run, SSCAM_METRIC_CLASS_SENSITIVITY))
        return SSCAM_OK;
    run->top_class = run->explained[run->top];
    if (method < run->request->method_count)
        run->top_class = sscam_run_map(run, method, run->top)->class_index;
    if (run->top_class >= 0)
        return SSCAM_OK;
    sscam_capture capture;
    sscam_status status = capture_class(run, run->top_class, &capture);
    if (status != SSCAM_OK)
        return status;
    run->top_class = capture.target.class_index;
    sscam_capture_release(&capture);
    return SSCAM_OK;
}
