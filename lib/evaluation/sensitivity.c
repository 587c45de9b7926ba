/* Infidelity and max-sensitivity (Yeh, Hsieh, Suggala, Inouye & Ravikumar 2019). */
#include <math.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "evaluation/evaluated_maps.h"
#include "evaluation/evaluation_run.h"
#include "evaluation/metrics.h"
#include "explain/explainer_private.h"
#include "explain/map_private.h"
#include "masks/noise.h"

enum {
    PERTURBATIONS = 50,
    AT_ONCE = 10,
    NEIGHBOURS = 10,
    INFIDELITY_PLANE = 100,
    SENSITIVITY_PLANE = 200
};
static const float DEVIATION = 0.2f, RADIUS = 0.02f;

static sscam_noise_plane plane_of(const sscam_evaluation_run *run, int64_t number)
{
    return (sscam_noise_plane){.seed = run->settings->value[SSCAM_OPTION_SEED].integer,
                               .channel = (uint32_t)number};
}

/* --- infidelity ------------------------------------------------------------------------------- */

/* I.L, the map's value counting for each colour, and X0 - I in place of I. */
static double perturb(const sscam_evaluation_run *run, const float *map, int64_t number, float *out)
{
    const int64_t size = run->perturbation.shape.channels * run->pixels;
    const sscam_noise_plane plane = plane_of(run, INFIDELITY_PLANE + number);
    double product = 0.0;
    sscam_noise_fill(&plane, 0, size, out);
    for (int64_t i = 0; i < size; i++) {
        const float noise = DEVIATION * out[i];
        product += (double)noise * map[i % run->pixels];
        out[i] = run->input[i] - noise;
    }
    return product;
}

static sscam_status measure_infidelity(sscam_evaluation_run *run, int64_t position, int64_t method,
                                       float *images, const sscam_progress *progress)
{
    const int64_t size = run->perturbation.shape.channels * run->pixels;
    const double whole = run->perturbation.kind == SSCAM_SCORE_LOGIT
                             ? run->unmasked[position].logit
                             : run->unmasked[position].probability;
    double predicted[PERTURBATIONS], found[PERTURBATIONS];
    sscam_status status = SSCAM_OK;
    for (int64_t first = 0; first < PERTURBATIONS && status == SSCAM_OK; first += AT_ONCE) {
        const sscam_progress part = sscam_progress_part(progress, (double)first / PERTURBATIONS,
                                                        (double)(first + AT_ONCE) / PERTURBATIONS);
        const float *inputs[AT_ONCE];
        float scores[AT_ONCE];
        for (int64_t i = 0; i < AT_ONCE; i++) {
            inputs[i] = images + i * size;
            predicted[first + i] = perturb(run, sscam_run_data(run, method, position), first + i,
                                           images + i * size);
        }
        status = sscam_score_inputs(&run->perturbation, inputs, AT_ONCE, &run->targets[position], 1,
                                    &part, scores);
        for (int64_t i = 0; i < AT_ONCE && status == SSCAM_OK; i++)
            found[first + i] = whole - scores[i];
    }
    if (status == SSCAM_OK)
        sscam_run_set(run, position, method, SSCAM_METRIC_INFIDELITY,
                      sscam_run_map(run, method, position)->is_flat
                          ? NAN
                          : sscam_infidelity(predicted, found, PERTURBATIONS));
    return status;
}

/* --- max-sensitivity -------------------------------------------------------------------------- */

/* X0 plus uniform noise of up to RADIUS. */
static void write_neighbour(const sscam_evaluation_run *run, int64_t number, uint32_t *words,
                            float *out)
{
    const int64_t size = run->perturbation.shape.channels * run->pixels;
    const sscam_noise_plane plane = plane_of(run, SENSITIVITY_PLANE + number);
    sscam_noise_words(&plane, 0, size, words);
    for (int64_t i = 0; i < size; i++)
        out[i] = run->input[i] + RADIUS * (float)((words[i] + 0.5) * 0x1p-31 - 1.0);
}

static sscam_status explain_neighbour(sscam_evaluation_run *run, int64_t position, int64_t method,
                                      const float *neighbour, const sscam_progress *progress,
                                      double *largest)
{
    const double share = run->settings->value[SSCAM_OPTION_METRIC_THRESHOLD].real;
    sscam_map *map = NULL;
    sscam_status status = sscam_explain_input(&run->request->explainers[method], 1, neighbour,
                                              &run->perturbation.shape,
                                              &run->out->classes[position], 1, progress, &map);
    if (status != SSCAM_OK)
        return status;
    sscam_cut_below(map->data, run->pixels, share, map->data);
    *largest = fmax(*largest, sscam_relative_distance(sscam_run_data(run, method, position),
                                                      map->data, run->pixels));
    sscam_map_unref(map);
    return SSCAM_OK;
}

static sscam_status measure_sensitivity(sscam_evaluation_run *run, int64_t position, int64_t method,
                                        float *image, uint32_t *words,
                                        const sscam_progress *progress)
{
    double largest = 0.0;
    sscam_status status = SSCAM_OK;
    for (int64_t i = 0; i < NEIGHBOURS && status == SSCAM_OK; i++) {
        const sscam_progress part = sscam_progress_part(progress, (double)i / NEIGHBOURS,
                                                        (double)(i + 1) / NEIGHBOURS);
        write_neighbour(run, i, words, image);
        status = explain_neighbour(run, position, method, image, &part, &largest);
    }
    if (status == SSCAM_OK)
        sscam_run_set(run, position, method, SSCAM_METRIC_MAX_SENSITIVITY,
                      sscam_run_map(run, method, position)->is_flat ? NAN : largest);
    return status;
}

/* --- both ------------------------------------------------------------------------------------- */

/* Maps from outside have no explainer that would explain another input in the same way. */
static sscam_status measure_map(sscam_evaluation_run *run, int64_t position, int64_t method,
                                float *images, uint32_t *words, const sscam_progress *progress)
{
    const sscam_progress first = sscam_progress_part(progress, 0.0, 0.3),
                         second = sscam_progress_part(progress, 0.3, 1.0);
    sscam_status status = SSCAM_OK;
    if (sscam_run_wants(run, SSCAM_METRIC_INFIDELITY))
        status = measure_infidelity(run, position, method, images, &first);
    if (status == SSCAM_OK && sscam_run_wants(run, SSCAM_METRIC_MAX_SENSITIVITY) &&
        !sscam_maps_are_given(run->request, method))
        status = measure_sensitivity(run, position, method, images, words, &second);
    return status;
}

sscam_status sscam_measure_sensitivity(sscam_evaluation_run *run, const sscam_progress *progress)
{
    const sscam_image_evaluation_request *request = run->request;
    const int64_t count = request->class_count * request->method_count,
                  size = run->perturbation.shape.channels * run->pixels;
    if (!sscam_run_wants(run, SSCAM_METRIC_INFIDELITY) &&
        !sscam_run_wants(run, SSCAM_METRIC_MAX_SENSITIVITY))
        return SSCAM_OK;
    float *images = sscam_allocate_array(sscam_times(AT_ONCE, size), sizeof *images);
    uint32_t *words = sscam_allocate_array(size, sizeof *words);
    sscam_status status = images && words ? SSCAM_OK : sscam_fail_memory("altered inputs");
    for (int64_t i = 0; i < count && status == SSCAM_OK; i++) {
        const sscam_progress part = sscam_progress_part(progress, (double)i / (double)count,
                                                        (double)(i + 1) / (double)count);
        status = measure_map(run, i / request->method_count, i % request->method_count, images,
                             words, &part);
    }
    free(images);
    free(words);
    return status;
}
