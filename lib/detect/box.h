/* Boxes of objects in an image. */
#ifndef SSCAM_LIB_DETECT_BOX_H
#define SSCAM_LIB_DETECT_BOX_H

#include <stdint.h>

/* Edges in pixels: the first pixel reaches from 0 to 1. */
typedef struct sscam_box {
    double left, top, right, bottom;
} sscam_box;

/* 0 of a box that is reversed, or has a NaN or an infinity. */
double sscam_box_area(const sscam_box *box);

/* Intersection over union, 0 to 1; 0 where a box has no area. */
double sscam_box_iou(const sscam_box *a, const sscam_box *b);

/* The box in the mirror image, of which left and right are swapped, of that width. */
sscam_box sscam_box_mirrored(const sscam_box *box, double width);

/* Reads "LEFT,TOP,RIGHT,BOTTOM". Returns 0, without a change, for another text and a box without
 * area. */
int32_t sscam_box_parse(const char *text, sscam_box *box);

#endif
