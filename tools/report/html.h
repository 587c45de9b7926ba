/* Pieces of HTML: texts from outside, and images within the file. */
#ifndef SSCAM_TOOLS_REPORT_HTML_H
#define SSCAM_TOOLS_REPORT_HTML_H

#include <stdio.h>

#include <cairo.h>

/* Writes a text so that it is text, also within a quoted attribute. */
void html_put_text(FILE *out, const char *text);

/* Writes an <img> that holds its image as PNG; what its alternative text is. Failures are those
 * of the image. */
cairo_status_t html_put_image(FILE *out, cairo_surface_t *image, const char *what);

#endif
