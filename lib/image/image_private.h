/* The struct behind sscam_image, for the code that creates images. */
#ifndef SSCAM_LIB_IMAGE_IMAGE_PRIVATE_H
#define SSCAM_LIB_IMAGE_IMAGE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/reference_count.h"
#include "sscam/image.h"

struct sscam_image {
    sscam_reference_count references;
    int32_t width, height, channels;
    uint8_t pixels[]; /* [height,width,channels] */
};

/* Whether sides are positive and the image has at most max_pixels. */
bool sscam_image_size_allowed(int64_t width, int64_t height, int64_t max_pixels);

/* An image with undefined pixels, which the caller fills. The size must be allowed. */
sscam_status sscam_image_allocate(int32_t width, int32_t height, int32_t channels,
                                  sscam_image **out);

/* Bytes from one row to the next. */
static inline size_t sscam_image_row_size(const sscam_image *image)
{
    return (size_t)image->width * (size_t)image->channels;
}

static inline uint8_t *sscam_image_row(sscam_image *image, int64_t y)
{
    return image->pixels + (size_t)y * sscam_image_row_size(image);
}

#endif
