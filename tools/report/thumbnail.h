/* Images of the library as cairo surfaces of a wanted size. */
#ifndef SSCAM_TOOLS_REPORT_THUMBNAIL_H
#define SSCAM_TOOLS_REPORT_THUMBNAIL_H

#include <cairo.h>

#include <sscam/sscam.h>

/* An image scaled to a size in pixels, as the network sees it: without transparency. Ends the
 * program where there is no memory; NULL on another failure. */
cairo_status_t thumbnail_create(const sscam_image *image, int width, int height,
                                cairo_surface_t **thumbnail);

#endif
