/* What a detector gives for one input, and the detection among it that is explained. */
#ifndef SSCAM_LIB_EXPLAIN_DETECTOR_READING_H
#define SSCAM_LIB_EXPLAIN_DETECTOR_READING_H

#include <stdint.h>

#include "base/progress.h"
#include "detect/detection_list.h"
#include "detect/detection_target.h"
#include "detect/detector_layout.h"
#include "explain/explainer_private.h"
#include "image/preprocess.h"

typedef struct sscam_detector_reading {
    int32_t is_detector;
    sscam_detector_layout layout; /* of a detector */
    float *row;                   /* [value_count of the layout]; malloc'ed */
    int64_t passes;               /* network evaluations that reading took */
} sscam_detector_reading;

/* Finds out whether the explainer's network is a detector, and runs it on one input. The caller
 * releases the reading. */
sscam_status sscam_read_detector(const sscam_explainer *explainer, const float *input,
                                 const sscam_shape *shape, const sscam_progress *progress,
                                 sscam_detector_reading *out);
void sscam_detector_reading_release(sscam_detector_reading *reading);

/* SSCAM_E_UNSUPPORTED where the explainer's network is a detector: `function` needs classes. */
sscam_status sscam_refuse_detector(const sscam_explainer *explainer, const float *input,
                                   const sscam_shape *shape, const sscam_progress *progress,
                                   const char *function);

/* Detections by the explainer's options, in pixels of the input. */
sscam_status sscam_detections_of(const sscam_explainer *explainer,
                                 const sscam_detector_reading *reading, sscam_detection_list *out);

/* Which detection is wanted. */
typedef struct sscam_detection_choice {
    int64_t class_index; /* or SSCAM_CLASS_RANKED() */
    const sscam_geometry
        *geometry;      /* of the image that the option `box` is of; NULL: of the input */
    int32_t needs_none; /* where nothing is detected, the most confident box takes its place, and
                           where there is none, the whole input */
    sscam_box whole;
} sscam_detection_choice;

/* The detection that the explainer's options and the choice say, as a target without class scores,
 * and its anchor; -1 where a box was given, which the anchor is yet to be matched with. */
sscam_status sscam_choose_detection(const sscam_explainer *explainer,
                                    const sscam_detector_reading *reading,
                                    const sscam_detection_choice *choice,
                                    sscam_detection_target *target, int64_t *anchor);

#endif
