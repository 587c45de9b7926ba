/* Which box is the detection, in another input than the one that it was found in. */
#ifndef SSCAM_LIB_DETECT_DETECTION_ANCHOR_H
#define SSCAM_LIB_DETECT_DETECTION_ANCHOR_H

#include <stdint.h>

#include "detect/detection_target.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The box that is the detection, of which `anchor` is the number in the input that it was found in.
 * Final layouts number their boxes by confidence, anew for each input: there the number holds only
 * where its box and class are still those of the detection, and otherwise the best match takes its
 * place. -1 where there is none. */
int64_t sscam_detection_anchor(const sscam_detection_target *target, const float *row,
                               int64_t anchor);

#ifdef __cplusplus
}
#endif

#endif
