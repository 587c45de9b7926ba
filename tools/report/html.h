/* Pieces of HTML: texts from outside, and images within the file. */
#ifndef SSCAM_TOOLS_REPORT_HTML_H
#define SSCAM_TOOLS_REPORT_HTML_H

#include <stdio.h>

#include <cairo.h>

/* Writes a text with its markup escaped, also for a quoted attribute. */
void html_put_text(FILE *out, const char *text);

/* Writes an <img> with the image as PNG in its address. Failures are those of the surface. */
cairo_status_t html_put_image(FILE *out, cairo_surface_t *image, const char *description);

#endif
