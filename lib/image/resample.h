/* Resizing with PIL's antialiased filters: of 8-bit images in its fixed-point arithmetic, bit for
 * bit. */
#ifndef SSCAM_LIB_IMAGE_RESAMPLE_H
#define SSCAM_LIB_IMAGE_RESAMPLE_H

#include <stdint.h>

#include "image/pixel_rows.h"
#include "sscam/status.h"

typedef enum sscam_interpolation {
    SSCAM_INTERPOLATION_BILINEAR,
    SSCAM_INTERPOLATION_BICUBIC
} sscam_interpolation;

typedef struct sscam_window {
    int32_t left, top, width, height;
} sscam_window;

/* Resizes the rows of a reader to width x height, of which only the window is computed: out is
 * [window.height, window.width, channels of the reader]. The window lies within the resized image
 * and is not empty. */
sscam_status sscam_resample(sscam_row_reader *source, int32_t width, int32_t height,
                            sscam_interpolation interpolation, const sscam_window *window,
                            uint8_t *out);

/* The same of 16-bit samples, by the same filters without rounding; values end at 0 and the
 * reader's maximum. */
sscam_status sscam_resample_wide(sscam_row_reader *source, int32_t width, int32_t height,
                                 sscam_interpolation interpolation, const sscam_window *window,
                                 float *out);

#endif
