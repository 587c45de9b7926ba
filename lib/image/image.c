#include "image/image_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "base/public_struct.h"
#include "image/codec.h"
#include "image/pixel_rows.h"

bool sscam_image_size_allowed(int64_t width, int64_t height, int64_t max_pixels)
{
    return width > 0 && height > 0 && width <= max_pixels / height;
}

sscam_status sscam_image_allocate(int64_t width, int64_t height, int32_t format, sscam_image **out)
{
    const int64_t row_size = (int64_t)sscam_pixel_row_size(format, width);
    *out = sscam_allocate_array(sscam_plus(sscam_times(row_size, height), (int64_t)sizeof **out),
                                1);
    if (!*out)
        return sscam_fail(SSCAM_E_MEMORY,
                          "out of memory for an image of %" PRId64 " x %" PRId64 " pixels", width,
                          height);
    memset(*out, 0, sizeof **out);
    (*out)->pixels = (sscam_pixels){.struct_size = sizeof(sscam_pixels),
                                    .data = (*out)->owned,
                                    .width = width,
                                    .height = height,
                                    .stride = row_size,
                                    .format = format,
                                    .significant_bits = sscam_pixel_format_find(format)->bits};
    return SSCAM_OK;
}

sscam_canvas sscam_image_canvas(sscam_image *image)
{
    return (sscam_canvas){.struct_size = sizeof(sscam_canvas),
                          .data = image->owned,
                          .width = image->pixels.width,
                          .height = image->pixels.height,
                          .stride = image->pixels.stride,
                          .format = image->pixels.format};
}

static void copy_plane(const void *from, int64_t stride, uint8_t *to, size_t row_size, int64_t rows)
{
    for (int64_t y = 0; y < rows; y++)
        memcpy(to + (size_t)y * row_size, (const uint8_t *)from + (ptrdiff_t)(y * stride),
               row_size);
}

/* Both planes are copied without padding, one behind the other. */
static sscam_status copy_pixels(const sscam_pixels *pixels, sscam_image **out)
{
    const size_t row_size = sscam_pixel_row_size(pixels->format, pixels->width);
    const size_t second_size = (size_t)(pixels->width + 1) / 2 * 2;
    const int64_t second_rows = pixels->second_data ? (pixels->height + 1) / 2 : 0;
    const size_t first_bytes = row_size * (size_t)pixels->height;
    sscam_image *image = sscam_allocate_array(
        (int64_t)(sizeof *image + first_bytes + second_size * (size_t)second_rows), 1);
    if (!image)
        return sscam_fail_memory("an image");
    memset(image, 0, sizeof *image);
    image->pixels = *pixels;
    image->pixels.data = image->owned;
    image->pixels.stride = (int64_t)row_size;
    copy_plane(pixels->data, pixels->stride, image->owned, row_size, pixels->height);
    if (second_rows > 0) {
        image->pixels.second_data = image->owned + first_bytes;
        image->pixels.second_stride = (int64_t)second_size;
        copy_plane(pixels->second_data, pixels->second_stride, image->owned + first_bytes,
                   second_size, second_rows);
    }
    *out = image;
    return SSCAM_OK;
}

sscam_status sscam_image_create(const sscam_pixels *pixels, sscam_image **out)
{
    sscam_pixels read;
    if (!out)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_image_create: out is NULL");
    *out = NULL;
    sscam_status status = sscam_pixels_read(pixels, "sscam_image_create", &read);
    if (status == SSCAM_OK)
        status = copy_pixels(&read, out);
    return status == SSCAM_OK ? sscam_succeed() : status;
}

sscam_status sscam_image_wrap(const sscam_pixels *pixels, sscam_release_callback release,
                              void *user, sscam_image **out)
{
    sscam_pixels read;
    if (!out)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_image_wrap: out is NULL");
    *out = NULL;
    sscam_status status = sscam_pixels_read(pixels, "sscam_image_wrap", &read);
    if (status != SSCAM_OK)
        return status;
    sscam_image *image = calloc(1, sizeof *image);
    if (!image)
        return sscam_fail_memory("an image");
    image->pixels = read;
    image->release = release;
    image->user = user;
    *out = image;
    return sscam_succeed();
}

/* --- PNG -------------------------------------------------------------------------------------- */

sscam_status sscam_image_write_png(const sscam_image *image, const char *path)
{
    if (!image || !path)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_image_write_png: %s is NULL",
                          image ? "path" : "image");
    sscam_status status = sscam_png_write(image, path);
    return status == SSCAM_OK ? sscam_succeed() : status;
}

/* --- pixels ----------------------------------------------------------------------------------- */

sscam_status sscam_image_encode_png(const sscam_image *image, void **data, size_t *size)
{
    if (data)
        *data = NULL;
    if (size)
        *size = 0;
    if (!image || !data || !size)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_image_encode_png: %s is NULL",
                          !image  ? "image"
                          : !data ? "data"
                                  : "size");
    sscam_status status = sscam_png_encode(image, data, size);
    return status == SSCAM_OK ? sscam_succeed() : status;
}

int64_t sscam_image_width(const sscam_image *image)
{
    return image ? image->pixels.width : 0;
}

int64_t sscam_image_height(const sscam_image *image)
{
    return image ? image->pixels.height : 0;
}

int32_t sscam_image_channels(const sscam_image *image)
{
    return image ? sscam_pixel_format_find(image->pixels.format)->channels : 0;
}

sscam_status sscam_image_describe(const sscam_image *image, sscam_pixels *out)
{
    const size_t least = SSCAM_END_OF(sscam_pixels, second_stride);
    sscam_status status = sscam_public_struct_check(out, least, "sscam_pixels");
    if (status != SSCAM_OK)
        return status;
    if (!image)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_image_describe: image is NULL");
    sscam_public_struct_write(out, &image->pixels, sizeof image->pixels);
    return sscam_succeed();
}

static sscam_status check_copying(const sscam_image *image, const sscam_canvas *canvas)
{
    if (canvas->width == image->pixels.width && canvas->height == image->pixels.height)
        return SSCAM_OK;
    return sscam_fail(SSCAM_E_ARGUMENT,
                      "sscam_image_copy_pixels: a canvas of %" PRId64 " x %" PRId64
                      " for an image of %" PRId64 " x %" PRId64,
                      canvas->width, canvas->height, image->pixels.width, image->pixels.height);
}

static sscam_status copy_to_canvas(sscam_row_reader *reader, const sscam_canvas *canvas)
{
    uint8_t *rgba = sscam_allocate_array(sscam_times(canvas->width, 4), 1);
    if (!rgba)
        return sscam_fail_memory("a row of an image");
    sscam_status status = SSCAM_OK;
    for (int64_t y = 0; y < canvas->height && status == SSCAM_OK; y++) {
        const void *row = NULL;
        status = sscam_row_reader_read(reader, y, &row);
        if (status == SSCAM_OK) {
            sscam_row_to_rgba8(reader, row, rgba);
            sscam_canvas_store(canvas, y, rgba);
        }
    }
    free(rgba);
    return status;
}

sscam_status sscam_image_copy_pixels(const sscam_image *image, const sscam_canvas *canvas)
{
    sscam_canvas to;
    sscam_row_reader reader;
    if (!image)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_image_copy_pixels: image is NULL");
    sscam_status status = sscam_canvas_read(canvas, "sscam_image_copy_pixels", &to);
    if (status == SSCAM_OK)
        status = check_copying(image, &to);
    if (status == SSCAM_OK)
        status = sscam_row_reader_open(&reader, image, SSCAM_ROWS_RGBA);
    if (status != SSCAM_OK)
        return status;
    status = copy_to_canvas(&reader, &to);
    sscam_row_reader_close(&reader);
    return status == SSCAM_OK ? sscam_succeed() : status;
}

sscam_image *sscam_image_ref(sscam_image *image)
{
    if (image)
        sscam_reference_add(&image->references);
    return image;
}

void sscam_image_unref(sscam_image *image)
{
    if (!image || !sscam_reference_drop(&image->references))
        return;
    if (image->release)
        image->release(image->user);
    free(image);
}
