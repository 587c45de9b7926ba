/* Pieces of HTML: texts from outside, and pictures within the file. */
#ifndef SSCAM_TOOLS_REPORT_HTML_H
#define SSCAM_TOOLS_REPORT_HTML_H

#include <stdio.h>

#include <cairo.h>

/* Writes a text so that it is text, also within a quoted attribute. */
void html_put_text(FILE *out, const char *text);

/* Writes an <img> that holds its picture as PNG; what its alternative text is. Failures are those
 * of the picture. */
cairo_status_t html_put_picture(FILE *out, cairo_surface_t *picture, const char *what);

#endif
