/* Images of the library as cairo surfaces of a wanted size. */
#ifndef SSCAM_TOOLS_REPORT_THUMBNAIL_H
#define SSCAM_TOOLS_REPORT_THUMBNAIL_H

#include <cairo.h>

#include <sscam/sscam.h>

/* An image scaled to a size in pixels, as the network sees it: without transparency. Ends the
 * program where cairo cannot draw it. */
cairo_surface_t *thumbnail(const sscam_image *image, int width, int height);

#endif
