#include "evaluation/image_evaluation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "evaluation/blur.h"
#include "evaluation/metrics.h"
#include "evaluation/perturbation_curves.h"
#include "explain/explainer_private.h"
#include "explain/map_private.h"

/* An image on its way to a judgement. */
typedef struct judging {
    const sscam_image_evaluation_request *request;
    const sscam_settings *settings; /* of the first explainer: the others agree where it matters */
    sscam_geometry geometry;
    sscam_perturbation masking;
    int64_t pixels; /* of the input: H x W */
    int64_t steps;
    float *input, *blurred, *logits;
    int64_t output_count;
    int32_t is_dense;      /* the outputs have places: what is scored hangs on each class's own */
    int64_t *explained;    /* classes: those asked for, then what class sensitivity needs */
    int64_t top, least;    /* positions in `explained` */
    sscam_target *targets; /* [class_count] the classes asked for, with their places */
    int32_t *order;        /* [pixels] */
    uint8_t *inside;       /* [pixels] */
    sscam_image_evaluation *out;
} judging;

static int64_t class_methods(const sscam_image_evaluation_request *request)
{
    return sscam_times((int64_t)request->class_count, (int64_t)request->method_count);
}

static int32_t wants(const judging *judging, int32_t metric)
{
    return (judging->out->metrics & SSCAM_METRIC_BIT(metric)) != 0;
}

static int32_t wants_curves(const judging *judging)
{
    return wants(judging, SSCAM_METRIC_INSERTION) || wants(judging, SSCAM_METRIC_DELETION);
}

static sscam_map *map_of(const judging *judging, size_t method, size_t explained)
{
    return judging->out->maps[method * judging->out->explained_count + explained];
}

static void set_value(const judging *judging, size_t class_position, size_t method, int32_t metric,
                      double value)
{
    size_t at = class_position * judging->request->method_count + method;
    judging->out->values[at * SSCAM_METRIC_LIMIT + (size_t)metric] = (sscam_metric_value){
        .value = value, .state = isnan(value) ? SSCAM_VALUE_UNDEFINED : SSCAM_VALUE_DEFINED};
}

/* --- the input -------------------------------------------------------------------------------- */

static sscam_status prepare_input(judging *judging)
{
    const sscam_explainer *explainer = judging->request->explainers[0];
    sscam_perturbation *masking = &judging->masking;
    sscam_transform transform;
    sscam_status status = sscam_plan_input(explainer, judging->request->image, &transform,
                                           &judging->geometry, &masking->shape);
    if (status != SSCAM_OK)
        return status;
    judging->pixels = sscam_position_count(masking->shape.sides);
    judging->input = sscam_array(sscam_times(masking->shape.channels, judging->pixels),
                                 sizeof *judging->input);
    judging->inside = sscam_array(judging->pixels, sizeof *judging->inside);
    judging->order = sscam_array(judging->pixels, sizeof *judging->order);
    if (judging->input == NULL || judging->inside == NULL || judging->order == NULL)
        return sscam_fail_memory("an evaluation's input");
    masking->backend = explainer->model->backend;
    masking->network = explainer->model->network;
    masking->input = judging->input;
    masking->output = sscam_output_of(judging->settings);
    masking->scoring = sscam_scoring_options_of(judging->settings);
    return sscam_preprocess(judging->request->image, &transform, &judging->geometry,
                            judging->input);
}

static sscam_status classify(judging *judging)
{
    const sscam_perturbation *masking = &judging->masking;
    const sscam_output_selection reading = {
        .output = masking->output, .kind = SSCAM_SCORE_LOGIT, .is_dense = &judging->is_dense};
    sscam_status status = masking->backend->classify(masking->network, judging->input,
                                                     &masking->shape, &reading, &judging->logits,
                                                     &judging->output_count);
    for (int64_t j = 0; j < judging->output_count && status == SSCAM_OK; j++)
        if (!isfinite(judging->logits[j]))
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

/* Position of a class among those to be explained; it is added when it is not there. */
static int64_t explained_position(judging *judging, int64_t class_index)
{
    size_t position = 0;
    while (position < judging->out->explained_count && judging->explained[position] != class_index)
        position++;
    if (position == judging->out->explained_count)
        judging->explained[judging->out->explained_count++] = class_index;
    return (int64_t)position;
}

/* Two classes more, for class sensitivity. */
static sscam_status choose_opposites(judging *judging, int64_t top)
{
    const int32_t kind_is_predicted = strcmp(judging->settings->value[SSCAM_OPTION_REGION].text,
                                             "predicted") == 0;
    if (!wants(judging, SSCAM_METRIC_CLASS_SENSITIVITY))
        return SSCAM_OK;
    if (judging->is_dense && kind_is_predicted)
        return sscam_fail(SSCAM_E_UNSUPPORTED,
                          "metric class_sensitivity: the least likely class has no places with "
                          "region=predicted; set it to all, or to a box or a mask");
    judging->top = explained_position(judging, top);
    judging->least = explained_position(judging,
                                        least_class(judging->logits, judging->output_count));
    return SSCAM_OK;
}

/* Ranks among the classes of a dense output are known once they are explained. */
static sscam_status choose_classes(judging *judging)
{
    const sscam_image_evaluation_request *request = judging->request;
    sscam_image_evaluation *out = judging->out;
    int64_t top = judging->is_dense ? SSCAM_CLASS_TOP
                                    : sscam_top_class(judging->logits, judging->output_count);
    out->classes = sscam_zeros((int64_t)request->class_count, sizeof *out->classes);
    judging->explained = sscam_zeros(sscam_plus((int64_t)request->class_count, 2),
                                     sizeof *judging->explained);
    if (out->classes == NULL || judging->explained == NULL)
        return sscam_fail_memory("an evaluation's classes");
    for (size_t i = 0; i < request->class_count; i++) {
        int64_t wanted = request->classes != NULL ? request->classes[i] : SSCAM_CLASS_TOP;
        sscam_status status = sscam_check_class(wanted, judging->output_count);
        if (status != SSCAM_OK)
            return status;
        out->classes[i] = judging->explained[i] = wanted == SSCAM_CLASS_TOP ? top : wanted;
    }
    out->explained_count = request->class_count;
    return choose_opposites(judging, top);
}

/* --- maps ------------------------------------------------------------------------------------- */

/* What the classes asked for are scored by, as their maps tell. */
static sscam_status find_targets(judging *judging)
{
    const size_t count = judging->request->class_count;
    judging->targets = sscam_zeros((int64_t)count, sizeof *judging->targets);
    if (judging->targets == NULL)
        return sscam_fail_memory("an evaluation's classes");
    for (size_t i = 0; i < count; i++) {
        const sscam_map *map = map_of(judging, 0, i);
        judging->out->classes[i] = map->class_index;
        judging->targets[i] = (sscam_target){.kind = SSCAM_TARGET_CLASS,
                                             .class_index = map->class_index,
                                             .other_index = -1,
                                             .target_pixels = map->target_pixels};
    }
    return SSCAM_OK;
}

static sscam_status explain(judging *judging, const sscam_progress *progress)
{
    const sscam_image_evaluation_request *request = judging->request;
    sscam_image_evaluation *out = judging->out;
    out->maps = sscam_zeros(
        sscam_times((int64_t)request->method_count, (int64_t)out->explained_count),
        sizeof(sscam_map *));
    if (out->maps == NULL)
        return sscam_fail_memory("maps");
    out->map_count = request->method_count * out->explained_count;
    sscam_status status = sscam_explain_input(request->explainers, (int64_t)request->method_count,
                                              judging->input, &judging->masking.shape,
                                              judging->explained, (int64_t)out->explained_count,
                                              progress, out->maps);
    for (size_t i = 0; i < out->map_count && status == SSCAM_OK; i++) {
        out->maps[i]->from_image = 1;
        out->maps[i]->geometry = judging->geometry;
    }
    return status == SSCAM_OK ? find_targets(judging) : status;
}

/* --- average drop and increase ---------------------------------------------------------------- */

/* What the input is multiplied with: the maps of the classes asked for, [class][method]. `halves`
 * has room for all when only the upper half of each map is to be kept. */
static sscam_status choose_masks(judging *judging, float *halves, const float **masks)
{
    const sscam_image_evaluation_request *request = judging->request;
    for (size_t i = 0; i < request->class_count * request->method_count; i++) {
        masks[i] = map_of(judging, i % request->method_count, i / request->method_count)->data;
        if (halves == NULL)
            continue;
        float *half = halves + i * (size_t)judging->pixels;
        sscam_status status = sscam_salience_order(masks[i], judging->pixels, judging->order);
        if (status != SSCAM_OK)
            return status;
        sscam_keep_top_half(masks[i], judging->order, judging->pixels, half);
        masks[i] = half;
    }
    return SSCAM_OK;
}

/* `scores` are [class][class][method]: each class's score of every masked input. */
static void set_drop_and_increase(const judging *judging, sscam_score_kind kind,
                                  const float *scores)
{
    const sscam_image_evaluation_request *request = judging->request;
    const size_t methods = request->method_count, classes = request->class_count;
    for (size_t i = 0; i < classes * methods; i++) {
        size_t class_position = i / methods;
        double masked = scores[class_position * classes * methods + i];
        const sscam_map *map = map_of(judging, 0, class_position);
        double whole = kind == SSCAM_SCORE_LOGIT ? map->logit : map->probability;
        if (wants(judging, SSCAM_METRIC_AVERAGE_DROP))
            set_value(judging, class_position, i % methods, SSCAM_METRIC_AVERAGE_DROP,
                      sscam_average_drop(whole, masked));
        if (wants(judging, SSCAM_METRIC_AVERAGE_INCREASE))
            set_value(judging, class_position, i % methods, SSCAM_METRIC_AVERAGE_INCREASE,
                      sscam_average_increase(whole, masked));
    }
}

static sscam_status judge_masked(judging *judging, const sscam_progress *progress)
{
    const size_t classes = judging->request->class_count,
                 count = classes * judging->request->method_count;
    const int32_t halved = judging->settings->value[SSCAM_OPTION_METRIC_MASK].integer ==
                           SSCAM_METRIC_MASK_TOP50;
    if (!wants(judging, SSCAM_METRIC_AVERAGE_DROP) &&
        !wants(judging, SSCAM_METRIC_AVERAGE_INCREASE))
        return SSCAM_OK;
    sscam_perturbation masking = judging->masking;
    if (judging->settings->value[SSCAM_OPTION_METRIC_SCORE].integer == SSCAM_METRIC_SCORE_LOGIT)
        masking.kind = SSCAM_SCORE_LOGIT;
    float *halves = halved
                        ? sscam_array(sscam_times((int64_t)count, judging->pixels), sizeof *halves)
                        : NULL;
    float *scores = sscam_array(sscam_times((int64_t)count, (int64_t)classes), sizeof *scores);
    const float **masks = sscam_array((int64_t)count, sizeof *masks);
    sscam_status status = SSCAM_OK;
    if ((halved && halves == NULL) || scores == NULL || masks == NULL)
        status = sscam_fail_memory("masked inputs");
    else
        status = choose_masks(judging, halves, masks);
    if (status == SSCAM_OK)
        status = sscam_score_masks(&masking, masks, (int64_t)count, judging->targets,
                                   (int64_t)classes, progress, scores);
    if (status == SSCAM_OK)
        set_drop_and_increase(judging, masking.kind, scores);
    free(halves);
    free(scores);
    free(masks);
    return status;
}

/* --- pointing --------------------------------------------------------------------------------- */

static void judge_pointing(const judging *judging)
{
    const sscam_image_evaluation_request *request = judging->request;
    for (size_t position = 0; position < request->class_count; position++) {
        if (sscam_mark_boxes(&judging->geometry, request->boxes, request->box_classes,
                             request->box_count, position, judging->inside) == 0)
            continue;
        for (size_t method = 0; method < request->method_count; method++) {
            const float *map = map_of(judging, method, position)->data;
            if (wants(judging, SSCAM_METRIC_ENERGY_POINTING))
                set_value(judging, position, method, SSCAM_METRIC_ENERGY_POINTING,
                          sscam_energy_pointing(map, judging->inside, judging->pixels));
            if (wants(judging, SSCAM_METRIC_POINTING))
                set_value(judging, position, method, SSCAM_METRIC_POINTING,
                          sscam_pointing(map, judging->inside, judging->pixels));
        }
    }
}

/* --- insertion and deletion ------------------------------------------------------------------- */

static sscam_status judge_curve(judging *judging, size_t class_position, size_t method,
                                sscam_curve_kind kind, const sscam_progress *progress)
{
    const int32_t metric = kind == SSCAM_CURVE_INSERTION ? SSCAM_METRIC_INSERTION
                                                         : SSCAM_METRIC_DELETION;
    if (!wants(judging, metric))
        return SSCAM_OK;
    sscam_perturbation masking = judging->masking;
    if (kind == SSCAM_CURVE_INSERTION)
        masking.background = judging->blurred;
    size_t at = (class_position * judging->request->method_count + method) * SSCAM_CURVES +
                (size_t)kind;
    double *points = judging->out->curves + at * judging->out->curve_points;
    sscam_status status = sscam_score_curve(&masking, judging->order, kind, judging->steps,
                                            &judging->targets[class_position], progress, points);
    if (status == SSCAM_OK)
        set_value(judging, class_position, method, metric,
                  sscam_area_under(points, judging->steps, judging->pixels));
    return status;
}

static sscam_status prepare_curves(judging *judging)
{
    const sscam_image_evaluation_request *request = judging->request;
    const sscam_shape *shape = &judging->masking.shape;
    judging->out->curves = sscam_zeros(sscam_times(class_methods(request), SSCAM_CURVES),
                                       judging->out->curve_points * sizeof(double));
    judging->blurred = sscam_array(sscam_times(shape->channels, judging->pixels),
                                   sizeof *judging->blurred);
    if (judging->out->curves == NULL || judging->blurred == NULL)
        return sscam_fail_memory("insertion and deletion");
    return sscam_blur(judging->input, shape->channels, shape->sides.height, shape->sides.width,
                      judging->blurred);
}

static sscam_status judge_curves(judging *judging, const sscam_progress *progress)
{
    const sscam_image_evaluation_request *request = judging->request;
    const size_t count = request->class_count * request->method_count;
    if (!wants_curves(judging))
        return SSCAM_OK;
    sscam_status status = prepare_curves(judging);
    for (size_t i = 0; i < count && status == SSCAM_OK; i++) {
        size_t position = i / request->method_count, method = i % request->method_count;
        status = sscam_salience_order(map_of(judging, method, position)->data, judging->pixels,
                                      judging->order);
        for (int kind = 0; kind < SSCAM_CURVES && status == SSCAM_OK; kind++) {
            double start = ((double)i + 0.5 * kind) / (double)count;
            sscam_progress part = sscam_progress_part(progress, start, start + 0.5 / (double)count);
            status = judge_curve(judging, position, method, (sscam_curve_kind)kind, &part);
        }
    }
    return status;
}

/* --- class sensitivity ------------------------------------------------------------------------ */

static void judge_sensitivity(const judging *judging)
{
    const sscam_image_evaluation_request *request = judging->request;
    if (!wants(judging, SSCAM_METRIC_CLASS_SENSITIVITY))
        return;
    for (size_t method = 0; method < request->method_count; method++) {
        double correlation = NAN; /* a network with one output has no second class */
        const sscam_map *top = map_of(judging, method, (size_t)judging->top);
        const sscam_map *least = map_of(judging, method, (size_t)judging->least);
        if (top->class_index != least->class_index)
            correlation = sscam_correlation(top->data, least->data, judging->pixels);
        for (size_t position = 0; position < request->class_count; position++)
            set_value(judging, position, method, SSCAM_METRIC_CLASS_SENSITIVITY, correlation);
    }
}

/* --- all of it -------------------------------------------------------------------------------- */

static sscam_status judge(judging *judging)
{
    const sscam_image_evaluation_request *request = judging->request;
    const sscam_progress whole = sscam_explainers_progress(request->explainers,
                                                           (int64_t)request->method_count);
    sscam_status status = prepare_input(judging);
    if (status == SSCAM_OK)
        status = classify(judging);
    if (status == SSCAM_OK)
        status = choose_classes(judging);
    if (status != SSCAM_OK)
        return status;
    judging->out->values = sscam_zeros(sscam_times(class_methods(request), SSCAM_METRIC_LIMIT),
                                       sizeof *judging->out->values);
    if (judging->out->values == NULL)
        return sscam_fail_memory("an evaluation's values");
    /* Curves take as long as a scoring method; the rest is little. */
    const double maps_done = wants_curves(judging) ? 0.5 : 0.95, masked_done = maps_done + 0.04;
    const sscam_progress maps = sscam_progress_part(&whole, 0.0, maps_done),
                         masked = sscam_progress_part(&whole, maps_done, masked_done),
                         curves = sscam_progress_part(&whole, masked_done, 1.0);
    status = explain(judging, &maps);
    if (status == SSCAM_OK)
        status = judge_masked(judging, &masked);
    if (status == SSCAM_OK)
        status = judge_curves(judging, &curves);
    if (status != SSCAM_OK)
        return status;
    judge_pointing(judging);
    judge_sensitivity(judging);
    return sscam_progress_report(&whole, 1.0);
}

sscam_status sscam_evaluate_image(const sscam_image_evaluation_request *request,
                                  sscam_image_evaluation *out)
{
    memset(out, 0, sizeof *out);
    judging judging = {
        .request = request, .settings = &request->explainers[0]->settings, .out = out};
    judging.steps = judging.settings->value[SSCAM_OPTION_METRIC_STEPS].integer;
    judging.masking.kind = sscam_probability_kind(judging.settings);
    out->curve_points = (size_t)judging.steps + 1;
    out->class_count = request->class_count;
    sscam_status status = sscam_metrics_parse(judging.settings->value[SSCAM_OPTION_METRICS].text,
                                              &out->metrics);
    if (status == SSCAM_OK)
        status = judge(&judging);
    free(judging.input);
    free(judging.blurred);
    free(judging.logits);
    free(judging.explained);
    free(judging.targets);
    free(judging.order);
    free(judging.inside);
    if (status != SSCAM_OK)
        sscam_image_evaluation_release(out);
    return status;
}

void sscam_image_evaluation_release(sscam_image_evaluation *judgement)
{
    for (size_t i = 0; i < judgement->map_count; i++)
        sscam_map_destroy(judgement->maps[i]);
    free(judgement->maps);
    free(judgement->classes);
    free(judgement->values);
    free(judgement->curves);
    memset(judgement, 0, sizeof *judgement);
}
