/* Reading of image files: which decoder takes a file, and what happens to its image. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/public_struct.h"
#include "image/codec.h"
#include "image/image_private.h"
#include "image/orientation.h"
#include "image/pixel_rows.h"

enum {
    LARGEST_PIXEL = 8 /* 16-bit RGBA */,
    OTHER_CONTENT = 1 << 24 /* text, profiles, previews */
};

/* --- formats ---------------------------------------------------------------------------------- */

static bool begins_with(const uint8_t *data, size_t size, const char *start, size_t length)
{
    return size >= length && memcmp(data, start, length) == 0;
}

static bool is_png(const uint8_t *data, size_t size)
{
    return begins_with(data, size, "\x89PNG\r\n\x1a\n", 8);
}

static bool is_jpeg(const uint8_t *data, size_t size)
{
    return begins_with(data, size, "\xFF\xD8\xFF", 3);
}

static bool is_bmp(const uint8_t *data, size_t size)
{
    return begins_with(data, size, "BM", 2);
}

static bool is_tiff(const uint8_t *data, size_t size)
{
    return begins_with(data, size, "II*\0", 4) || begins_with(data, size, "MM\0*", 4) ||
           begins_with(data, size, "II+\0", 4) || begins_with(data, size, "MM\0+", 4);
}

static bool is_webp(const uint8_t *data, size_t size)
{
    return begins_with(data, size, "RIFF", 4) && size >= 12 && memcmp(data + 8, "WEBP", 4) == 0;
}

static const struct codec {
    int32_t bit; /* SSCAM_FILE_ */
    const char *name, *library;
    bool (*recognise)(const uint8_t *data, size_t size);
    sscam_decoder *decode; /* NULL: this build lacks the library */
} codecs[] = {
    {SSCAM_FILE_PNG, "PNG", "libpng", is_png, sscam_png_decode},
    {SSCAM_FILE_JPEG, "JPEG", "libjpeg", is_jpeg, sscam_jpeg_decode},
    {SSCAM_FILE_BMP, "BMP", NULL, is_bmp, sscam_bmp_decode},
#ifdef SSCAM_HAVE_TIFF
    {SSCAM_FILE_TIFF, "TIFF", "libtiff", is_tiff, sscam_tiff_decode},
#else
    {SSCAM_FILE_TIFF, "TIFF", "libtiff", is_tiff, NULL},
#endif
#ifdef SSCAM_HAVE_WEBP
    {SSCAM_FILE_WEBP, "WebP", "libwebp", is_webp, sscam_webp_decode},
#else
    {SSCAM_FILE_WEBP, "WebP", "libwebp", is_webp, NULL},
#endif
};
enum { CODEC_COUNT = sizeof codecs / sizeof codecs[0] };

int32_t sscam_image_file_formats(void)
{
    int32_t bits = 0;
    for (size_t i = 0; i < CODEC_COUNT; i++)
        bits |= codecs[i].decode ? codecs[i].bit : 0;
    return bits;
}

sscam_status sscam_refuse_pixels(int64_t width, int64_t height, const sscam_read_options *options)
{
    return sscam_fail(SSCAM_E_FORMAT,
                      "%" PRId64 " x %" PRId64 " pixels: more than the %" PRId64 " allowed", width,
                      height, options->max_pixels);
}

/* "not PNG", "neither PNG nor JPEG", "none of PNG, JPEG, BMP". */
static sscam_status refuse_format(const sscam_read_options *options, const uint8_t *data,
                                  size_t size)
{
    char names[64] = "";
    int32_t count = 0;
    for (size_t i = 0; i < CODEC_COUNT; i++)
        count += (options->formats & codecs[i].bit) != 0;
    for (size_t i = 0; i < CODEC_COUNT; i++)
        if (options->formats & codecs[i].bit) {
            const size_t length = strlen(names);
            snprintf(names + length, sizeof names - length, "%s%s",
                     length == 0  ? ""
                     : count == 2 ? " nor "
                                  : ", ",
                     codecs[i].name);
        }
    return sscam_fail(SSCAM_E_FORMAT, "%s %s%s",
                      count == 1   ? "not"
                      : count == 2 ? "neither"
                                   : "none of",
                      names,
                      begins_with(data, size, "PK\3\4", 4)
                          ? " but a zip archive, as networks are: have the network and the image "
                            "changed places?"
                          : "");
}

static sscam_status decode(const uint8_t *data, size_t size, const sscam_read_options *options,
                           sscam_decoded *out)
{
    for (size_t i = 0; i < CODEC_COUNT; i++) {
        const struct codec *codec = &codecs[i];
        if (!codec->recognise(data, size))
            continue;
        if (!codec->decode)
            return sscam_fail(SSCAM_E_FORMAT, "%s, and this build of libsscam lacks %s",
                              codec->name, codec->library);
        if (options->formats & codec->bit)
            return codec->decode(data, size, options, out);
    }
    return refuse_format(options, data, size);
}

/* --- options ---------------------------------------------------------------------------------- */

/* Copies the options; values that are 0 become those that they stand for. */
static sscam_status read_options(const sscam_read_options *given, sscam_read_options *out)
{
    const size_t least = SSCAM_END_OF(sscam_read_options, significant_bits);
    *out = (sscam_read_options)SSCAM_READ_OPTIONS_INIT;
    sscam_status status = given ? sscam_public_struct_read(given, out, sizeof *out, least,
                                                           "sscam_read_options")
                                : SSCAM_OK;
    if (status != SSCAM_OK)
        return status;
    if (out->max_pixels < 0)
        return sscam_fail(SSCAM_E_ARGUMENT, "max_pixels is %" PRId64 ", not at least 1",
                          out->max_pixels);
    if (out->formats & ~sscam_image_file_formats())
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "formats is %" PRId32 ": want bits of sscam_image_file_formats()",
                          out->formats);
    if (out->significant_bits != 0 &&
        (out->significant_bits < SSCAM_LEAST_WIDE_BITS || out->significant_bits > 16))
        return sscam_fail(SSCAM_E_ARGUMENT, "significant_bits is %" PRId32 ", not 9 to 16",
                          out->significant_bits);
    if (out->max_pixels == 0)
        out->max_pixels = SSCAM_IMAGE_MAX_PIXELS;
    if (out->formats == 0)
        out->formats = sscam_image_file_formats();
    return SSCAM_OK;
}

/* The pixels of the largest image, uncompressed, and OTHER_CONTENT. */
static size_t largest_file(int64_t max_pixels)
{
    int64_t bytes = sscam_plus(sscam_times(max_pixels, LARGEST_PIXEL), OTHER_CONTENT);
    return bytes == SSCAM_TOO_MANY || (uint64_t)bytes >= PTRDIFF_MAX ? PTRDIFF_MAX - 1
                                                                     : (size_t)bytes;
}

/* --- 16-bit values ---------------------------------------------------------------------------- */

/* How many values lie above each of the ranges of 9 to 16 bits. */
typedef struct value_counts {
    int64_t all, above[17];
} value_counts;

static sscam_status count_values(const sscam_image *image, value_counts *counts)
{
    sscam_row_reader reader;
    sscam_status status = sscam_row_reader_open(&reader, image, SSCAM_ROWS_COLOURS);
    if (status != SSCAM_OK)
        return status;
    *counts = (value_counts){0};
    const int64_t width = image->pixels.width;
    for (int64_t y = 0; y < image->pixels.height && status == SSCAM_OK; y++) {
        const void *row = NULL;
        status = sscam_row_reader_read(&reader, y, &row);
        for (int64_t i = 0; status == SSCAM_OK && i < width * reader.channels; i++) {
            const int64_t sample = i / reader.channels * reader.step +
                                   reader.offset[i % reader.channels];
            const unsigned value = ((const uint16_t *)row)[sample];
            counts->all++;
            for (int32_t bits = SSCAM_LEAST_WIDE_BITS; bits < 16 && value >> bits > 0; bits++)
                counts->above[bits]++;
        }
    }
    sscam_row_reader_close(&reader);
    return status;
}

/* Cameras store 10 or 12 bits in 16. A thousandth of the values may be noise of hot pixels. */
static void warn_of_unused_bits(const char *name, const value_counts *counts)
{
    for (int32_t bits = 10; bits <= 12; bits++)
        if (counts->above[bits] <= counts->all / 1000) {
            sscam_log(SSCAM_LOG_WARNING,
                      "%s: its values of 16 bits reach hardly beyond %" PRId32
                      " bits, so that the image is almost black: does it have significant_bits "
                      "%" PRId32 "?",
                      name, bits, bits);
            return;
        }
}

/* Sets the bits of an image of 16, and looks whether they are the right ones. */
static sscam_status apply_significant_bits(const char *name, const sscam_read_options *options,
                                           sscam_image *image)
{
    value_counts counts;
    if (sscam_pixel_format_find(image->pixels.format)->bits != 16)
        return SSCAM_OK;
    if (options->significant_bits == 0 && !sscam_log_is_wanted())
        return SSCAM_OK;
    if (options->significant_bits != 0)
        image->pixels.significant_bits = options->significant_bits;
    sscam_status status = count_values(image, &counts);
    if (status == SSCAM_E_ARGUMENT) /* a value of the file, not of the caller */
        return sscam_fail(SSCAM_E_FORMAT, "%s", sscam_last_error());
    if (status == SSCAM_OK && options->significant_bits == 0)
        warn_of_unused_bits(name, &counts);
    return status;
}

/* --- reading ---------------------------------------------------------------------------------- */

static sscam_status read_image(const char *name, const uint8_t *data, size_t size,
                               const sscam_read_options *options, sscam_image **out)
{
    sscam_decoded decoded = {.orientation = SSCAM_ORIENTATION_NORMAL};
    sscam_status status = decode(data, size, options, &decoded);
    if (status == SSCAM_OK && !options->ignore_orientation)
        status = sscam_image_orient(decoded.orientation, &decoded.image);
    if (status == SSCAM_OK)
        status = apply_significant_bits(name, options, decoded.image);
    if (status == SSCAM_OK)
        *out = decoded.image;
    else
        sscam_image_unref(decoded.image);
    return status;
}

static sscam_status check_reading(const char *function, const void *source, const char *source_name,
                                  sscam_image **out)
{
    if (out)
        *out = NULL;
    if (!source || !out)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: %s is NULL", function,
                          source ? "out" : source_name);
    return SSCAM_OK;
}

sscam_status sscam_image_read(const char *path, const sscam_read_options *options,
                              sscam_image **out)
{
    sscam_read_options resolved;
    uint8_t *data = NULL;
    size_t size = 0;
    sscam_status status = check_reading("sscam_image_read", path, "path", out);
    if (status == SSCAM_OK)
        status = read_options(options, &resolved);
    if (status == SSCAM_OK)
        status = sscam_file_read(path, largest_file(resolved.max_pixels), &data, &size);
    if (status != SSCAM_OK)
        return status;
    status = read_image(path, data, size, &resolved, out);
    free(data);
    return status == SSCAM_OK ? sscam_succeed()
                              : sscam_fail(status, "%s: %s", path, sscam_last_error());
}

sscam_status sscam_image_read_memory(const void *data, size_t size,
                                     const sscam_read_options *options, sscam_image **out)
{
    sscam_read_options resolved;
    sscam_status status = check_reading("sscam_image_read_memory", data, "data", out);
    if (status == SSCAM_OK)
        status = read_options(options, &resolved);
    if (status == SSCAM_OK)
        status = read_image("an image in memory", data, size, &resolved, out);
    return status == SSCAM_OK ? sscam_succeed() : status;
}
