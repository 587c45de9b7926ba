#include "image/overlay.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "image/colormap.h"
#include "image/image_private.h"

/* Where the centre of an image's column or row falls in the map. */
typedef struct map_position {
    bool seen;            /* by the network */
    int32_t lower, upper; /* the map's columns or rows on both sides */
    float share;          /* of the upper one */
} map_position;

typedef struct overlay {
    const float *map;
    int32_t map_width;
    const map_position *columns, *rows;
    const sscam_colormap *colormap;
    float alpha;
} overlay;

/* `at` is a fraction of the input's side, from its first edge. Beyond the centres of the outermost
 * values the map is constant. */
static map_position position_in_map(double at, int32_t map_size)
{
    double index = at * map_size - 0.5;
    double last = map_size - 1;
    index = index < 0.0 ? 0.0 : index > last ? last : index;
    int32_t lower = (int32_t)index;
    return (map_position){
        .seen = at >= 0.0 && at < 1.0,
        .lower = lower,
        .upper = lower + 1 < map_size ? lower + 1 : lower,
        .share = (float)(index - lower),
    };
}

static void find_columns(const sscam_geometry *geometry, int32_t width, int32_t map_width,
                         map_position *columns)
{
    for (int32_t x = 0; x < width; x++) {
        double centre = x + 0.5;
        double at = geometry ? sscam_geometry_input_x(geometry, centre) / geometry->input_width
                             : centre / width;
        columns[x] = position_in_map(at, map_width);
    }
}

static void find_rows(const sscam_geometry *geometry, int32_t height, int32_t map_height,
                      map_position *rows)
{
    for (int32_t y = 0; y < height; y++) {
        double centre = y + 0.5;
        double at = geometry ? sscam_geometry_input_y(geometry, centre) / geometry->input_height
                             : centre / height;
        rows[y] = position_in_map(at, map_height);
    }
}

static float interpolate(float from, float to, float share)
{
    return from + share * (to - from);
}

static float value_at(const overlay *drawing, const map_position *row, const map_position *column)
{
    const float *upper = drawing->map + (size_t)row->lower * (size_t)drawing->map_width;
    const float *lower = drawing->map + (size_t)row->upper * (size_t)drawing->map_width;
    return interpolate(interpolate(upper[column->lower], upper[column->upper], column->share),
                       interpolate(lower[column->lower], lower[column->upper], column->share),
                       row->share);
}

static void blend(uint8_t rgb[3], const uint8_t colour[3], float alpha)
{
    for (int c = 0; c < 3; c++)
        rgb[c] = (uint8_t)(interpolate(rgb[c], colour[c], alpha) + 0.5f);
}

/* Half as bright, without colour. */
static void dim(uint8_t rgb[3])
{
    unsigned luma = (rgb[0] * 299u + rgb[1] * 587u + rgb[2] * 114u + 500u) / 1000u;
    memset(rgb, (int)(luma / 2), 3);
}

static void draw_row(const overlay *drawing, int32_t y, const sscam_image *image, uint8_t *rgb)
{
    const uint8_t *pixel = image->pixels + (size_t)y * sscam_image_row_size(image);
    const map_position *row = &drawing->rows[y];
    for (int32_t x = 0; x < image->width; x++, pixel += image->channels, rgb += 3) {
        for (int c = 0; c < 3; c++)
            rgb[c] = pixel[image->channels == 1 ? 0 : c];
        const map_position *column = &drawing->columns[x];
        if (row->seen && column->seen)
            blend(rgb, sscam_colormap_colour(drawing->colormap, value_at(drawing, row, column)),
                  drawing->alpha);
        else
            dim(rgb);
    }
}

static sscam_status check(const sscam_geometry *geometry, const sscam_image *image, double alpha)
{
    if (!(alpha >= 0.0 && alpha <= 1.0))
        return sscam_fail(SSCAM_E_ARGUMENT, "alpha %g: want 0 to 1", alpha);
    if (geometry &&
        (geometry->source_width != image->width || geometry->source_height != image->height))
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "an image of %" PRId32 " x %" PRId32
                          " pixels: the map is of one of %" PRId32 " x %" PRId32,
                          image->width, image->height, geometry->source_width,
                          geometry->source_height);
    return SSCAM_OK;
}

sscam_status sscam_draw_overlay(const float *map, int32_t map_height, int32_t map_width,
                                const sscam_geometry *geometry, const sscam_image *image,
                                const char *colormap, double alpha, sscam_image **out)
{
    sscam_colormap colours;
    *out = NULL;
    sscam_status status = check(geometry, image, alpha);
    if (status == SSCAM_OK)
        status = sscam_colormap_find(colormap, &colours);
    if (status != SSCAM_OK)
        return status;
    map_position *columns = sscam_zeros(sscam_plus(image->width, image->height), sizeof *columns);
    if (!columns)
        return sscam_fail_memory("drawing a map");
    map_position *rows = columns + image->width;
    find_columns(geometry, image->width, map_width, columns);
    find_rows(geometry, image->height, map_height, rows);

    overlay drawing = {map, map_width, columns, rows, &colours, (float)alpha};
    status = sscam_image_allocate(image->width, image->height, 3, out);
    for (int32_t y = 0; status == SSCAM_OK && y < image->height; y++)
        draw_row(&drawing, y, image, sscam_image_row(*out, y));
    free(columns);
    return status;
}

sscam_status sscam_draw_heatmap(const float *map, int32_t map_height, int32_t map_width,
                                const char *colormap, sscam_image **out)
{
    sscam_colormap colours;
    *out = NULL;
    sscam_status status = sscam_colormap_find(colormap, &colours);
    if (status != SSCAM_OK)
        return status;
    if (map_width < 1 || map_height < 1)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "a map of %" PRId32 " x %" PRId32 ": want at least 1 x 1", map_width,
                          map_height);
    status = sscam_image_allocate(map_width, map_height, colours.is_gray ? 1 : 3, out);
    if (status != SSCAM_OK)
        return status;
    size_t count = (size_t)map_width * (size_t)map_height, channels = (size_t)(*out)->channels;
    for (size_t i = 0; i < count; i++)
        memcpy((*out)->pixels + i * channels, sscam_colormap_colour(&colours, map[i]), channels);
    return SSCAM_OK;
}
