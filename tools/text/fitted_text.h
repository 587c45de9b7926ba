/* Lines of text that fit a width. */
#ifndef SSCAM_TOOLS_TEXT_FITTED_TEXT_H
#define SSCAM_TOOLS_TEXT_FITTED_TEXT_H

#include <stddef.h>

#include <cairo.h>

struct text_style {
    double size;
    cairo_font_weight_t weight;
    double gray; /* 0 is black */
};

/* Draws one line with its baseline at y, its middle at x; cut with an ellipsis where it exceeds
 * `width`. */
void draw_centred(cairo_t *cairo, const struct text_style *style, const char *text, double x,
                  double y, double width);

/* Breaks a text at blanks into at most `most` lines of at most `width`, the last one cut with an
 * ellipsis when there is more. Returns the number of lines, each to be freed by the caller. */
size_t break_lines(cairo_t *cairo, const struct text_style *style, const char *text, double width,
                   size_t most, char **lines);

/* Draws one line that fits, with its baseline at y, so that `share` of its width lies left of x. */
void draw_line(cairo_t *cairo, const struct text_style *style, const char *text, double x, double y,
               double share);

#endif
