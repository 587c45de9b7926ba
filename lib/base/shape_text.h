/* Shapes as messages write them. */
#ifndef SSCAM_LIB_BASE_SHAPE_TEXT_H
#define SSCAM_LIB_BASE_SHAPE_TEXT_H

#include <stdint.h>

/* Room for the numbers of an input's shape, at most SSCAM_MOST_RANK. */
enum { SSCAM_SHAPE_TEXT_SIZE = 128 };

/* Writes "1x3x224x224" to `text`, which it returns. */
const char *sscam_shape_text(const int64_t *numbers, int32_t rank,
                             char text[SSCAM_SHAPE_TEXT_SIZE]);

#endif
