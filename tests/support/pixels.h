/* Images of packed 8-bit pixels: gray, RGB or RGBA by their number of channels. */
#ifndef SSCAM_TESTS_SUPPORT_PIXELS_H
#define SSCAM_TESTS_SUPPORT_PIXELS_H

#include <check.h>
#include <stdint.h>

#include "sscam/image.h"

static inline int32_t format_of_channels(int32_t channels)
{
    return channels == 1   ? SSCAM_PIXELS_GRAY8
           : channels == 3 ? SSCAM_PIXELS_RGB8
           : channels == 4 ? SSCAM_PIXELS_RGBA8
                           : 0;
}

static inline sscam_pixels packed_pixels(int64_t width, int64_t height, int32_t channels,
                                         const void *data)
{
    sscam_pixels pixels = SSCAM_PIXELS_INIT;
    pixels.data = data;
    pixels.width = width;
    pixels.height = height;
    pixels.format = format_of_channels(channels);
    return pixels;
}

static inline sscam_status create_packed(int64_t width, int64_t height, int32_t channels,
                                         const void *data, sscam_image **out)
{
    const sscam_pixels pixels = packed_pixels(width, height, channels, data);
    return sscam_image_create(&pixels, out);
}

/* All pixels of an image of the library's own, of whatever format. */
static inline const void *all_pixels_of(const sscam_image *image, size_t *size)
{
    sscam_pixels pixels = SSCAM_PIXELS_INIT;
    if (sscam_image_describe(image, &pixels) != SSCAM_OK || pixels.stride < 1)
        ck_abort_msg("the image has no rows: %s", sscam_last_error());
    *size = (size_t)pixels.stride * (size_t)pixels.height;
    return pixels.data;
}

/* The first byte of an image that is packed. */
static inline const uint8_t *pixels_of(const sscam_image *image)
{
    sscam_pixels pixels = SSCAM_PIXELS_INIT;
    if (sscam_image_describe(image, &pixels) != SSCAM_OK ||
        pixels.format != format_of_channels(sscam_image_channels(image)) ||
        pixels.stride != pixels.width * sscam_image_channels(image))
        ck_abort_msg("the image is not packed: %s", sscam_last_error());
    return pixels.data;
}

#endif
