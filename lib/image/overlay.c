#include "image/overlay.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "image/colormap.h"
#include "image/image_private.h"
#include "math/upsample.h"

/* One side of the image: for each column or row, where its centre lies in the input. */
typedef struct image_side {
    int64_t count, input_count; /* pixels of the image, of the input */
    double (*to_input)(const sscam_geometry *, double);
} image_side;

typedef struct overlay {
    const float *map;
    int32_t map_height, map_width;
    const sscam_geometry *geometry; /* NULL: the map stretches over the whole image */
    const sscam_colormap *colormap;
    float alpha;
    bool *sees_column;     /* [image width] whether the network sees the column */
    float *column, *share; /* [image width] where it falls in the map (upsample.h) */
    float *row;            /* [map_width + 1] the map at the height of an image's row */
    float *values;         /* [image width] the map at all pixels of the row */
} overlay;

/* Where the centre of pixel number i lies, as a fraction of the input's side from its first edge.
 */
static double fraction_of_input(const overlay *drawing, const image_side *side, int64_t i)
{
    const double centre = (double)i + 0.5;
    return drawing->geometry ? side->to_input(drawing->geometry, centre) / (double)side->input_count
                             : centre / (double)side->count;
}

static bool is_seen(double fraction)
{
    return fraction >= 0.0 && fraction < 1.0;
}

static sscam_sample_position position_in_map(double fraction, int32_t map_size)
{
    return sscam_position_between(fraction * map_size - 0.5, map_size);
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

static void find_columns(const overlay *drawing, const sscam_image *image)
{
    const image_side side = {image->width, drawing->geometry ? drawing->geometry->input_width : 0,
                             sscam_geometry_input_x};
    for (int64_t x = 0; x < image->width; x++) {
        const double fraction = fraction_of_input(drawing, &side, x);
        drawing->sees_column[x] = is_seen(fraction);
        sscam_store_column(position_in_map(fraction, drawing->map_width), &drawing->column[x],
                           &drawing->share[x]);
    }
}

/* The map at the pixels of a row. Returns whether the network sees the row. */
static bool find_values(const overlay *drawing, const sscam_image *image, int64_t y)
{
    const image_side side = {image->height, drawing->geometry ? drawing->geometry->input_height : 0,
                             sscam_geometry_input_y};
    const double fraction = fraction_of_input(drawing, &side, y);
    sscam_blend_rows(drawing->map, drawing->map_height, drawing->map_width,
                     position_in_map(fraction, drawing->map_height), drawing->row);
    sscam_stretch_row(drawing->row, drawing->column, drawing->share, image->width, drawing->values);
    return is_seen(fraction);
}

static void draw_row(const overlay *drawing, int64_t y, const sscam_image *image, uint8_t *rgb)
{
    const uint8_t *pixel = image->pixels + (size_t)y * sscam_image_row_size(image);
    const bool sees_row = find_values(drawing, image, y);
    for (int32_t x = 0; x < image->width; x++, pixel += image->channels, rgb += 3) {
        for (int c = 0; c < 3; c++)
            rgb[c] = pixel[image->channels == 1 ? 0 : c];
        if (sees_row && drawing->sees_column[x])
            blend(rgb, sscam_colormap_colour(drawing->colormap, drawing->values[x]),
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

/* The caller frees sees_column and column, on failure too. */
static sscam_status allocate_rows(overlay *drawing, int64_t width)
{
    drawing->sees_column = sscam_allocate_array(width, sizeof *drawing->sees_column);
    drawing->column = sscam_allocate_array(
        sscam_plus(sscam_times(3, width), (int64_t)drawing->map_width + 1), sizeof(float));
    if (!drawing->sees_column || !drawing->column)
        return sscam_fail_memory("drawing a map");
    drawing->share = drawing->column + width;
    drawing->values = drawing->share + width;
    drawing->row = drawing->values + width;
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
    overlay drawing = {.map = map,
                       .map_height = map_height,
                       .map_width = map_width,
                       .geometry = geometry,
                       .colormap = &colours,
                       .alpha = (float)alpha};
    status = allocate_rows(&drawing, image->width);
    if (status == SSCAM_OK)
        status = sscam_image_allocate(image->width, image->height, 3, out);
    if (status == SSCAM_OK)
        find_columns(&drawing, image);
    for (int32_t y = 0; status == SSCAM_OK && y < image->height; y++)
        draw_row(&drawing, y, image, sscam_image_row(*out, y));
    free(drawing.sees_column);
    free(drawing.column);
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
