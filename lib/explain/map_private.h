/* A map's inside. */
#ifndef SSCAM_LIB_EXPLAIN_MAP_PRIVATE_H
#define SSCAM_LIB_EXPLAIN_MAP_PRIVATE_H

#include <stdint.h>

#include "explain/method_private.h"
#include "image/preprocess.h"
#include "sscam/map.h"

struct sscam_map {
    int32_t rank; /* of data and raw: how many of the sides the input has */
    sscam_sides sides, raw_sides;
    int64_t channel_count;
    float *data, *raw, *weights;
    int64_t class_index;
    double logit, probability;
    sscam_target_pixels
        *target_pixels; /* of a dense output: whose means these two are; NULL for others */
    int32_t is_flat;
    const char *method; /* the table's */
    char *layer;
    int64_t passes;
    sscam_scoring_diagnostics diagnostics;
    int32_t from_image; /* whether geometry says how the input was cut from an image */
    sscam_geometry geometry;
};

/* Makes the map of an explanation whose weights are known: ReLU(sum_k a_k A_k), upsampled,
 * normalised. Takes the weights over. */
sscam_status sscam_map_combine(sscam_map_job *job, sscam_map **out);

#endif
