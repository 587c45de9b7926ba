/* Annotations of an image in the text files of YOLO: a line "CLASS CX CY WIDTH HEIGHT" for each
 * object, in shares of the image. Lines with the corners of a polygon in place of the box, as for
 * segmentation, give the box around it. */
#ifndef SSCAM_TOOLS_DATA_ANNOTATION_YOLO_H
#define SSCAM_TOOLS_DATA_ANNOTATION_YOLO_H

#include <stdbool.h>
#include <stdint.h>

#include "data/annotation.h"
#include "data/labels.h"

/* Reads a file of at most max_objects objects, whose classes are numbers of `names`; `has_points`
 * says that keypoints follow each box. Returns NULL, or why the file cannot be used, which the
 * caller frees; the annotation is then empty. */
char *annotation_read_yolo(const char *path, int64_t max_objects, const struct labels *names,
                           bool has_points, struct annotation *annotation);

#endif
