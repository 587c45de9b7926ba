/* The blurred input that insertion starts from. */
#ifndef SSCAM_LIB_EVALUATION_BLUR_H
#define SSCAM_LIB_EVALUATION_BLUR_H

#include <stdint.h>

#include "sscam/status.h"

/* Blurs an input [channels, height, width] as RISE's published code does: a kernel of 11 x 11 that
 * a Gaussian of deviation 5 makes of a point, reflected at the kernel's own edges; zeros around the
 * input. */
sscam_status sscam_blur(const float *input, int64_t channels, int64_t height, int64_t width,
                        float *out);

#endif
