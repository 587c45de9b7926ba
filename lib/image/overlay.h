/* Maps drawn in colours, alone or over the image that they explain. */
#ifndef SSCAM_LIB_IMAGE_OVERLAY_H
#define SSCAM_LIB_IMAGE_OVERLAY_H

#include <stdint.h>

#include "image/preprocess.h"
#include "sscam/image.h"
#include "sscam/status.h"

/* A map, [height, width] in [0,1], and how the network's input was cut from the image; NULL: the
 * map stretches over the whole image. */
typedef struct sscam_drawn_map {
    const float *values;
    int64_t height, width;
    const sscam_geometry *geometry;
    const double *box; /* left, top, right, bottom in the image's pixels; drawn over it as a white
                          line between black ones; NULL: none */
} sscam_drawn_map;

/* The map over the image, at the image's size: alpha x colour + (1 - alpha) x image, on 8-bit
 * values as they are. Pixels outside the input become dimmed gray. SSCAM_E_ARGUMENT for an unknown
 * colormap, alpha outside 0 to 1, an image that is not of the geometry's size, or a canvas that is
 * gray or of another size than the image. */
sscam_status sscam_draw_overlay_into(const sscam_drawn_map *map, const sscam_image *image,
                                     const char *colormap, double alpha,
                                     const sscam_canvas *canvas);
sscam_status sscam_draw_overlay(const sscam_drawn_map *map, const sscam_image *image,
                                const char *colormap, double alpha, sscam_image **out);

/* The map alone, one pixel for each value: RGB, or one channel for "gray". A gray canvas takes no
 * other colormap. */
sscam_status sscam_draw_heatmap_into(const sscam_drawn_map *map, const char *colormap,
                                     const sscam_canvas *canvas);
sscam_status sscam_draw_heatmap(const sscam_drawn_map *map, const char *colormap,
                                sscam_image **out);

#endif
