#include "report/legend.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include <cairo.h>

#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "report/thumbnail.h"
#include "text/fitted_text.h"

/* Sizes in pixels grow with the image, so that they look alike on a small and on a large one. */
#define SMALLEST_TEXT 9.0
#define TEXTS_PER_SIDE 28.0 /* lines of text that the longer side has room for */
#define TITLE_LINES 2
#define BAR_TEXTS 1.2   /* width of the bar, in heights of text */
#define SCALE_TEXTS 2.6 /* of the numbers beside it */
#define COLOURS 256

struct layout {
    double text; /* height of the detail's text */
    double width, image_height;
    double margin;
    double bar_left, bar_width;
    struct text_style title_style, detail_style;
};

static struct layout layout_of(const sscam_image *image)
{
    double width = (double)sscam_image_width(image), height = (double)sscam_image_height(image);
    double text = fmax(SMALLEST_TEXT, fmax(width, height) / TEXTS_PER_SIDE);

    return (struct layout){
        .text = text,
        .width = ceil(width + text * (1 + BAR_TEXTS + SCALE_TEXTS)),
        .image_height = height,
        .margin = text / 2,
        .bar_left = width + text / 2,
        .bar_width = text * BAR_TEXTS,
        .title_style = {.size = text * 1.1, .is_bold = true},
        .detail_style = {.size = text, .gray = 0.2},
    };
}

static struct text_box box_of(const struct layout *layout, const struct text_style *style,
                              const char *text, int lines)
{
    return (struct text_box){.style = style,
                             .text = text,
                             .width = layout->width - 2 * layout->margin,
                             .max_lines = lines,
                             .alignment = TEXT_CENTRED};
}

/* The colormap from its highest to its lowest colour, as a surface one pixel wide. */
static sscam_status draw_colours(const char *colormap, cairo_surface_t **surface)
{
    static const int64_t shape[] = {COLOURS, 1};
    float values[COLOURS];
    sscam_array array = SSCAM_ARRAY_INIT;
    sscam_draw_options options = SSCAM_DRAW_OPTIONS_INIT;
    sscam_map *map = NULL;
    sscam_image *colours = NULL;

    for (int i = 0; i < COLOURS; i++)
        values[i] = (float)(COLOURS - 1 - i);
    array.data = values;
    array.shape = shape;
    array.rank = 2;
    options.colormap = colormap;
    sscam_status status = sscam_map_create(&array, &map);
    if (!status)
        status = sscam_map_heatmap(map, &options, &colours);
    if (!status && thumbnail_create(colours, 1, COLOURS, surface))
        end_without_memory();
    sscam_image_unref(colours);
    sscam_map_unref(map);
    return status;
}

static void draw_bar(cairo_t *cairo, const struct layout *layout, cairo_surface_t *colours)
{
    static const char *const numbers[] = {"1", "0.5", "0"};
    double height = layout->image_height;

    cairo_save(cairo);
    cairo_translate(cairo, layout->bar_left, 0);
    cairo_scale(cairo, layout->bar_width, height / COLOURS);
    cairo_set_source_surface(cairo, colours, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(cairo), CAIRO_FILTER_NEAREST);
    cairo_rectangle(cairo, 0, 0, 1, COLOURS);
    cairo_fill(cairo);
    cairo_restore(cairo);
    for (int i = 0; i < 3; i++) {
        struct text_box box = box_of(layout, &layout->detail_style, numbers[i], 1);
        box.width = layout->text * SCALE_TEXTS;
        double tall = text_box_height(cairo, &box);

        text_box_draw(cairo, &box, layout->bar_left + layout->bar_width, (height - tall) * i / 2);
    }
}

static void draw_image(cairo_t *cairo, cairo_surface_t *image)
{
    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_paint(cairo);
    cairo_set_source_surface(cairo, image, 0, 0);
    cairo_rectangle(cairo, 0, 0, cairo_image_surface_get_width(image),
                    cairo_image_surface_get_height(image));
    cairo_fill(cairo);
}

/* The pixels of a surface as an image of the library. */
static sscam_status copy_surface(cairo_surface_t *surface, sscam_image **out)
{
    const unsigned char *data = cairo_image_surface_get_data(surface);
    size_t width = (size_t)cairo_image_surface_get_width(surface),
           height = (size_t)cairo_image_surface_get_height(surface),
           stride = (size_t)cairo_image_surface_get_stride(surface);
    uint8_t *rgb = allocate(height, width * 3);
    sscam_pixels pixels = SSCAM_PIXELS_INIT;

    for (size_t y = 0; y < height; y++) {
        const uint32_t *row = (const void *)(data + y * stride);
        for (size_t x = 0; x < width; x++)
            for (size_t c = 0; c < 3; c++)
                rgb[(y * width + x) * 3 + c] = (uint8_t)(row[x] >> (16 - 8 * c));
    }
    pixels.data = rgb;
    pixels.width = (int64_t)width;
    pixels.height = (int64_t)height;
    pixels.format = SSCAM_PIXELS_RGB8;
    sscam_status status = sscam_image_create(&pixels, out);
    free(rgb);
    return status;
}

/* Height of a text, before there is a surface to draw it on. */
static double height_of(const struct text_box *box)
{
    cairo_surface_t *nothing = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 1, 1);
    cairo_t *cairo = cairo_create(nothing);
    double height = text_box_height(cairo, box);

    cairo_destroy(cairo);
    cairo_surface_destroy(nothing);
    return height;
}

static cairo_surface_t *draw_legend(const struct legend *legend, const struct layout *layout,
                                    cairo_surface_t *image, cairo_surface_t *colours)
{
    struct text_box title = box_of(layout, &layout->title_style, legend->title, TITLE_LINES),
                    detail = box_of(layout, &layout->detail_style, legend->detail, 1);
    double title_height = height_of(&title);
    double height = layout->image_height + 2 * layout->margin + title_height + height_of(&detail);
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)layout->width,
                                                          (int)ceil(height));
    cairo_t *cairo = cairo_create(surface);
    double top = layout->image_height + layout->margin;

    draw_image(cairo, image);
    draw_bar(cairo, layout, colours);
    text_box_draw(cairo, &title, layout->margin, top);
    text_box_draw(cairo, &detail, layout->margin, top + title_height);
    cairo_destroy(cairo);
    cairo_surface_flush(surface);
    return surface;
}

int legend_add(const sscam_image *image, const struct legend *legend, const char *path,
               sscam_image **out)
{
    const struct layout layout = layout_of(image);
    cairo_surface_t *original = NULL, *colours = NULL;

    cairo_status_t drawn = thumbnail_create(image, (int)sscam_image_width(image),
                                            (int)sscam_image_height(image), &original);
    if (drawn)
        return fail(path, "%s", cairo_status_to_string(drawn));
    sscam_status status = draw_colours(legend->colormap, &colours);
    int code = status ? fail_library(path, status) : EXIT_OK;
    if (!code) {
        cairo_surface_t *surface = draw_legend(legend, &layout, original, colours);
        drawn = cairo_surface_status(surface);
        if (drawn)
            code = fail(path, "%s", cairo_status_to_string(drawn));
        else if (text_problem())
            code = fail(path, "%s", text_problem());
        else if ((status = copy_surface(surface, out)))
            code = fail_library(path, status);
        cairo_surface_destroy(surface);
    }
    cairo_surface_destroy(colours);
    cairo_surface_destroy(original);
    return code;
}
