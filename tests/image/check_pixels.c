/* Pixels of every format: what preprocessing, drawing, copying and writing make of them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/preprocess.h"
#include "support/assertions.h"
#include "support/check_main.h"
#include "support/fixtures.h"

enum { SIDE_X = 37, SIDE_Y = 23, PIXEL_COUNT = SIDE_X * SIDE_Y, PADDING = 6, LARGEST = 8 };

/* --- one image in every format -------------------------------------------------------------- */

static uint8_t rgba[PIXEL_COUNT][4]; /* the image */
static uint8_t stored[SIDE_Y * (SIDE_X * LARGEST + PADDING)];

static void fill_image(void)
{
    uint32_t state = 3;
    for (int p = 0; p < PIXEL_COUNT; p++)
        for (int c = 0; c < 4; c++)
            rgba[p][c] = (uint8_t)(next_random(&state) >> 24);
}

static void fill_gray_image(void)
{
    fill_image();
    for (int p = 0; p < PIXEL_COUNT; p++)
        rgba[p][1] = rgba[p][2] = rgba[p][0];
}

static const struct layout {
    int32_t format, channels, bits;
    int order[4]; /* of rgba */
} layouts[] = {
    {SSCAM_PIXELS_RGB8, 3, 8, {0, 1, 2}},     {SSCAM_PIXELS_BGR8, 3, 8, {2, 1, 0}},
    {SSCAM_PIXELS_RGBA8, 4, 8, {0, 1, 2, 3}}, {SSCAM_PIXELS_BGRA8, 4, 8, {2, 1, 0, 3}},
    {SSCAM_PIXELS_RGB16, 3, 16, {0, 1, 2}},   {SSCAM_PIXELS_RGBA16, 4, 16, {0, 1, 2, 3}},
    {SSCAM_PIXELS_GRAY8, 1, 8, {0}},          {SSCAM_PIXELS_GRAY16, 1, 16, {0}},
};
enum { LAYOUTS = sizeof layouts / sizeof layouts[0], COLOUR_LAYOUTS = 6 };

static int is_gray(const struct layout *layout)
{
    return layout->channels == 1;
}

static void fill_image_for(const struct layout *layout)
{
    if (is_gray(layout))
        fill_gray_image();
    else
        fill_image();
}

/* The image in a format, with padding behind each row; upwards: the last row is stored first.
 * 16-bit samples are at odd addresses, and 257 times those of 8 bits: the same share of the
 * range. */
static sscam_pixels image_in(const struct layout *layout, int upwards)
{
    const int64_t row_size = SIDE_X * layout->channels * layout->bits / 8, stride = row_size + 5;
    sscam_pixels pixels = SSCAM_PIXELS_INIT;
    memset(stored, 0xEE, sizeof stored);
    for (int y = 0; y < SIDE_Y; y++) {
        uint8_t *to = stored + 1 + (upwards ? SIDE_Y - 1 - y : y) * stride;
        for (int x = 0; x < SIDE_X; x++)
            for (int c = 0; c < layout->channels; c++) {
                const uint8_t level = rgba[y * SIDE_X + x][layout->order[c]];
                const uint16_t wide = (uint16_t)(level * 257u);
                memcpy(to, layout->bits == 16 ? (const void *)&wide : &level,
                       (size_t)layout->bits / 8);
                to += layout->bits / 8;
            }
    }
    pixels.data = stored + 1 + (upwards ? (SIDE_Y - 1) * stride : 0);
    pixels.width = SIDE_X;
    pixels.height = SIDE_Y;
    pixels.stride = upwards ? -stride : stride;
    pixels.format = layout->format;
    return pixels;
}

static sscam_image *wrapped(const sscam_pixels *pixels)
{
    sscam_image *image = NULL;
    ASSERT_OK(sscam_image_wrap(pixels, NULL, NULL, &image));
    return image;
}

static sscam_image *plain_image(void)
{
    sscam_image *image = NULL;
    uint8_t rgb[PIXEL_COUNT][3];
    for (int p = 0; p < PIXEL_COUNT; p++)
        memcpy(rgb[p], rgba[p], 3);
    ASSERT_OK(create_packed(SIDE_X, SIDE_Y, 3, rgb, &image));
    return image;
}

/* --- preprocessing ---------------------------------------------------------------------------- */

static const char *const transforms[][2] = {
    {"rgb", "off"},   {"bgr", "off"},   {"gray", "off"},
    {"rgb", "17x29"}, {"bgr", "40x40"}, {"gray", "31x11"},
};
enum { TRANSFORMS = sizeof transforms / sizeof transforms[0] };

static int64_t input_of(const sscam_image *image, const char *const transform_texts[2],
                        float input[3 * 40 * 40])
{
    sscam_transform transform;
    sscam_geometry geometry;
    const int is_one_channel = strcmp(transform_texts[0], "gray") == 0;
    sscam_transform_init(&transform);
    ck_assert_int_eq(sscam_transform_set(&transform, "channel_order", transform_texts[0]),
                     SSCAM_OK);
    ck_assert_int_eq(sscam_transform_set(&transform, "resize", transform_texts[1]), SSCAM_OK);
    ck_assert_int_eq(sscam_transform_set(&transform, "crop", "off"), SSCAM_OK);
    ck_assert_int_eq(
        sscam_transform_set(&transform, "mean", is_one_channel ? "0.4" : "0.4,0.5,0.6"), SSCAM_OK);
    ck_assert_int_eq(sscam_transform_set(&transform, "std", "0.25"), SSCAM_OK);
    ck_assert_int_eq(sscam_geometry_compute(&transform, SIDE_X, SIDE_Y, &geometry), SSCAM_OK);
    ck_assert_int_eq(sscam_preprocess(image, &transform, &geometry, input), SSCAM_OK);
    return (int64_t)(is_one_channel ? 1 : 3) * geometry.input_width * geometry.input_height;
}

/* To the last bit for 8-bit formats, and for 16 bits where nothing is resized or turned gray; else
 * within the rounding of the 8-bit image's two passes and luma. */
START_TEST(every_format_gives_the_same_input)
{
    const struct layout *layout = &layouts[_i % LAYOUTS];
    const char *const *transform = transforms[_i / LAYOUTS];
    static float wanted[3 * 40 * 40], found[3 * 40 * 40];
    fill_image_for(layout);
    sscam_image *reference = plain_image();
    const int64_t count = input_of(reference, transform, wanted);
    const int exact = layout->bits == 8 ||
                      (strcmp(transform[1], "off") == 0 && strcmp(transform[0], "gray") != 0);
    for (int upwards = 0; upwards < 2; upwards++) {
        const sscam_pixels pixels = image_in(layout, upwards);
        sscam_image *image = wrapped(&pixels), *copy = NULL;
        ck_assert_int_eq(input_of(image, transform, found), count);
        for (int64_t i = 0; i < count; i++)
            ck_assert_float_le(fabsf(found[i] - wanted[i]), exact ? 0.0f : 1.6f / 255.0f / 0.25f);
        ASSERT_OK(sscam_image_create(&pixels, &copy));
        memset(stored, 0, sizeof stored);
        static float of_copy[3 * 40 * 40];
        input_of(copy, transform, of_copy);
        ck_assert_mem_eq(of_copy, found, (size_t)count * sizeof *found);
        sscam_image_unref(image);
        sscam_image_unref(copy);
    }
    sscam_image_unref(reference);
}
END_TEST

/* value / (2^bits - 1), at every number of bits. */
START_TEST(significant_bits_set_the_range)
{
    const int bits = _i, largest = (1 << bits) - 1;
    uint16_t values[PIXEL_COUNT];
    float input[3 * 40 * 40];
    uint32_t state = 5;
    for (int p = 0; p < PIXEL_COUNT; p++)
        values[p] = (uint16_t)((next_random(&state) >> 8) % (unsigned)(largest + 1));
    values[0] = 0;
    values[1] = (uint16_t)largest;
    sscam_pixels pixels = packed_pixels(SIDE_X, SIDE_Y, 1, values);
    pixels.format = SSCAM_PIXELS_GRAY16;
    pixels.significant_bits = bits;
    sscam_image *image = wrapped(&pixels);
    ck_assert_int_eq(input_of(image, transforms[2], input), PIXEL_COUNT);
    for (int p = 0; p < PIXEL_COUNT; p++)
        ck_assert_double_eq_tol(input[p], ((double)values[p] / largest - 0.4) / 0.25, 1e-6);
    sscam_image_unref(image);
}
END_TEST

START_TEST(values_beyond_the_significant_bits_are_refused)
{
    uint16_t values[PIXEL_COUNT] = {0};
    sscam_pixels pixels = packed_pixels(SIDE_X, SIDE_Y, 1, values);
    sscam_explainer *explainer = make_explainer("fake linear", "grad-cam");
    sscam_map *map = STALE;
    void *data = NULL;
    size_t size = 7;
    set_options(explainer, "resize=off crop=off");
    values[5 * SIDE_X + 3] = 4096;
    pixels.format = SSCAM_PIXELS_GRAY16;
    pixels.significant_bits = 12;
    sscam_image *image = wrapped(&pixels);
    ASSERT_FAILS(sscam_explain_image(explainer, image, 0, &map), SSCAM_E_ARGUMENT,
                 "pixel (3, 5) has the value 4096, but significant_bits 12 end at 4095");
    ck_assert_ptr_null(map);
    ASSERT_FAILS(sscam_image_encode_png(image, &data, &size), SSCAM_E_ARGUMENT, "4096");
    ck_assert_ptr_null(data);
    ck_assert_uint_eq(size, 0);
    sscam_image_unref(image);
    sscam_explainer_unref(explainer);
}
END_TEST

/* --- NV12 ------------------------------------------------------------------------------------- */

static int rounded(double share)
{
    return (int)lround(fmin(fmax(share * 255.0, 0.0), 255.0));
}

static void copy_to(const sscam_image *image, void *data, int32_t format, int64_t stride)
{
    sscam_canvas canvas = SSCAM_CANVAS_INIT;
    canvas.data = data;
    canvas.width = sscam_image_width(image);
    canvas.height = sscam_image_height(image);
    canvas.stride = stride;
    canvas.format = format;
    ASSERT_OK(sscam_image_copy_pixels(image, &canvas));
}

/* All Y, U and V, by ITU-R BT.601's formula in double precision. */
START_TEST(nv12_is_converted_by_the_formula)
{
    uint8_t plane[256], pairs[256], rgb[256][3];
    sscam_pixels pixels = packed_pixels(256, 1, 1, plane);
    pixels.format = SSCAM_PIXELS_NV12;
    pixels.second_data = pairs;
    for (int y = 0; y < 256; y++)
        plane[y] = (uint8_t)y;
    sscam_image *image = wrapped(&pixels);
    for (int v = _i * 16; v < _i * 16 + 16; v++)
        for (int u = 0; u < 256; u++) {
            for (int i = 0; i < 256; i++)
                pairs[i] = (uint8_t)(i % 2 ? v : u);
            copy_to(image, rgb, SSCAM_PIXELS_RGB8, 0);
            const double b = (u - 128) / 224.0, r = (v - 128) / 224.0;
            for (int y = 0; y < 256; y++) {
                const double light = (y - 16) / 219.0;
                const int red = rounded(light + 1.402 * r), blue = rounded(light + 1.772 * b);
                const int green = rounded(light - (0.202008 * b + 0.419198 * r) / 0.587);
                if (rgb[y][0] != red || rgb[y][1] != green || rgb[y][2] != blue)
                    ck_abort_msg("%d %d %d: %d %d %d, not %d %d %d", y, u, v, rgb[y][0], rgb[y][1],
                                 rgb[y][2], red, green, blue);
            }
        }
    sscam_image_unref(image);
}
END_TEST

/* Odd sides, both planes padded and upwards: every pixel takes the pair of its square. */
START_TEST(nv12_pairs_cover_two_by_two_pixels)
{
    enum { W = 5, H = 3, STRIDE = 7, PAIR_STRIDE = 8 };
    uint8_t plane[H * STRIDE], pairs[2 * PAIR_STRIDE], rgb[H][W][3], one[3];
    for (int i = 0; i < H * STRIDE; i++)
        plane[i] = (uint8_t)(40 + 9 * i);
    for (int i = 0; i < 2 * PAIR_STRIDE; i++)
        pairs[i] = (uint8_t)(60 + 8 * i);
    for (int upwards = 0; upwards < 2; upwards++) {
        sscam_pixels pixels = packed_pixels(W, H, 1, plane + (upwards ? (H - 1) * STRIDE : 0));
        pixels.format = SSCAM_PIXELS_NV12;
        pixels.stride = upwards ? -STRIDE : STRIDE;
        pixels.second_data = pairs + (upwards ? PAIR_STRIDE : 0);
        pixels.second_stride = upwards ? -PAIR_STRIDE : PAIR_STRIDE;
        sscam_image *image = wrapped(&pixels), *copy = NULL;
        copy_to(image, rgb, SSCAM_PIXELS_RGB8, 0);
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                const int row = upwards ? H - 1 - y : y, pair = upwards ? 1 - y / 2 : y / 2;
                sscam_pixels dot = packed_pixels(1, 1, 1, plane + row * STRIDE + x);
                dot.format = SSCAM_PIXELS_NV12;
                dot.second_data = pairs + pair * PAIR_STRIDE + x / 2 * 2;
                sscam_image *single = wrapped(&dot);
                copy_to(single, one, SSCAM_PIXELS_RGB8, 0);
                ck_assert_mem_eq(rgb[y][x], one, 3);
                sscam_image_unref(single);
            }
        ASSERT_OK(sscam_image_create(&pixels, &copy));
        uint8_t of_copy[H][W][3];
        copy_to(copy, of_copy, SSCAM_PIXELS_RGB8, 0);
        ck_assert_mem_eq(of_copy, rgb, sizeof rgb);
        sscam_image_unref(image);
        sscam_image_unref(copy);
    }
}
END_TEST

/* --- copies and files ------------------------------------------------------------------------- */

static const int32_t canvas_formats[] = {SSCAM_PIXELS_RGB8, SSCAM_PIXELS_BGR8, SSCAM_PIXELS_RGBA8,
                                         SSCAM_PIXELS_BGRA8, SSCAM_PIXELS_GRAY8};
enum { CANVASES = sizeof canvas_formats / sizeof canvas_formats[0] };

static const struct layout *layout_of(int32_t format)
{
    for (int i = 0; i < LAYOUTS; i++)
        if (layouts[i].format == format)
            return &layouts[i];
    ck_abort();
}

static int luma_of(const uint8_t colour[4])
{
    return (int)lround(0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]);
}

START_TEST(every_format_is_copied_to_every_canvas)
{
    const struct layout *from = &layouts[_i % LAYOUTS],
                        *to = layout_of(canvas_formats[_i / LAYOUTS]);
    static uint8_t canvas[SIDE_Y * (SIDE_X * 4 + PADDING)];
    const int64_t row_size = SIDE_X * to->channels, stride = row_size + PADDING;
    fill_image_for(from);
    const sscam_pixels pixels = image_in(from, 0);
    sscam_image *image = wrapped(&pixels);
    memset(canvas, 0xAB, sizeof canvas);
    copy_to(image, canvas + (SIDE_Y - 1) * stride, to->format, -stride);
    for (int y = 0; y < SIDE_Y; y++) {
        const uint8_t *row = canvas + (SIDE_Y - 1 - y) * stride;
        for (int x = 0; x < SIDE_X; x++)
            for (int c = 0; c < to->channels; c++) {
                const uint8_t *colour = rgba[y * SIDE_X + x];
                const int channel = to->order[c];
                const int wanted = is_gray(to)                          ? luma_of(colour)
                                   : channel == 3 && from->channels < 4 ? 255
                                                                        : colour[channel];
                /* luma is computed in fixed point */
                ck_assert_int_le(abs(row[x * to->channels + c] - wanted), is_gray(to) ? 1 : 0);
            }
        for (int64_t i = row_size; i < stride; i++)
            ck_assert_uint_eq(row[i], 0xAB);
    }
    sscam_image_unref(image);
}
END_TEST

START_TEST(every_format_is_written_to_png)
{
    const struct layout *layout = &layouts[_i];
    void *data = NULL;
    size_t size = 0;
    fill_image_for(layout);
    const sscam_pixels pixels = image_in(layout, 1);
    sscam_image *image = wrapped(&pixels), *read = NULL;
    ASSERT_OK(sscam_image_encode_png(image, &data, &size));
    ASSERT_OK(sscam_image_read_memory(data, size, NULL, &read));
    sscam_free(data);
    sscam_pixels described = SSCAM_PIXELS_INIT;
    ASSERT_OK(sscam_image_describe(read, &described));
    const int32_t wanted = layout->format == SSCAM_PIXELS_BGR8    ? SSCAM_PIXELS_RGB8
                           : layout->format == SSCAM_PIXELS_BGRA8 ? SSCAM_PIXELS_RGBA8
                                                                  : layout->format;
    ck_assert_int_eq(described.format, wanted);
    uint8_t before[PIXEL_COUNT][4], after[PIXEL_COUNT][4];
    copy_to(image, before, SSCAM_PIXELS_RGBA8, 0);
    copy_to(read, after, SSCAM_PIXELS_RGBA8, 0);
    ck_assert_mem_eq(after, before, sizeof before);
    sscam_image_unref(image);
    sscam_image_unref(read);
}
END_TEST

START_TEST(png_of_12_bits_has_the_whole_range)
{
    static const uint16_t values[3] = {0, 2048, 4095};
    static const unsigned wanted[3] = {0, 32776, 65535}; /* 2048 x 65535 / 4095 = 32776.0 */
    sscam_pixels pixels = packed_pixels(3, 1, 1, values), described = SSCAM_PIXELS_INIT;
    void *data = NULL;
    size_t size = 0;
    pixels.format = SSCAM_PIXELS_GRAY16;
    pixels.significant_bits = 12;
    sscam_image *image = wrapped(&pixels), *read = NULL;
    ASSERT_OK(sscam_image_encode_png(image, &data, &size));
    ASSERT_OK(sscam_image_read_memory(data, size, NULL, &read));
    ASSERT_OK(sscam_image_describe(read, &described));
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(((const uint16_t *)described.data)[i], wanted[i]);
    sscam_free(data);
    sscam_image_unref(image);
    sscam_image_unref(read);
}
END_TEST

START_TEST(encoding_refuses_null)
{
    sscam_image *image = make_image(2, 2, 3);
    void *data = image;
    size_t size = 7;
    ASSERT_FAILS(sscam_image_encode_png(NULL, &data, &size), SSCAM_E_ARGUMENT, "image");
    ck_assert_ptr_null(data);
    ck_assert_uint_eq(size, 0);
    ASSERT_FAILS(sscam_image_encode_png(image, NULL, &size), SSCAM_E_ARGUMENT, "data");
    ASSERT_FAILS(sscam_image_encode_png(image, &data, NULL), SSCAM_E_ARGUMENT, "size");
    sscam_image_unref(image);
}
END_TEST

/* --- wrapping --------------------------------------------------------------------------------- */

static void count_release(void *user)
{
    ++*(int *)user;
}

START_TEST(wrapped_pixels_are_released_once)
{
    static const uint8_t bytes[12] = {0};
    const sscam_pixels pixels = packed_pixels(2, 2, 3, bytes);
    sscam_pixels described = SSCAM_PIXELS_INIT;
    sscam_image *image = NULL;
    int released = 0;
    ASSERT_OK(sscam_image_wrap(&pixels, count_release, &released, &image));
    ASSERT_OK(sscam_image_describe(image, &described));
    ck_assert_ptr_eq(described.data, bytes);
    ck_assert_int_eq(described.stride, 6);
    ck_assert_int_eq(described.significant_bits, 8);
    sscam_image_ref(image);
    sscam_image_unref(image);
    ck_assert_int_eq(released, 0);
    sscam_image_unref(image);
    ck_assert_int_eq(released, 1);
}
END_TEST

START_TEST(pixels_that_are_refused_are_not_released)
{
    static const uint8_t bytes[12] = {0};
    sscam_pixels pixels = packed_pixels(2, 2, 3, bytes);
    sscam_image *image = NULL;
    int released = 0;
    pixels.format = 77;
    ASSERT_FAILS(sscam_image_wrap(&pixels, count_release, &released, &image), SSCAM_E_ARGUMENT,
                 "format 77");
    ASSERT_FAILS(sscam_image_wrap(NULL, count_release, &released, &image), SSCAM_E_ARGUMENT,
                 "sscam_pixels");
    ASSERT_FAILS(sscam_image_wrap(&pixels, count_release, &released, NULL), SSCAM_E_ARGUMENT,
                 "out");
    ck_assert_int_eq(released, 0);
}
END_TEST

/* A host that frees what it wrapped from the callback. */
static void free_pixels(void *user)
{
    free(user);
}

START_TEST(releasing_may_free_the_pixels)
{
    uint8_t *bytes = calloc(4, 3);
    const sscam_pixels pixels = packed_pixels(2, 2, 3, bytes);
    sscam_image *image = NULL;
    ASSERT_OK(sscam_image_wrap(&pixels, free_pixels, bytes, &image));
    sscam_image_unref(image);
}
END_TEST

/* --- fields out of range ---------------------------------------------------------------------- */

static const struct {
    int32_t format, bits;
    int64_t width, stride, second_stride;
    int has_second;
    const char *message;
} bad_fields[] = {
    {0, 0, 4, 0, 0, 0, "format 0"},
    {-1, 0, 4, 0, 0, 0, "format -1"},
    {10, 0, 4, 0, 0, 0, "format 10"},
    {SSCAM_PIXELS_RGB8, 9, 4, 0, 0, 0, "significant_bits 9 of the format RGB8: want 8"},
    {SSCAM_PIXELS_GRAY16, 8, 4, 0, 0, 0, "significant_bits 8 of the format GRAY16: want 9 to 16"},
    {SSCAM_PIXELS_RGB16, 17, 4, 0, 0, 0, "significant_bits 17"},
    {SSCAM_PIXELS_RGB16, -3, 4, 0, 0, 0, "significant_bits -3"},
    {SSCAM_PIXELS_RGB16, 0, 4, 23, 0, 0, "stride 23 is less than a row of 24 bytes"},
    {SSCAM_PIXELS_BGRA8, 0, 4, -15, 0, 0, "stride -15"},
    {SSCAM_PIXELS_RGB8, 0, 4, 0, 0, 1, "one plane"},
    {SSCAM_PIXELS_NV12, 0, 4, 0, 0, 0, "second_data is NULL"},
    {SSCAM_PIXELS_NV12, 0, 5, 0, 5, 1, "second_stride 5 is less than a row of 6 bytes"},
};

START_TEST(fields_out_of_range_are_named)
{
    static const uint8_t bytes[64] = {0};
    sscam_pixels pixels = packed_pixels(bad_fields[_i].width, 1, 1, bytes);
    sscam_image *image = (sscam_image *)(uintptr_t)16;
    pixels.format = bad_fields[_i].format;
    pixels.significant_bits = bad_fields[_i].bits;
    pixels.stride = bad_fields[_i].stride;
    pixels.second_stride = bad_fields[_i].second_stride;
    pixels.second_data = bad_fields[_i].has_second ? bytes : NULL;
    ASSERT_FAILS(sscam_image_create(&pixels, &image), SSCAM_E_ARGUMENT, bad_fields[_i].message);
    ck_assert_ptr_null(image);
    ASSERT_FAILS(sscam_image_wrap(&pixels, NULL, NULL, &image), SSCAM_E_ARGUMENT,
                 bad_fields[_i].message);
}
END_TEST

START_TEST(struct_sizes_are_checked)
{
    static const uint8_t bytes[64] = {0};
    sscam_pixels pixels = packed_pixels(1, 1, 1, bytes);
    sscam_image *image = NULL;
    pixels.struct_size = 8;
    ASSERT_FAILS(sscam_image_create(&pixels, &image), SSCAM_E_ARGUMENT, "struct_size is 8");
    image = make_image(2, 2, 3);
    ASSERT_FAILS(sscam_image_describe(image, &pixels), SSCAM_E_ARGUMENT, "struct_size is 8");
    sscam_image_unref(image);
}
END_TEST

/* --- drawing ---------------------------------------------------------------------------------- */

static sscam_map *small_map(void)
{
    static const float values[6] = {0.0f, 3.0f, 1.0f, 2.0f, 5.0f, 4.0f};
    static const int64_t shape[2] = {2, 3};
    sscam_array array = SSCAM_ARRAY_INIT;
    sscam_map *map = NULL;
    array.data = values;
    array.shape = shape;
    array.rank = 2;
    ASSERT_OK(sscam_map_create(&array, &map));
    return map;
}

/* Rows of RGB against rows of another format, between which nothing may be written. */
static void assert_drawn(const uint8_t *canvas, int64_t stride, const struct layout *to,
                         const sscam_image *wanted)
{
    const int64_t width = sscam_image_width(wanted), height = sscam_image_height(wanted);
    const uint8_t *rgb = pixels_of(wanted);
    for (int64_t y = 0; y < height; y++) {
        const uint8_t *row = canvas + y * stride;
        for (int64_t x = 0; x < width; x++, rgb += 3)
            for (int c = 0; c < to->channels; c++)
                ck_assert_uint_eq(row[x * to->channels + c],
                                  to->order[c] == 3 ? 255 : rgb[to->order[c]]);
        for (int64_t i = width * to->channels; i < llabs(stride); i++)
            ck_assert_uint_eq(row[i], 0xAB);
    }
}

START_TEST(maps_are_drawn_into_every_canvas)
{
    const struct layout *from = &layouts[_i % LAYOUTS],
                        *to = layout_of(canvas_formats[_i / LAYOUTS]);
    static uint8_t memory[SIDE_Y * (SIDE_X * 4 + PADDING)];
    sscam_draw_options options = SSCAM_DRAW_OPTIONS_INIT;
    sscam_canvas canvas = SSCAM_CANVAS_INIT;
    sscam_map *map = small_map();
    fill_image_for(from);
    const sscam_pixels pixels = image_in(from, 0);
    sscam_image *image = wrapped(&pixels), *wanted = NULL, *plain = plain_image();
    options.colormap = "viridis";
    options.alpha = 0.3;
    canvas.stride = -(SIDE_X * to->channels + PADDING);
    canvas.data = memory - (SIDE_Y - 1) * canvas.stride;
    canvas.width = SIDE_X;
    canvas.height = SIDE_Y;
    canvas.format = to->format;
    memset(memory, 0xAB, sizeof memory);
    ASSERT_OK(sscam_map_overlay_into(map, image, &options, &canvas));
    ASSERT_OK(sscam_map_overlay(map, plain, &options, &wanted));
    assert_drawn(canvas.data, canvas.stride, to, wanted);
    sscam_image_unref(wanted);

    memset(memory, 0xAB, sizeof memory);
    canvas.width = 3;
    canvas.height = 2;
    ASSERT_OK(sscam_map_heatmap_into(map, &options, &canvas));
    ASSERT_OK(sscam_map_heatmap(map, &options, &wanted));
    canvas.height = 2;
    const uint8_t *rgb = pixels_of(wanted);
    for (int p = 0; p < 6; p++)
        for (int c = 0; c < to->channels; c++)
            ck_assert_uint_eq(
                ((uint8_t *)canvas.data)[p / 3 * canvas.stride + p % 3 * to->channels + c],
                to->order[c] == 3 ? 255 : rgb[3 * p + to->order[c]]);
    sscam_image_unref(wanted);
    sscam_image_unref(plain);
    sscam_image_unref(image);
    sscam_map_unref(map);
}
END_TEST

START_TEST(unfit_canvases_are_refused)
{
    uint8_t memory[256];
    sscam_draw_options options = SSCAM_DRAW_OPTIONS_INIT;
    sscam_canvas canvas = SSCAM_CANVAS_INIT;
    sscam_map *map = small_map();
    sscam_image *image = make_image(4, 3, 3);
    canvas.data = memory;
    canvas.width = 4;
    canvas.height = 3;
    canvas.format = SSCAM_PIXELS_GRAY8;
    ASSERT_FAILS(sscam_map_overlay_into(map, image, NULL, &canvas), SSCAM_E_ARGUMENT, "GRAY8");
    canvas.format = SSCAM_PIXELS_RGB16;
    ASSERT_FAILS(sscam_map_overlay_into(map, image, NULL, &canvas), SSCAM_E_ARGUMENT, "format 4");
    canvas.format = SSCAM_PIXELS_RGB8;
    canvas.width = 5;
    ASSERT_FAILS(sscam_map_overlay_into(map, image, NULL, &canvas), SSCAM_E_ARGUMENT,
                 "a canvas of 5 x 3 for a drawing of 4 x 3");
    ASSERT_FAILS(sscam_map_heatmap_into(map, NULL, &canvas), SSCAM_E_ARGUMENT, "3 x 2");
    ASSERT_FAILS(sscam_image_copy_pixels(image, &canvas), SSCAM_E_ARGUMENT, "5 x 3");
    canvas.width = 4;
    canvas.data = NULL;
    ASSERT_FAILS(sscam_map_overlay_into(map, image, NULL, &canvas), SSCAM_E_ARGUMENT, "data");
    ASSERT_FAILS(sscam_map_overlay_into(map, NULL, NULL, &canvas), SSCAM_E_ARGUMENT, "image");
    ASSERT_FAILS(sscam_map_overlay_into(NULL, image, NULL, &canvas), SSCAM_E_ARGUMENT, "map");
    ASSERT_FAILS(sscam_map_overlay_into(map, image, NULL, NULL), SSCAM_E_ARGUMENT, "canvas");
    canvas.data = memory;
    canvas.reserved = 1;
    ASSERT_FAILS(sscam_image_copy_pixels(image, &canvas), SSCAM_E_ARGUMENT, "reserved");
    canvas.reserved = 0;
    options.alpha = 1.5;
    ASSERT_FAILS(sscam_map_overlay_into(map, image, &options, &canvas), SSCAM_E_ARGUMENT, "alpha");

    canvas.format = SSCAM_PIXELS_GRAY8;
    canvas.width = 3;
    canvas.height = 2;
    ASSERT_FAILS(sscam_map_heatmap_into(map, NULL, &canvas), SSCAM_E_ARGUMENT, "GRAY8");
    options.colormap = "gray";
    ASSERT_OK(sscam_map_heatmap_into(map, &options, &canvas));
    ck_assert_uint_eq(memory[1], 153); /* (3 - 0) / 5 of 255 */
    sscam_image_unref(image);
    sscam_map_unref(map);
}
END_TEST

START_TEST(colormaps_are_listed)
{
    static const char *const names[] = {"turbo", "jet", "viridis", "gray"};
    sscam_map *map = small_map();
    ck_assert_int_eq(sscam_colormap_count(), 4);
    for (int64_t i = 0; i < sscam_colormap_count(); i++) {
        sscam_draw_options options = SSCAM_DRAW_OPTIONS_INIT;
        sscam_image *image = NULL;
        options.colormap = sscam_colormap_name(i);
        ck_assert_str_eq(options.colormap, names[i]);
        ASSERT_OK(sscam_map_heatmap(map, &options, &image));
        sscam_image_unref(image);
    }
    ck_assert_ptr_null(sscam_colormap_name(-1));
    ck_assert_ptr_null(sscam_colormap_name(4));
    sscam_map_unref(map);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pixels");
    TCase *tests = tcase_create("pixels");
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, every_format_gives_the_same_input, 0, LAYOUTS * TRANSFORMS);
    tcase_add_loop_test(tests, significant_bits_set_the_range, 9, 17);
    tcase_add_test(tests, values_beyond_the_significant_bits_are_refused);
    tcase_add_loop_test(tests, nv12_is_converted_by_the_formula, 0, 16);
    tcase_add_test(tests, nv12_pairs_cover_two_by_two_pixels);
    tcase_add_loop_test(tests, every_format_is_copied_to_every_canvas, 0, LAYOUTS * CANVASES);
    tcase_add_loop_test(tests, every_format_is_written_to_png, 0, LAYOUTS);
    tcase_add_test(tests, png_of_12_bits_has_the_whole_range);
    tcase_add_test(tests, encoding_refuses_null);
    tcase_add_test(tests, wrapped_pixels_are_released_once);
    tcase_add_test(tests, pixels_that_are_refused_are_not_released);
    tcase_add_test(tests, releasing_may_free_the_pixels);
    tcase_add_loop_test(tests, fields_out_of_range_are_named, 0,
                        sizeof bad_fields / sizeof bad_fields[0]);
    tcase_add_test(tests, struct_sizes_are_checked);
    tcase_add_loop_test(tests, maps_are_drawn_into_every_canvas, 0, LAYOUTS * (CANVASES - 1));
    tcase_add_test(tests, unfit_canvases_are_refused);
    tcase_add_test(tests, colormaps_are_listed);
    return run_suite(suite);
}
