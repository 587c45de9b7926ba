/* Complexity, coherency and ADCC of explanations (Poppi, Cornia, Baraldi & Cucchiara 2021), and
 * ARCC, which has ROAD in place of average drop. */
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "base/statistics.h"
#include "evaluation/evaluated_maps.h"
#include "evaluation/evaluation_run.h"
#include "evaluation/metrics.h"
#include "explain/explainer_private.h"
#include "explain/map_private.h"

/* The map of X0 * L by the explainer that made L, for the same class. `masked` has room for an
 * input. */
static sscam_status explain_masked(const sscam_evaluation_run *run, int64_t position,
                                   int64_t method, const sscam_progress *progress, float *masked,
                                   sscam_map **out)
{
    const sscam_shape *shape = &run->perturbation.shape;
    const float *map = sscam_run_data(run, method, position);
    for (int64_t i = 0; i < shape->channels * run->pixels; i++)
        masked[i] = run->input[i] * map[i % run->pixels];
    return sscam_explain_input(&run->request->explainers[method], 1, masked, shape,
                               &run->out->classes[position], 1, progress, out);
}

static sscam_status measure_coherency(const sscam_evaluation_run *run, int64_t position,
                                      int64_t method, const sscam_progress *progress, float *masked,
                                      double *coherency)
{
    sscam_map *again = NULL;
    const double share = run->settings->value[SSCAM_OPTION_METRIC_THRESHOLD].real;
    sscam_status status = explain_masked(run, position, method, progress, masked, &again);
    if (status == SSCAM_OK) {
        sscam_cut_below(again->data, run->pixels, share, again->data);
        *coherency = sscam_coherency(sscam_run_data(run, method, position), again->data,
                                     run->pixels);
    }
    sscam_map_unref(again);
    return status;
}

/* The values of one map. That of a map from outside has no coherency: there is no explainer that
 * would explain another input in the same way. */
static sscam_status measure_map(sscam_evaluation_run *run, int64_t position, int64_t method,
                                const sscam_progress *progress, float *masked)
{
    const double complexity = sscam_complexity(sscam_run_data(run, method, position), run->pixels);
    double coherency;
    if (sscam_run_wants(run, SSCAM_METRIC_COMPLEXITY))
        sscam_run_set(run, position, method, SSCAM_METRIC_COMPLEXITY, complexity);
    if (!sscam_run_wants_coherency(run) || sscam_maps_are_given(run->request, method))
        return SSCAM_OK;
    sscam_status status = measure_coherency(run, position, method, progress, masked, &coherency);
    if (status != SSCAM_OK)
        return status;
    if (sscam_run_wants(run, SSCAM_METRIC_COHERENCY))
        sscam_run_set(run, position, method, SSCAM_METRIC_COHERENCY, coherency);
    if (sscam_run_wants(run, SSCAM_METRIC_ADCC))
        sscam_run_set(run, position, method, SSCAM_METRIC_ADCC,
                      sscam_adcc(run->average_drops[position * run->request->method_count + method],
                                 coherency, complexity));
    if (sscam_run_wants(run, SSCAM_METRIC_ARCC))
        sscam_run_set(run, position, method, SSCAM_METRIC_ARCC,
                      sscam_arcc(run->roads[position * run->request->method_count + method],
                                 coherency, complexity));
    return SSCAM_OK;
}

sscam_status sscam_measure_adcc(sscam_evaluation_run *run, const sscam_progress *progress)
{
    const sscam_image_evaluation_request *request = run->request;
    const int64_t count = request->class_count * request->method_count;
    float *masked = sscam_allocate_array(sscam_times(run->perturbation.shape.channels, run->pixels),
                                         sizeof *masked);
    sscam_status status = masked ? SSCAM_OK : sscam_fail_memory("a masked input");
    for (int64_t i = 0; i < count && status == SSCAM_OK; i++) {
        const sscam_progress part = sscam_progress_part(progress, (double)i / (double)count,
                                                        (double)(i + 1) / (double)count);
        status = measure_map(run, i / request->method_count, i % request->method_count, &part,
                             masked);
    }
    free(masked);
    return status;
}
