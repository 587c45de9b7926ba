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
#include "text/memory_stream.h"

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
#define LABEL_SPACING 2.0
#define BAND_GAP 16.0
#define HAIRLINE 0.5

#define PNG_PIXELS_PER_POINT 2.0
#define PRINT_PIXELS_PER_POINT 3.0
/* Cairo's image surfaces end at 32767 pixels a side. */
#define FINE_PNG_ROWS 64
/* More columns beside the first are broken into bands, one below the other, while these rows are
 * not too many. */
#define MAX_COLUMNS 8

static const struct text_style title_style = {.size = 11, .is_bold = true, .gray = 0};
static const struct text_style label_style = {.size = 11, .is_bold = true, .gray = 0};
static const struct text_style detail_style = {.size = 9.5, .gray = 0.2};
static const struct text_style small_style = {.size = 8, .gray = 0.45};
static const struct text_style remark_style = {.size = 9, .gray = 0};

enum image_kind { KIND_PNG, KIND_PDF, KIND_SVG, KIND_UNKNOWN };

struct cell {
    cairo_surface_t *image;
    char *remark;
};

struct row {
    char *label, *detail, *source;
    struct cell *cells;
};

struct figure {
    const char *path;
    const char *const *titles;
    size_t row_count, column_count;
    size_t band_count, band_columns; /* of the columns beside the first, which is in each band */
    struct row *rows;
    char *footer;
    double pixels_per_point;
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

int figure_supports_extension(const char *path)
{
    return kind_of(path) != KIND_UNKNOWN;
}

struct figure *figure_create(const char *path, size_t rows, size_t columns,
                             const char *const *titles)
{
    struct figure *figure = allocate(1, sizeof *figure);

    *figure = (struct figure){
        .path = path, .titles = titles, .row_count = rows, .column_count = columns};
    figure->band_count = (columns - 1 + MAX_COLUMNS - 1) / MAX_COLUMNS;
    if (figure->band_count == 0 || rows * figure->band_count > FINE_PNG_ROWS)
        figure->band_count = 1;
    figure->band_columns = (columns - 1 + figure->band_count - 1) / figure->band_count;
    figure->rows = allocate(rows, sizeof *figure->rows);
    for (size_t i = 0; i < rows; i++)
        figure->rows[i].cells = allocate(columns, sizeof *figure->rows[i].cells);
    figure->pixels_per_point = kind_of(path) != KIND_PNG ? PRINT_PIXELS_PER_POINT
                               : rows <= FINE_PNG_ROWS   ? PNG_PIXELS_PER_POINT
                                                         : 1;
    return figure;
}

static void replace_text(char **target, const char *text)
{
    free(*target);
    *target = text ? copy_text(text, strlen(text)) : NULL;
}

void figure_set_label(struct figure *figure, size_t row, const char *label, const char *detail,
                      const char *source)
{
    replace_text(&figure->rows[row].label, label);
    replace_text(&figure->rows[row].detail, detail);
    replace_text(&figure->rows[row].source, source);
}

const char *figure_set_image(struct figure *figure, size_t row, size_t column,
                             const sscam_image *image, const char *remark)
{
    struct cell *cell = &figure->rows[row].cells[column];
    double width = (double)sscam_image_width(image), height = (double)sscam_image_height(image);
    double scale = fmin(CELL_WIDTH / width, TALLEST_CELL / height) * figure->pixels_per_point;

    cairo_surface_destroy(cell->image);
    cairo_status_t status = thumbnail_create(image, (int)fmax(1, round(width * scale)),
                                             (int)fmax(1, round(height * scale)), &cell->image);
    replace_text(&cell->remark, remark);
    return status ? cairo_status_to_string(status) : NULL;
}

void figure_set_footer(struct figure *figure, const char *footer)
{
    replace_text(&figure->footer, footer);
}

static double image_width(const struct figure *figure, const struct cell *cell)
{
    return cell->image ? cairo_image_surface_get_width(cell->image) / figure->pixels_per_point : 0;
}

static double image_height(const struct figure *figure, const struct cell *cell)
{
    return cell->image ? cairo_image_surface_get_height(cell->image) / figure->pixels_per_point : 0;
}

static double row_height(const struct figure *figure, const struct row *row)
{
    double height = LOWEST_ROW;

    for (size_t i = 0; i < figure->column_count; i++)
        height = fmax(height, image_height(figure, &row->cells[i]));
    return height;
}

static double figure_width(const struct figure *figure)
{
    return 2 * MARGIN + LABEL_WIDTH + (double)(1 + figure->band_columns) * (GAP + CELL_WIDTH);
}

static double band_height(const struct figure *figure)
{
    double height = HEADER_HEIGHT;

    for (size_t i = 0; i < figure->row_count; i++)
        height += row_height(figure, &figure->rows[i]) + (i ? GAP : 0);
    return height;
}

static double figure_height(const struct figure *figure)
{
    return 2 * MARGIN + (double)figure->band_count * (band_height(figure) + BAND_GAP) - BAND_GAP +
           (figure->footer ? FOOTER_HEIGHT : 0);
}

/* The column at a position of a band; column_count or more where the band has none. */
static size_t column_at(const struct figure *figure, size_t band, size_t position)
{
    return position == 0 ? 0 : band * figure->band_columns + position;
}

static void draw_remark(cairo_t *cairo, const char *remark, double x, double bottom, double width)
{
    const struct text_box box = {.style = &remark_style,
                                 .text = remark,
                                 .width = width,
                                 .max_lines = 1,
                                 .alignment = TEXT_CENTRED};
    double strip = remark_style.size * 1.8;

    cairo_set_source_rgba(cairo, 1, 1, 1, 0.8);
    cairo_rectangle(cairo, x, bottom - strip, width, strip);
    cairo_fill(cairo);
    text_box_draw(cairo, &box, x, bottom - (strip + text_box_height(cairo, &box)) / 2);
}

/* In the middle of the box of CELL_WIDTH x height at (x, y), on whole pixels so that nothing is
 * blurred. */
static void draw_cell(cairo_t *cairo, const struct figure *figure, const struct cell *cell,
                      double x, double y, double height)
{
    double width = image_width(figure, cell), density = figure->pixels_per_point;
    double left = round((x + (CELL_WIDTH - width) / 2) * density) / density;
    double top = round((y + (height - image_height(figure, cell)) / 2) * density) / density;

    if (!cell->image)
        return;
    cairo_save(cairo);
    cairo_translate(cairo, left, top);
    cairo_scale(cairo, 1 / density, 1 / density);
    cairo_set_source_surface(cairo, cell->image, 0, 0);
    cairo_rectangle(cairo, 0, 0, width * density, image_height(figure, cell) * density);
    cairo_fill(cairo);
    cairo_restore(cairo);
    if (cell->remark)
        draw_remark(cairo, cell->remark, left, top + image_height(figure, cell), width);
    /* Seen only where an image is as white as the paper. */
    cairo_set_source_rgba(cairo, 0, 0, 0, 0.2);
    cairo_set_line_width(cairo, HAIRLINE);
    cairo_rectangle(cairo, left + HAIRLINE / 2, top + HAIRLINE / 2, width - HAIRLINE,
                    image_height(figure, cell) - HAIRLINE);
    cairo_stroke(cairo);
}

/* Label, detail and source as one block in the middle of the row's height, flush right. */
static void draw_label(cairo_t *cairo, const struct row *row, double x, double y, double height)
{
    struct text_box boxes[] = {
        {.style = &label_style, .text = row->label, .max_lines = LABEL_LINES},
        {.style = &detail_style, .text = row->detail, .max_lines = 1},
        {.style = &small_style, .text = row->source, .max_lines = 1},
    };
    const size_t count = sizeof boxes / sizeof *boxes;
    double heights[sizeof boxes / sizeof *boxes], block = -LABEL_SPACING;

    if (!row->label)
        return;
    for (size_t i = 0; i < count; i++) {
        boxes[i].width = LABEL_WIDTH;
        boxes[i].alignment = TEXT_RIGHT;
        heights[i] = text_box_height(cairo, &boxes[i]);
        block += heights[i] + LABEL_SPACING;
    }
    y += (height - block) / 2;
    for (size_t i = 0; i < count; i++) {
        text_box_draw(cairo, &boxes[i], x, y);
        y += heights[i] + LABEL_SPACING;
    }
}

static void draw_row(cairo_t *cairo, const struct figure *figure, size_t band,
                     const struct row *row, double y, double height)
{
    double x = MARGIN + LABEL_WIDTH + GAP;

    draw_label(cairo, row, MARGIN, y, height);
    for (size_t i = 0;
         i <= figure->band_columns && column_at(figure, band, i) < figure->column_count; i++) {
        draw_cell(cairo, figure, &row->cells[column_at(figure, band, i)], x, y, height);
        x += CELL_WIDTH + GAP;
    }
}

static void draw_titles(cairo_t *cairo, const struct figure *figure, size_t band, double y)
{
    double x = MARGIN + LABEL_WIDTH + GAP;

    for (size_t i = 0;
         i <= figure->band_columns && column_at(figure, band, i) < figure->column_count; i++) {
        const struct text_box box = {.style = &title_style,
                                     .text = figure->titles[column_at(figure, band, i)],
                                     .width = CELL_WIDTH,
                                     .max_lines = 1,
                                     .alignment = TEXT_CENTRED};

        text_box_draw(cairo, &box, x, y);
        x += CELL_WIDTH + GAP;
    }
}

static void draw_band(cairo_t *cairo, const struct figure *figure, size_t band, double y)
{
    draw_titles(cairo, figure, band, y);
    y += HEADER_HEIGHT;
    for (size_t i = 0; i < figure->row_count; i++) {
        double tall = row_height(figure, &figure->rows[i]);

        draw_row(cairo, figure, band, &figure->rows[i], y, tall);
        y += tall + GAP;
    }
}

static void draw_figure(cairo_t *cairo, const struct figure *figure)
{
    double width = figure_width(figure), height = figure_height(figure);

    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_paint(cairo);
    for (size_t band = 0; band < figure->band_count; band++)
        draw_band(cairo, figure, band, MARGIN + (double)band * (band_height(figure) + BAND_GAP));
    if (figure->footer) {
        const struct text_box box = {.style = &small_style,
                                     .text = figure->footer,
                                     .width = width - 2 * MARGIN,
                                     .max_lines = 1,
                                     .alignment = TEXT_CENTRED};

        text_box_draw(cairo, &box, MARGIN, height - MARGIN - text_box_height(cairo, &box));
    }
}

static cairo_status_t write_bytes(void *stream, const unsigned char *data, unsigned length)
{
    return fwrite(data, 1, length, stream) == length ? CAIRO_STATUS_SUCCESS
                                                     : CAIRO_STATUS_WRITE_ERROR;
}

static cairo_surface_t *create_surface(const struct figure *figure, enum image_kind kind,
                                       FILE *stream)
{
    double width = figure_width(figure), height = figure_height(figure);

    if (kind == KIND_PDF)
        return cairo_pdf_surface_create_for_stream(write_bytes, stream, width, height);
    if (kind == KIND_SVG)
        return cairo_svg_surface_create_for_stream(write_bytes, stream, width, height);

    cairo_surface_t *surface = cairo_image_surface_create(
        CAIRO_FORMAT_RGB24, (int)ceil(width * figure->pixels_per_point),
        (int)ceil(height * figure->pixels_per_point));
    cairo_surface_set_device_scale(surface, figure->pixels_per_point, figure->pixels_per_point);
    return surface;
}

static cairo_status_t render(const struct figure *figure, FILE *stream)
{
    enum image_kind kind = kind_of(figure->path);
    cairo_surface_t *surface = create_surface(figure, kind, stream);
    cairo_t *cairo = cairo_create(surface);

    draw_figure(cairo, figure);
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

/* Drawn before the file is opened: GLib, which lays out the text, ends the program when it gets no
 * memory, and would leave a temporary file. */
static char *draw_bytes(const struct figure *figure, size_t *length, cairo_status_t *status)
{
    struct text_stream bytes;

    text_stream_open(&bytes);
    *status = render(figure, bytes.stream);
    /* Cairo 1.16 crashes when its surfaces are freed after that. Encoding a PNG in memory fails for
     * no other reason. */
    if (*status == CAIRO_STATUS_NO_MEMORY || *status == CAIRO_STATUS_PNG_ERROR)
        end_without_memory();
    return text_stream_take(&bytes, length);
}

int figure_write(const struct figure *figure)
{
    sscam_atomic_file file;
    cairo_status_t status;
    size_t length;
    int code = EXIT_FAILED;
    char *bytes = draw_bytes(figure, &length, &status);

    if (status) {
        fail(figure->path, "%s", cairo_status_to_string(status));
    } else if (text_problem()) {
        fail(figure->path, "%s", text_problem());
    } else if (!output_file_open(&file, figure->path)) {
        fwrite(bytes, 1, length, file.stream);
        code = output_file_commit(&file);
    }
    free(bytes);
    return code;
}

void figure_free(struct figure *figure)
{
    if (!figure)
        return;
    for (size_t i = 0; i < figure->row_count; i++) {
        struct row *row = &figure->rows[i];

        for (size_t j = 0; j < figure->column_count; j++) {
            cairo_surface_destroy(row->cells[j].image);
            free(row->cells[j].remark);
        }
        free(row->cells);
        free(row->label);
        free(row->detail);
        free(row->source);
    }
    free(figure->rows);
    free(figure->footer);
    free(figure);
}
