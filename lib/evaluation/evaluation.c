#include "sscam/evaluation.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "base/public_struct.h"
#include "base/reference_count.h"
#include "evaluation/bootstrap.h"
#include "evaluation/image_evaluation.h"
#include "evaluation/perturbation_curves.h"
#include "explain/call.h"
#include "explain/explainer_private.h"

static const int32_t curve_metrics[SSCAM_CURVES] = {
    [SSCAM_CURVE_INSERTION] = SSCAM_METRIC_INSERTION,
    [SSCAM_CURVE_DELETION] = SSCAM_METRIC_DELETION};

struct sscam_evaluation {
    sscam_reference_count references;
    sscam_explainer **explainers; /* one reference each; NULL: only known values are added */
    int64_t method_count, case_count, case_capacity;
    int64_t *classes;           /* [case_capacity] */
    sscam_metric_value *values; /* [case_capacity][method_count][SSCAM_METRIC_LIMIT] */
    double *curves;             /* sums over cases, [method_count][SSCAM_CURVES][curve_points] */
    int64_t curve_points, curve_cases[SSCAM_CURVES];
    sscam_image_evaluation last; /* of the image added last; owns its maps */
};

/* --- creation --------------------------------------------------------------------------------- */

static sscam_status check_explainers(sscam_explainer *const *explainers, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        if (!explainers[i])
            return sscam_fail(SSCAM_E_ARGUMENT,
                              "sscam_evaluation_create: explainer %" PRId64 " is NULL", i);
        if (explainers[i]->given_model != explainers[0]->given_model)
            return sscam_fail(SSCAM_E_ARGUMENT,
                              "sscam_evaluation_create: explainer %" PRId64
                              " is of another model than explainer 0",
                              i);
    }
    return SSCAM_OK;
}

static sscam_status copy_explainers(sscam_explainer *const *explainers,
                                    sscam_evaluation *evaluation)
{
    evaluation->explainers = sscam_allocate_array(evaluation->method_count,
                                                  sizeof(sscam_explainer *));
    if (!evaluation->explainers)
        return sscam_fail_memory("an evaluation");
    for (int64_t i = 0; i < evaluation->method_count; i++)
        evaluation->explainers[i] = sscam_explainer_ref(explainers[i]);
    return SSCAM_OK;
}

sscam_status sscam_evaluation_create(sscam_explainer *const *explainers, int64_t method_count,
                                     sscam_evaluation **out)
{
    enum { METHOD_LIMIT = 1 << 16 }; /* products with it do not overflow */
    if (!out)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_evaluation_create: out is NULL");
    *out = NULL;
    if (method_count < 1 || method_count > METHOD_LIMIT)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "sscam_evaluation_create: %" PRId64 " methods, not 1 to %d", method_count,
                          METHOD_LIMIT);
    sscam_status status = explainers ? check_explainers(explainers, method_count) : SSCAM_OK;
    if (status != SSCAM_OK)
        return status;
    sscam_evaluation *evaluation = calloc(1, sizeof *evaluation);
    if (!evaluation)
        return sscam_fail_memory("an evaluation");
    evaluation->method_count = method_count;
    if (explainers)
        status = copy_explainers(explainers, evaluation);
    if (status != SSCAM_OK) {
        free(evaluation);
        return status;
    }
    *out = evaluation;
    return sscam_succeed();
}

sscam_evaluation *sscam_evaluation_ref(sscam_evaluation *evaluation)
{
    if (evaluation)
        sscam_reference_add(&evaluation->references);
    return evaluation;
}

void sscam_evaluation_unref(sscam_evaluation *evaluation)
{
    if (!evaluation || !sscam_reference_drop(&evaluation->references))
        return;
    sscam_image_evaluation_release(&evaluation->last);
    for (int64_t i = 0; evaluation->explainers && i < evaluation->method_count; i++)
        sscam_explainer_unref(evaluation->explainers[i]);
    free(evaluation->explainers);
    free(evaluation->classes);
    free(evaluation->values);
    free(evaluation->curves);
    free(evaluation);
}

/* --- cases ------------------------------------------------------------------------------------ */

/* Values of a case, [method_count][SSCAM_METRIC_LIMIT]. */
static sscam_metric_value *values_of(const sscam_evaluation *evaluation, int64_t case_position)
{
    return evaluation->values + case_position * evaluation->method_count * SSCAM_METRIC_LIMIT;
}

/* Reserves room for more cases, without adding them. */
static sscam_status reserve_cases(sscam_evaluation *evaluation, int64_t more)
{
    const size_t a_case = (size_t)evaluation->method_count * SSCAM_METRIC_LIMIT *
                          sizeof *evaluation->values;
    const int64_t wanted = sscam_plus(evaluation->case_count, more);
    int64_t capacity = evaluation->case_capacity;
    if (wanted != SSCAM_TOO_MANY && wanted <= capacity)
        return SSCAM_OK;
    capacity = wanted > 2 * capacity ? wanted : 2 * capacity;
    if (wanted == SSCAM_TOO_MANY || (size_t)capacity > PTRDIFF_MAX / a_case)
        return sscam_fail_memory("an evaluation's cases");
    int64_t *classes = realloc(evaluation->classes, (size_t)capacity * sizeof *classes);
    if (!classes)
        return sscam_fail_memory("an evaluation's cases");
    evaluation->classes = classes;
    sscam_metric_value *values = realloc(evaluation->values, (size_t)capacity * a_case);
    if (!values)
        return sscam_fail_memory("an evaluation's cases");
    evaluation->values = values;
    evaluation->case_capacity = capacity;
    return SSCAM_OK;
}

sscam_status sscam_evaluation_add_known(sscam_evaluation *evaluation, int64_t class_index)
{
    if (!evaluation)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_evaluation_add_known: evaluation is NULL");
    if (class_index < 0)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_evaluation_add_known: class %lld is below 0",
                          (long long)class_index);
    sscam_status status = reserve_cases(evaluation, 1);
    if (status != SSCAM_OK)
        return status;
    sscam_metric_value *values = values_of(evaluation, evaluation->case_count);
    for (int64_t i = 0; i < evaluation->method_count * SSCAM_METRIC_LIMIT; i++)
        values[i] = (sscam_metric_value){NAN, SSCAM_VALUE_ABSENT};
    evaluation->classes[evaluation->case_count++] = class_index;
    return sscam_succeed();
}

static sscam_status check_metric(const char *function, const sscam_evaluation *evaluation,
                                 int64_t method_position, int32_t metric)
{
    if (!evaluation)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: evaluation is NULL", function);
    if (method_position < 0 || method_position >= evaluation->method_count)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: method %" PRId64 " of %" PRId64 "", function,
                          method_position, evaluation->method_count);
    if (!sscam_metric_exists(metric))
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: there is no metric number %d", function,
                          (int)metric);
    return SSCAM_OK;
}

sscam_status sscam_evaluation_set_value(sscam_evaluation *evaluation, int64_t method_position,
                                        int64_t case_position, int32_t metric, double value)
{
    static const char name[] = "sscam_evaluation_set_value";
    sscam_status status = check_metric(name, evaluation, method_position, metric);
    if (status != SSCAM_OK)
        return status;
    if (case_position < 0 || case_position >= evaluation->case_count)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: case %" PRId64 " of %" PRId64 "", name,
                          case_position, evaluation->case_count);
    if (isinf(value))
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: the value is infinite", name);
    values_of(evaluation, case_position)[method_position * SSCAM_METRIC_LIMIT + metric] =
        (sscam_metric_value){value, isnan(value) ? SSCAM_VALUE_UNDEFINED : SSCAM_VALUE_DEFINED};
    return sscam_succeed();
}

/* --- images ----------------------------------------------------------------------------------- */

static sscam_status check_boxes(const sscam_image_evaluation_request *request)
{
    for (int64_t i = 0; i < request->box_count; i++) {
        const float *box = request->boxes + 4 * i;
        for (int edge = 0; edge < 4; edge++)
            if (!isfinite(box[edge]))
                return sscam_fail(SSCAM_E_ARGUMENT,
                                  "box %" PRId64 ": NaN or infinity among its edges", i);
        if (box[0] > box[2] || box[1] > box[3])
            return sscam_fail(SSCAM_E_ARGUMENT,
                              "box %" PRId64 ": %g,%g,%g,%g is not left, top, right, bottom", i,
                              (double)box[0], (double)box[1], (double)box[2], (double)box[3]);
        if (request->box_classes &&
            (request->box_classes[i] < 0 || request->box_classes[i] >= request->class_count))
            return sscam_fail(SSCAM_E_ARGUMENT,
                              "box %" PRId64 ": it is of class %" PRId64 " of %" PRId64 "", i,
                              request->box_classes[i], request->class_count);
    }
    return SSCAM_OK;
}

static sscam_status check_arguments(const sscam_evaluation *evaluation,
                                    const sscam_image_evaluation_request *request)
{
    static const char name[] = "sscam_evaluation_add";
    if (!evaluation->explainers)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: the evaluation was created without explainers",
                          name);
    if (!request->image)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: image is NULL", name);
    if (request->class_count < 1)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: class_count is %" PRId64, name,
                          request->class_count);
    if (request->box_count < 0)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: box_count is %" PRId64, name, request->box_count);
    if (!request->boxes && request->box_count > 0)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: boxes is NULL", name);
    return check_boxes(request);
}

/* The explainers agree on the options that metrics depend on, and on metric_steps with the images
 * before. */
static sscam_status check_settings(const sscam_evaluation *evaluation)
{
    static const char name[] = "sscam_evaluation_add";
    const sscam_settings *settings = &evaluation->explainers[0]->settings;
    for (int64_t i = 1; i < evaluation->method_count; i++) {
        const char *difference = sscam_settings_evaluation_difference(
            settings, &evaluation->explainers[i]->settings);
        if (difference)
            return sscam_fail(SSCAM_E_ARGUMENT,
                              "%s: explainer %" PRId64 " has another %s than explainer 0", name, i,
                              difference);
        if (!sscam_explainers_share_region(evaluation->explainers[0], evaluation->explainers[i]))
            return sscam_fail(SSCAM_E_ARGUMENT,
                              "%s: explainer %" PRId64 " has another region mask than explainer 0",
                              name, i);
    }
    if (evaluation->curves &&
        settings->value[SSCAM_OPTION_METRIC_STEPS].integer + 1 != evaluation->curve_points)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "%s: metric_steps is %lld, but was %" PRId64 " for the images before",
                          name, (long long)settings->value[SSCAM_OPTION_METRIC_STEPS].integer,
                          evaluation->curve_points - 1);
    return SSCAM_OK;
}

static sscam_status reserve_curves(sscam_evaluation *evaluation,
                                   const sscam_image_evaluation *image_evaluation)
{
    if (!image_evaluation->curves || evaluation->curves)
        return SSCAM_OK;
    evaluation->curves = sscam_zeros(
        sscam_times(evaluation->method_count * SSCAM_CURVES, image_evaluation->curve_points),
        sizeof *evaluation->curves);
    if (!evaluation->curves)
        return sscam_fail_memory("an evaluation's curves");
    evaluation->curve_points = image_evaluation->curve_points;
    return SSCAM_OK;
}

/* Adds an image, for which there is room. The evaluation takes its maps over. */
static void add_image(sscam_evaluation *evaluation, sscam_image_evaluation *image_evaluation,
                      int64_t class_count)
{
    const int64_t a_case = evaluation->method_count * SSCAM_METRIC_LIMIT;
    memcpy(evaluation->classes + evaluation->case_count, image_evaluation->classes,
           (size_t)class_count * sizeof *image_evaluation->classes);
    memcpy(values_of(evaluation, evaluation->case_count), image_evaluation->values,
           (size_t)(class_count * a_case) * sizeof *image_evaluation->values);
    evaluation->case_count += class_count;
    if (image_evaluation->curves) {
        const int64_t size = evaluation->method_count * SSCAM_CURVES * evaluation->curve_points;
        for (int64_t i = 0; i < class_count * size; i++)
            evaluation->curves[i % size] += image_evaluation->curves[i];
        for (int kind = 0; kind < SSCAM_CURVES; kind++)
            if (image_evaluation->metrics & SSCAM_METRIC_BIT(curve_metrics[kind]))
                evaluation->curve_cases[kind] += class_count;
    }
    sscam_image_evaluation_release(&evaluation->last);
    evaluation->last = *image_evaluation;
}

/* Room is reserved after the image is evaluated, since the progress callback may add cases. */
static sscam_status evaluate_and_add(sscam_evaluation *evaluation,
                                     const sscam_image_evaluation_request *request)
{
    sscam_image_evaluation image_evaluation;
    sscam_status status = sscam_evaluate_image(request, &image_evaluation);
    if (status != SSCAM_OK)
        return status;
    status = reserve_cases(evaluation, request->class_count);
    if (status == SSCAM_OK)
        status = reserve_curves(evaluation, &image_evaluation);
    if (status == SSCAM_OK)
        add_image(evaluation, &image_evaluation, request->class_count);
    else
        sscam_image_evaluation_release(&image_evaluation);
    return status;
}

sscam_status sscam_evaluation_add(sscam_evaluation *evaluation, const sscam_image *image,
                                  const sscam_evaluation_case *cases)
{
    sscam_evaluation_case given = SSCAM_EVALUATION_CASE_INIT;
    if (!evaluation)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_evaluation_add: evaluation is NULL");
    sscam_call call;
    sscam_status status = cases
                              ? sscam_public_struct_read(cases, &given, sizeof given,
                                                         SSCAM_END_OF(sscam_evaluation_case, maps),
                                                         "sscam_evaluation_case")
                              : SSCAM_OK;
    if (status != SSCAM_OK)
        return status;
    const sscam_image_evaluation_request request = {.progress = &call.progress,
                                                    .explainers = evaluation->explainers,
                                                    .method_count = evaluation->method_count,
                                                    .image = image,
                                                    .classes = given.classes,
                                                    .class_count = given.classes ? given.class_count
                                                                                 : 1,
                                                    .boxes = given.boxes,
                                                    .box_classes = given.box_classes,
                                                    .box_count = given.box_count,
                                                    .maps = given.maps};
    status = check_arguments(evaluation, &request);
    if (status == SSCAM_OK)
        status = sscam_call_begin(&call, evaluation->explainers, evaluation->method_count,
                                  "sscam_evaluation_add");
    if (status != SSCAM_OK)
        return status;
    sscam_evaluation_ref(evaluation); /* the progress callback may release the caller's */
    status = check_settings(evaluation);
    if (status == SSCAM_OK)
        status = evaluate_and_add(evaluation, &request);
    sscam_call_end(&call);
    sscam_evaluation_unref(evaluation);
    return status == SSCAM_OK ? sscam_succeed() : status;
}

/* --- results ---------------------------------------------------------------------------------- */

int64_t sscam_evaluation_method_count(const sscam_evaluation *evaluation)
{
    return evaluation ? evaluation->method_count : 0;
}

int64_t sscam_evaluation_case_count(const sscam_evaluation *evaluation)
{
    return evaluation ? evaluation->case_count : 0;
}

int64_t sscam_evaluation_class_index(const sscam_evaluation *evaluation, int64_t case_position)
{
    return evaluation && case_position >= 0 && case_position < evaluation->case_count
               ? evaluation->classes[case_position]
               : -1;
}

int32_t sscam_evaluation_value(const sscam_evaluation *evaluation, int64_t method_position,
                               int64_t case_position, int32_t metric, double *value)
{
    sscam_metric_value found = {NAN, SSCAM_VALUE_ABSENT};
    if (evaluation && method_position >= 0 && method_position < evaluation->method_count &&
        case_position >= 0 && case_position < evaluation->case_count && sscam_metric_exists(metric))
        found = values_of(evaluation, case_position)[method_position * SSCAM_METRIC_LIMIT + metric];
    if (value)
        *value = found.state == SSCAM_VALUE_DEFINED ? found.value : NAN;
    return found.state;
}

/* The defined values of a metric, into `values`; counts the undefined ones. */
static int64_t collect_values(const sscam_evaluation *evaluation, int64_t method_position,
                              int32_t metric, double *values, int64_t *undefined)
{
    int64_t defined = 0;
    *undefined = 0;
    for (int64_t i = 0; i < evaluation->case_count; i++) {
        int32_t state = sscam_evaluation_value(evaluation, method_position, i, metric,
                                               &values[defined]);
        defined += state == SSCAM_VALUE_DEFINED;
        *undefined += state == SSCAM_VALUE_UNDEFINED;
    }
    return defined;
}

sscam_status sscam_evaluation_total(const sscam_evaluation *evaluation, int64_t method_position,
                                    int32_t metric, sscam_metric_total *total)
{
    sscam_metric_total result = SSCAM_METRIC_TOTAL_INIT;
    sscam_status status = check_metric("sscam_evaluation_total", evaluation, method_position,
                                       metric);
    if (status == SSCAM_OK)
        status = sscam_public_struct_check(total, SSCAM_END_OF(sscam_metric_total, undefined_count),
                                           "sscam_metric_total");
    if (status != SSCAM_OK)
        return status;
    double *values = sscam_allocate_array(sscam_plus(evaluation->case_count, 1), sizeof *values);
    if (!values)
        return sscam_fail_memory("a total");
    result.defined_count = collect_values(evaluation, method_position, metric, values,
                                          &result.undefined_count);
    sscam_mean_interval interval = sscam_bootstrap_mean(values, result.defined_count);
    free(values);
    result.mean = interval.mean;
    result.lower = interval.lower;
    result.upper = interval.upper;
    sscam_public_struct_write(total, &result, sizeof result);
    return sscam_succeed();
}

sscam_status sscam_evaluation_curve(const sscam_evaluation *evaluation, int64_t method_position,
                                    int32_t metric, double *points, int64_t capacity,
                                    int64_t *point_count)
{
    static const char name[] = "sscam_evaluation_curve";
    sscam_status status = check_metric(name, evaluation, method_position, metric);
    if (status != SSCAM_OK)
        return status;
    if (!point_count || (!points && capacity > 0))
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: %s is NULL", name,
                          !point_count ? "point_count" : "points");
    int64_t kind = 0;
    while (kind < SSCAM_CURVES && curve_metrics[kind] != metric)
        kind++;
    if (kind == SSCAM_CURVES)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: metric %d has no curve", name, (int)metric);
    *point_count = evaluation->curve_cases[kind] > 0 ? evaluation->curve_points : 0;
    if (capacity == 0)
        return sscam_succeed();
    if (capacity < *point_count)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "%s: room for %" PRId64 " points, %" PRId64 " are needed", name, capacity,
                          *point_count);
    for (int64_t i = 0; i < *point_count; i++)
        points[i] =
            evaluation
                ->curves[(method_position * SSCAM_CURVES + kind) * evaluation->curve_points + i] /
            (double)evaluation->curve_cases[kind];
    return sscam_succeed();
}

const sscam_map *sscam_evaluation_map(const sscam_evaluation *evaluation, int64_t method_position,
                                      int64_t class_position)
{
    if (!evaluation || !evaluation->last.maps || method_position < 0 ||
        method_position >= evaluation->method_count || class_position < 0 ||
        class_position >= evaluation->last.class_count)
        return NULL;
    return evaluation->last
        .maps[method_position * evaluation->last.explained_count + class_position];
}
