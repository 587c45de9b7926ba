/* The evaluation of one image in progress, which its metrics share. */
#ifndef SSCAM_LIB_EVALUATION_EVALUATION_RUN_H
#define SSCAM_LIB_EVALUATION_EVALUATION_RUN_H

#include <math.h>
#include <stdint.h>

#include "evaluation/evaluated_maps.h"
#include "evaluation/image_evaluation.h"
#include "evaluation/perturbation_curves.h"
#include "image/preprocess.h"
#include "options/options.h"

/* A class's scores of the input itself. */
typedef struct sscam_unmasked_scores {
    double logit, probability;
    sscam_target_pixels *target_pixels; /* owned; NULL: they are a map's, or there are none */
} sscam_unmasked_scores;

/* The evaluation of one image in progress. */
typedef struct sscam_evaluation_run {
    const sscam_image_evaluation_request *request;
    const sscam_settings *settings; /* of the first explainer; others agree where it matters */
    sscam_geometry geometry;
    sscam_perturbation perturbation;
    int64_t pixels; /* of the input: H x W */
    int64_t steps;
    float *input, *blurred, *logits;
    int64_t output_count;
    int32_t is_dense;      /* the output has positions, and each class its own target pixels */
    int64_t *explained;    /* the requested classes, then those that class sensitivity needs */
    int64_t top_class;     /* for class sensitivity */
    int64_t top, least;    /* positions in `explained` */
    sscam_target *targets; /* [class_count] the requested classes, with their target pixels */
    sscam_unmasked_scores *unmasked; /* [class_count] */
    double *average_drops;           /* [class_count][method_count] */
    double *roads;                   /* likewise, over the shares of ARCC */
    sscam_method_cost *costs;        /* [method_count]; NULL: not wanted */
    float *cut_maps; /* [map_count][pixels] by metric_threshold; NULL: the maps as they are */
    int32_t *order;  /* [pixels] */
    uint8_t *inside; /* [pixels] */
    sscam_image_evaluation *out;
} sscam_evaluation_run;

static inline int32_t sscam_run_wants(const sscam_evaluation_run *run, int32_t metric)
{
    return (run->out->metrics & SSCAM_METRIC_BIT(metric)) != 0;
}

/* Whether masked inputs are to be explained. */
static inline int32_t sscam_run_wants_coherency(const sscam_evaluation_run *run)
{
    return sscam_run_wants(run, SSCAM_METRIC_COHERENCY) ||
           sscam_run_wants(run, SSCAM_METRIC_ADCC) || sscam_run_wants(run, SSCAM_METRIC_ARCC);
}

static inline sscam_map *sscam_run_map(const sscam_evaluation_run *run, int64_t method,
                                       int64_t explained)
{
    return run->out->maps[method * run->out->explained_count + explained];
}

static inline void sscam_run_set(const sscam_evaluation_run *run, int64_t class_position,
                                 int64_t method, int32_t metric, double value)
{
    int64_t at = class_position * run->request->method_count + method;
    run->out->values[at * SSCAM_METRIC_LIMIT + metric] = (sscam_metric_value){
        .value = value, .state = isnan(value) ? SSCAM_VALUE_UNDEFINED : SSCAM_VALUE_DEFINED};
}

/* Cuts the maps by the option metric_threshold. */
sscam_status sscam_run_cut_maps(sscam_evaluation_run *run);

/* A map as metrics see it. */
const float *sscam_run_data(const sscam_evaluation_run *run, int64_t method, int64_t explained);

/* What the requested classes are scored by, and their scores of the input, from the maps or, where
 * all are from outside, from the network. */
sscam_status sscam_find_targets(sscam_evaluation_run *run);

/* The top class, where class sensitivity is wanted, which looks for its map among those from
 * outside. Of a dense output it is not known before it is captured. */
sscam_status sscam_find_top_class(sscam_evaluation_run *run);

/* ROAD, where it or ARCC is wanted. */
sscam_status sscam_measure_road(sscam_evaluation_run *run, const sscam_progress *progress);

/* Complexity, coherency and their means with average drop and with ROAD, which have been
 * measured. */
sscam_status sscam_measure_adcc(sscam_evaluation_run *run, const sscam_progress *progress);

/* Infidelity and max-sensitivity, where they are wanted. */
sscam_status sscam_measure_sensitivity(sscam_evaluation_run *run, const sscam_progress *progress);

#endif
