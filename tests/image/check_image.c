/* Images: creation, PNG and JPEG decoding, PNG writing, and every way these can fail. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sscam/image.h"
#include "support/check_main.h"
#include "support/jpeg_samples.h"
#include "support/pixels.h"
#include "support/png_builder.h"

#define ck_assert_message(part) \
    ck_assert_msg(strstr(sscam_last_error(), part) != NULL, "message: %s", sscam_last_error())

static char folder[] = "/tmp/sscam-check-XXXXXX";
static mode_t inherited_umask;

static void make_folder(void)
{
    strcpy(folder + sizeof folder - 7, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    inherited_umask = umask(022);
}

static void remove_folder(void)
{
    umask(inherited_umask);
    DIR *entries = opendir(folder);
    for (struct dirent *entry; (entry = readdir(entries));)
        unlinkat(dirfd(entries), entry->d_name, 0);
    closedir(entries);
    rmdir(folder);
}

static const char *in_folder(const char *name)
{
    static char paths[4][256];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static int files_in_folder(void)
{
    int count = 0;
    DIR *entries = opendir(folder);
    for (struct dirent *entry; (entry = readdir(entries));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(entries);
    return count;
}

static const char *write_file(const char *name, const void *data, size_t size)
{
    const char *path = in_folder(name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(data, 1, size, file), size);
    fclose(file);
    return path;
}

static sscam_status read_png(const char *path, sscam_image **out)
{
    sscam_read_options options = SSCAM_READ_OPTIONS_INIT;
    options.formats = SSCAM_FILE_PNG;
    return sscam_image_read(path, &options, out);
}

static sscam_image *decode(const void *data, size_t size)
{
    sscam_image *image = NULL;
    sscam_status status = sscam_image_read_memory(data, size, NULL, &image);
    ck_assert_msg(status == SSCAM_OK, "%s", sscam_last_error());
    ck_assert_str_eq(sscam_last_error(), "");
    return image;
}

static void assert_shape(const sscam_image *image, int32_t width, int32_t height, int32_t channels)
{
    ck_assert_int_eq(sscam_image_width(image), width);
    ck_assert_int_eq(sscam_image_height(image), height);
    ck_assert_int_eq(sscam_image_channels(image), channels);
}

static const uint8_t *pixel_at(const sscam_image *image, int32_t x, int32_t y)
{
    return pixels_of(image) + (y * sscam_image_width(image) + x) * sscam_image_channels(image);
}

/* An image whose bytes count up from 0. */
static sscam_image *counting_image(int32_t width, int32_t height, int32_t channels)
{
    uint8_t bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    sscam_image *image = NULL;
    ck_assert_int_le(width * height * channels, 256);
    ck_assert_int_eq(create_packed(width, height, channels, bytes, &image), SSCAM_OK);
    return image;
}

/* Not a pointer to anything: shows that the out-parameter was set. */
#define UNSET ((sscam_image *)(uintptr_t)16)

/* --- creation --------------------------------------------------------------------------------- */

static sscam_status create_strided(int64_t width, int64_t height, int32_t channels, int64_t stride,
                                   const void *data, sscam_image **out)
{
    sscam_pixels pixels = packed_pixels(width, height, channels, data);
    pixels.stride = stride;
    return sscam_image_create(&pixels, out);
}

START_TEST(create_copies_rows_at_their_stride)
{
    uint8_t bytes[2][10] = {{1, 2, 3, 4, 5, 6, 99, 99, 99, 99},
                            {7, 8, 9, 10, 11, 12, 99, 99, 99, 99}};
    sscam_image *image = NULL;
    ck_assert_int_eq(create_strided(2, 2, 3, 10, bytes[0], &image), SSCAM_OK);
    memset(bytes, 0, sizeof bytes);
    assert_shape(image, 2, 2, 3);
    for (int i = 0; i < 12; i++)
        ck_assert_int_eq(pixels_of(image)[i], i + 1);
    sscam_image_unref(image);
}
END_TEST

START_TEST(create_never_reads_behind_the_last_row)
{
    uint8_t *bytes = malloc(10 + 6);
    memset(bytes, 7, 10 + 6);
    sscam_image *image = NULL;
    ck_assert_int_eq(create_strided(2, 2, 3, 10, bytes, &image), SSCAM_OK);
    free(bytes);
    ck_assert_uint_eq(pixel_at(image, 1, 1)[2], 7);
    sscam_image_unref(image);
}
END_TEST

START_TEST(create_takes_gray_and_rgba_without_stride)
{
    sscam_image *gray = counting_image(3, 2, 1), *rgba = counting_image(3, 2, 4);
    assert_shape(gray, 3, 2, 1);
    assert_shape(rgba, 3, 2, 4);
    ck_assert_uint_eq(pixel_at(gray, 2, 1)[0], 5);
    ck_assert_uint_eq(pixel_at(rgba, 2, 1)[3], 23);
    sscam_image_unref(gray);
    sscam_image_unref(rgba);
}
END_TEST

static const struct {
    int64_t width, height;
    int32_t channels;
    int64_t stride;
    const char *message;
} bad_creations[] = {
    {0, 1, 3, 0, "0 x 1"},
    {1, 0, 3, 0, "1 x 0"},
    {-1, 1, 3, 0, "-1 x 1"},
    {1, INT32_MIN, 3, 0, "-2147483648"},
    {INT64_MAX, INT64_MAX, 3, 0, "268435456"},
    {1, INT64_MIN, 3, 0, "-9223372036854775808"},
    {1, 1, 2, 0, "format 0"},
    {2, 1, 3, 5, "stride 5"},
    {INT32_MAX, INT32_MAX, 4, 0, "268435456"},
    {1 << 14, (1 << 14) + 1, 1, 0, "16384 x 16385"},
    {1 << 28, 2, 1, 0, "268435456"},
    {2, 1, 3, -5, "stride -5"},
    {1, 2, 1, INT64_MAX, "address space"},
    {1, 2, 1, INT64_MIN, "stride"},
    {1, 2, 1, INT64_MIN + 1, "address space"},
};

START_TEST(create_refuses_bad_sizes)
{
    uint8_t byte = 0;
    sscam_image *image = UNSET;
    ck_assert_int_eq(create_strided(bad_creations[_i].width, bad_creations[_i].height,
                                    bad_creations[_i].channels, bad_creations[_i].stride, &byte,
                                    &image),
                     SSCAM_E_ARGUMENT);
    ck_assert_ptr_null(image);
    ck_assert_message(bad_creations[_i].message);
}
END_TEST

START_TEST(null_arguments_are_refused)
{
    uint8_t byte = 0;
    sscam_image *image = UNSET;
    ck_assert_int_eq(create_packed(1, 1, 1, NULL, &image), SSCAM_E_ARGUMENT);
    ck_assert_ptr_null(image);
    image = UNSET;
    ck_assert_int_eq(sscam_image_read(NULL, NULL, &image), SSCAM_E_ARGUMENT);
    ck_assert_ptr_null(image);
    image = UNSET;
    ck_assert_int_eq(read_png(NULL, &image), SSCAM_E_ARGUMENT);
    ck_assert_ptr_null(image);
    image = UNSET;
    ck_assert_int_eq(sscam_image_read_memory(NULL, 5, NULL, &image), SSCAM_E_ARGUMENT);
    ck_assert_ptr_null(image);
    ck_assert_int_eq(create_packed(1, 1, 1, &byte, NULL), SSCAM_E_ARGUMENT);
    ck_assert_int_eq(sscam_image_read("x", NULL, NULL), SSCAM_E_ARGUMENT);
    ck_assert_int_eq(read_png("x", NULL), SSCAM_E_ARGUMENT);
    ck_assert_int_eq(sscam_image_read_memory(&byte, 1, NULL, NULL), SSCAM_E_ARGUMENT);
    ck_assert_int_eq(sscam_image_write_png(NULL, "x"), SSCAM_E_ARGUMENT);
    image = counting_image(1, 1, 1);
    ck_assert_int_eq(sscam_image_write_png(image, NULL), SSCAM_E_ARGUMENT);
    sscam_image_unref(image);
}
END_TEST

START_TEST(accessors_take_null)
{
    assert_shape(NULL, 0, 0, 0);
    sscam_pixels pixels = SSCAM_PIXELS_INIT;
    ck_assert_int_eq(sscam_image_describe(NULL, &pixels), SSCAM_E_ARGUMENT);
    sscam_image_unref(NULL);
}
END_TEST

/* --- PNG -------------------------------------------------------------------------------------- */

/* Samples spread over the depth's range. */
static unsigned spread(uint32_t x, uint32_t y, int channel, int depth)
{
    return (x * 3701u + y * 10111u + (unsigned)channel * 5903u + 77u) & ((1u << depth) - 1u);
}

static unsigned spread1(uint32_t x, uint32_t y, int channel)
{
    return (x * 3 + y + (unsigned)channel) % 5 & 1u;
}

static unsigned spread2(uint32_t x, uint32_t y, int channel)
{
    return spread(x, y, channel, 2);
}

static unsigned spread4(uint32_t x, uint32_t y, int channel)
{
    return spread(x, y, channel, 4);
}

static unsigned spread8(uint32_t x, uint32_t y, int channel)
{
    return spread(x, y, channel, 8);
}

static unsigned spread16(uint32_t x, uint32_t y, int channel)
{
    return spread(x, y, channel, 16);
}

static const png_description png_kinds[] = {
    {9, 7, 1, PNG_GRAY, 0, spread1},         {9, 7, 2, PNG_GRAY, 0, spread2},
    {9, 7, 4, PNG_GRAY, 0, spread4},         {9, 7, 8, PNG_GRAY, 0, spread8},
    {9, 7, 16, PNG_GRAY, 0, spread16},       {9, 7, 8, PNG_RGB, 0, spread8},
    {9, 7, 16, PNG_RGB, 0, spread16},        {9, 7, 1, PNG_PALETTE, 0, spread1},
    {9, 7, 2, PNG_PALETTE, 0, spread2},      {9, 7, 4, PNG_PALETTE, 0, spread4},
    {9, 7, 8, PNG_PALETTE, 0, spread8},      {9, 7, 8, PNG_GRAY_ALPHA, 0, spread8},
    {9, 7, 16, PNG_GRAY_ALPHA, 0, spread16}, {9, 7, 8, PNG_RGBA, 0, spread8},
    {9, 7, 16, PNG_RGBA, 0, spread16},
};
enum { PNG_KINDS = sizeof png_kinds / sizeof png_kinds[0] };

static uint8_t palette_colour(unsigned index, int channel)
{
    return (uint8_t)(index * (channel == 0 ? 7u : channel == 1 ? 250u : 13u) + 5u);
}

static uint8_t palette_alpha(unsigned index)
{
    return (uint8_t)(index * 60u);
}

/* With transparency: the sample at (2, 1) is the transparent colour, or the palette's first entries
 * have alpha. */
static void append_transparency(png_builder *png, const png_description *of)
{
    uint8_t alpha[6];
    size_t size = of->colour_type == PNG_RGB    ? 6
                  : of->colour_type == PNG_GRAY ? 2
                  : of->depth == 1              ? 2
                                                : 4;
    for (unsigned i = 0; i < size; i++) {
        unsigned sample = of->sample(2, 1, (int)i / 2);
        alpha[i] = (uint8_t)(of->colour_type == PNG_PALETTE ? palette_alpha(i)
                             : i % 2                        ? sample
                                                            : sample >> 8);
    }
    png_append_chunk(png, "tRNS", alpha, size);
}

static sscam_image *build_and_decode(const png_description *of, int transparent)
{
    static png_builder png;
    png_begin(&png, of);
    if (of->colour_type == PNG_PALETTE) {
        uint8_t palette[256][3];
        unsigned entries = 1u << of->depth;
        for (unsigned i = 0; i < entries; i++)
            for (int c = 0; c < 3; c++)
                palette[i][c] = palette_colour(i, c);
        png_append_chunk(&png, "PLTE", palette, entries * 3);
    }
    if (transparent)
        append_transparency(&png, of);
    png_finish(&png, of);
    return decode(png.bytes, png.size);
}

/* A sample of 16 bits as it is; others stretched to 8 bits. */
static unsigned stretched(const png_description *of, uint32_t x, uint32_t y, int channel)
{
    unsigned sample = of->sample(x, y, channel);
    return of->depth == 16 ? sample : sample * 255u / ((1u << of->depth) - 1u);
}

static unsigned expected_colour(const png_description *of, uint32_t x, uint32_t y, int channel)
{
    switch (of->colour_type) {
    case PNG_PALETTE: return palette_colour(of->sample(x, y, 0), channel);
    case PNG_GRAY:
    case PNG_GRAY_ALPHA: return stretched(of, x, y, 0);
    default: return stretched(of, x, y, channel);
    }
}

static unsigned expected_alpha(const png_description *of, uint32_t x, uint32_t y)
{
    if (of->colour_type == PNG_GRAY_ALPHA || of->colour_type == PNG_RGBA)
        return stretched(of, x, y, of->colour_type == PNG_RGBA ? 3 : 1);
    if (of->colour_type == PNG_PALETTE)
        return of->sample(x, y, 0) < 4 ? palette_alpha(of->sample(x, y, 0)) : 255;
    for (int c = 0; c < png_channels(of->colour_type); c++)
        if (of->sample(x, y, c) != of->sample(2, 1, c))
            return of->depth == 16 ? 65535 : 255;
    return 0;
}

/* A channel of a pixel, of 8 or 16 bits. */
static unsigned sample_at(const sscam_image *image, uint32_t x, uint32_t y, int channel, int depth)
{
    sscam_pixels pixels = SSCAM_PIXELS_INIT;
    ck_assert_int_eq(sscam_image_describe(image, &pixels), SSCAM_OK);
    const uint8_t *row = (const uint8_t *)pixels.data + y * pixels.stride;
    const int64_t index = (int64_t)x * sscam_image_channels(image) + channel;
    return depth == 16 ? ((const uint16_t *)(const void *)row)[index] : row[index];
}

static void assert_pixels(const sscam_image *image, const png_description *of)
{
    int32_t channels = sscam_image_channels(image), colours = channels == 4 ? 3 : channels;
    for (uint32_t y = 0; y < of->height; y++)
        for (uint32_t x = 0; x < of->width; x++) {
            for (int c = 0; c < colours; c++)
                ck_assert_uint_eq(sample_at(image, x, y, c, of->depth),
                                  expected_colour(of, x, y, c));
            if (channels == 4)
                ck_assert_uint_eq(sample_at(image, x, y, 3, of->depth), expected_alpha(of, x, y));
        }
}

static int has_alpha_channel(const png_description *of)
{
    return of->colour_type == PNG_GRAY_ALPHA || of->colour_type == PNG_RGBA;
}

START_TEST(png_of_every_kind)
{
    png_description of = png_kinds[_i % PNG_KINDS];
    of.interlaced = _i >= PNG_KINDS;
    sscam_image *image = build_and_decode(&of, 0);
    assert_shape(image, 9, 7, has_alpha_channel(&of) ? 4 : of.colour_type == PNG_GRAY ? 1 : 3);
    assert_pixels(image, &of);
    sscam_image_unref(image);
}
END_TEST

START_TEST(png_with_transparent_colour_is_rgba)
{
    png_description of = png_kinds[_i % PNG_KINDS];
    of.interlaced = _i >= PNG_KINDS;
    if (has_alpha_channel(&of))
        return;
    sscam_image *image = build_and_decode(&of, 1);
    assert_shape(image, 9, 7, 4);
    assert_pixels(image, &of);
    sscam_image_unref(image);
}
END_TEST

START_TEST(png_of_one_pixel)
{
    for (int interlaced = 0; interlaced < 2; interlaced++) {
        png_description of = {1, 1, 8, PNG_RGB, interlaced, spread8};
        sscam_image *image = build_and_decode(&of, 0);
        assert_shape(image, 1, 1, 3);
        assert_pixels(image, &of);
        sscam_image_unref(image);
    }
}
END_TEST

START_TEST(png_gamma_is_not_applied)
{
    static png_builder png;
    static const uint8_t linear[4] = {0, 1, 0x86, 0xA0};
    png_begin(&png, &png_kinds[3]);
    png_append_chunk(&png, "gAMA", linear, sizeof linear);
    png_finish(&png, &png_kinds[3]);
    sscam_image *image = decode(png.bytes, png.size);
    assert_pixels(image, &png_kinds[3]);
    sscam_image_unref(image);
}
END_TEST

static void assert_format_error(const uint8_t *data, size_t size)
{
    /* On the heap in its exact size, so that valgrind and sanitizers see a byte read too many. */
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    sscam_image *image = UNSET;
    sscam_status status = sscam_image_read_memory(copy, size, NULL, &image);
    free(copy);
    ck_assert_msg(status == SSCAM_E_FORMAT, "%zu bytes: %s", size, sscam_status_name(status));
    ck_assert_ptr_null(image);
    ck_assert_str_ne(sscam_last_error(), "");
}

START_TEST(png_cut_short_anywhere_is_refused)
{
    static png_builder png;
    png_description of = png_kinds[_i % PNG_KINDS];
    if (of.colour_type == PNG_PALETTE)
        return;
    of.interlaced = _i >= PNG_KINDS;
    png_build(&png, &of);
    for (size_t size = 0; size < png.size; size++)
        assert_format_error(png.bytes, size);
}
END_TEST

/* Flips bits one by one; every result, image or error, is accepted. */
static void damage_everywhere(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size);
    for (size_t at = 0; at < size; at++)
        for (int bit = 0; bit < 8; bit++) {
            memcpy(copy, data, size);
            copy[at] ^= (uint8_t)(1 << bit);
            sscam_image *image = UNSET;
            sscam_status status = sscam_image_read_memory(copy, size, NULL, &image);
            ck_assert(status == SSCAM_OK || status == SSCAM_E_FORMAT);
            ck_assert_int_eq(image != NULL, status == SSCAM_OK);
            sscam_image_unref(image);
        }
    free(copy);
}

START_TEST(png_damaged_anywhere_does_no_harm)
{
    static png_builder png;
    png_description of = {3, 2, 8, PNG_RGB, 1, spread8};
    png_build(&png, &of);
    damage_everywhere(png.bytes, png.size);
}
END_TEST

static const uint32_t absurd_sizes[][2] = {
    {UINT32_C(1) << 31, UINT32_C(1) << 31},
    {INT32_MAX, INT32_MAX},
    {UINT32_MAX, UINT32_MAX},
    {0, 5},
    {5, 0},
    {(1 << 28) + 1, 1},
    {1, (1 << 28) + 1},
    {1 << 14, (1 << 14) + 1},
};

START_TEST(png_of_absurd_size_is_refused)
{
    static png_builder png;
    png_description claimed = {absurd_sizes[_i][0], absurd_sizes[_i][1], 8, PNG_RGBA, 0, spread8};
    png_description real = {2, 2, 8, PNG_RGBA, 0, spread8};
    png_begin(&png, &claimed);
    png_finish(&png, &real);
    assert_format_error(png.bytes, png.size);
}
END_TEST

START_TEST(png_too_large_is_told_apart_from_damage)
{
    static png_builder png;
    png_description of = {100000, 100000, 8, PNG_GRAY, 0, spread8};
    png_begin(&png, &of);
    png_append_chunk(&png, "IDAT", NULL, 0);
    assert_format_error(png.bytes, png.size);
    ck_assert_message("100000 x 100000");
    ck_assert_message("268435456");
}
END_TEST

/* --- JPEG ------------------------------------------------------------------------------------- */

static void assert_flat(const sscam_image *image, const uint8_t *colour)
{
    int32_t channels = sscam_image_channels(image);
    int32_t bytes = sscam_image_width(image) * sscam_image_height(image) * channels;
    for (int32_t i = 0; i < bytes; i++)
        ck_assert_uint_eq(pixels_of(image)[i], colour[i % channels]);
}

START_TEST(jpeg_gray_stays_gray)
{
    sscam_image *image = decode(jpeg_gray, sizeof jpeg_gray);
    assert_shape(image, 8, 8, 1);
    assert_flat(image, (const uint8_t[]){100});
    sscam_image_unref(image);
}
END_TEST

START_TEST(jpeg_colour_is_rgb)
{
    sscam_image *image = decode(jpeg_rgb, sizeof jpeg_rgb);
    assert_shape(image, 16, 16, 3);
    assert_flat(image, (const uint8_t[]){200, 100, 50});
    sscam_image_unref(image);
}
END_TEST

START_TEST(jpeg_progressive_and_restarted)
{
    sscam_image *images[] = {decode(jpeg_progressive, sizeof jpeg_progressive),
                             decode(jpeg_restart, sizeof jpeg_restart)};
    for (int i = 0; i < 2; i++) {
        for (int y = 0; y < 16; y++)
            for (int x = 0; x < 16; x++)
                ck_assert_int_le(abs(pixel_at(images[i], x, y)[0] - (200 + (7 * x + 5 * y) % 32)),
                                 2);
        sscam_image_unref(images[i]);
    }
}
END_TEST

/* Stored 55 155 205 230 are, inverted, inks 200 100 50 25: light 230, less its shares 180, 90 and
 * 45. */
START_TEST(jpeg_inks_become_rgb)
{
    sscam_image *cmyk = decode(jpeg_cmyk, sizeof jpeg_cmyk),
                *ycck = decode(jpeg_ycck, sizeof jpeg_ycck);
    assert_shape(cmyk, 16, 16, 3);
    assert_flat(cmyk, (const uint8_t[]){50, 140, 185});
    assert_shape(ycck, 16, 16, 3);
    assert_flat(ycck, (const uint8_t[]){50, 140, 185});
    sscam_image_unref(cmyk);
    sscam_image_unref(ycck);
}
END_TEST

START_TEST(jpeg_of_two_components_is_refused)
{
    assert_format_error(jpeg_two, sizeof jpeg_two);
    ck_assert_message("2 colour components");
}
END_TEST

static const struct {
    const uint8_t *data;
    size_t size;
} jpegs[] = {
    {jpeg_gray, sizeof jpeg_gray},
    {jpeg_rgb, sizeof jpeg_rgb},
    {jpeg_progressive, sizeof jpeg_progressive},
    {jpeg_restart, sizeof jpeg_restart},
    {jpeg_cmyk, sizeof jpeg_cmyk},
    {jpeg_ycck, sizeof jpeg_ycck},
};
enum { JPEGS = sizeof jpegs / sizeof jpegs[0] };

START_TEST(jpeg_cut_short_anywhere_is_refused)
{
    for (size_t size = 0; size < jpegs[_i].size; size++)
        assert_format_error(jpegs[_i].data, size);
}
END_TEST

START_TEST(jpeg_damaged_anywhere_does_no_harm)
{
    damage_everywhere(jpegs[_i].data, jpegs[_i].size);
}
END_TEST

START_TEST(jpeg_message_says_what_is_wrong)
{
    assert_format_error(jpeg_gray, sizeof jpeg_gray - 2);
    ck_assert_str_eq(sscam_last_error(), "damaged JPEG: Premature end of JPEG file");
}
END_TEST

/* The file is whole to its end marker, but some of its pixels are not in it. */
START_TEST(jpeg_with_a_gap_is_refused)
{
    enum { END = 2, GAP = 20 };
    uint8_t copy[sizeof jpeg_restart - GAP];
    memcpy(copy, jpeg_restart, sizeof copy - END);
    memcpy(copy + sizeof copy - END, jpeg_restart + sizeof jpeg_restart - END, END);
    assert_format_error(copy, sizeof copy);
    ck_assert_str_eq(sscam_last_error(),
                     "damaged JPEG: Corrupt JPEG data: premature end of data segment");
}
END_TEST

static size_t find_marker(const uint8_t *data, uint8_t marker)
{
    size_t at = 2;
    while (data[at + 1] != marker)
        at += 2u + data[at + 2] * 256u + data[at + 3];
    return at;
}

START_TEST(jpeg_of_absurd_size_is_refused)
{
    uint8_t copy[sizeof jpeg_rgb];
    memcpy(copy, jpeg_rgb, sizeof copy);
    uint8_t *sides = copy + find_marker(copy, 0xC0) + 5;
    memcpy(sides, (const uint8_t[]){0xFF, 0x00, 0xFF, 0x00}, 4);
    assert_format_error(copy, sizeof copy);
    ck_assert_message("65280 x 65280");
    memset(sides, 0, 4);
    assert_format_error(copy, sizeof copy);
}
END_TEST

/* The second scan of jpeg_two_scans, its last 11 bytes but for the end marker's 2, again and
 * again. */
static sscam_status decode_repeated_scan(size_t times)
{
    enum { SCAN = 11, END = 2 };
    size_t body = sizeof jpeg_two_scans - END;
    uint8_t *data = malloc(sizeof jpeg_two_scans + times * SCAN);
    memcpy(data, jpeg_two_scans, body);
    for (size_t i = 0; i < times; i++)
        memcpy(data + body + i * SCAN, jpeg_two_scans + body - SCAN, SCAN);
    memcpy(data + body + times * SCAN, jpeg_two_scans + body, END);
    sscam_image *image = NULL;
    sscam_status status = sscam_image_read_memory(data, body + times * SCAN + END, NULL, &image);
    sscam_image_unref(image);
    free(data);
    return status;
}

START_TEST(jpeg_with_endless_scans_is_refused)
{
    ck_assert_int_eq(decode_repeated_scan(0), SSCAM_OK);
    ck_assert_int_eq(decode_repeated_scan(100), SSCAM_OK);
    ck_assert_int_eq(decode_repeated_scan(300), SSCAM_E_FORMAT);
    ck_assert_message("more than 200 scans");
}
END_TEST

/* Cameras leave bytes before and after the end of the image. */
START_TEST(jpeg_with_harmless_extra_bytes_is_read)
{
    uint8_t copy[sizeof jpeg_gray + 10];
    size_t end = sizeof jpeg_gray - 2;
    memcpy(copy, jpeg_gray, end);
    memset(copy + end, 0, sizeof copy - end);
    memcpy(copy + end + 5, jpeg_gray + end, 2);
    sscam_image *image = decode(copy, sizeof copy);
    assert_flat(image, (const uint8_t[]){100});
    sscam_image_unref(image);
}
END_TEST

START_TEST(nothing_is_printed)
{
    FILE *capture = tmpfile();
    int saved = dup(STDERR_FILENO);
    dup2(fileno(capture), STDERR_FILENO);

    static png_builder png;
    png_begin(&png, &png_kinds[3]);
    png_append_chunk(&png, "gAMA", "not one", 7);
    png_append_chunk(&png, "iCCP", "broken", 6);
    png_finish(&png, &png_kinds[3]);
    sscam_image_unref(decode(png.bytes, png.size));
    assert_format_error(png.bytes, png.size / 2);
    assert_format_error(jpeg_rgb, sizeof jpeg_rgb / 2);
    assert_format_error(jpeg_rgb, sizeof jpeg_rgb - 1);

    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    fseek(capture, 0, SEEK_END);
    ck_assert_int_eq(ftell(capture), 0);
    fclose(capture);
}
END_TEST

/* --- files ------------------------------------------------------------------------------------ */

START_TEST(content_decides_not_the_name)
{
    static png_builder png;
    png_build(&png, &png_kinds[3]);
    sscam_image *image = NULL;
    ck_assert_int_eq(sscam_image_read(write_file("really.jpg", png.bytes, png.size), NULL, &image),
                     SSCAM_OK);
    assert_shape(image, 9, 7, 1);
    sscam_image_unref(image);
    ck_assert_int_eq(read_png(in_folder("really.jpg"), &image), SSCAM_OK);
    sscam_image_unref(image);
    ck_assert_int_eq(
        sscam_image_read(write_file("really.png", jpeg_rgb, sizeof jpeg_rgb), NULL, &image),
        SSCAM_OK);
    assert_shape(image, 16, 16, 3);
    sscam_image_unref(image);
}
END_TEST

static void assert_unreadable(const char *path, sscam_status wanted, const char *message)
{
    sscam_image *image = UNSET;
    ck_assert_int_eq(sscam_image_read(path, NULL, &image), wanted);
    ck_assert_ptr_null(image);
    ck_assert_message(message);
    ck_assert_int_eq(strncmp(sscam_last_error(), path, strlen(path)), 0);
}

START_TEST(unreadable_files_are_named)
{
    assert_unreadable(in_folder("absent.png"), SSCAM_E_IO, "No such file");
    assert_unreadable(folder, SSCAM_E_IO, "directory");
    assert_unreadable("", SSCAM_E_IO, "No such file");
    assert_unreadable(write_file("empty.png", "", 0), SSCAM_E_FORMAT, "empty");
    assert_unreadable(write_file("text.png", "hello, world", 12), SSCAM_E_FORMAT,
                      "none of PNG, JPEG");
    assert_unreadable(write_file("short.jpg", jpeg_rgb, 100), SSCAM_E_FORMAT, "damaged JPEG");
    assert_unreadable(write_file("sig.png", "\x89PNG\r\n\x1a\n", 8), SSCAM_E_FORMAT, "damaged PNG");

    sscam_image *image = UNSET;
    ck_assert_int_eq(read_png(write_file("a.jpg", jpeg_rgb, sizeof jpeg_rgb), &image),
                     SSCAM_E_FORMAT);
    ck_assert_ptr_null(image);
    ck_assert_message("a.jpg: not PNG");
}
END_TEST

/* A pipe has no size to ask for and comes in pieces; bytes after the image's end don't matter. */
START_TEST(pipes_are_read_to_their_end)
{
    static png_builder png;
    png_description of = {200, 100, 8, PNG_RGB, 0, spread8};
    png_build(&png, &of);
    const char *path = in_folder("pipe");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    pid_t writer = fork();
    if (writer == 0) {
        int descriptor = open(path, O_WRONLY);
        for (int copy = 0; copy < 3; copy++)
            for (size_t at = 0; at < png.size; at += 1000)
                if (write(descriptor, png.bytes + at, png.size - at < 1000 ? png.size - at : 1000) <
                    0)
                    _exit(1);
        _exit(0);
    }
    sscam_image *image = NULL;
    ck_assert_int_eq(sscam_image_read(path, NULL, &image), SSCAM_OK);
    assert_pixels(image, &of);
    sscam_image_unref(image);
    int outcome = 1;
    waitpid(writer, &outcome, 0);
    ck_assert_int_eq(outcome, 0);
}
END_TEST

START_TEST(written_png_reads_back)
{
    static const int32_t channels[] = {1, 3, 4};
    sscam_image *image = counting_image(7, 5, channels[_i]), *copy = NULL;
    const char *path = in_folder("copy.png");
    ck_assert_int_eq(sscam_image_write_png(image, path), SSCAM_OK);
    ck_assert_int_eq(read_png(path, &copy), SSCAM_OK);
    assert_shape(copy, 7, 5, channels[_i]);
    ck_assert_mem_eq(pixels_of(copy), pixels_of(image), (size_t)(7 * 5 * channels[_i]));
    ck_assert_int_eq(files_in_folder(), 1);
    sscam_image_unref(image);
    sscam_image_unref(copy);
}
END_TEST

static unsigned mode_of(const char *path)
{
    struct stat about;
    ck_assert_int_eq(stat(path, &about), 0);
    return about.st_mode & 07777;
}

START_TEST(written_file_has_the_mode_of_a_plain_one)
{
    sscam_image *image = counting_image(2, 2, 3);
    const char *path = in_folder("mode.png");
    umask(027);
    ck_assert_int_eq(sscam_image_write_png(image, path), SSCAM_OK);
    ck_assert_uint_eq(mode_of(path), 0640);
    ck_assert_int_eq(chmod(path, 0604), 0);
    ck_assert_int_eq(sscam_image_write_png(image, path), SSCAM_OK);
    ck_assert_uint_eq(mode_of(path), 0604);
    sscam_image_unref(image);
}
END_TEST

START_TEST(writing_follows_symbolic_links)
{
    sscam_image *image = counting_image(2, 2, 3);
    const char *target = write_file("target.png", "old", 3);
    const char *link = in_folder("link.png");
    ck_assert_int_eq(symlink("target.png", link), 0);
    ck_assert_int_eq(sscam_image_write_png(image, link), SSCAM_OK);
    struct stat about;
    ck_assert_int_eq(lstat(link, &about), 0);
    ck_assert(S_ISLNK(about.st_mode));
    sscam_image *copy = NULL;
    ck_assert_int_eq(read_png(target, &copy), SSCAM_OK);
    ck_assert_int_eq(files_in_folder(), 2);
    sscam_image_unref(image);
    sscam_image_unref(copy);
}
END_TEST

START_TEST(writing_to_a_name_without_folder)
{
    sscam_image *image = counting_image(2, 2, 3);
    int here = open(".", O_RDONLY);
    ck_assert_int_eq(chdir(folder), 0);
    sscam_status status = sscam_image_write_png(image, "bare.png");
    ck_assert_int_eq(fchdir(here), 0);
    close(here);
    ck_assert_int_eq(status, SSCAM_OK);
    ck_assert_int_eq(access(in_folder("bare.png"), R_OK), 0);
    ck_assert_int_eq(files_in_folder(), 1);
    sscam_image_unref(image);
}
END_TEST

static void assert_unwritable(const char *path, const char *message)
{
    sscam_image *image = counting_image(5, 5, 3);
    ck_assert_int_eq(sscam_image_write_png(image, path), SSCAM_E_IO);
    ck_assert_message(message);
    ck_assert_int_eq(strncmp(sscam_last_error(), path, strlen(path)), 0);
    sscam_image_unref(image);
}

START_TEST(unwritable_places_are_named)
{
    assert_unwritable(in_folder("absent/out.png"), "No such file");
    assert_unwritable(folder, "directory");
    assert_unwritable("", "cannot be written");
    write_file("file", "x", 1);
    assert_unwritable(in_folder("file/out.png"), "Not a directory");
}
END_TEST

/* In a child that is not root: root may write anywhere, and a fault in the library could then
 * replace the very devices of this machine. */
static void assert_unwritable_to_users(const char *path, const char *message)
{
    pid_t user = fork();
    if (user == 0) {
        sscam_image *image = counting_image(5, 5, 3);
        int failed = geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0);
        failed = failed || sscam_image_write_png(image, path) != SSCAM_E_IO;
        failed = failed || strncmp(sscam_last_error(), path, strlen(path)) != 0;
        failed = failed || !strstr(sscam_last_error(), message);
        sscam_image_unref(image);
        _exit(failed);
    }
    int outcome = 1;
    waitpid(user, &outcome, 0);
    ck_assert_int_eq(outcome, 0);
}

START_TEST(read_only_folder_is_an_error)
{
    ck_assert_int_eq(chmod(folder, 0555), 0);
    assert_unwritable_to_users(in_folder("out.png"), "cannot be written: Permission denied");
    ck_assert_int_eq(chmod(folder, 0755), 0);
    ck_assert_int_eq(files_in_folder(), 0);
}
END_TEST

START_TEST(full_device_is_an_error)
{
    assert_unwritable_to_users("/dev/full", "cannot be written: No space left on device");
}
END_TEST

START_TEST(pipes_are_written_not_replaced)
{
    const char *path = in_folder("pipe");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    sscam_image *image = counting_image(2, 2, 3);
    ck_assert_int_eq(sscam_image_write_png(image, path), SSCAM_OK);
    uint8_t content[1000];
    ssize_t size = read(reader, content, sizeof content);
    ck_assert_int_gt(size, 0);
    sscam_image *copy = decode(content, (size_t)size);
    ck_assert_mem_eq(pixels_of(copy), pixels_of(image), 12);
    ck_assert_int_eq(files_in_folder(), 1);
    close(reader);
    sscam_image_unref(image);
    sscam_image_unref(copy);
}
END_TEST

/* Incompressible, so that libpng writes before the stream's last flush. */
static sscam_image *noisy_image(void)
{
    enum { SIDE = 300 };
    uint8_t *bytes = malloc(SIDE * SIDE * 3);
    uint32_t state = 1;
    for (int i = 0; i < SIDE * SIDE * 3; i++) {
        state = state * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(state >> 24);
    }
    sscam_image *image = NULL;
    ck_assert_int_eq(create_packed(SIDE, SIDE, 3, bytes, &image), SSCAM_OK);
    free(bytes);
    return image;
}

START_TEST(failed_write_leaves_the_old_file_and_nothing_else)
{
    static const rlim_t limits[] = {10, 100000};
    sscam_image *image = noisy_image();
    const char *path = write_file("kept.png", "old", 3);
    struct rlimit limit, saved;
    getrlimit(RLIMIT_FSIZE, &saved);
    limit = saved;
    limit.rlim_cur = limits[_i];
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    sscam_status status = sscam_image_write_png(image, path);
    setrlimit(RLIMIT_FSIZE, &saved);
    signal(SIGXFSZ, SIG_DFL);

    ck_assert_int_eq(status, SSCAM_E_IO);
    ck_assert_message("kept.png: cannot be written: File too large");
    ck_assert_int_eq(files_in_folder(), 1);
    char content[8] = "";
    FILE *file = fopen(path, "rb");
    ck_assert_uint_eq(fread(content, 1, sizeof content - 1, file), 3);
    fclose(file);
    ck_assert_str_eq(content, "old");
    ck_assert_int_eq(sscam_image_write_png(image, path), SSCAM_OK);
    sscam_image_unref(image);
}
END_TEST

static TCase *creation_cases(void)
{
    TCase *tests = tcase_create("creation");
    tcase_add_test(tests, create_copies_rows_at_their_stride);
    tcase_add_test(tests, create_never_reads_behind_the_last_row);
    tcase_add_test(tests, create_takes_gray_and_rgba_without_stride);
    tcase_add_loop_test(tests, create_refuses_bad_sizes, 0,
                        sizeof bad_creations / sizeof bad_creations[0]);
    tcase_add_test(tests, null_arguments_are_refused);
    tcase_add_test(tests, accessors_take_null);
    return tests;
}

static TCase *png_cases(void)
{
    TCase *tests = tcase_create("png");
    tcase_add_loop_test(tests, png_of_every_kind, 0, 2 * PNG_KINDS);
    tcase_add_loop_test(tests, png_with_transparent_colour_is_rgba, 0, 2 * PNG_KINDS);
    tcase_add_test(tests, png_of_one_pixel);
    tcase_add_test(tests, png_gamma_is_not_applied);
    tcase_add_loop_test(tests, png_cut_short_anywhere_is_refused, 0, 2 * PNG_KINDS);
    tcase_add_test(tests, png_damaged_anywhere_does_no_harm);
    tcase_add_loop_test(tests, png_of_absurd_size_is_refused, 0,
                        sizeof absurd_sizes / sizeof absurd_sizes[0]);
    tcase_add_test(tests, png_too_large_is_told_apart_from_damage);
    return tests;
}

static TCase *jpeg_cases(void)
{
    TCase *tests = tcase_create("jpeg");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, jpeg_gray_stays_gray);
    tcase_add_test(tests, jpeg_colour_is_rgb);
    tcase_add_test(tests, jpeg_progressive_and_restarted);
    tcase_add_test(tests, jpeg_inks_become_rgb);
    tcase_add_test(tests, jpeg_of_two_components_is_refused);
    tcase_add_loop_test(tests, jpeg_cut_short_anywhere_is_refused, 0, JPEGS);
    tcase_add_loop_test(tests, jpeg_damaged_anywhere_does_no_harm, 0, JPEGS);
    tcase_add_test(tests, jpeg_message_says_what_is_wrong);
    tcase_add_test(tests, jpeg_with_a_gap_is_refused);
    tcase_add_test(tests, jpeg_of_absurd_size_is_refused);
    tcase_add_test(tests, jpeg_with_endless_scans_is_refused);
    tcase_add_test(tests, jpeg_with_harmless_extra_bytes_is_read);
    return tests;
}

static TCase *file_cases(void)
{
    TCase *tests = tcase_create("files");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_test(tests, nothing_is_printed);
    tcase_add_test(tests, content_decides_not_the_name);
    tcase_add_test(tests, unreadable_files_are_named);
    tcase_add_test(tests, pipes_are_read_to_their_end);
    tcase_add_loop_test(tests, written_png_reads_back, 0, 3);
    tcase_add_test(tests, written_file_has_the_mode_of_a_plain_one);
    tcase_add_test(tests, writing_follows_symbolic_links);
    tcase_add_test(tests, writing_to_a_name_without_folder);
    tcase_add_test(tests, unwritable_places_are_named);
    tcase_add_test(tests, read_only_folder_is_an_error);
    tcase_add_test(tests, full_device_is_an_error);
    tcase_add_test(tests, pipes_are_written_not_replaced);
    tcase_add_loop_test(tests, failed_write_leaves_the_old_file_and_nothing_else, 0, 2);
    return tests;
}

int main(void)
{
    Suite *suite = suite_create("image");
    suite_add_tcase(suite, creation_cases());
    suite_add_tcase(suite, png_cases());
    suite_add_tcase(suite, jpeg_cases());
    suite_add_tcase(suite, file_cases());
    return run_suite(suite);
}
