#include "text/fitted_text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/checked_alloc.h"
#include "text/utf8.h"

#define FAMILY "DejaVu Sans"
#define ELLIPSIS "\xe2\x80\xa6"

static void use_style(cairo_t *cairo, const struct text_style *style)
{
    cairo_select_font_face(cairo, FAMILY, CAIRO_FONT_SLANT_NORMAL, style->weight);
    cairo_set_font_size(cairo, style->size);
    cairo_set_source_rgb(cairo, style->gray, style->gray, style->gray);
}

/* The style must be in use. */
static double text_width(cairo_t *cairo, const char *text)
{
    cairo_text_extents_t extents;

    cairo_text_extents(cairo, text, &extents);
    return extents.x_advance;
}

/* Cuts the text, which has room for an ellipsis behind it, until it fits with one. */
static void cut_to_fit(cairo_t *cairo, char *text, double width)
{
    size_t length = strlen(text);

    do {
        while (length && ((unsigned char)text[--length] & 0xc0) == 0x80)
            continue;
        while (length && text[length - 1] == ' ')
            length--;
        strcpy(text + length, ELLIPSIS);
    } while (length && text_width(cairo, text) > width);
}

static char *copy_with_room(const char *text, size_t length)
{
    char *copy = allocate(length + sizeof ELLIPSIS, 1);

    memcpy(copy, text, length);
    return copy;
}

/* Bytes of the longest part of the text, broken at a blank, that fits; 0 when not even a word does.
 */
static size_t fitting_length(cairo_t *cairo, const char *text, double width)
{
    size_t fitting = 0;

    for (size_t end = strcspn(text, " ");; end += 1 + strcspn(text + end + 1, " ")) {
        char *part = copy_text(text, end);
        bool fits = text_width(cairo, part) <= width;

        free(part);
        if (!fits)
            return fitting;
        fitting = end;
        if (!text[end])
            return fitting;
    }
}

size_t break_lines(cairo_t *cairo, const struct text_style *style, const char *text, double width,
                   size_t most, char **lines)
{
    char *clean = utf8_cleaned(text);
    const char *rest = clean;
    size_t count = 0;

    use_style(cairo, style);
    while (*rest && count < most) {
        size_t whole = strlen(rest), length = fitting_length(cairo, rest, width);
        size_t word = strcspn(rest, " ");

        if (count + 1 == most && length < whole) {
            lines[count] = copy_with_room(rest, whole);
            cut_to_fit(cairo, lines[count], width);
            length = whole;
        } else if (!length) {
            lines[count] = copy_with_room(rest, word);
            cut_to_fit(cairo, lines[count], width);
            length = word;
        } else {
            lines[count] = copy_with_room(rest, length);
        }
        count++;
        rest += length;
        rest += strspn(rest, " ");
    }
    free(clean);
    return count;
}

void draw_line(cairo_t *cairo, const struct text_style *style, const char *text, double x, double y,
               double share)
{
    use_style(cairo, style);
    cairo_move_to(cairo, x - share * text_width(cairo, text), y);
    cairo_show_text(cairo, text);
}

void draw_centred(cairo_t *cairo, const struct text_style *style, const char *text, double x,
                  double y, double width)
{
    char *line;

    if (!break_lines(cairo, style, text, width, 1, &line))
        return;
    draw_line(cairo, style, line, x, y, 0.5);
    free(line);
}
