/* What the charts of a report have in common. */
#ifndef SSCAM_TOOLS_REPORT_SVG_H
#define SSCAM_TOOLS_REPORT_SVG_H

#include <stddef.h>
#include <stdio.h>

/* Colours that people with colour blindness can tell apart. */
const char *svg_colour(size_t index);

/* Begins an image with a title above; the caller ends it with </svg>. */
void svg_open(FILE *out, double width, double height, const char *title);

/* Text at a point; the anchor is start, middle or end. */
void svg_put_text(FILE *out, double x, double y, const char *anchor, const char *text);

#endif
