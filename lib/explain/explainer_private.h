/* An explainer's inside, and the steps of an explanation for those who take them one by one. */
#ifndef SSCAM_LIB_EXPLAIN_EXPLAINER_PRIVATE_H
#define SSCAM_LIB_EXPLAIN_EXPLAINER_PRIVATE_H

#include <stdatomic.h>

#include "base/progress.h"
#include "explain/method_private.h"
#include "image/preprocess.h"
#include "model/model_private.h"
#include "options/options.h"

struct sscam_explainer {
    sscam_model *model;
    const sscam_method *method;
    sscam_settings settings;
    sscam_progress progress;
    uint8_t *region_mask; /* [height,width] of region=mask; malloc'ed; NULL: none was given */
    int64_t region_height, region_width;
    char value_text[64];            /* what sscam_explainer_get() returns */
    _Atomic(const void *) call;     /* the one that uses it (busy_guard.h), or NULL */
    atomic_int settings_are_in_use; /* by a change of them, or by sscam_explainer_get() */
    atomic_int is_destroyed;        /* while a call used it, which frees it at its end */
};

/* Whether two explainers mean the same region, be it by masks of their own. */
int32_t sscam_explainers_share_region(const sscam_explainer *a, const sscam_explainer *b);

/* The whole of a call's progress: the first explainer that has a callback speaks for all. */
sscam_progress sscam_explainers_progress(sscam_explainer *const *explainers, int64_t count);

/* Shape of what an explainer makes of an image of that size, and how it gets there. */
sscam_status sscam_plan_input(const sscam_explainer *explainer, const sscam_image *image,
                              sscam_transform *transform, sscam_geometry *geometry,
                              sscam_shape *shape);

/* sscam_explain_array_all() for arguments that are known to be good, reporting to a share of a
 * longer call. `maps` holds NULL before, and after a failure. */
sscam_status sscam_explain_input(sscam_explainer *const *explainers, int64_t explainer_count,
                                 const float *input, const sscam_shape *shape,
                                 const int64_t *classes, int64_t class_count,
                                 const sscam_progress *progress, sscam_map **maps);

#endif
