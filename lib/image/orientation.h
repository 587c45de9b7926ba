/* How the pixels of an image file are to be turned for display. */
#ifndef SSCAM_LIB_IMAGE_ORIENTATION_H
#define SSCAM_LIB_IMAGE_ORIENTATION_H

#include <stddef.h>
#include <stdint.h>

#include "sscam/image.h"
#include "sscam/status.h"

/* The orientations of EXIF and TIFF: which edges of the displayed image the first row and the first
 * column are. */
enum {
    SSCAM_ORIENTATION_NORMAL = 1, /* top, left */
    SSCAM_ORIENTATION_LAST = 8
};

/* The tag Orientation of EXIF data, which begin with a TIFF header; SSCAM_ORIENTATION_NORMAL where
 * there is none, or the data are damaged. */
int32_t sscam_exif_orientation(const uint8_t *exif, size_t size);

/* Replaces an image that owns its pixels by the turned one; the normal orientation changes
 * nothing. On failure *image stays. */
sscam_status sscam_image_orient(int32_t orientation, sscam_image **image);

#endif
