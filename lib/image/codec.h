/* Image files to images and back. png.c alone knows libpng and jpeg.c alone knows libjpeg; they
 * share this header, since one called png.h would stand in libpng's way. */
#ifndef SSCAM_LIB_IMAGE_CODEC_H
#define SSCAM_LIB_IMAGE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sscam/image.h"

/* Whether the content begins as such a file does. */
bool sscam_png_recognise(const uint8_t *data, size_t size);
bool sscam_jpeg_recognise(const uint8_t *data, size_t size);

/* SSCAM_E_FORMAT for anything damaged, cut short or too large. Messages do not name the file: the
 * caller knows it. Neither gamma, colour profiles nor orientation marks are applied.
 *
 * An image of more than max_pixels is refused before memory is taken for it; ancillary chunks of
 * PNG are not kept.
 *
 * PNG: gray of any depth becomes 8-bit gray, colours RGB, anything with transparency RGBA; 16 bits
 * keep the high byte. JPEG: gray stays gray, all else becomes RGB, CMYK and YCCK by PIL's rules. */
sscam_status sscam_png_decode(const uint8_t *data, size_t size, int64_t max_pixels,
                              sscam_image **out);
sscam_status sscam_jpeg_decode(const uint8_t *data, size_t size, int64_t max_pixels,
                               sscam_image **out);

/* The file appears whole or not at all. Messages start with the path. */
sscam_status sscam_png_write(const sscam_image *image, const char *path);

#endif
