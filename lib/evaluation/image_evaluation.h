/* All metrics of one image, whose classes are explained by all methods. */
#ifndef SSCAM_LIB_EVALUATION_IMAGE_EVALUATION_H
#define SSCAM_LIB_EVALUATION_IMAGE_EVALUATION_H

#include <stdint.h>

#include "base/progress.h"
#include "options/metric_table.h"
#include "sscam/evaluation.h"

/* A value and its state (SSCAM_VALUE_). */
typedef struct sscam_metric_value {
    double value;
    int32_t state;
} sscam_metric_value;

enum { SSCAM_CURVES = 2 }; /* numbered as sscam_curve_kind */

/* The image, its classes and boxes, and the explainers to evaluate. */
typedef struct sscam_image_evaluation_request {
    const sscam_progress *progress; /* of the whole call */
    sscam_explainer *const *explainers;
    int64_t method_count;
    const sscam_image *image;
    const int64_t *classes;
    int64_t class_count;
    const float *boxes;
    const int64_t *box_classes;
    int64_t box_count;
    const sscam_map *const *maps; /* [method_count][class_count], from outside; NULL: none */
} sscam_image_evaluation_request;

/* The metrics, and the maps that they are of. */
typedef struct sscam_image_evaluation {
    int64_t class_count;
    int64_t *classes;           /* [class_count], resolved */
    sscam_metric_value *values; /* [class_count][method_count][SSCAM_METRIC_LIMIT] */
    double *curves;             /* [class_count][method_count][SSCAM_CURVES][curve_points] */
    int64_t curve_points;       /* metric_steps + 1 */
    uint32_t metrics;           /* bits of those that were requested */
    sscam_map **maps;           /* [method_count][explained_count], the requested classes first;
                                   NULL where a map from outside has no such class */
    int64_t map_count, explained_count;
} sscam_image_evaluation;

/* On failure there is nothing to release. */
sscam_status sscam_evaluate_image(const sscam_image_evaluation_request *request,
                                  sscam_image_evaluation *out);

void sscam_image_evaluation_release(sscam_image_evaluation *evaluation);

#endif
