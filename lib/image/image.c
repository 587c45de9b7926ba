#include "image/image_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "base/file.h"
#include "image/codec.h"

enum {
    LARGEST_PIXEL = 8 /* 16-bit RGBA */,
    OTHER_CONTENT = 1 << 24 /* text, profiles, previews */
};

bool sscam_image_size_allowed(int64_t width, int64_t height, int64_t max_pixels)
{
    return width > 0 && height > 0 && width <= max_pixels / height;
}

/* The pixels of the largest image, uncompressed, and OTHER_CONTENT. */
static size_t largest_file(int64_t max_pixels)
{
    int64_t bytes = sscam_plus(sscam_times(max_pixels, LARGEST_PIXEL), OTHER_CONTENT);
    return bytes == SSCAM_TOO_MANY || (uint64_t)bytes >= PTRDIFF_MAX ? PTRDIFF_MAX - 1
                                                                     : (size_t)bytes;
}

sscam_status sscam_image_allocate(int32_t width, int32_t height, int32_t channels,
                                  sscam_image **out)
{
    *out = sscam_allocate_array(
        sscam_plus(sscam_times(sscam_times(width, height), channels), (int64_t)sizeof **out), 1);
    if (!*out)
        return sscam_fail(SSCAM_E_MEMORY,
                          "out of memory for an image of %" PRId32 " x %" PRId32 " pixels", width,
                          height);
    memset(*out, 0, sizeof **out);
    (*out)->width = width;
    (*out)->height = height;
    (*out)->channels = channels;
    return SSCAM_OK;
}

static sscam_status check_creation(int32_t width, int32_t height, int32_t channels, size_t stride)
{
    if (width < 1 || height < 1)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "an image of %" PRId32 " x %" PRId32 " pixels: want at least 1 x 1",
                          width, height);
    if (!sscam_image_size_allowed(width, height, SSCAM_IMAGE_MAX_PIXELS))
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "an image of %" PRId32 " x %" PRId32 " pixels: more than the %" PRId64
                          " allowed",
                          width, height, SSCAM_IMAGE_MAX_PIXELS);
    if (channels != 1 && channels != 3 && channels != 4)
        return sscam_fail(SSCAM_E_ARGUMENT, "an image of %" PRId32 " channels: want 1, 3 or 4",
                          channels);
    uint64_t row = (uint64_t)width * (uint64_t)channels;
    if (stride && stride < row)
        return sscam_fail(SSCAM_E_ARGUMENT, "stride %zu is less than a row of %" PRIu64 " bytes",
                          stride, row);
    if (stride > SIZE_MAX / (size_t)height)
        return sscam_fail(SSCAM_E_ARGUMENT, "stride %zu: %" PRId32 " rows exceed the address space",
                          stride, height);
    return SSCAM_OK;
}

sscam_status sscam_image_create(int32_t width, int32_t height, int32_t channels, size_t stride,
                                const uint8_t *pixels, sscam_image **out)
{
    if (!out)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_image_create: out is NULL");
    *out = NULL;
    if (!pixels)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_image_create: pixels is NULL");
    sscam_status status = check_creation(width, height, channels, stride);
    if (status == SSCAM_OK)
        status = sscam_image_allocate(width, height, channels, out);
    if (status != SSCAM_OK)
        return status;

    size_t row_size = sscam_image_row_size(*out);
    size_t step = stride ? stride : row_size;
    for (int32_t y = 0; y < height; y++)
        memcpy(sscam_image_row(*out, y), pixels + (size_t)y * step, row_size);
    return sscam_succeed();
}

static sscam_status decode(const uint8_t *data, size_t size, int64_t max_pixels, sscam_image **out)
{
    if (sscam_png_recognise(data, size))
        return sscam_png_decode(data, size, max_pixels, out);
    if (sscam_jpeg_recognise(data, size))
        return sscam_jpeg_decode(data, size, max_pixels, out);
    return sscam_fail(SSCAM_E_FORMAT, "neither PNG nor JPEG%s",
                      size >= 4 && memcmp(data, "PK\3\4", 4) == 0
                          ? " but a zip archive, as networks are: have the network and the image "
                            "changed places?"
                          : "");
}

static sscam_status decode_png_only(const uint8_t *data, size_t size, int64_t max_pixels,
                                    sscam_image **out)
{
    if (sscam_png_recognise(data, size))
        return sscam_png_decode(data, size, max_pixels, out);
    return sscam_fail(SSCAM_E_FORMAT, "not a PNG file");
}

static sscam_status check_reading(const char *function, const void *source, const char *source_name,
                                  int64_t max_pixels, sscam_image **out)
{
    if (out)
        *out = NULL;
    if (!source || !out)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: %s is NULL", function,
                          source ? "out" : source_name);
    if (max_pixels < 1)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: max_pixels is %" PRId64 ", not at least 1",
                          function, max_pixels);
    return SSCAM_OK;
}

static sscam_status read_with(sscam_status (*decoder)(const uint8_t *, size_t, int64_t,
                                                      sscam_image **),
                              const char *path, int64_t max_pixels, sscam_image **out)
{
    uint8_t *data = NULL;
    size_t size = 0;
    sscam_status status = sscam_file_read(path, largest_file(max_pixels), &data, &size);
    if (status != SSCAM_OK)
        return status;
    status = decoder(data, size, max_pixels, out);
    free(data);
    return status == SSCAM_OK ? sscam_succeed()
                              : sscam_fail(status, "%s: %s", path, sscam_last_error());
}

sscam_status sscam_image_read(const char *path, sscam_image **out)
{
    sscam_status status = check_reading("sscam_image_read", path, "path", SSCAM_IMAGE_MAX_PIXELS,
                                        out);
    return status == SSCAM_OK ? read_with(decode, path, SSCAM_IMAGE_MAX_PIXELS, out) : status;
}

sscam_status sscam_image_read_limited(const char *path, int64_t max_pixels, sscam_image **out)
{
    sscam_status status = check_reading("sscam_image_read_limited", path, "path", max_pixels, out);
    return status == SSCAM_OK ? read_with(decode, path, max_pixels, out) : status;
}

sscam_status sscam_image_read_png(const char *path, sscam_image **out)
{
    sscam_status status = check_reading("sscam_image_read_png", path, "path",
                                        SSCAM_IMAGE_MAX_PIXELS, out);
    return status == SSCAM_OK ? read_with(decode_png_only, path, SSCAM_IMAGE_MAX_PIXELS, out)
                              : status;
}

static sscam_status read_memory(const char *function, const void *data, size_t size,
                                int64_t max_pixels, sscam_image **out)
{
    sscam_status status = check_reading(function, data, "data", max_pixels, out);
    if (status == SSCAM_OK)
        status = decode(data, size, max_pixels, out);
    return status == SSCAM_OK ? sscam_succeed() : status;
}

sscam_status sscam_image_read_memory(const void *data, size_t size, sscam_image **out)
{
    return read_memory("sscam_image_read_memory", data, size, SSCAM_IMAGE_MAX_PIXELS, out);
}

sscam_status sscam_image_read_memory_limited(const void *data, size_t size, int64_t max_pixels,
                                             sscam_image **out)
{
    return read_memory("sscam_image_read_memory_limited", data, size, max_pixels, out);
}

sscam_status sscam_image_write_png(const sscam_image *image, const char *path)
{
    if (!image || !path)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_image_write_png: %s is NULL",
                          image ? "path" : "image");
    sscam_status status = sscam_png_write(image, path);
    return status == SSCAM_OK ? sscam_succeed() : status;
}

int32_t sscam_image_width(const sscam_image *image)
{
    return image ? image->width : 0;
}

int32_t sscam_image_height(const sscam_image *image)
{
    return image ? image->height : 0;
}

int32_t sscam_image_channels(const sscam_image *image)
{
    return image ? image->channels : 0;
}

const uint8_t *sscam_image_pixels(const sscam_image *image)
{
    return image ? image->pixels : NULL;
}

sscam_image *sscam_image_ref(sscam_image *image)
{
    if (image)
        sscam_reference_add(&image->references);
    return image;
}

void sscam_image_unref(sscam_image *image)
{
    if (image && sscam_reference_drop(&image->references))
        free(image);
}
