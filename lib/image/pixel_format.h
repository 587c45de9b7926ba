/* Formats of pixels, and checks of views whose fields the host sets. */
#ifndef SSCAM_LIB_IMAGE_PIXEL_FORMAT_H
#define SSCAM_LIB_IMAGE_PIXEL_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "sscam/image.h"
#include "sscam/status.h"

/* Fewest significant bits of formats of 16 bits. */
enum { SSCAM_LEAST_WIDE_BITS = 9 };

typedef struct sscam_pixel_format {
    const char *name;
    int32_t channels;  /* 1 (gray), 3 (colours) or 4 (with alpha) */
    int32_t bits;      /* a channel's: 8 or 16 */
    int32_t offset[4]; /* place of red or gray, of green, blue and alpha among a pixel's samples */
    int32_t planes;    /* 2: NV12 */
} sscam_pixel_format;

/* NULL for a number that is no format. */
const sscam_pixel_format *sscam_pixel_format_find(int32_t format);

/* Bytes of a row without padding: of the first plane where there are two. */
size_t sscam_pixel_row_size(int32_t format, int64_t width);

/* Copies a host's view and checks it; strides and significant bits that are 0 become those that
 * they stand for. Messages start with the function's name. */
sscam_status sscam_pixels_read(const sscam_pixels *given, const char *function, sscam_pixels *out);

/* The same for memory that is drawn into. */
sscam_status sscam_canvas_read(const sscam_canvas *given, const char *function, sscam_canvas *out);

static inline const uint8_t *sscam_pixels_row(const sscam_pixels *pixels, int64_t y)
{
    return (const uint8_t *)pixels->data + (ptrdiff_t)(y * pixels->stride);
}

static inline uint8_t *sscam_canvas_row(const sscam_canvas *canvas, int64_t y)
{
    return (uint8_t *)canvas->data + (ptrdiff_t)(y * canvas->stride);
}

#endif
