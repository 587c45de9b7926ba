/* The struct of a map. */
#ifndef SSCAM_LIB_EXPLAIN_MAP_PRIVATE_H
#define SSCAM_LIB_EXPLAIN_MAP_PRIVATE_H

#include <stdint.h>

#include "base/reference_count.h"
#include "explain/method_private.h"
#include "image/preprocess.h"
#include "sscam/map.h"

struct sscam_map {
    sscam_reference_count references;
    int32_t rank; /* of data and raw: the number of sides that the input has */
    sscam_sides sides, raw_sides;
    int64_t channel_count;
    float *data, *raw, *weights;
    int64_t class_index;
    double logit, probability;
    sscam_target_pixels *target_pixels; /* of a dense output: logit and probability are means over
                                           them; NULL for others */
    int32_t has_detection; /* whether it explains one, whose box in the input's pixels is `box` */
    sscam_box box;
    int32_t is_flat;
    const char *method; /* a string of the registry, or own_method */
    char *own_method;   /* of a map from elsewhere, else NULL */
    char *layer;
    int64_t passes;
    double estimated_error;
    char *diagnostics;  /* of a fused map those of its first job */
    int32_t from_image; /* whether `geometry` is set */
    sscam_geometry geometry;
};

/* The map of a job whose channels are weighed: ReLU(sum_k a_k A_k), upsampled, normalised. The map
 * takes the weights over. */
sscam_status sscam_map_combine(sscam_map_job *job, sscam_map **out);

#endif
