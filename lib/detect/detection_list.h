/* Detections of one input: the boxes of a detector above a confidence, without those that overlap
 * more confident ones. */
#ifndef SSCAM_LIB_DETECT_DETECTION_LIST_H
#define SSCAM_LIB_DETECT_DETECTION_LIST_H

#include <stdint.h>

#include "detect/detector_layout.h"
#include "sscam/status.h"

/* As Ultralytics' non_max_suppression() has them: boxes that are compared with each other, and
 * detections that are kept. */
enum { SSCAM_COMPARED_BOXES_LIMIT = 30000, SSCAM_DETECTIONS_LIMIT = 300 };

typedef struct sscam_found_detection {
    sscam_box box;       /* in pixels of the input */
    int64_t anchor;      /* number of the box among those of the layout */
    int64_t class_index; /* the one of the highest confidence */
    double confidence;
} sscam_found_detection;

typedef struct sscam_detection_list {
    sscam_found_detection *detections; /* malloc'ed; by descending confidence, the lower anchor
                                          first among equals */
    int64_t count;
} sscam_detection_list;

/* The boxes with a confidence above `threshold` and an area, each for its most confident class. Of
 * boxes of one class whose intersection over union exceeds `overlap` the most confident one is
 * kept, unless the layout is final. */
sscam_status sscam_list_detections(const sscam_detector_layout *layout, const float *row,
                                   double threshold, double overlap, sscam_detection_list *out);

void sscam_detection_list_release(sscam_detection_list *list);

/* The box with an area and the highest confidence, above 0, of a class, or of any where class_index
 * is -1. Returns 0 where there is none. */
int32_t sscam_most_confident_box(const sscam_detector_layout *layout, const float *row,
                                 int64_t class_index, sscam_found_detection *out);

/* SSCAM_E_MODEL where a row has a NaN or an infinity. */
sscam_status sscam_check_detector_row(const sscam_detector_layout *layout, const float *row);

#endif
