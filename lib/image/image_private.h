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
    sscam_pixels pixels;            /* with strides and significant bits that are not 0 */
    sscam_release_callback release; /* NULL, or called with `user` at the end */
    void *user;
    uint8_t owned[]; /* the pixels of images that own them */
};

/* Whether sides are positive and the image has at most max_pixels. */
bool sscam_image_size_allowed(int64_t width, int64_t height, int64_t max_pixels);

/* An image of a format with one plane, without padding, with undefined pixels, which the caller
 * fills. The size must be allowed. */
sscam_status sscam_image_allocate(int64_t width, int64_t height, int32_t format, sscam_image **out);

static inline uint8_t *sscam_image_row(sscam_image *image, int64_t y)
{
    return image->owned + (size_t)y * (size_t)image->pixels.stride;
}

/* An image that owns its pixels as memory to draw into. */
sscam_canvas sscam_image_canvas(sscam_image *image);

#endif
