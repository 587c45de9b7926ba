/* The augmented inputs of the option aug_smooth: the input as it is and mirrored, times 1, 0.9 and
 * 1.1. */
#ifndef SSCAM_LIB_EXPLAIN_AUGMENTATION_H
#define SSCAM_LIB_EXPLAIN_AUGMENTATION_H

#include <stdint.h>

#include "base/shape.h"

enum { SSCAM_AUGMENTATIONS = 6 }; /* number 0 changes nothing */

/* Writes augmented input number `augmentation`. Mirroring reverses the last side. */
void sscam_augment(const float *input, const sscam_shape *shape, int64_t augmentation, float *out);

/* Whether an augmented input is mirrored, so that its map must be mirrored back. */
int32_t sscam_augmentation_mirrors(int64_t augmentation);

#endif
