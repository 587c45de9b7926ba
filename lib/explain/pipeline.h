/* From a call's images, explainers and classes to jobs, and from the maps of jobs to those of the
 * call: a map of several layers or augmentations is fused from the maps of several jobs. */
#ifndef SSCAM_LIB_EXPLAIN_PIPELINE_H
#define SSCAM_LIB_EXPLAIN_PIPELINE_H

#include <stdint.h>

#include "base/progress.h"
#include "base/shape.h"
#include "image/preprocess.h"
#include "model/device_input.h"
#include "sscam/explainer.h"

/* One call: each class on each input by each explainer. */
typedef struct sscam_explain_request {
    sscam_explainer *const *explainers;
    int64_t explainer_count;
    const float *input;
    sscam_device_input *device_input; /* that holds `input`; NULL: it is in the host's memory */
    sscam_shape shape;
    const int64_t *classes; /* [N][class_count]; NULL: the top class of each */
    int64_t class_count;
    const sscam_geometry *geometry; /* of the image that the input was made of; NULL: of none */
    int32_t only_prepares; /* does what the first call of its kind does besides others, and makes no
                              maps */
} sscam_explain_request;

/* Images that one call of sscam_explain_images() takes at most: memory does not grow with the
 * number of images. */
enum { SSCAM_IMAGES_AT_ONCE = 8 };

/* Explains images `first` to `first + images - 1`; `maps` are ordered by image, explainer
 * and class. All are NULL before, and after a failure. */
sscam_status sscam_explain_images(const sscam_explain_request *request, int64_t first,
                                  int64_t images, const sscam_progress *progress, sscam_map **maps);

#endif
