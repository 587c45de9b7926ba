/* ROAD: remove and debias (Rong et al. 2022), for maps. */
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "evaluation/evaluation_run.h"
#include "evaluation/metrics.h"
#include "explain/map_private.h"
#include "masks/noise.h"
#include "math/imputation.h"

enum {
    SHARES = 9,
    SCORES = 2 * SHARES
}; /* 10 to 90 %, least salient first and most salient first */
static const float NOISE = 0.01f;

static int32_t wants_road(const sscam_evaluation_run *run)
{
    return sscam_run_wants(run, SSCAM_METRIC_ROAD) || sscam_run_wants(run, SSCAM_METRIC_ARCC);
}

/* Adds noise to the removed pixels: planes 1 to SCORES of the generator, one for each input. */
static sscam_status add_noise(const sscam_evaluation_run *run, const uint8_t *removed,
                              int64_t plane, float *image)
{
    const int64_t count = run->perturbation.shape.channels * run->pixels;
    const sscam_noise_plane from = {.seed = run->settings->value[SSCAM_OPTION_SEED].integer,
                                    .channel = (uint32_t)(plane + 1)};
    float *noise = sscam_allocate_array(count, sizeof *noise);
    if (!noise)
        return sscam_fail_memory("noise");
    sscam_noise_fill(&from, 0, count, noise);
    for (int64_t i = 0; i < count; i++)
        if (removed[i % run->pixels])
            image[i] += NOISE * noise[i];
    free(noise);
    return SSCAM_OK;
}

/* Input number `i`: the first share of the pixels in `order`, or the last, is imputed. Solving
 * starts from the solution of the share before. */
static sscam_status remove_pixels(const sscam_evaluation_run *run, int64_t i, uint8_t *removed,
                                  float *solution, float *image)
{
    const sscam_shape *shape = &run->perturbation.shape;
    const int64_t share = i % SHARES + 1, count = share * run->pixels / (SHARES + 1),
                  first = i < SHARES ? run->pixels - count : 0;
    if (share == 1)
        memcpy(solution, run->input, (size_t)(shape->channels * run->pixels) * sizeof *solution);
    memset(removed, 0, (size_t)run->pixels);
    for (int64_t rank = first; rank < first + count; rank++)
        removed[run->order[rank]] = 1;
    sscam_status status = sscam_impute(removed, shape->channels, shape->sides.height,
                                       shape->sides.width, solution);
    memcpy(image, solution, (size_t)(shape->channels * run->pixels) * sizeof *image);
    return status == SSCAM_OK ? add_noise(run, removed, i, image) : status;
}

/* 50 times the mean difference of the scores over every `step`th share. */
static double combine(const float *scores, int64_t step)
{
    double sum = 0.0;
    int64_t count = 0;
    for (int64_t share = step - 1; share < SHARES; share += step, count++)
        sum += (double)scores[share] - scores[SHARES + share];
    return 50.0 * sum / (double)count;
}

static sscam_status measure_map(sscam_evaluation_run *run, int64_t position, int64_t method,
                                float *images, const sscam_progress *progress)
{
    const int64_t size = run->perturbation.shape.channels * run->pixels;
    const float *inputs[SCORES];
    float scores[SCORES], *solution = images + SCORES * size;
    double *arcc_road = &run->roads[position * run->request->method_count + method];
    sscam_status status = sscam_salience_order(sscam_run_data(run, method, position), run->pixels,
                                               run->order);
    for (int64_t i = 0; i < SCORES && status == SSCAM_OK; i++) {
        inputs[i] = images + i * size;
        status = sscam_progress_check(progress);
        if (status == SSCAM_OK)
            status = remove_pixels(run, i, run->inside, solution, images + i * size);
    }
    if (status == SSCAM_OK)
        status = sscam_score_inputs(&run->perturbation, inputs, SCORES, &run->targets[position], 1,
                                    progress, scores);
    if (status != SSCAM_OK)
        return status;
    const int32_t is_flat = sscam_run_map(run, method, position)->is_flat;
    *arcc_road = is_flat ? NAN : combine(scores, 2);
    if (sscam_run_wants(run, SSCAM_METRIC_ROAD))
        sscam_run_set(run, position, method, SSCAM_METRIC_ROAD, is_flat ? NAN : combine(scores, 1));
    return SSCAM_OK;
}

sscam_status sscam_measure_road(sscam_evaluation_run *run, const sscam_progress *progress)
{
    const sscam_image_evaluation_request *request = run->request;
    const int64_t count = request->class_count * request->method_count,
                  size = run->perturbation.shape.channels * run->pixels;
    if (!wants_road(run))
        return SSCAM_OK;
    run->roads = sscam_zeros(count, sizeof *run->roads);
    float *images = sscam_allocate_array(sscam_times(SCORES + 1, size), sizeof *images);
    sscam_status status = images && run->roads ? SSCAM_OK : sscam_fail_memory("imputed inputs");
    for (int64_t i = 0; i < count && status == SSCAM_OK; i++) {
        const sscam_progress part = sscam_progress_part(progress, (double)i / (double)count,
                                                        (double)(i + 1) / (double)count);
        status = measure_map(run, i / request->method_count, i % request->method_count, images,
                             &part);
    }
    free(images);
    return status;
}
