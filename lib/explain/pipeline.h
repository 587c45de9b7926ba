/* Maps that are made of several: fused from layers, averaged over altered inputs. All others have
 * one part. */
#ifndef SSCAM_LIB_EXPLAIN_PIPELINE_H
#define SSCAM_LIB_EXPLAIN_PIPELINE_H

#include <stdint.h>

#include "base/progress.h"
#include "base/shape.h"
#include "sscam/explainer.h"

/* What one call explains: each class on each input by each explainer. */
typedef struct sscam_explain_request {
    sscam_explainer *const *explainers;
    int64_t explainer_count;
    const float *input;
    sscam_shape shape;
    const int64_t *classes; /* [N][class_count]; NULL: the top class of each */
    int64_t class_count;
} sscam_explain_request;

/* Explains images `first` to `first + images - 1`; the maps of each image stand together, by
 * explainer, then class. On failure all are NULL, as they were before. */
sscam_status sscam_explain_images(const sscam_explain_request *request, int64_t first,
                                  int64_t images, const sscam_progress *progress, sscam_map **maps);

#endif
