/* Which layout a network's outputs have: from their names and shapes and, where several layouts
 * have the same shapes, from the ranges of the values. */
#ifndef SSCAM_LIB_DETECT_DETECTOR_RECOGNITION_H
#define SSCAM_LIB_DETECT_DETECTOR_RECOGNITION_H

#include <stdint.h>

#include "detect/detector_layout.h"
#include "sscam/status.h"

/* An activation that an output has lost, since networks are read before their last one. */
typedef enum sscam_lost_activation {
    SSCAM_LOST_NONE,
    SSCAM_LOST_SIGMOID,
    SSCAM_LOST_SOFTMAX,
    SSCAM_LOST_UNKNOWN /* it may have lost one */
} sscam_lost_activation;

/* A tensor that a network returned for one input. */
typedef struct sscam_detector_output {
    const char *name; /* its key or field; "": it has none */
    int32_t rank;
    const int64_t *shape;
    int32_t is_listed_detections; /* boxes, labels and scores of a list, as one tensor */
    sscam_lost_activation lost;
} sscam_detector_output;

typedef struct sscam_detector_outputs {
    const sscam_detector_output *outputs;
    int64_t count;
    const char *wanted;                /* the option `output`; "": any */
    sscam_detector_kind kind;          /* the option `detector` */
    int64_t input_height, input_width; /* in pixels */
} sscam_detector_outputs;

/* Whether outputs of such names and shapes may be a detector's: then the layout's selector is the
 * name of the row whose values decide. Where the option says a layout that the shapes do not have,
 * fails with SSCAM_E_ARGUMENT. */
sscam_status sscam_find_detector_row(const sscam_detector_outputs *outputs,
                                     sscam_detector_layout *layout, int32_t *may_be_detector);

/* Completes the layout by the values of its row, of which there are `count`. `is_detector`: 0 where
 * the values are those of no detector. SSCAM_E_ARGUMENT where several layouts suit them: the
 * message names the option that says which it is. */
sscam_status sscam_find_detector_layout(const sscam_detector_outputs *outputs, const float *row,
                                        int64_t count, sscam_detector_layout *layout,
                                        int32_t *is_detector);

#endif
