/* Scores of an input masked by maps of its size: what metrics need of the network. */
#ifndef SSCAM_LIB_EVALUATION_PERTURBATION_CURVES_H
#define SSCAM_LIB_EVALUATION_PERTURBATION_CURVES_H

#include <stdint.h>

#include "model/backend.h"

/* The input and how it is scored. */
typedef struct sscam_perturbation {
    const sscam_backend *backend;
    void *network;
    const float *input;      /* X0, [1,C,H,W] */
    const float *background; /* blended in where a mask is below 1; NULL: zeros */
    sscam_shape shape;
    sscam_score_kind kind;
    const char *output; /* of the network, as in a capture request */
    sscam_scoring_options scoring;
} sscam_perturbation;

/* Scores of X0 * mask for each of the masks [H,W], by resolved targets:
 * [target_count][mask_count]. */
sscam_status sscam_score_masks(const sscam_perturbation *masking, const float *const *masks,
                               int64_t mask_count, const sscam_target *targets,
                               int64_t target_count, const sscam_progress *progress, float *scores);

/* Scores of other inputs of the same shape, each [1,C,H,W]: [target_count][input_count]. */
sscam_status sscam_score_inputs(const sscam_perturbation *masking, const float *const *inputs,
                                int64_t input_count, const sscam_target *targets,
                                int64_t target_count, const sscam_progress *progress,
                                float *scores);

/* How pixels change, in the order of their salience. */
typedef enum sscam_curve_kind {
    SSCAM_CURVE_INSERTION, /* from the background to the input */
    SSCAM_CURVE_DELETION   /* from the input to the background */
} sscam_curve_kind;

/* Scores of a target after steps 0 to `steps`: steps + 1 points. */
sscam_status sscam_score_curve(const sscam_perturbation *masking, const int32_t *order,
                               sscam_curve_kind curve, int64_t steps, const sscam_target *target,
                               const sscam_progress *progress, double *points);

#endif
