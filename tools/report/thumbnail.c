#include "report/thumbnail.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/checked_alloc.h"
#include "common/cli_error.h"

/* What pixels are before they are painted. Their highest byte means nothing, and nothing painted
 * leaves it so. */
enum { UNPAINTED = 0xa5 };

/* A colour added up over some pixels. */
struct colour_sum {
    uint64_t red, green, blue, count;
};

static void add_pixel(struct colour_sum *sum, const uint8_t *pixel, int32_t channels)
{
    sum->red += pixel[0];
    sum->green += pixel[channels < 3 ? 0 : 1];
    sum->blue += pixel[channels < 3 ? 0 : 2];
    sum->count++;
}

/* The mean of a block of pixels in cairo's form. */
static uint32_t block_mean(const sscam_image *image, int32_t left, int32_t top, int32_t step)
{
    int32_t width = sscam_image_width(image), height = sscam_image_height(image);
    int32_t channels = sscam_image_channels(image);
    const uint8_t *pixels = sscam_image_pixels(image);
    struct colour_sum sum = {0};

    for (int32_t y = top; y < top + step && y < height; y++)
        for (int32_t x = left; x < left + step && x < width; x++)
            add_pixel(&sum, pixels + ((int64_t)y * width + x) * channels, channels);

    uint64_t half = sum.count / 2;
    return (uint32_t)((sum.red + half) / sum.count << 16 | (sum.green + half) / sum.count << 8 |
                      (sum.blue + half) / sum.count);
}

/* The image as a surface, reduced by a whole factor: cairo's own surfaces end at 32767 pixels a
 * side. */
static cairo_surface_t *reduced(const sscam_image *image, int32_t step)
{
    int32_t columns = (sscam_image_width(image) + step - 1) / step;
    int32_t rows = (sscam_image_height(image) + step - 1) / step;
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, columns, rows);

    if (cairo_surface_status(surface))
        return surface;
    unsigned char *data = cairo_image_surface_get_data(surface);
    int stride = cairo_image_surface_get_stride(surface);
    for (int32_t y = 0; y < rows; y++) {
        uint32_t *row = (uint32_t *)(void *)(data + (int64_t)y * stride);

        for (int32_t x = 0; x < columns; x++)
            row[x] = block_mean(image, x * step, y * step, step);
    }
    cairo_surface_mark_dirty(surface);
    return surface;
}

static void unpaint(cairo_surface_t *surface)
{
    if (cairo_surface_status(surface))
        return;
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

cairo_surface_t *thumbnail(const sscam_image *image, int width, int height)
{
    /* At least twice the wanted size is left for cairo's better filter to bring down. */
    int32_t step = sscam_image_width(image) / (2 * width);
    cairo_surface_t *source = reduced(image, step < 1 ? 1 : step);
    cairo_surface_t *target = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    cairo_t *cairo = cairo_create(target);

    unpaint(target);
    cairo_scale(cairo, (double)width / cairo_image_surface_get_width(source),
                (double)height / cairo_image_surface_get_height(source));
    cairo_set_source_surface(cairo, source, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(cairo), CAIRO_FILTER_BEST);
    cairo_pattern_set_extend(cairo_get_source(cairo), CAIRO_EXTEND_PAD);
    cairo_paint(cairo);
    cairo_status_t status = cairo_status(cairo);
    cairo_destroy(cairo);
    cairo_surface_destroy(source);
    if (status) /* which the target knows nothing of */
        exit(fail("a thumbnail", "%s", cairo_status_to_string(status)));
    cairo_surface_flush(target);
    if (!is_painted(target)) /* cairo tells of no memory, but not always */
        end_without_memory();
    return target;
}
