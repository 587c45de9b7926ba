#include "report/figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <cairo.h>

#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "common/output_file.h"
#include "report/thumbnail.h"
#include "text/fitted_text.h"

/* Lengths are in points, 1/72 inch. */
#define MARGIN 20.0
#define GAP 8.0
#define CELL_WIDTH 168.0
/* Tall images are drawn narrower instead, and wide ones leave room for the label beside them. */
#define TALLEST_CELL (1.2 * CELL_WIDTH)
#define LOWEST_ROW 76.0
#define LABEL_WIDTH 136.0
#define HEADER_HEIGHT 24.0
#define FOOTER_HEIGHT 22.0
#define LABEL_LINES 3
#define LINE_SPACING 1.3
#define BAND_GAP 16.0
#define HAIRLINE 0.5

#define PNG_PIXELS_A_POINT 2.0
#define PRINT_PIXELS_A_POINT 3.0
/* Cairo's image surfaces end at 32767 pixels a side. */
#define FINE_PNG_ROWS 64
/* More columns beside the first are broken into bands, one below the other, while these rows are
 * not too many. */
#define MOST_COLUMNS 8

static const struct text_style title_style = {11, CAIRO_FONT_WEIGHT_BOLD, 0.0};
static const struct text_style label_style = {11, CAIRO_FONT_WEIGHT_BOLD, 0.0};
static const struct text_style detail_style = {9.5, CAIRO_FONT_WEIGHT_NORMAL, 0.2};
static const struct text_style small_style = {8, CAIRO_FONT_WEIGHT_NORMAL, 0.45};
static const struct text_style remark_style = {9, CAIRO_FONT_WEIGHT_NORMAL, 0.0};

enum image_kind { KIND_PNG, KIND_PDF, KIND_SVG, KIND_UNKNOWN };

struct cell {
    cairo_surface_t *image;
    char *remark;
};

struct row {
    char *label, *detail, *source;
    struct cell *cells;
};

struct panel {
    const char *path;
    const char *const *titles;
    size_t row_count, column_count;
    size_t band_count, band_columns; /* of the columns beside the first, which is in each band */
    struct row *rows;
    char *footer;
    double pixels_a_point;
};

static enum image_kind kind_of(const char *path)
{
    static const char *const extensions[] = {".png", ".pdf", ".svg"};
    size_t length = strlen(path);

    for (int kind = KIND_PNG; kind < KIND_UNKNOWN; kind++)
        if (length > 4 && !strcasecmp(path + length - 4, extensions[kind]))
            return kind;
    return KIND_UNKNOWN;
}

int panel_knows_extension(const char *path)
{
    return kind_of(path) != KIND_UNKNOWN;
}

struct panel *panel_create(const char *path, size_t rows, size_t columns, const char *const *titles)
{
    struct panel *panel = allocate(1, sizeof *panel);

    *panel = (struct panel){
        .path = path, .titles = titles, .row_count = rows, .column_count = columns};
    panel->band_count = (columns - 1 + MOST_COLUMNS - 1) / MOST_COLUMNS;
    if (panel->band_count == 0 || rows * panel->band_count > FINE_PNG_ROWS)
        panel->band_count = 1;
    panel->band_columns = (columns - 1 + panel->band_count - 1) / panel->band_count;
    panel->rows = allocate(rows, sizeof *panel->rows);
    for (size_t i = 0; i < rows; i++)
        panel->rows[i].cells = allocate(columns, sizeof *panel->rows[i].cells);
    panel->pixels_a_point = kind_of(path) != KIND_PNG ? PRINT_PIXELS_A_POINT
                            : rows <= FINE_PNG_ROWS   ? PNG_PIXELS_A_POINT
                                                      : 1;
    return panel;
}

static void replace_text(char **place, const char *text)
{
    free(*place);
    *place = text ? copy_text(text, strlen(text)) : NULL;
}

void panel_set_label(struct panel *panel, size_t row, const char *label, const char *detail,
                     const char *source)
{
    replace_text(&panel->rows[row].label, label);
    replace_text(&panel->rows[row].detail, detail);
    replace_text(&panel->rows[row].source, source);
}

void panel_set_image(struct panel *panel, size_t row, size_t column, const sscam_image *image,
                     const char *remark)
{
    struct cell *cell = &panel->rows[row].cells[column];
    double width = sscam_image_width(image), height = sscam_image_height(image);
    double scale = fmin(CELL_WIDTH / width, TALLEST_CELL / height) * panel->pixels_a_point;

    cairo_surface_destroy(cell->image);
    cell->image = thumbnail(image, (int)fmax(1, round(width * scale)),
                            (int)fmax(1, round(height * scale)));
    replace_text(&cell->remark, remark);
}

void panel_set_footer(struct panel *panel, const char *footer)
{
    replace_text(&panel->footer, footer);
}

static double image_width(const struct panel *panel, const struct cell *cell)
{
    return cell->image ? cairo_image_surface_get_width(cell->image) / panel->pixels_a_point : 0;
}

static double image_height(const struct panel *panel, const struct cell *cell)
{
    return cell->image ? cairo_image_surface_get_height(cell->image) / panel->pixels_a_point : 0;
}

static double row_height(const struct panel *panel, const struct row *row)
{
    double height = LOWEST_ROW;

    for (size_t i = 0; i < panel->column_count; i++)
        height = fmax(height, image_height(panel, &row->cells[i]));
    return height;
}

static double panel_width(const struct panel *panel)
{
    return 2 * MARGIN + LABEL_WIDTH + (double)(1 + panel->band_columns) * (GAP + CELL_WIDTH);
}

static double band_height(const struct panel *panel)
{
    double height = HEADER_HEIGHT;

    for (size_t i = 0; i < panel->row_count; i++)
        height += row_height(panel, &panel->rows[i]) + (i ? GAP : 0);
    return height;
}

static double panel_height(const struct panel *panel)
{
    return 2 * MARGIN + (double)panel->band_count * (band_height(panel) + BAND_GAP) - BAND_GAP +
           (panel->footer ? FOOTER_HEIGHT : 0);
}

/* The column at a place of a band, or no column of the panel. */
static size_t column_at(const struct panel *panel, size_t band, size_t place)
{
    return place == 0 ? 0 : band * panel->band_columns + place;
}

static void draw_remark(cairo_t *cairo, const char *remark, double x, double y, double width)
{
    double band = remark_style.size * 1.8;

    cairo_set_source_rgba(cairo, 1, 1, 1, 0.8);
    cairo_rectangle(cairo, x, y - band, width, band);
    cairo_fill(cairo);
    draw_centred(cairo, &remark_style, remark, x + width / 2, y - 0.3 * band, width - GAP);
}

/* In the middle of the box of CELL_WIDTH x height at (x, y), on whole pixels so that nothing is
 * blurred. */
static void draw_cell(cairo_t *cairo, const struct panel *panel, const struct cell *cell, double x,
                      double y, double height)
{
    double width = image_width(panel, cell), density = panel->pixels_a_point;
    double left = round((x + (CELL_WIDTH - width) / 2) * density) / density;
    double top = round((y + (height - image_height(panel, cell)) / 2) * density) / density;

    if (!cell->image)
        return;
    cairo_save(cairo);
    cairo_translate(cairo, left, top);
    cairo_scale(cairo, 1 / density, 1 / density);
    cairo_set_source_surface(cairo, cell->image, 0, 0);
    cairo_rectangle(cairo, 0, 0, width * density, image_height(panel, cell) * density);
    cairo_fill(cairo);
    cairo_restore(cairo);
    if (cell->remark)
        draw_remark(cairo, cell->remark, left, top + image_height(panel, cell), width);
    /* Seen only where an image is as white as the paper. */
    cairo_set_source_rgba(cairo, 0, 0, 0, 0.2);
    cairo_set_line_width(cairo, HAIRLINE);
    cairo_rectangle(cairo, left + HAIRLINE / 2, top + HAIRLINE / 2, width - HAIRLINE,
                    image_height(panel, cell) - HAIRLINE);
    cairo_stroke(cairo);
}

/* The label's lines, the detail and the source: one block, ending at `right`, in the middle of the
 * row. */
static void draw_label(cairo_t *cairo, const struct row *row, double right, double y, double height)
{
    const struct {
        const struct text_style *style;
        const char *text;
        size_t most;
    } parts[] = {
        {&label_style, row->label, LABEL_LINES},
        {&detail_style, row->detail, 1},
        {&small_style, row->source, 1},
    };
    char *lines[LABEL_LINES + 2];
    const struct text_style *styles[LABEL_LINES + 2];
    size_t count = 0;
    double block = 0;

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!parts[i].text)
            continue;
        size_t more = break_lines(cairo, parts[i].style, parts[i].text, LABEL_WIDTH, parts[i].most,
                                  lines + count);
        for (; more; more--) {
            styles[count++] = parts[i].style;
            block += parts[i].style->size * LINE_SPACING;
        }
    }
    y += (height - block) / 2;
    for (size_t i = 0; i < count; i++) {
        draw_line(cairo, styles[i], lines[i], right, y + styles[i]->size, 1);
        y += styles[i]->size * LINE_SPACING;
        free(lines[i]);
    }
}

static void draw_row(cairo_t *cairo, const struct panel *panel, size_t band, const struct row *row,
                     double y, double height)
{
    double x = MARGIN + LABEL_WIDTH + GAP;

    draw_label(cairo, row, MARGIN + LABEL_WIDTH, y, height);
    for (size_t i = 0; i <= panel->band_columns && column_at(panel, band, i) < panel->column_count;
         i++) {
        draw_cell(cairo, panel, &row->cells[column_at(panel, band, i)], x, y, height);
        x += CELL_WIDTH + GAP;
    }
}

static void draw_titles(cairo_t *cairo, const struct panel *panel, size_t band, double y)
{
    double x = MARGIN + LABEL_WIDTH + GAP;

    for (size_t i = 0; i <= panel->band_columns && column_at(panel, band, i) < panel->column_count;
         i++) {
        draw_centred(cairo, &title_style, panel->titles[column_at(panel, band, i)],
                     x + CELL_WIDTH / 2, y + title_style.size, CELL_WIDTH);
        x += CELL_WIDTH + GAP;
    }
}

static void draw_band(cairo_t *cairo, const struct panel *panel, size_t band, double y)
{
    draw_titles(cairo, panel, band, y);
    y += HEADER_HEIGHT;
    for (size_t i = 0; i < panel->row_count; i++) {
        double tall = row_height(panel, &panel->rows[i]);

        draw_row(cairo, panel, band, &panel->rows[i], y, tall);
        y += tall + GAP;
    }
}

static void draw_panel(cairo_t *cairo, const struct panel *panel)
{
    double width = panel_width(panel), height = panel_height(panel);

    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_paint(cairo);
    for (size_t band = 0; band < panel->band_count; band++)
        draw_band(cairo, panel, band, MARGIN + (double)band * (band_height(panel) + BAND_GAP));
    if (panel->footer)
        draw_centred(cairo, &small_style, panel->footer, width / 2, height - MARGIN,
                     width - 2 * MARGIN);
}

static cairo_status_t write_bytes(void *stream, const unsigned char *data, unsigned length)
{
    return fwrite(data, 1, length, stream) == length ? CAIRO_STATUS_SUCCESS
                                                     : CAIRO_STATUS_WRITE_ERROR;
}

static cairo_surface_t *create_surface(const struct panel *panel, enum image_kind kind,
                                       FILE *stream)
{
    double width = panel_width(panel), height = panel_height(panel);

    if (kind == KIND_PDF)
        return cairo_pdf_surface_create_for_stream(write_bytes, stream, width, height);
    if (kind == KIND_SVG)
        return cairo_svg_surface_create_for_stream(write_bytes, stream, width, height);

    cairo_surface_t *surface = cairo_image_surface_create(
        CAIRO_FORMAT_RGB24, (int)ceil(width * panel->pixels_a_point),
        (int)ceil(height * panel->pixels_a_point));
    cairo_surface_set_device_scale(surface, panel->pixels_a_point, panel->pixels_a_point);
    return surface;
}

static cairo_status_t render(const struct panel *panel, FILE *stream)
{
    enum image_kind kind = kind_of(panel->path);
    cairo_surface_t *surface = create_surface(panel, kind, stream);
    cairo_t *cairo = cairo_create(surface);

    draw_panel(cairo, panel);
    cairo_status_t status = cairo_status(cairo);
    cairo_destroy(cairo);
    if (!status && kind == KIND_PNG)
        status = cairo_surface_write_to_png_stream(surface, write_bytes, stream);
    cairo_surface_finish(surface);
    if (!status)
        status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    return status;
}

int panel_write(const struct panel *panel)
{
    sscam_atomic_file file;

    if (output_file_open(&file, panel->path))
        return EXIT_FAILED;
    cairo_status_t status = render(panel, file.stream);
    if (status && status != CAIRO_STATUS_WRITE_ERROR) {
        output_file_discard(&file);
        int code = fail(panel->path, "%s", cairo_status_to_string(status));
        if (status == CAIRO_STATUS_NO_MEMORY)
            exit(code); /* freeing its surfaces then, cairo 1.16 follows one that it could not make
                         */
        return code;
    }
    return output_file_commit(&file);
}

void panel_free(struct panel *panel)
{
    if (!panel)
        return;
    for (size_t i = 0; i < panel->row_count; i++) {
        struct row *row = &panel->rows[i];

        for (size_t j = 0; j < panel->column_count; j++) {
            cairo_surface_destroy(row->cells[j].image);
            free(row->cells[j].remark);
        }
        free(row->cells);
        free(row->label);
        free(row->detail);
        free(row->source);
    }
    free(panel->rows);
    free(panel->footer);
    free(panel);
}
