/* Where the boxes and scores of a detector lie among its outputs, read as one row of values.
 *
 * All layouts are read alike: value number `part` of box number `box` is at `offset + box x
 * box_step + part x part_step` of the row. */
#ifndef SSCAM_LIB_DETECT_DETECTOR_LAYOUT_H
#define SSCAM_LIB_DETECT_DETECTOR_LAYOUT_H

#include <stdint.h>

#include "detect/box.h"

/* The values of the option `detector`. K: number of classes. */
typedef enum sscam_detector_kind {
    SSCAM_DETECTOR_AUTO,
    SSCAM_DETECTOR_OFF,
    SSCAM_DETECTOR_YOLOV8,             /* [N,4+K,boxes], centres and sizes in pixels */
    SSCAM_DETECTOR_YOLOV8_TRANSPOSED,  /* [N,boxes,4+K], likewise */
    SSCAM_DETECTOR_YOLOV5,             /* [N,boxes,4+1+K], likewise, with an objectness */
    SSCAM_DETECTOR_YOLOV10,            /* [N,boxes,6]: edges in pixels, confidence, class */
    SSCAM_DETECTOR_RT_DETR,            /* [N,boxes,4+K], centres and sizes in [0,1] */
    SSCAM_DETECTOR_RT_DETR_TRANSPOSED, /* [N,4+K,boxes], likewise */
    SSCAM_DETECTOR_DETR, /* boxes [N,boxes,4] in [0,1] and logits [N,boxes,K+1] whose last
                                       class is "no object", for a softmax */
    SSCAM_DETECTOR_DEFORMABLE_DETR, /* boxes [N,boxes,4] in [0,1] and logits [N,boxes,K], for a
                                       sigmoid */
    SSCAM_DETECTOR_BOXES_SCORES,    /* edges [N,boxes,4], in pixels or in [0,1], and confidences
                                       [N,boxes,K] */
    SSCAM_DETECTOR_TORCHVISION,     /* a list with {boxes, labels, scores} for each input */
    SSCAM_DETECTOR_RT_DETR_LABELS,  /* [N,boxes,6]: centre and size in [0,1], confidence, class */
    SSCAM_DETECTOR_KIND_COUNT
} sscam_detector_kind;

/* What values become before they are used. */
typedef enum sscam_detector_activation {
    SSCAM_DETECTOR_AS_IS,
    SSCAM_DETECTOR_SIGMOID,
    SSCAM_DETECTOR_SOFTMAX /* over the classes and one more, "no object" */
} sscam_detector_activation;

typedef enum sscam_box_form {
    SSCAM_BOX_CENTRE, /* centre x, centre y, width, height */
    SSCAM_BOX_EDGES   /* left, top, right, bottom */
} sscam_box_form;

typedef struct sscam_detector_values {
    int64_t offset, box_step, part_step;
    sscam_detector_activation activation;
} sscam_detector_values;

enum { SSCAM_DETECTOR_SELECTOR_SIZE = 48 };

/* Boxes of a detector that lists its detections: the row has room for that many, those that are not
 * there have the class -1. */
enum { SSCAM_LISTED_DETECTIONS_LIMIT = 1024, SSCAM_LISTED_DETECTION_SIZE = 6 };

typedef struct sscam_detector_layout {
    sscam_detector_kind kind;
    int64_t value_count; /* of a row */
    int64_t boxes;
    int64_t classes; /* 0: unknown; a box has one class, by its label */
    sscam_box_form form;
    double scale_x, scale_y; /* from the values of boxes to pixels of the input */
    sscam_detector_values box, score;
    int32_t has_objectness, has_labels;
    sscam_detector_values objectness, label;
    int32_t is_final; /* the network has removed overlapping detections, or makes none */
    char selector[SSCAM_DETECTOR_SELECTOR_SIZE]; /* of the row, as an output's name */
} sscam_detector_layout;

/* A box in pixels of the input. */
sscam_box sscam_detector_box(const sscam_detector_layout *layout, const float *row, int64_t box);

/* Confidence in [0,1] that a box has an object of a class: its score, times its objectness where
 * there is one. */
double sscam_detector_confidence(const sscam_detector_layout *layout, const float *row, int64_t box,
                                 int64_t class_index);

/* The class with the highest confidence, the lowest among equals, and that confidence; -1 for a box
 * that is not there. */
int64_t sscam_detector_class(const sscam_detector_layout *layout, const float *row, int64_t box,
                             double *confidence);

/* The score of a class without the objectness, and the objectness, 1 where there is none. */
double sscam_detector_class_score(const sscam_detector_layout *layout, const float *row,
                                  int64_t box, int64_t class_index);
double sscam_detector_objectness(const sscam_detector_layout *layout, const float *row,
                                 int64_t box);

/* Where in a row the values are whose product is explained by gradients: the class's value before
 * any sigmoid or softmax that the row lacks, and the objectness. Returns how many, 1 or 2. */
int32_t sscam_detector_factors(const sscam_detector_layout *layout, int64_t box,
                               int64_t class_index, int64_t positions[2]);

/* Where the four values of a box are. */
void sscam_detector_box_positions(const sscam_detector_layout *layout, int64_t box,
                                  int64_t positions[4]);

#endif
