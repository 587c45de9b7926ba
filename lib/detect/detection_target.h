/* The score of one detection: how much of a box and its class a detector finds in an input. */
#ifndef SSCAM_LIB_DETECT_DETECTION_TARGET_H
#define SSCAM_LIB_DETECT_DETECTION_TARGET_H

#include <stdint.h>

#include "detect/detector_layout.h"

/* The values of the option `detection_score`. */
typedef enum sscam_detection_score {
    SSCAM_DETECTION_SCORE_CLASS, /* IoU x confidence of the class */
    SSCAM_DETECTION_SCORE_D_RISE /* IoU x cosine of the class scores x objectness */
} sscam_detection_score;

typedef struct sscam_detection_target {
    const sscam_detector_layout *layout;
    sscam_box box; /* in pixels of the input */
    int64_t class_index;
    sscam_detection_score score;
    const double *class_scores; /* of the detection, [classes of the layout], for the cosine; NULL:
                                   those of the class alone */
} sscam_detection_target;

/* max_j IoU(box, b_j) c_j, over all boxes of a row, where c_j is the confidence of the class or, as
 * Petsiuk et al. 2021 (D-RISE, section 3.2) have it, the cosine of the class scores times the
 * objectness. In [0,1] for outputs in their range; NaN where a value is NaN. */
double sscam_detection_similarity(const sscam_detection_target *target, const float *row);

/* The box that matches best: of those whose intersection over union with the target's is at least
 * 1/2, or of all where none has that, the one with the largest IoU x confidence. -1 where that is 0
 * for all. */
int64_t sscam_match_anchor(const sscam_detection_target *target, const float *row);

/* ln(s / (1 - s)) of a similarity, which is first held within 1e-6 and 1 - 1e-6, so that it is
 * finite. */
double sscam_similarity_logit(double similarity);

int32_t sscam_same_detection(const sscam_detection_target *a, const sscam_detection_target *b);

#endif
