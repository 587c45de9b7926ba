#include "image/pixel_format.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/public_struct.h"
#include "image/image_private.h"

static const sscam_pixel_format formats[] = {
    [SSCAM_PIXELS_GRAY8] = {"GRAY8", 1, 8, {0, 0, 0, -1}, 1},
    [SSCAM_PIXELS_GRAY16] = {"GRAY16", 1, 16, {0, 0, 0, -1}, 1},
    [SSCAM_PIXELS_RGB8] = {"RGB8", 3, 8, {0, 1, 2, -1}, 1},
    [SSCAM_PIXELS_RGB16] = {"RGB16", 3, 16, {0, 1, 2, -1}, 1},
    [SSCAM_PIXELS_RGBA8] = {"RGBA8", 4, 8, {0, 1, 2, 3}, 1},
    [SSCAM_PIXELS_RGBA16] = {"RGBA16", 4, 16, {0, 1, 2, 3}, 1},
    [SSCAM_PIXELS_BGR8] = {"BGR8", 3, 8, {2, 1, 0, -1}, 1},
    [SSCAM_PIXELS_BGRA8] = {"BGRA8", 4, 8, {2, 1, 0, 3}, 1},
    [SSCAM_PIXELS_NV12] = {"NV12", 3, 8, {0, 1, 2, -1}, 2},
};

const sscam_pixel_format *sscam_pixel_format_find(int32_t format)
{
    const int32_t count = (int32_t)(sizeof formats / sizeof formats[0]);
    return format > 0 && format < count ? &formats[format] : NULL;
}

size_t sscam_pixel_row_size(int32_t format, int64_t width)
{
    const sscam_pixel_format *found = sscam_pixel_format_find(format);
    if (found->planes == 2)
        return (size_t)width;
    return (size_t)width * (size_t)(found->channels * found->bits / 8);
}

static sscam_status check_size(const char *function, int64_t width, int64_t height)
{
    if (width < 1 || height < 1)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "%s: an image of %" PRId64 " x %" PRId64 " pixels: want at least 1 x 1",
                          function, width, height);
    if (!sscam_image_size_allowed(width, height, SSCAM_IMAGE_MAX_PIXELS))
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "%s: an image of %" PRId64 " x %" PRId64 " pixels: more than the %" PRId64
                          " allowed",
                          function, width, height, SSCAM_IMAGE_MAX_PIXELS);
    return SSCAM_OK;
}

/* Replaces a stride of 0 by the size of a row. */
static sscam_status resolve_stride(const char *function, const char *name, int64_t *stride,
                                   size_t row_size, int64_t rows)
{
    if (*stride == 0)
        *stride = (int64_t)row_size;
    if (*stride == INT64_MIN || llabs(*stride) < (int64_t)row_size)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: %s %" PRId64 " is less than a row of %zu bytes",
                          function, name, *stride, row_size);
    if (llabs(*stride) > PTRDIFF_MAX / rows)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "%s: %s %" PRId64 ": %" PRId64 " rows exceed the address space", function,
                          name, *stride, rows);
    return SSCAM_OK;
}

static sscam_status resolve_bits(const char *function, const sscam_pixel_format *format,
                                 int32_t *bits)
{
    const int32_t given = *bits;
    if (given == 0)
        *bits = format->bits;
    if (*bits > format->bits || *bits < (format->bits == 16 ? SSCAM_LEAST_WIDE_BITS : 8))
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "%s: significant_bits %" PRId32 " of the format %s: want %s", function,
                          given, format->name, format->bits == 16 ? "9 to 16" : "8");
    return SSCAM_OK;
}

static sscam_status check_second_plane(const char *function, const sscam_pixel_format *format,
                                       sscam_pixels *pixels)
{
    if (format->planes == 1)
        return !pixels->second_data && pixels->second_stride == 0
                   ? SSCAM_OK
                   : sscam_fail(SSCAM_E_ARGUMENT,
                                "%s: second_data or second_stride is set: the format %s has one "
                                "plane",
                                function, format->name);
    if (!pixels->second_data)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: second_data is NULL: the format %s has two planes",
                          function, format->name);
    return resolve_stride(function, "second_stride", &pixels->second_stride,
                          (size_t)(pixels->width + 1) / 2 * 2, (pixels->height + 1) / 2);
}

sscam_status sscam_pixels_read(const sscam_pixels *given, const char *function, sscam_pixels *out)
{
    const size_t least = SSCAM_END_OF(sscam_pixels, second_stride);
    sscam_status status = sscam_public_struct_read(given, out, sizeof *out, least, "sscam_pixels");
    if (status != SSCAM_OK)
        return status;
    const sscam_pixel_format *format = sscam_pixel_format_find(out->format);
    if (!format)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: format %" PRId32 " is no SSCAM_PIXELS_ value",
                          function, out->format);
    if (!out->data)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: data of the pixels is NULL", function);
    status = check_size(function, out->width, out->height);
    if (status == SSCAM_OK)
        status = resolve_stride(function, "stride", &out->stride,
                                sscam_pixel_row_size(out->format, out->width), out->height);
    if (status == SSCAM_OK)
        status = resolve_bits(function, format, &out->significant_bits);
    if (status == SSCAM_OK)
        status = check_second_plane(function, format, out);
    out->struct_size = sizeof *out;
    return status;
}

static bool can_be_drawn(int32_t format)
{
    const sscam_pixel_format *found = sscam_pixel_format_find(format);
    return found && found->bits == 8 && found->planes == 1;
}

sscam_status sscam_canvas_read(const sscam_canvas *given, const char *function, sscam_canvas *out)
{
    const size_t least = SSCAM_END_OF(sscam_canvas, format);
    sscam_status status = sscam_public_struct_read(given, out, sizeof *out, least, "sscam_canvas");
    if (status != SSCAM_OK)
        return status;
    if (!can_be_drawn(out->format))
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "%s: format %" PRId32
                          " of the canvas: want SSCAM_PIXELS_GRAY8, RGB8, BGR8, RGBA8 or BGRA8",
                          function, out->format);
    if (!out->data)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: data of the canvas is NULL", function);
    if (out->reserved != 0)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: reserved of the canvas is %" PRId32 ", not 0",
                          function, out->reserved);
    status = check_size(function, out->width, out->height);
    return status == SSCAM_OK
               ? resolve_stride(function, "stride", &out->stride,
                                sscam_pixel_row_size(out->format, out->width), out->height)
               : status;
}
