/* Blurred inputs: the one that insertion starts from, and the background of Group-CAM. */
#ifndef SSCAM_LIB_MATH_BLUR_H
#define SSCAM_LIB_MATH_BLUR_H

#include <stdint.h>

#include "sscam/status.h"

/* Blurs an input [channels, height, width] as RISE's published code does: by a kernel of 11 x 11, a
 * point blurred by a Gaussian of deviation 5 and reflected at the kernel's edges. Around the input
 * are zeros. */
sscam_status sscam_blur(const float *input, int64_t channels, int64_t height, int64_t width,
                        float *out);

/* Blurs each plane [height, width] by a Gaussian of deviation 50 cut to 51 x 51 and scaled to sum
 * 1, as Group-CAM's published code does. The border is reflected without repeating the edge. */
sscam_status sscam_gaussian_blur(const float *input, int64_t planes, int64_t height, int64_t width,
                                 float *out);

#endif
