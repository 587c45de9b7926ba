/* The blurred input that insertion starts from. */
#ifndef SSCAM_LIB_EVALUATION_BLUR_H
#define SSCAM_LIB_EVALUATION_BLUR_H

#include <stdint.h>

#include "sscam/status.h"

/* Blurs an input [channels, height, width] as RISE's published code does: by a kernel of 11 x 11, a
 * point blurred by a Gaussian of deviation 5 and reflected at the kernel's edges. Around the input
 * are zeros. */
sscam_status sscam_blur(const float *input, int64_t channels, int64_t height, int64_t width,
                        float *out);

#endif
