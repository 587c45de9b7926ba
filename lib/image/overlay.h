/* Maps drawn in colours, alone or over the image that they explain. */
#ifndef SSCAM_LIB_IMAGE_OVERLAY_H
#define SSCAM_LIB_IMAGE_OVERLAY_H

#include <stdint.h>

#include "image/preprocess.h"
#include "sscam/image.h"
#include "sscam/status.h"

/* The map, [map_height, map_width] in [0,1], over the image at the image's size: alpha x colour
 * + (1 - alpha) x image, on the 8-bit values as they are. `geometry` says how the network's input
 * was cut from the image; pixels outside the input become dimmed gray. NULL: the map stretches over
 * the whole image. SSCAM_E_ARGUMENT for an unknown colormap, alpha outside 0 to 1, or an image
 * that is not of the geometry's size. */
sscam_status sscam_draw_overlay(const float *map, int32_t map_height, int32_t map_width,
                                const sscam_geometry *geometry, const sscam_image *image,
                                const char *colormap, double alpha, sscam_image **out);

/* The map alone, one pixel for each value: RGB, or one channel for "gray". */
sscam_status sscam_draw_heatmap(const float *map, int32_t map_height, int32_t map_width,
                                const char *colormap, sscam_image **out);

#endif
