#include "text/fitted_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pango/pangocairo.h>

#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "text/utf8.h"

#define FAMILY "DejaVu Sans" /* Fontconfig finds others for the characters that it lacks. */
/* Layout takes time and memory for the whole text; no box shows as much as this. */
#define MAX_BYTES 4096

static char problem[256];

const char *text_problem(void)
{
    return *problem ? problem : NULL;
}

/* GLib reports a failed allocation as an error, in whichever thread it is, and then aborts. The
 * program must not run its exit handlers beside its other threads. */
static void handle_glib_error(const gchar *domain, GLogLevelFlags level, const gchar *message,
                              gpointer user)
{
    (void)domain, (void)message, (void)user;
    if (level & G_LOG_LEVEL_ERROR)
        _exit(fail("memory", "none left"));
}

/* Pango goes on without a font or a glyph, with a warning. */
static GLogWriterOutput handle_pango_message(GLogLevelFlags level, const GLogField *fields,
                                             gsize count, gpointer user)
{
    (void)user;
    if (!(level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING)))
        return G_LOG_WRITER_HANDLED;
    for (gsize i = 0; i < count && !*problem; i++)
        if (!strcmp(fields[i].key, "MESSAGE"))
            snprintf(problem, sizeof problem, "%s", (const char *)fields[i].value);
    return G_LOG_WRITER_HANDLED;
}

static void handle_messages(void)
{
    static bool is_handled;

    if (is_handled)
        return;
    is_handled = true;
    g_log_set_default_handler(handle_glib_error, NULL);
    g_log_set_writer_func(handle_pango_message, NULL, NULL);
}

/* The characters of a text's first MAX_BYTES, as valid UTF-8. */
static char *shown_text(const char *text)
{
    size_t length = strlen(text);

    if (length > MAX_BYTES) {
        length = MAX_BYTES;
        while (length && ((unsigned char)text[length] & 0xc0) == 0x80)
            length--;
    }
    char *start = copy_text(text, length), *clean = utf8_cleaned(start);
    free(start);
    return clean;
}

/* Pango swaps left and right where the text runs from right to left. */
static void align(PangoLayout *layout, enum text_alignment alignment)
{
    if (alignment == TEXT_CENTRED)
        pango_layout_set_alignment(layout, PANGO_ALIGN_CENTER);
    else if (pango_layout_get_direction(layout, 0) == PANGO_DIRECTION_LTR)
        pango_layout_set_alignment(layout, PANGO_ALIGN_RIGHT);
    else
        pango_layout_set_alignment(layout, PANGO_ALIGN_LEFT);
}

static void set_font(PangoLayout *layout, const struct text_style *style)
{
    PangoFontDescription *font = pango_font_description_new();

    pango_font_description_set_family_static(font, FAMILY);
    pango_font_description_set_weight(font,
                                      style->is_bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_font_description_set_absolute_size(font, style->size * PANGO_SCALE);
    pango_layout_set_font_description(layout, font);
    pango_font_description_free(font);
}

/* A word is broken where the box ends, which is no place for a hyphen. */
static void disable_hyphens(PangoLayout *layout)
{
    PangoAttrList *attributes = pango_attr_list_new();

    pango_attr_list_insert(attributes, pango_attr_insert_hyphens_new(FALSE));
    pango_layout_set_attributes(layout, attributes);
    pango_attr_list_unref(attributes);
}

static PangoLayout *create_layout(cairo_t *cairo, const struct text_box *box)
{
    char *text = shown_text(box->text);

    handle_messages();
    PangoLayout *layout = pango_cairo_create_layout(cairo);
    set_font(layout, box->style);
    disable_hyphens(layout);
    pango_layout_set_single_paragraph_mode(layout, TRUE);
    pango_layout_set_width(layout, (int)(box->width * PANGO_SCALE));
    pango_layout_set_height(layout, -box->max_lines);
    pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
    pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END);
    pango_layout_set_text(layout, text, -1);
    align(layout, box->alignment);
    free(text);
    return layout;
}

double text_box_height(cairo_t *cairo, const struct text_box *box)
{
    int height = 0;

    if (!*box->text)
        return 0;
    PangoLayout *layout = create_layout(cairo, box);
    pango_layout_get_size(layout, NULL, &height);
    g_object_unref(layout);
    return (double)height / PANGO_SCALE;
}

void text_box_draw(cairo_t *cairo, const struct text_box *box, double x, double y)
{
    const double gray = box->style->gray;

    if (!*box->text)
        return;
    PangoLayout *layout = create_layout(cairo, box);
    cairo_set_source_rgb(cairo, gray, gray, gray);
    cairo_move_to(cairo, x, y);
    pango_cairo_show_layout(cairo, layout);
    g_object_unref(layout);
}
