#include "image/overlay.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "image/colormap.h"
#include "image/image_private.h"
#include "image/pixel_rows.h"
#include "math/upsample.h"

/* One side of the image: for each column or row, where its centre lies in the input. */
typedef struct image_side {
    int64_t count, input_count; /* pixels of the image, of the input */
    double (*to_input)(const sscam_geometry *, double);
} image_side;

typedef struct overlay {
    const sscam_drawn_map *map;
    const sscam_colormap *colormap;
    float alpha;
    bool *sees_column;         /* [image width] whether the network sees the column */
    float *values;             /* [image width] the map at all pixels of the row */
    sscam_stretched_rows rows; /* of the map, at the image's columns; behind `values` */
    uint8_t *rgba;             /* [image width,4] the row that is drawn */
} overlay;

/* Where the centre of pixel number i lies, as a fraction of the input's side from its first edge.
 */
static double fraction_of_input(const overlay *drawing, const image_side *side, int64_t i)
{
    const double centre = (double)i + 0.5;
    const sscam_geometry *geometry = drawing->map->geometry;
    return geometry ? side->to_input(geometry, centre) / (double)side->input_count
                    : centre / (double)side->count;
}

static bool is_seen(double fraction)
{
    return fraction >= 0.0 && fraction < 1.0;
}

static sscam_sample_position position_in_map(double fraction, int64_t map_size)
{
    return sscam_position_between(fraction * (double)map_size - 0.5, map_size);
}

static float interpolate(float from, float to, float share)
{
    return from + share * (to - from);
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

static void find_columns(overlay *drawing, int64_t width)
{
    const sscam_geometry *geometry = drawing->map->geometry;
    const image_side side = {width, geometry ? geometry->input_width : 0, sscam_geometry_input_x};
    for (int64_t x = 0; x < width; x++) {
        const double fraction = fraction_of_input(drawing, &side, x);
        drawing->sees_column[x] = is_seen(fraction);
        sscam_store_column(position_in_map(fraction, drawing->map->width), &drawing->rows.column[x],
                           &drawing->rows.share[x]);
    }
}

/* The map at the pixels of a row. Returns whether the network sees the row. */
static bool find_values(overlay *drawing, const sscam_pixels *image, int64_t y)
{
    const sscam_drawn_map *map = drawing->map;
    const image_side side = {image->height, map->geometry ? map->geometry->input_height : 0,
                             sscam_geometry_input_y};
    const double fraction = fraction_of_input(drawing, &side, y);
    sscam_stretched_rows_blend(&drawing->rows, position_in_map(fraction, map->height),
                               drawing->values);
    return is_seen(fraction);
}

/* How far inside of a box a pixel's centre lies; negative outside. */
static double depth_in_box(const double box[4], double x, double y)
{
    return fmin(fmin(x - box[0], box[2] - x), fmin(y - box[1], box[3] - y));
}

/* The lines of a box are as thick as a 200th of the shorter side, but at least a pixel: one white
 * line between two black ones of half the thickness. */
static void draw_box(const overlay *drawing, int64_t y, const sscam_pixels *image)
{
    const double *box = drawing->map->box;
    const int64_t shorter = image->width < image->height ? image->width : image->height;
    const double thickness = fmax(1.0, round((double)shorter / 200.0)), border = thickness / 2.0;
    for (int64_t x = 0; x < image->width; x++) {
        const double depth = fabs(depth_in_box(box, (double)x + 0.5, (double)y + 0.5));
        if (depth < thickness / 2.0 + border)
            memset(drawing->rgba + 4 * x, depth <= thickness / 2.0 ? UINT8_MAX : 0, 3);
    }
}

/* Blends the map into a row of the image. */
static void draw_row(overlay *drawing, int64_t y, const sscam_pixels *image)
{
    uint8_t *rgba = drawing->rgba;
    const bool sees_row = find_values(drawing, image, y);
    for (int64_t x = 0; x < image->width; x++, rgba += 4) {
        if (sees_row && drawing->sees_column[x])
            blend(rgba, sscam_colormap_colour(drawing->colormap, drawing->values[x]),
                  drawing->alpha);
        else
            dim(rgba);
        rgba[3] = UINT8_MAX;
    }
    if (drawing->map->box)
        draw_box(drawing, y, image);
}

static sscam_status draw_rows(overlay *drawing, const sscam_image *image,
                              const sscam_canvas *canvas)
{
    sscam_row_reader reader;
    sscam_status status = sscam_row_reader_open(&reader, image, SSCAM_ROWS_RGBA);
    if (status != SSCAM_OK)
        return status;
    for (int64_t y = 0; y < canvas->height && status == SSCAM_OK; y++) {
        const void *row = NULL;
        status = sscam_row_reader_read(&reader, y, &row);
        if (status != SSCAM_OK)
            break;
        sscam_row_to_rgba8(&reader, row, drawing->rgba);
        draw_row(drawing, y, &image->pixels);
        sscam_canvas_store(canvas, y, drawing->rgba);
    }
    sscam_row_reader_close(&reader);
    return status;
}

static sscam_status check_image(const sscam_geometry *geometry, const sscam_image *image,
                                double alpha)
{
    const int64_t width = image->pixels.width, height = image->pixels.height;
    if (!(alpha >= 0.0 && alpha <= 1.0))
        return sscam_fail(SSCAM_E_ARGUMENT, "alpha %g: want 0 to 1", alpha);
    if (geometry && (geometry->source_width != width || geometry->source_height != height))
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "an image of %" PRId64 " x %" PRId64
                          " pixels: the map is of one of %" PRId32 " x %" PRId32,
                          width, height, geometry->source_width, geometry->source_height);
    return SSCAM_OK;
}

static sscam_status check_canvas(const sscam_canvas *canvas, int64_t width, int64_t height,
                                 bool is_gray)
{
    if (canvas->width != width || canvas->height != height)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "a canvas of %" PRId64 " x %" PRId64 " for a drawing of %" PRId64
                          " x %" PRId64,
                          canvas->width, canvas->height, width, height);
    if (canvas->format == SSCAM_PIXELS_GRAY8 && !is_gray)
        return sscam_fail(SSCAM_E_ARGUMENT, "a canvas of format GRAY8 for a drawing in colours");
    return SSCAM_OK;
}

/* The caller frees sees_column, values and rgba, on failure too. */
static sscam_status allocate_rows(overlay *drawing, int64_t width)
{
    const sscam_drawn_map *map = drawing->map;
    drawing->sees_column = sscam_allocate_array(width, sizeof *drawing->sees_column);
    drawing->values = sscam_allocate_array(
        sscam_plus(width, sscam_stretched_rows_floats(map->width, width)), sizeof(float));
    drawing->rgba = sscam_allocate_array(width, 4);
    if (!drawing->sees_column || !drawing->values || !drawing->rgba)
        return sscam_fail_memory("drawing a map");
    drawing->rows = sscam_stretched_rows_in(drawing->values + width, map->height, map->width,
                                            width);
    sscam_stretched_rows_begin(&drawing->rows, map->values);
    return SSCAM_OK;
}

sscam_status sscam_draw_overlay_into(const sscam_drawn_map *map, const sscam_image *image,
                                     const char *colormap, double alpha, const sscam_canvas *canvas)
{
    sscam_colormap colours;
    sscam_status status = check_image(map->geometry, image, alpha);
    if (status == SSCAM_OK)
        status = sscam_colormap_find(colormap, &colours);
    if (status == SSCAM_OK)
        status = check_canvas(canvas, image->pixels.width, image->pixels.height, false);
    if (status != SSCAM_OK)
        return status;
    overlay drawing = {.map = map, .colormap = &colours, .alpha = (float)alpha};
    status = allocate_rows(&drawing, canvas->width);
    if (status == SSCAM_OK) {
        find_columns(&drawing, canvas->width);
        status = draw_rows(&drawing, image, canvas);
    }
    free(drawing.sees_column);
    free(drawing.values);
    free(drawing.rgba);
    return status;
}

sscam_status sscam_draw_overlay(const sscam_drawn_map *map, const sscam_image *image,
                                const char *colormap, double alpha, sscam_image **out)
{
    sscam_status status = sscam_image_allocate(image->pixels.width, image->pixels.height,
                                               SSCAM_PIXELS_RGB8, out);
    if (status != SSCAM_OK)
        return status;
    const sscam_canvas canvas = sscam_image_canvas(*out);
    status = sscam_draw_overlay_into(map, image, colormap, alpha, &canvas);
    if (status != SSCAM_OK) {
        sscam_image_unref(*out);
        *out = NULL;
    }
    return status;
}

static void paint_heatmap(const sscam_drawn_map *map, const sscam_colormap *colours,
                          const sscam_canvas *canvas, uint8_t *rgba)
{
    for (int64_t y = 0; y < map->height; y++) {
        const float *values = map->values + y * map->width;
        for (int64_t x = 0; x < map->width; x++) {
            memcpy(rgba + 4 * x, sscam_colormap_colour(colours, values[x]), 3);
            rgba[4 * x + 3] = UINT8_MAX;
        }
        sscam_canvas_store(canvas, y, rgba);
    }
}

sscam_status sscam_draw_heatmap_into(const sscam_drawn_map *map, const char *colormap,
                                     const sscam_canvas *canvas)
{
    sscam_colormap colours;
    sscam_status status = sscam_colormap_find(colormap, &colours);
    if (status == SSCAM_OK)
        status = check_canvas(canvas, map->width, map->height, colours.is_gray);
    if (status != SSCAM_OK)
        return status;
    uint8_t *rgba = sscam_allocate_array(map->width, 4);
    if (!rgba)
        return sscam_fail_memory("drawing a map");
    paint_heatmap(map, &colours, canvas, rgba);
    free(rgba);
    return SSCAM_OK;
}

sscam_status sscam_draw_heatmap(const sscam_drawn_map *map, const char *colormap, sscam_image **out)
{
    sscam_colormap colours;
    *out = NULL;
    if (map->width < 1 || map->height < 1)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "a map of %" PRId64 " x %" PRId64 ": want at least 1 x 1", map->width,
                          map->height);
    sscam_status status = sscam_colormap_find(colormap, &colours);
    if (status == SSCAM_OK)
        status = sscam_image_allocate(
            map->width, map->height, colours.is_gray ? SSCAM_PIXELS_GRAY8 : SSCAM_PIXELS_RGB8, out);
    if (status != SSCAM_OK)
        return status;
    const sscam_canvas canvas = sscam_image_canvas(*out);
    status = sscam_draw_heatmap_into(map, colormap, &canvas);
    if (status != SSCAM_OK) {
        sscam_image_unref(*out);
        *out = NULL;
    }
    return status;
}
