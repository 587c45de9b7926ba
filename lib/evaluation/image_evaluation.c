#include "evaluation/image_evaluation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "base/statistics.h"
#include "evaluation/evaluated_maps.h"
#include "evaluation/evaluation_run.h"
#include "evaluation/metrics.h"
#include "evaluation/perturbation_curves.h"
#include "explain/detector_reading.h"
#include "explain/explainer_private.h"
#include "explain/map_private.h"
#include "explain/option_values.h"
#include "math/blur.h"

static int64_t class_methods(const sscam_image_evaluation_request *request)
{
    return sscam_times(request->class_count, request->method_count);
}

static int32_t wants_curves(const sscam_evaluation_run *run)
{
    return sscam_run_wants(run, SSCAM_METRIC_INSERTION) ||
           sscam_run_wants(run, SSCAM_METRIC_DELETION);
}

/* Whether there are metrics that take as long as the maps themselves. */
static int32_t explains_again(const sscam_evaluation_run *run)
{
    return sscam_run_wants_coherency(run) || sscam_run_wants(run, SSCAM_METRIC_ROAD) ||
           sscam_run_wants(run, SSCAM_METRIC_INFIDELITY) ||
           sscam_run_wants(run, SSCAM_METRIC_MAX_SENSITIVITY);
}

static int32_t wants_adcc(const sscam_evaluation_run *run)
{
    return sscam_run_wants_coherency(run) || sscam_run_wants(run, SSCAM_METRIC_COMPLEXITY);
}

/* --- the input -------------------------------------------------------------------------------- */

static sscam_status prepare_input(sscam_evaluation_run *run)
{
    const sscam_explainer *explainer = run->request->explainers[0];
    sscam_perturbation *perturbation = &run->perturbation;
    sscam_transform transform;
    sscam_status status = sscam_plan_input(explainer, run->request->image, &transform,
                                           &run->geometry, &perturbation->shape);
    if (status != SSCAM_OK)
        return status;
    run->pixels = sscam_position_count(perturbation->shape.sides);
    run->input = sscam_allocate_array(sscam_times(perturbation->shape.channels, run->pixels),
                                      sizeof *run->input);
    run->inside = sscam_allocate_array(run->pixels, sizeof *run->inside);
    run->order = sscam_allocate_array(run->pixels, sizeof *run->order);
    if (!run->input || !run->inside || !run->order)
        return sscam_fail_memory("an evaluation's input");
    perturbation->backend = explainer->model->backend;
    perturbation->network = explainer->model->network;
    perturbation->input = run->input;
    perturbation->output = sscam_output_of(run->settings);
    perturbation->scoring = sscam_scoring_options_of(run->settings);
    return sscam_preprocess(run->request->image, &transform, &run->geometry, run->input);
}

static sscam_status classify(sscam_evaluation_run *run)
{
    const sscam_perturbation *perturbation = &run->perturbation;
    const sscam_output_selection reading = {
        .output = perturbation->output, .kind = SSCAM_SCORE_LOGIT, .is_dense = &run->is_dense};
    sscam_status status = sscam_progress_check(run->request->progress);
    if (status == SSCAM_OK)
        status = perturbation->backend->classify(perturbation->network, run->input,
                                                 &perturbation->shape, &reading, &run->logits,
                                                 &run->output_count);
    for (int64_t j = 0; j < run->output_count && status == SSCAM_OK; j++)
        if (!isfinite(run->logits[j]))
            status = sscam_fail(SSCAM_E_MODEL, "the network's output %lld is NaN or infinity",
                                (long long)j);
    return status;
}

/* --- classes ---------------------------------------------------------------------------------- */

static int64_t least_class(const float *logits, int64_t count)
{
    int64_t least = 0;
    for (int64_t j = 1; j < count; j++)
        least = logits[j] < logits[least] ? j : least;
    return least;
}

/* Position of a class among those to explain, to which it is added if necessary. */
static int64_t explained_position(sscam_evaluation_run *run, int64_t class_index)
{
    int64_t position = 0;
    while (position < run->out->explained_count && run->explained[position] != class_index)
        position++;
    if (position == run->out->explained_count)
        run->explained[run->out->explained_count++] = class_index;
    return position;
}

/* Adds the two classes that class sensitivity compares. */
/* A map's own pixels of a dense output would be others in the masked input. */
static sscam_status check_coherency(const sscam_evaluation_run *run)
{
    if (run->is_dense && sscam_run_wants_coherency(run) &&
        strcmp(run->settings->value[SSCAM_OPTION_REGION].text, "predicted") == 0)
        return sscam_fail(SSCAM_E_UNSUPPORTED,
                          "metric coherency: in the masked input other pixels are predicted; set "
                          "region to all, or to a box or a mask");
    return SSCAM_OK;
}

static sscam_status add_sensitivity_classes(sscam_evaluation_run *run, int64_t top)
{
    const int32_t region_is_predicted = strcmp(run->settings->value[SSCAM_OPTION_REGION].text,
                                               "predicted") == 0;
    if (!sscam_run_wants(run, SSCAM_METRIC_CLASS_SENSITIVITY))
        return SSCAM_OK;
    if (run->is_dense && region_is_predicted)
        return sscam_fail(SSCAM_E_UNSUPPORTED,
                          "metric class_sensitivity: the least likely class has no pixels with "
                          "region=predicted; set it to all, or to a box or a mask");
    run->top = explained_position(run, top);
    run->least = explained_position(run, least_class(run->logits, run->output_count));
    return SSCAM_OK;
}

/* The ranks of a dense output's classes are resolved when they are explained. */
static sscam_status choose_classes(sscam_evaluation_run *run)
{
    const sscam_image_evaluation_request *request = run->request;
    sscam_image_evaluation *out = run->out;
    int64_t top = run->is_dense ? SSCAM_CLASS_TOP : sscam_top_class(run->logits, run->output_count);
    out->classes = sscam_zeros(request->class_count, sizeof *out->classes);
    run->explained = sscam_zeros(sscam_plus(request->class_count, 2), sizeof *run->explained);
    if (!out->classes || !run->explained)
        return sscam_fail_memory("an evaluation's classes");
    for (int64_t i = 0; i < request->class_count; i++) {
        int64_t wanted = request->classes ? request->classes[i] : SSCAM_CLASS_TOP;
        sscam_status status = sscam_check_class(wanted, run->output_count);
        if (status != SSCAM_OK)
            return status;
        sscam_target target = {.class_index = wanted == SSCAM_CLASS_TOP ? top : wanted};
        if (!run->is_dense)
            status = sscam_resolve_target(&target, run->logits, run->output_count);
        if (status != SSCAM_OK)
            return status;
        out->classes[i] = run->explained[i] = target.class_index;
    }
    out->explained_count = request->class_count;
    sscam_status status = check_coherency(run);
    return status == SSCAM_OK ? add_sensitivity_classes(run, top) : status;
}

/* --- maps ------------------------------------------------------------------------------------- */

static sscam_status explain(sscam_evaluation_run *run, const sscam_progress *progress)
{
    sscam_image_evaluation *out = run->out;
    const sscam_evaluated_input input = {.request = run->request,
                                         .input = run->input,
                                         .shape = run->perturbation.shape,
                                         .geometry = run->geometry,
                                         .classes = run->explained,
                                         .class_count = out->explained_count};
    out->maps = sscam_zeros(sscam_times(run->request->method_count, out->explained_count),
                            sizeof(sscam_map *));
    if (!out->maps)
        return sscam_fail_memory("maps");
    out->map_count = run->request->method_count * out->explained_count;
    if (sscam_run_wants(run, SSCAM_METRIC_SECONDS) ||
        sscam_run_wants(run, SSCAM_METRIC_PEAK_MEMORY)) {
        run->costs = sscam_zeros(run->request->method_count, sizeof *run->costs);
        if (!run->costs)
            return sscam_fail_memory("the costs of methods");
    }
    sscam_status status = sscam_collect_maps(&input, progress, run->costs, out->maps);
    if (status == SSCAM_OK)
        status = sscam_run_cut_maps(run);
    if (status == SSCAM_OK)
        status = sscam_find_targets(run);
    return status == SSCAM_OK ? sscam_find_top_class(run) : status;
}

/* --- average drop and increase ---------------------------------------------------------------- */

/* The maps of the requested classes, [class][method], by which the input is multiplied. `halves`,
 * if not NULL, receives their upper halves, which are used instead. */
static sscam_status choose_masks(sscam_evaluation_run *run, float *halves, const float **masks)
{
    const sscam_image_evaluation_request *request = run->request;
    for (int64_t i = 0; i < request->class_count * request->method_count; i++) {
        masks[i] = sscam_run_data(run, i % request->method_count, i / request->method_count);
        if (!halves)
            continue;
        float *half = halves + i * run->pixels;
        sscam_status status = sscam_salience_order(masks[i], run->pixels, run->order);
        if (status != SSCAM_OK)
            return status;
        sscam_keep_top_half(masks[i], run->order, run->pixels, half);
        masks[i] = half;
    }
    return SSCAM_OK;
}

/* `scores` are [class][class][method]: each class's score of every masked input. */
static void set_drop_and_increase(const sscam_evaluation_run *run, sscam_score_kind kind,
                                  const float *scores)
{
    const sscam_image_evaluation_request *request = run->request;
    const int64_t methods = request->method_count, classes = request->class_count;
    for (int64_t i = 0; i < classes * methods; i++) {
        int64_t class_position = i / methods;
        double masked = scores[class_position * classes * methods + i];
        const sscam_unmasked_scores *unmasked = &run->unmasked[class_position];
        double whole = kind == SSCAM_SCORE_LOGIT ? unmasked->logit : unmasked->probability;
        run->average_drops[i] = sscam_average_drop(whole, masked);
        if (sscam_run_wants(run, SSCAM_METRIC_AVERAGE_DROP))
            sscam_run_set(run, class_position, i % methods, SSCAM_METRIC_AVERAGE_DROP,
                          run->average_drops[i]);
        if (sscam_run_wants(run, SSCAM_METRIC_AVERAGE_INCREASE))
            sscam_run_set(run, class_position, i % methods, SSCAM_METRIC_AVERAGE_INCREASE,
                          sscam_average_increase(whole, masked));
    }
}

static sscam_status measure_drop_and_increase(sscam_evaluation_run *run,
                                              const sscam_progress *progress)
{
    const int64_t classes = run->request->class_count, count = classes * run->request->method_count;
    const int32_t halved = run->settings->value[SSCAM_OPTION_METRIC_MASK].integer ==
                           SSCAM_METRIC_MASK_TOP50;
    if (!sscam_run_wants(run, SSCAM_METRIC_AVERAGE_DROP) &&
        !sscam_run_wants(run, SSCAM_METRIC_AVERAGE_INCREASE) &&
        !sscam_run_wants(run, SSCAM_METRIC_ADCC))
        return SSCAM_OK;
    sscam_perturbation perturbation = run->perturbation;
    if (run->settings->value[SSCAM_OPTION_METRIC_SCORE].integer == SSCAM_METRIC_SCORE_LOGIT)
        perturbation.kind = SSCAM_SCORE_LOGIT;
    float *halves = halved ? sscam_allocate_array(sscam_times(count, run->pixels), sizeof *halves)
                           : NULL;
    float *scores = sscam_allocate_array(sscam_times(count, classes), sizeof *scores);
    const float **masks = sscam_allocate_array(count, sizeof *masks);
    run->average_drops = sscam_allocate_array(count, sizeof *run->average_drops);
    sscam_status status = SSCAM_OK;
    if ((halved && !halves) || !scores || !masks || !run->average_drops)
        status = sscam_fail_memory("masked inputs");
    else
        status = choose_masks(run, halves, masks);
    if (status == SSCAM_OK)
        status = sscam_score_masks(&perturbation, masks, count, run->targets, classes, progress,
                                   scores);
    if (status == SSCAM_OK)
        set_drop_and_increase(run, perturbation.kind, scores);
    free(halves);
    free(scores);
    free(masks);
    return status;
}

/* --- pointing --------------------------------------------------------------------------------- */

static void measure_pointing(const sscam_evaluation_run *run)
{
    const sscam_image_evaluation_request *request = run->request;
    for (int64_t position = 0; position < request->class_count; position++) {
        if (sscam_mark_boxes(&run->geometry, request->boxes, request->box_classes,
                             request->box_count, position, run->inside) == 0)
            continue;
        for (int64_t method = 0; method < request->method_count; method++) {
            const float *map = sscam_run_data(run, method, position);
            if (sscam_run_wants(run, SSCAM_METRIC_ENERGY_POINTING))
                sscam_run_set(run, position, method, SSCAM_METRIC_ENERGY_POINTING,
                              sscam_energy_pointing(map, run->inside, run->pixels));
            if (sscam_run_wants(run, SSCAM_METRIC_POINTING))
                sscam_run_set(run, position, method, SSCAM_METRIC_POINTING,
                              sscam_pointing(map, run->inside, run->pixels));
        }
    }
}

/* --- insertion and deletion ------------------------------------------------------------------- */

static sscam_status measure_curve(sscam_evaluation_run *run, int64_t class_position, int64_t method,
                                  sscam_curve_kind kind, const sscam_progress *progress)
{
    const int32_t metric = kind == SSCAM_CURVE_INSERTION ? SSCAM_METRIC_INSERTION
                                                         : SSCAM_METRIC_DELETION;
    if (!sscam_run_wants(run, metric))
        return SSCAM_OK;
    sscam_perturbation perturbation = run->perturbation;
    if (kind == SSCAM_CURVE_INSERTION &&
        run->settings->value[SSCAM_OPTION_METRIC_INSERTION].integer == SSCAM_METRIC_INSERTION_BLUR)
        perturbation.background = run->blurred;
    int64_t at = (class_position * run->request->method_count + method) * SSCAM_CURVES + kind;
    double *points = run->out->curves + at * run->out->curve_points;
    sscam_status status = sscam_score_curve(&perturbation, run->order, kind, run->steps,
                                            &run->targets[class_position], progress, points);
    if (status == SSCAM_OK)
        sscam_run_set(run, class_position, method, metric,
                      sscam_area_under(points, run->steps, run->pixels));
    return status;
}

static sscam_status prepare_curves(sscam_evaluation_run *run)
{
    const sscam_image_evaluation_request *request = run->request;
    const sscam_shape *shape = &run->perturbation.shape;
    run->out->curves = sscam_zeros(sscam_times(class_methods(request), SSCAM_CURVES),
                                   run->out->curve_points * sizeof(double));
    run->blurred = sscam_allocate_array(sscam_times(shape->channels, run->pixels),
                                        sizeof *run->blurred);
    if (!run->out->curves || !run->blurred)
        return sscam_fail_memory("insertion and deletion");
    return sscam_blur(run->input, shape->channels, shape->sides.height, shape->sides.width,
                      run->blurred);
}

static sscam_status measure_curves(sscam_evaluation_run *run, const sscam_progress *progress)
{
    const sscam_image_evaluation_request *request = run->request;
    const int64_t count = request->class_count * request->method_count;
    if (!wants_curves(run))
        return SSCAM_OK;
    sscam_status status = prepare_curves(run);
    for (int64_t i = 0; i < count && status == SSCAM_OK; i++) {
        int64_t position = i / request->method_count, method = i % request->method_count;
        status = sscam_salience_order(sscam_run_data(run, method, position), run->pixels,
                                      run->order);
        for (int kind = 0; kind < SSCAM_CURVES && status == SSCAM_OK; kind++) {
            double start = ((double)i + 0.5 * kind) / (double)count;
            sscam_progress part = sscam_progress_part(progress, start, start + 0.5 / (double)count);
            status = measure_curve(run, position, method, (sscam_curve_kind)kind, &part);
        }
    }
    return status;
}

/* --- class sensitivity ------------------------------------------------------------------------ */

/* The map of one of the two classes, which a method from outside may have among the requested
 * classes; NULL: it has none. */
static const float *map_of_class(const sscam_evaluation_run *run, int64_t method, int64_t explained,
                                 int64_t class_index)
{
    if (!sscam_maps_are_given(run->request, method))
        return sscam_run_data(run, method, explained);
    for (int64_t i = 0; i < run->request->class_count; i++)
        if (run->out->classes[i] == class_index)
            return sscam_run_data(run, method, i);
    return NULL;
}

static void measure_sensitivity(const sscam_evaluation_run *run)
{
    const sscam_image_evaluation_request *request = run->request;
    if (!sscam_run_wants(run, SSCAM_METRIC_CLASS_SENSITIVITY))
        return;
    for (int64_t method = 0; method < request->method_count; method++) {
        double correlation = NAN; /* a network with one output has no second class */
        const float *top = map_of_class(run, method, run->top, run->top_class);
        const float *least = map_of_class(run, method, run->least, run->explained[run->least]);
        if (!top || !least)
            continue; /* from outside, of other classes */
        if (run->top_class != run->explained[run->least])
            correlation = sscam_correlation(top, least, run->pixels);
        for (int64_t position = 0; position < request->class_count; position++)
            sscam_run_set(run, position, method, SSCAM_METRIC_CLASS_SENSITIVITY, correlation);
    }
}

/* --- cost ------------------------------------------------------------------------------------- */

static void set_costs(const sscam_evaluation_run *run, int64_t position, int64_t method)
{
    static const double mebibyte = 1 << 20;
    const sscam_method_cost *cost = run->costs ? &run->costs[method] : NULL;
    if (sscam_run_wants(run, SSCAM_METRIC_PASSES))
        sscam_run_set(run, position, method, SSCAM_METRIC_PASSES,
                      (double)sscam_run_map(run, method, position)->passes);
    if (sscam_run_wants(run, SSCAM_METRIC_SECONDS))
        sscam_run_set(run, position, method, SSCAM_METRIC_SECONDS, cost->seconds);
    if (sscam_run_wants(run, SSCAM_METRIC_PEAK_MEMORY) && cost->memory_bytes > 0)
        sscam_run_set(run, position, method, SSCAM_METRIC_PEAK_MEMORY,
                      (double)cost->memory_bytes / mebibyte);
}

static void measure_costs(const sscam_evaluation_run *run)
{
    const sscam_image_evaluation_request *request = run->request;
    for (int64_t i = 0; i < request->class_count * request->method_count; i++)
        if (!sscam_maps_are_given(request, i % request->method_count))
            set_costs(run, i / request->method_count, i % request->method_count);
}

/* --- all metrics ------------------------------------------------------------------------------ */

static sscam_status measure(sscam_evaluation_run *run)
{
    const sscam_image_evaluation_request *request = run->request;
    const sscam_progress *whole = request->progress;
    sscam_status status = prepare_input(run);
    if (status == SSCAM_OK)
        status = sscam_refuse_detector(request->explainers[0], run->input, &run->perturbation.shape,
                                       whole, "sscam_evaluation_add");
    if (status == SSCAM_OK)
        status = classify(run);
    if (status == SSCAM_OK)
        status = choose_classes(run);
    if (status != SSCAM_OK)
        return status;
    run->out->values = sscam_zeros(sscam_times(class_methods(request), SSCAM_METRIC_LIMIT),
                                   sizeof *run->out->values);
    if (!run->out->values)
        return sscam_fail_memory("an evaluation's values");
    /* Curves take as long as a method that scores masked inputs, and so does explaining the masked
     * input; the rest takes little. */
    const double maps_done = wants_curves(run) || explains_again(run) ? 0.5 : 0.95,
                 masked_done = maps_done + 0.04,
                 curves_done = !explains_again(run) ? 1.0
                               : wants_curves(run)  ? 0.77
                                                    : masked_done;
    const sscam_progress maps = sscam_progress_part(whole, 0.0, maps_done),
                         masked = sscam_progress_part(whole, maps_done, masked_done),
                         curves = sscam_progress_part(whole, masked_done, curves_done),
                         again = sscam_progress_part(whole, curves_done, 1.0),
                         road = sscam_progress_part(&again, 0.0, 0.3),
                         adcc = sscam_progress_part(&again, 0.3, 0.6),
                         sensitivity = sscam_progress_part(&again, 0.6, 1.0);
    status = explain(run, &maps);
    if (status == SSCAM_OK)
        status = measure_drop_and_increase(run, &masked);
    if (status == SSCAM_OK)
        status = measure_curves(run, &curves);
    if (status == SSCAM_OK)
        status = sscam_measure_road(run, &road);
    if (status == SSCAM_OK && wants_adcc(run))
        status = sscam_measure_adcc(run, &adcc);
    if (status == SSCAM_OK)
        status = sscam_measure_sensitivity(run, &sensitivity);
    if (status != SSCAM_OK)
        return status;
    measure_pointing(run);
    measure_sensitivity(run);
    measure_costs(run);
    return sscam_progress_report(whole, 1.0);
}

sscam_status sscam_evaluate_image(const sscam_image_evaluation_request *request,
                                  sscam_image_evaluation *out)
{
    memset(out, 0, sizeof *out);
    sscam_evaluation_run run = {
        .request = request, .settings = &request->explainers[0]->settings, .out = out};
    run.steps = run.settings->value[SSCAM_OPTION_METRIC_STEPS].integer;
    run.perturbation.kind = sscam_probability_kind(run.settings);
    out->curve_points = run.steps + 1;
    out->class_count = request->class_count;
    sscam_status status = sscam_metrics_parse(run.settings->value[SSCAM_OPTION_METRICS].text,
                                              &out->metrics);
    if (status == SSCAM_OK)
        status = measure(&run);
    free(run.input);
    free(run.blurred);
    free(run.logits);
    free(run.explained);
    for (int64_t i = 0; i < request->class_count && run.unmasked; i++)
        sscam_target_pixels_destroy(run.unmasked[i].target_pixels);
    free(run.unmasked);
    free(run.targets);
    free(run.average_drops);
    free(run.roads);
    free(run.costs);
    free(run.cut_maps);
    free(run.order);
    free(run.inside);
    if (status != SSCAM_OK)
        sscam_image_evaluation_release(out);
    return status;
}

void sscam_image_evaluation_release(sscam_image_evaluation *evaluation)
{
    for (int64_t i = 0; i < evaluation->map_count; i++)
        sscam_map_unref(evaluation->maps[i]);
    free(evaluation->maps);
    free(evaluation->classes);
    free(evaluation->values);
    free(evaluation->curves);
    memset(evaluation, 0, sizeof *evaluation);
}
