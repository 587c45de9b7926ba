/* Decoding and encoding of image files. Only png.c includes libpng's header and only jpeg.c
 * libjpeg's; they share this header, since one called png.h would hide libpng's. */
#ifndef SSCAM_LIB_IMAGE_CODEC_H
#define SSCAM_LIB_IMAGE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sscam/image.h"

/* Whether the content begins with the signature of such a file. */
bool sscam_png_recognise(const uint8_t *data, size_t size);
bool sscam_jpeg_recognise(const uint8_t *data, size_t size);

/* SSCAM_E_FORMAT for damaged, truncated and too large files. The caller adds the file's name to the
 * message. Gamma, colour profiles and orientation marks are not applied.
 *
 * The options are resolved: none is 0 that stands for another value. An image of more than max_pixels
 * is refused before memory is allocated for it; ancillary chunks of PNG are not kept.
 *
 * PNG: gray becomes gray of 8 or 16 bits, colours RGB, anything with transparency RGBA. JPEG: gray stays gray, all else becomes RGB, CMYK and YCCK by PIL's rules. */
sscam_status sscam_png_decode(const uint8_t *data, size_t size, const sscam_read_options *options,
                              sscam_image **out);
sscam_status sscam_jpeg_decode(const uint8_t *data, size_t size, const sscam_read_options *options,
                               sscam_image **out);

/* The content of a PNG file, to be freed by free(). */
sscam_status sscam_png_encode(const sscam_image *image, void **data, size_t *size);

/* Writes the whole file or none. Messages start with the path. */
sscam_status sscam_png_write(const sscam_image *image, const char *path);

#endif
