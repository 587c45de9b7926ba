/* Colours for values from 0 to 1. */
#ifndef SSCAM_LIB_IMAGE_COLORMAP_H
#define SSCAM_LIB_IMAGE_COLORMAP_H

#include <stdint.h>

#include "sscam/map.h"
#include "sscam/status.h"

typedef struct sscam_colormap {
    int32_t is_gray; /* the three channels are the same */
    uint8_t rgb[256][3];
} sscam_colormap;

/* "turbo", "jet", "viridis" or "gray"; SSCAM_E_ARGUMENT, with a message that lists them, for other
 * names. */
sscam_status sscam_colormap_find(const char *name, sscam_colormap *colormap);

/* The colour of the nearest entry; values below 0 and NaN have that of 0, values above 1 that of 1.
 */
const uint8_t *sscam_colormap_colour(const sscam_colormap *colormap, float value);

#endif
