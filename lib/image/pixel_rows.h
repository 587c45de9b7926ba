/* Rows of an image as samples, whatever its format. Rows are read in place where their format
 * allows that; else one row at a time is converted, never the image. */
#ifndef SSCAM_LIB_IMAGE_PIXEL_ROWS_H
#define SSCAM_LIB_IMAGE_PIXEL_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "image/pixel_format.h"
#include "sscam/image.h"
#include "sscam/status.h"

typedef enum sscam_row_content {
    SSCAM_ROWS_COLOURS, /* gray or RGB, as the image is; without alpha */
    SSCAM_ROWS_GRAY,
    SSCAM_ROWS_RGBA,              /* opaque where the image has no alpha */
    SSCAM_ROWS_RGBA_PREMULTIPLIED /* colours times alpha */
} sscam_row_content;

typedef struct sscam_row_reader {
    const sscam_pixels *pixels;
    const sscam_pixel_format *format;
    sscam_row_content content;
    int32_t channels;  /* of a row: 1, 3 or 4 */
    int32_t step;      /* samples from a pixel to the next */
    int32_t offset[4]; /* place of each channel among a pixel's samples */
    int32_t maximum;   /* of a sample: 255, which are uint8_t, or more, which are uint16_t */
    void *stored;      /* a row of NV12 as RGB, or of 16-bit samples at their alignment */
    void *converted;   /* a row of another kind than the format's */
} sscam_row_reader;

/* The image must outlive the reader. A reader that failed to open need not be closed. */
sscam_status sscam_row_reader_open(sscam_row_reader *reader, const sscam_image *image,
                                   sscam_row_content content);
void sscam_row_reader_close(sscam_row_reader *reader);

static inline bool sscam_row_reader_is_wide(const sscam_row_reader *reader)
{
    return reader->maximum > UINT8_MAX;
}

/* Row y, until the next call. SSCAM_E_ARGUMENT for a value above the maximum. */
sscam_status sscam_row_reader_read(sscam_row_reader *reader, int64_t y, const void **row);

/* A row of SSCAM_ROWS_RGBA in 8 bits. */
void sscam_row_to_rgba8(const sscam_row_reader *reader, const void *row, uint8_t *rgba);

/* Writes row y of a canvas from 8-bit RGBA. */
void sscam_canvas_store(const sscam_canvas *canvas, int64_t y, const uint8_t *rgba);

#endif
