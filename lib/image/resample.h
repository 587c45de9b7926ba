/* Resizing of 8-bit images with PIL's antialiased filters and its fixed-point arithmetic, bit for
 * bit. */
#ifndef SSCAM_LIB_IMAGE_RESAMPLE_H
#define SSCAM_LIB_IMAGE_RESAMPLE_H

#include <stdint.h>

#include "sscam/status.h"

typedef enum sscam_interpolation {
    SSCAM_INTERPOLATION_BILINEAR,
    SSCAM_INTERPOLATION_BICUBIC
} sscam_interpolation;

/* Pixels of `step` bytes each, of which the first `colours` are read. */
typedef struct sscam_pixels {
    const uint8_t *first;
    int32_t width, height, step, colours;
} sscam_pixels;

typedef struct sscam_window {
    int32_t left, top, width, height;
} sscam_window;

/* Resizes to width x height, of which only the window is computed: out is [window.height,
 * window.width, colours]. The window lies within the resized image and is not empty. */
sscam_status sscam_resample(const sscam_pixels *source, int32_t width, int32_t height,
                            sscam_interpolation interpolation, const sscam_window *window,
                            uint8_t *out);

#endif
