/* The detections that the jobs of a call explain, where the network is a detector. */
#ifndef SSCAM_LIB_EXPLAIN_DETECTION_PLAN_H
#define SSCAM_LIB_EXPLAIN_DETECTION_PLAN_H

#include <stdint.h>

#include "explain/detector_reading.h"
#include "explain/pipeline.h"

/* What one map explains. */
typedef struct sscam_planned_detection {
    const sscam_detector_reading *reading; /* NULL: the network is no detector */
    sscam_detection_target target;
    sscam_detection_target mirrored; /* the same in the mirror image */
    int64_t anchor;
    double *class_scores; /* of the anchor; malloc'ed; NULL: the score does not need them */
    char *layer;          /* the default one for this detection; malloc'ed; NULL: not asked for */
    int64_t passes;       /* network evaluations that finding it took */
} sscam_planned_detection;

typedef struct sscam_detection_plan {
    int64_t images, explainers, classes;
    sscam_detector_reading *readings; /* [images][explainers]; empty where an earlier one serves */
    sscam_planned_detection *detections; /* [images][explainers][classes] */
} sscam_detection_plan;

/* Finds the detections of images `first` to `first + images - 1`. The caller releases the plan,
 * after a failure, too. */
sscam_status sscam_plan_detections(const sscam_explain_request *request, int64_t first,
                                   int64_t images, const sscam_progress *progress,
                                   sscam_detection_plan *out);
void sscam_detection_plan_release(sscam_detection_plan *plan);

const sscam_planned_detection *sscam_detection_at(const sscam_detection_plan *plan, int64_t image,
                                                  int64_t explainer, int64_t class_position);

#endif
