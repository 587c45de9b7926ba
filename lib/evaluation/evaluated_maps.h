/* The maps that an image is evaluated by: the explainers compute them, or the caller gave them. */
#ifndef SSCAM_LIB_EVALUATION_EVALUATED_MAPS_H
#define SSCAM_LIB_EVALUATION_EVALUATED_MAPS_H

#include <stdint.h>

#include "base/progress.h"
#include "base/shape.h"
#include "evaluation/image_evaluation.h"
#include "image/preprocess.h"

/* The network's input, and the classes to explain: those of the request come first. */
typedef struct sscam_evaluated_input {
    const sscam_image_evaluation_request *request;
    const float *input;
    sscam_shape shape;
    sscam_geometry geometry;
    const int64_t *classes;
    int64_t class_count;
} sscam_evaluated_input;

/* Whether the maps of a method are from outside. */
int32_t sscam_maps_are_given(const sscam_image_evaluation_request *request, int64_t method);

/* What a method's maps of an input took. */
typedef struct sscam_method_cost {
    double seconds;       /* of one map */
    int64_t memory_bytes; /* in use at most; 0: unknown */
} sscam_method_cost;

/* Fills maps [method_count][class_count], all of which are NULL before. A method whose maps are
 * from outside has those of the request's classes alone. With `costs` [method_count], which may be
 * NULL, methods are explained one after the other, so that none profits from another. On failure
 * some maps may be set. */
sscam_status sscam_collect_maps(const sscam_evaluated_input *input, const sscam_progress *progress,
                                sscam_method_cost *costs, sscam_map **maps);

#endif
