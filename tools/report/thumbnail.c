#include "report/thumbnail.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/checked_alloc.h"

/* Value of the unused byte of pixels before they are painted; painting changes it. */
enum { UNPAINTED = 0xa5 };

/* A colour added up over some pixels. */
struct colour_sum {
    uint64_t red, green, blue, count;
};

/* An image's pixels as rows of RGB. */
struct rgb_rows {
    const uint8_t *pixels;
    int64_t width, height, stride;
    uint8_t *converted; /* NULL where they are the image's own */
};

static struct rgb_rows open_rows(const sscam_image *image)
{
    sscam_pixels view = SSCAM_PIXELS_INIT;
    sscam_canvas canvas = SSCAM_CANVAS_INIT;

    sscam_status status = sscam_image_describe(image, &view);
    struct rgb_rows rows = {view.data, view.width, view.height, view.stride, NULL};
    if (!status && view.format == SSCAM_PIXELS_RGB8)
        return rows;
    rows.stride = rows.width * 3;
    rows.pixels = rows.converted = allocate((size_t)rows.height, (size_t)rows.stride);
    canvas.data = rows.converted;
    canvas.width = rows.width;
    canvas.height = rows.height;
    canvas.format = SSCAM_PIXELS_RGB8;
    if (sscam_image_copy_pixels(image, &canvas))
        end_without_memory(); /* all else fits */
    return rows;
}

static void add_pixel(struct colour_sum *sum, const uint8_t *pixel)
{
    sum->red += pixel[0];
    sum->green += pixel[1];
    sum->blue += pixel[2];
    sum->count++;
}

/* Width and height of a block of pixels. */
struct block {
    int64_t width, height;
};

/* The mean of a block of pixels, as a pixel of cairo's. */
static uint32_t block_mean(const struct rgb_rows *rows, int64_t left, int64_t top,
                           struct block block)
{
    struct colour_sum sum = {0};

    for (int64_t y = top; y < top + block.height && y < rows->height; y++)
        for (int64_t x = left; x < left + block.width && x < rows->width; x++)
            add_pixel(&sum, rows->pixels + y * rows->stride + 3 * x);

    uint64_t half = sum.count / 2;
    return (uint32_t)((sum.red + half) / sum.count << 16 | (sum.green + half) / sum.count << 8 |
                      (sum.blue + half) / sum.count);
}

/* The means of an image's blocks. */
static cairo_surface_t *create_reduced(const sscam_image *image, struct block block)
{
    int columns = (int)((sscam_image_width(image) + block.width - 1) / block.width);
    int rows = (int)((sscam_image_height(image) + block.height - 1) / block.height);
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, columns, rows);

    if (cairo_surface_status(surface))
        return surface;
    struct rgb_rows pixels = open_rows(image);
    unsigned char *data = cairo_image_surface_get_data(surface);
    int stride = cairo_image_surface_get_stride(surface);
    for (int64_t y = 0; y < rows; y++) {
        uint32_t *row = (uint32_t *)(void *)(data + y * stride);

        for (int64_t x = 0; x < columns; x++)
            row[x] = block_mean(&pixels, x * block.width, y * block.height, block);
    }
    free(pixels.converted);
    cairo_surface_mark_dirty(surface);
    return surface;
}

static void unpaint(cairo_surface_t *surface)
{
    cairo_surface_flush(surface);
    memset(cairo_image_surface_get_data(surface), UNPAINTED,
           (size_t)cairo_image_surface_get_stride(surface) *
               (size_t)cairo_image_surface_get_height(surface));
    cairo_surface_mark_dirty(surface);
}

static int is_painted(cairo_surface_t *surface)
{
    const unsigned char *data = cairo_image_surface_get_data(surface);
    int stride = cairo_image_surface_get_stride(surface);

    for (int y = 0; y < cairo_image_surface_get_height(surface); y++) {
        const uint32_t *row = (const uint32_t *)(const void *)(data + (size_t)y * (size_t)stride);

        for (int x = 0; x < cairo_image_surface_get_width(surface); x++)
            if (row[x] >> 24 == UNPAINTED)
                return 0;
    }
    return 1;
}

/* Blocks that leave at least twice the wanted size, for cairo's better filter to reduce, and not
 * much more: cairo's surfaces end at 32767 pixels a side. */
static struct block block_for(const sscam_image *image, int width, int height)
{
    int64_t columns = sscam_image_width(image) / (2 * width);
    int64_t rows = sscam_image_height(image) / (2 * height);

    return (struct block){columns < 1 ? 1 : columns, rows < 1 ? 1 : rows};
}

static cairo_status_t paint_scaled(cairo_surface_t *target, cairo_surface_t *source)
{
    double width = cairo_image_surface_get_width(target),
           height = cairo_image_surface_get_height(target);
    cairo_t *cairo = cairo_create(target);

    cairo_scale(cairo, width / cairo_image_surface_get_width(source),
                height / cairo_image_surface_get_height(source));
    cairo_set_source_surface(cairo, source, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(cairo), CAIRO_FILTER_BEST);
    cairo_pattern_set_extend(cairo_get_source(cairo), CAIRO_EXTEND_PAD);
    cairo_paint(cairo);
    cairo_status_t status = cairo_status(cairo); /* errors do not reach the surface */
    cairo_destroy(cairo);
    return status;
}

cairo_status_t thumbnail_create(const sscam_image *image, int width, int height,
                                cairo_surface_t **thumbnail)
{
    cairo_surface_t *source = create_reduced(image, block_for(image, width, height));
    cairo_surface_t *target = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);

    *thumbnail = NULL;
    cairo_status_t status = cairo_surface_status(source);
    if (!status)
        status = cairo_surface_status(target);
    if (!status) {
        unpaint(target);
        status = paint_scaled(target, source);
    }
    if (!status) {
        cairo_surface_flush(target);
        if (!is_painted(target))
            status = CAIRO_STATUS_NO_MEMORY; /* which cairo does not always report */
    }
    if (status == CAIRO_STATUS_NO_MEMORY)
        end_without_memory();
    cairo_surface_destroy(source);
    if (status)
        cairo_surface_destroy(target);
    else
        *thumbnail = target;
    return status;
}
