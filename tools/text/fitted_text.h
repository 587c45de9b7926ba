/* Text in a box of a given width, in any script. */
#ifndef SSCAM_TOOLS_TEXT_FITTED_TEXT_H
#define SSCAM_TOOLS_TEXT_FITTED_TEXT_H

#include <stdbool.h>

#include <cairo.h>

struct text_style {
    double size;
    bool is_bold;
    double gray; /* 0 is black */
};

enum text_alignment { TEXT_CENTRED, TEXT_RIGHT };

/* Lines are broken between words, and within a word that is wider than the box; what does not fit
 * `max_lines` ends in an ellipsis. Bytes that are not UTF-8 are drawn as U+FFFD. */
struct text_box {
    const struct text_style *style;
    const char *text;
    double width;
    int max_lines;
    enum text_alignment alignment;
};

/* Height of the box on the surface that cairo draws on; 0 for an empty text. */
double text_box_height(cairo_t *cairo, const struct text_box *box);

/* Draws the box with its upper left corner at (x, y). */
void text_box_draw(cairo_t *cairo, const struct text_box *box, double x, double y);

/* NULL, or why some of the text drawn so far is not what it should be. */
const char *text_problem(void);

#endif
