/* Maps as images: alone, and over the image that they explain. */
#include <inttypes.h>
#include <stddef.h>

#include "base/error.h"
#include "base/public_struct.h"
#include "explain/map_private.h"
#include "image/overlay.h"
#include "image/pixel_format.h"
#include "sscam/detection.h"

static sscam_status check_is_image(const sscam_map *map, const char *function)
{
    if (!map)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: map is NULL", function);
    if (map->rank == 2)
        return SSCAM_OK;
    return sscam_fail(SSCAM_E_UNSUPPORTED, "%s: a map of rank %" PRId32 ", %s, is not an image",
                      function, map->rank, map->rank == 1 ? "[W]" : "[D,H,W]");
}

static sscam_status read_draw_options(const sscam_draw_options *given, sscam_draw_options *out)
{
    const size_t least = SSCAM_END_OF(sscam_draw_options, alpha);
    *out = (sscam_draw_options)SSCAM_DRAW_OPTIONS_INIT;
    sscam_status status = given ? sscam_public_struct_read(given, out, sizeof *out, least,
                                                           "sscam_draw_options")
                                : SSCAM_OK;
    if (!out->colormap)
        out->colormap = "turbo";
    return status;
}

static sscam_drawn_map drawn(const sscam_map *map)
{
    return (sscam_drawn_map){map->data, map->sides.height, map->sides.width,
                             map->from_image ? &map->geometry : NULL, NULL};
}

/* The map with the box of its detection, which is written to `box`. Of a map of an array the image
 * has another size than the input. */
static sscam_drawn_map drawn_with_box(const sscam_map *map, const sscam_image *image, double box[4])
{
    sscam_drawn_map shown = drawn(map);
    sscam_detection detection;
    if (!map->has_detection || sscam_map_detection(map, &detection) != SSCAM_OK)
        return shown;
    const double x = map->from_image ? 1.0
                                     : (double)sscam_image_width(image) / (double)map->sides.width,
                 y = map->from_image
                         ? 1.0
                         : (double)sscam_image_height(image) / (double)map->sides.height;
    box[0] = detection.left * x;
    box[1] = detection.top * y;
    box[2] = detection.right * x;
    box[3] = detection.bottom * y;
    shown.box = box;
    return shown;
}

/* Checks what drawing over an image takes, and reads the options. */
static sscam_status open_overlay(const char *function, const sscam_map *map,
                                 const sscam_image *image, const sscam_draw_options *options,
                                 sscam_draw_options *read)
{
    sscam_status status = check_is_image(map, function);
    if (status == SSCAM_OK && !image)
        status = sscam_fail(SSCAM_E_ARGUMENT, "%s: image is NULL", function);
    return status == SSCAM_OK ? read_draw_options(options, read) : status;
}

sscam_status sscam_map_overlay(const sscam_map *map, const sscam_image *image,
                               const sscam_draw_options *options, sscam_image **out)
{
    sscam_draw_options read;
    if (!out)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_map_overlay: out is NULL");
    *out = NULL;
    sscam_status status = open_overlay("sscam_map_overlay", map, image, options, &read);
    if (status != SSCAM_OK)
        return status;
    double box[4];
    const sscam_drawn_map shown = drawn_with_box(map, image, box);
    status = sscam_draw_overlay(&shown, image, read.colormap, read.alpha, out);
    return status == SSCAM_OK ? sscam_succeed() : status;
}

sscam_status sscam_map_overlay_into(const sscam_map *map, const sscam_image *image,
                                    const sscam_draw_options *options, const sscam_canvas *canvas)
{
    sscam_draw_options read;
    sscam_canvas to;
    sscam_status status = open_overlay("sscam_map_overlay_into", map, image, options, &read);
    if (status == SSCAM_OK)
        status = sscam_canvas_read(canvas, "sscam_map_overlay_into", &to);
    if (status != SSCAM_OK)
        return status;
    double box[4];
    const sscam_drawn_map shown = drawn_with_box(map, image, box);
    status = sscam_draw_overlay_into(&shown, image, read.colormap, read.alpha, &to);
    return status == SSCAM_OK ? sscam_succeed() : status;
}

sscam_status sscam_map_heatmap(const sscam_map *map, const sscam_draw_options *options,
                               sscam_image **out)
{
    sscam_draw_options read;
    if (!out)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_map_heatmap: out is NULL");
    *out = NULL;
    sscam_status status = check_is_image(map, "sscam_map_heatmap");
    if (status == SSCAM_OK)
        status = read_draw_options(options, &read);
    if (status != SSCAM_OK)
        return status;
    const sscam_drawn_map shown = drawn(map);
    status = sscam_draw_heatmap(&shown, read.colormap, out);
    return status == SSCAM_OK ? sscam_succeed() : status;
}

sscam_status sscam_map_heatmap_into(const sscam_map *map, const sscam_draw_options *options,
                                    const sscam_canvas *canvas)
{
    sscam_draw_options read;
    sscam_canvas to;
    sscam_status status = check_is_image(map, "sscam_map_heatmap_into");
    if (status == SSCAM_OK)
        status = read_draw_options(options, &read);
    if (status == SSCAM_OK)
        status = sscam_canvas_read(canvas, "sscam_map_heatmap_into", &to);
    if (status != SSCAM_OK)
        return status;
    const sscam_drawn_map shown = drawn(map);
    status = sscam_draw_heatmap_into(&shown, read.colormap, &to);
    return status == SSCAM_OK ? sscam_succeed() : status;
}
