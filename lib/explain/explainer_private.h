/* The struct of an explainer, and the steps of a call that an evaluation takes one by one. */
#ifndef SSCAM_LIB_EXPLAIN_EXPLAINER_PRIVATE_H
#define SSCAM_LIB_EXPLAIN_EXPLAINER_PRIVATE_H

#include <stdatomic.h>

#include "base/progress.h"
#include "base/reference_count.h"
#include "explain/method_private.h"
#include "image/preprocess.h"
#include "model/model_private.h"
#include "options/options.h"

struct sscam_explainer {
    sscam_reference_count references; /* a call that uses it holds one */
    sscam_model *given_model;
    sscam_model
        *model; /* during a call: the same network, its inputs given as the explainer says */
    sscam_other_inputs other_inputs;
    const sscam_method *method;
    sscam_settings settings;
    sscam_progress progress;
    uint8_t *region_mask; /* [height,width] of region=mask; malloc'ed; NULL: none was given */
    int64_t region_height, region_width;
    float *target_weights; /* [target_weight_count]; malloc'ed; NULL: none were given */
    int64_t target_weight_count;
    _Atomic(const void *) call;  /* the one that uses it (busy_guard.h), or NULL */
    atomic_int is_cancelled;     /* its call has to end */
    atomic_int settings_readers; /* getters that read the options; -1 while they are changed */
};

/* Whether the regions of two explainers are equal. */
int32_t sscam_explainers_share_region(const sscam_explainer *a, const sscam_explainer *b);

/* SSCAM_E_ARGUMENT where a map would have too many positions: they are counted in 32 bits. */
sscam_status sscam_check_positions(const sscam_shape *shape);

/* Preprocessing of an image by an explainer's options, and the shape of the input that results. */
sscam_status sscam_plan_input(const sscam_explainer *explainer, const sscam_image *image,
                              sscam_transform *transform, sscam_geometry *geometry,
                              sscam_shape *shape);

/* The input that an explainer's options make of an image, in memory that the caller frees with
 * free(); NULL after a failure. */
sscam_status sscam_create_input(const sscam_explainer *explainer, const sscam_image *image,
                                sscam_geometry *geometry, sscam_shape *shape, float **input);

/* sscam_explain_array_all() without its checks, as a part of a longer call. All maps are NULL
 * before, and after a failure. */
sscam_status sscam_explain_input(sscam_explainer *const *explainers, int64_t explainer_count,
                                 const float *input, const sscam_shape *shape,
                                 const int64_t *classes, int64_t class_count,
                                 const sscam_progress *progress, sscam_map **maps);

#endif
