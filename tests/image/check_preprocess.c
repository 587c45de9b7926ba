/* From image to network input: option texts, sizes, resampling, crop, channels, normalising.
 * Expected values are worked out by hand; oracles/test_preprocess.py compares with torchvision at
 * large. */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "image/preprocess.h"
#include "support/check_main.h"
#include "support/pixels.h"

#define ck_assert_message(part) \
    ck_assert_msg(strstr(sscam_last_error(), part) != NULL, "message: %s", sscam_last_error())

static sscam_image *make_image(int32_t width, int32_t height, int32_t channels,
                               const uint8_t *pixels)
{
    sscam_image *image = NULL;
    ck_assert_int_eq(create_packed(width, height, channels, pixels, &image), SSCAM_OK);
    return image;
}

/* Levels 0 to 255 come out as they are: no resize, no crop, one channel, mean 0, deviation
 * 1/255. */
static sscam_transform plain_transform(void)
{
    sscam_transform transform;
    sscam_transform_init(&transform);
    ck_assert_int_eq(sscam_transform_set(&transform, "resize", "off"), SSCAM_OK);
    ck_assert_int_eq(sscam_transform_set(&transform, "crop", "off"), SSCAM_OK);
    ck_assert_int_eq(sscam_transform_set(&transform, "channel_order", "gray"), SSCAM_OK);
    ck_assert_int_eq(sscam_transform_set(&transform, "mean", "0"), SSCAM_OK);
    ck_assert_int_eq(sscam_transform_set(&transform, "std", "0.00392156862745098"), SSCAM_OK);
    return transform;
}

static void set(sscam_transform *transform, const char *option, const char *text)
{
    ck_assert_msg(sscam_transform_set(transform, option, text) == SSCAM_OK, "%s",
                  sscam_last_error());
}

/* The input that an image becomes; to be freed. */
static float *preprocess(const sscam_image *image, const sscam_transform *transform,
                         sscam_geometry *geometry)
{
    sscam_status status = sscam_geometry_compute(transform, sscam_image_width(image),
                                                 sscam_image_height(image), geometry);
    ck_assert_msg(status == SSCAM_OK, "%s", sscam_last_error());
    size_t count = (size_t)geometry->input_width * (size_t)geometry->input_height *
                   (size_t)sscam_transform_channels(transform);
    float *input = malloc(count * sizeof *input);
    ck_assert_int_eq(sscam_preprocess(image, transform, geometry, input), SSCAM_OK);
    return input;
}

static void assert_levels(const float *input, const int *wanted, int count)
{
    for (int i = 0; i < count; i++)
        ck_assert_msg(fabsf(input[i] - (float)wanted[i]) < 1e-3f, "value %d: %g, not %d", i,
                      (double)input[i], wanted[i]);
}

/* --- numbers ---------------------------------------------------------------------------------- */

START_TEST(whole_numbers)
{
    int64_t value = 7;
    ck_assert(sscam_parse_int("-9223372036854775808", &value));
    ck_assert(value == INT64_MIN);
    ck_assert(sscam_parse_int("+12", &value));
    ck_assert_int_eq(value, 12);
    static const char *const wrong[] = {
        "",    " 1",  "1 ", "1.0", "0x10", "1e3", "9223372036854775808",
        "--1", "+-1", "-",  "abc", "1,2"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!sscam_parse_int(wrong[i], &value), "%s", wrong[i]);
    ck_assert_int_eq(value, 12);
}
END_TEST

START_TEST(real_numbers)
{
    double value = 7.0;
    ck_assert(sscam_parse_real("-1.5e-3", &value));
    ck_assert_double_eq(value, -1.5e-3);
    ck_assert(sscam_parse_real(".5", &value));
    ck_assert_double_eq(value, 0.5);
    ck_assert(sscam_parse_real("1e-999", &value));
    ck_assert_double_eq(value, 0.0);
    ck_assert(sscam_parse_real("256", &value));
    static const char *const wrong[] = {"",    " 1",  "1 ",    "1,5",   "0x1p3",
                                        "inf", "nan", "1e999", "1e",    "1.2.3",
                                        ".",   "e5",  "-",     "1e5.0", "infinity"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!sscam_parse_real(wrong[i], &value), "%s", wrong[i]);
    ck_assert_double_eq(value, 256.0);
}
END_TEST

START_TEST(lists_of_numbers)
{
    double values[3] = {7.0, 7.0, 7.0};
    size_t count = 7;
    ck_assert(sscam_parse_reals("1", values, 3, &count));
    ck_assert_uint_eq(count, 1);
    ck_assert_double_eq(values[0], 1.0);
    ck_assert_double_eq(values[1], 7.0);
    ck_assert(sscam_parse_reals("0.5,-2,3e1", values, 3, &count));
    ck_assert_uint_eq(count, 3);
    ck_assert_double_eq(values[1], -2.0);
    ck_assert_double_eq(values[2], 30.0);
    static const char *const wrong[] = {"",        ",",    "1,",  ",1",   "1,,2",
                                        "1,2,3,4", "1, 2", "1;2", "1,nan"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!sscam_parse_reals(wrong[i], values, 3, &count), "%s", wrong[i]);
    ck_assert_uint_eq(count, 3);
    ck_assert_double_eq(values[0], 0.5);
}
END_TEST

/* Where no locale with a decimal comma is installed, this can only show that the point works. */
START_TEST(numbers_do_not_depend_on_the_locale)
{
    static const char *const commas[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "pt_BR.UTF-8",
                                         "ru_RU.UTF-8"};
    for (size_t i = 0; i < sizeof commas / sizeof commas[0] && !setlocale(LC_ALL, commas[i]); i++)
        continue;
    double values[2] = {0.0, 0.0};
    size_t count = 0;
    ck_assert(sscam_parse_reals("0.5,1.25", values, 2, &count));
    ck_assert_double_eq(values[0], 0.5);
    ck_assert_double_eq(values[1], 1.25);
    setlocale(LC_ALL, "C");
}
END_TEST

/* --- option texts ----------------------------------------------------------------------------- */

START_TEST(defaults_are_torchvisions)
{
    sscam_transform initial, parsed;
    sscam_transform_init(&initial);
    memset(&parsed, 0, sizeof parsed);
    set(&parsed, "resize", "256");
    set(&parsed, "crop", "224");
    set(&parsed, "interpolation", "bilinear");
    set(&parsed, "channel_order", "rgb");
    set(&parsed, "mean", "0.485,0.456,0.406");
    set(&parsed, "std", "0.229,0.224,0.225");
    ck_assert_int_eq(initial.resize, parsed.resize);
    ck_assert_int_eq(initial.resize_height, parsed.resize_height);
    ck_assert_int_eq(initial.crop_height, parsed.crop_height);
    ck_assert_int_eq(initial.crop_width, parsed.crop_width);
    ck_assert_int_eq(initial.interpolation, parsed.interpolation);
    ck_assert_int_eq(initial.channel_order, parsed.channel_order);
    ck_assert_mem_eq(initial.mean, parsed.mean, sizeof initial.mean);
    ck_assert_mem_eq(initial.std, parsed.std, sizeof initial.std);
    ck_assert_int_eq(initial.mean_count, 3);
    ck_assert_int_eq(initial.std_count, 3);
}
END_TEST

START_TEST(sizes_are_height_by_width)
{
    sscam_transform transform;
    sscam_transform_init(&transform);
    set(&transform, "resize", "100x200");
    ck_assert_int_eq(transform.resize, SSCAM_RESIZE_EXACT);
    ck_assert_int_eq(transform.resize_height, 100);
    ck_assert_int_eq(transform.resize_width, 200);
    set(&transform, "crop", "50x60");
    ck_assert_int_eq(transform.crop_height, 50);
    ck_assert_int_eq(transform.crop_width, 60);
    set(&transform, "resize", "off");
    ck_assert_int_eq(transform.resize, SSCAM_RESIZE_OFF);
    set(&transform, "crop", "off");
    ck_assert_int_eq(transform.crop_height, 0);
    ck_assert_int_eq(transform.crop_width, 0);
}
END_TEST

static const char *const wrong_texts[][2] = {
    {"resize", ""},
    {"resize", "0"},
    {"resize", "-1"},
    {"resize", "1.5"},
    {"resize", "x"},
    {"resize", "10x"},
    {"resize", "x10"},
    {"resize", "10x10x10"},
    {"resize", "10X10"},
    {"resize", "0x10"},
    {"resize", "10x0"},
    {"resize", "10x+5"},
    {"resize", "16385"},
    {"resize", "99999999999999999999"},
    {"resize", "16385x16384"},
    {"resize", "OFF"},
    {"resize", "on"},
    {"crop", ""},
    {"crop", "0"},
    {"crop", "224 "},
    {"crop", "100000"},
    {"crop", "-5x5"},
    {"mean", ""},
    {"mean", "1,2"},
    {"mean", "1,2,3,4,5"},
    {"mean", "a,b,c"},
    {"mean", "1e39"},
    {"mean", "nan"},
    {"std", "0"},
    {"std", "1,0,1"},
    {"std", "-1"},
    {"std", "1,2"},
    {"std", "1e-50"},
    {"std", "1e39,1,1"},
    {"std", ""},
    {"interpolation", "nearest"},
    {"interpolation", ""},
    {"channel_order", "grb"},
    {"channel_order", "RGB"},
    {"padding", "256"},
    {"padding", "-1"},
    {"padding", "1,2"},
    {"padding", "nan"},
    {"resize", "Fit"},
    {"sigma", ""},
};

START_TEST(wrong_texts_change_nothing)
{
    sscam_transform transform, before;
    memset(&transform, 0, sizeof transform);
    sscam_transform_init(&transform);
    memcpy(&before, &transform, sizeof transform);
    ck_assert_int_eq(sscam_transform_set(&transform, wrong_texts[_i][0], wrong_texts[_i][1]),
                     SSCAM_E_ARGUMENT);
    ck_assert_mem_eq(&transform, &before, sizeof before);
    ck_assert_message(wrong_texts[_i][0]);
    ck_assert_message(wrong_texts[_i][1]);
}
END_TEST

/* --- sizes ------------------------------------------------------------------------------------ */

/* As computed by torchvision 0.14. */
static const struct {
    const char *resize, *crop;
    int32_t width, height;
    sscam_geometry wanted;
} sizes[] = {
    {"256", "224", 640, 480, {640, 480, 341, 256, 58, 16, 224, 224}},
    {"256", "224", 480, 640, {480, 640, 256, 341, 16, 58, 224, 224}},
    {"256", "224", 299, 299, {299, 299, 256, 256, 16, 16, 224, 224}},
    {"256", "224", 500, 375, {500, 375, 341, 256, 58, 16, 224, 224}},
    {"256", "224", 1, 1, {1, 1, 256, 256, 16, 16, 224, 224}},
    {"256", "224", 3, 7, {3, 7, 256, 597, 16, 186, 224, 224}},
    {"256", "224", 7, 3, {7, 3, 597, 256, 186, 16, 224, 224}},
    {"343", "224", 10, 10, {10, 10, 343, 343, 60, 60, 224, 224}}, /* 59.5 rounds to even */
    {"341", "224", 10, 10, {10, 10, 341, 341, 58, 58, 224, 224}}, /* 58.5 too */
    {"100x300", "224", 9, 9, {9, 9, 300, 100, 38, -62, 224, 224}},
    {"101x223",
     "224",
     9,
     9,
     {9, 9, 223, 101, 0, -61, 224, 224}}, /* the odd pixel is padded at the end */
    {"off", "4x6", 10, 9, {10, 9, 10, 9, 2, 2, 6, 4}},
    {"off", "off", 10, 9, {10, 9, 10, 9, 0, 0, 10, 9}},
    {"5", "off", 10, 9, {10, 9, 5, 5, 0, 0, 5, 5}},
    {"5", "off", 13, 8, {13, 8, 8, 5, 0, 0, 8, 5}},
};

START_TEST(sizes_are_torchvisions)
{
    sscam_transform transform;
    sscam_geometry geometry;
    sscam_transform_init(&transform);
    set(&transform, "resize", sizes[_i].resize);
    set(&transform, "crop", sizes[_i].crop);
    ck_assert_int_eq(
        sscam_geometry_compute(&transform, sizes[_i].width, sizes[_i].height, &geometry), SSCAM_OK);
    ck_assert_mem_eq(&geometry, &sizes[_i].wanted, sizeof geometry);
}
END_TEST

START_TEST(extreme_proportions_are_refused)
{
    sscam_transform transform;
    sscam_geometry geometry;
    sscam_transform_init(&transform);
    ck_assert_int_eq(sscam_geometry_compute(&transform, 1, 4096, &geometry), SSCAM_OK);
    ck_assert_int_eq(geometry.resized_height, 1 << 20);
    ck_assert_int_eq(sscam_geometry_compute(&transform, 1, 4097, &geometry), SSCAM_E_ARGUMENT);
    ck_assert_message("256 x 1048832");
    ck_assert_int_eq(sscam_geometry_compute(&transform, 1 << 28, 1, &geometry), SSCAM_E_ARGUMENT);
    set(&transform, "resize", "16384");
    ck_assert_int_eq(sscam_geometry_compute(&transform, 1 << 28, 1, &geometry), SSCAM_E_ARGUMENT);
}
END_TEST

/* A caller that raised the limit when it read an image has room for it. */
START_TEST(images_above_the_limit_may_keep_their_size)
{
    sscam_transform transform;
    sscam_geometry geometry;
    sscam_transform_init(&transform);
    set(&transform, "resize", "off");
    set(&transform, "crop", "off");
    ck_assert_int_eq(sscam_geometry_compute(&transform, 40000, 16000, &geometry), SSCAM_OK);
    ck_assert_int_eq(geometry.input_width, 40000);
    set(&transform, "resize", "16384");
    ck_assert_int_eq(sscam_geometry_compute(&transform, 40000, 16000, &geometry), SSCAM_E_ARGUMENT);
    ck_assert_message("640000000");
}
END_TEST

START_TEST(gray_wants_one_mean_and_deviation)
{
    sscam_transform transform;
    sscam_geometry geometry;
    sscam_transform_init(&transform);
    set(&transform, "channel_order", "gray");
    ck_assert_int_eq(sscam_geometry_compute(&transform, 9, 9, &geometry), SSCAM_E_ARGUMENT);
    ck_assert_message("mean");
    set(&transform, "mean", "0.5");
    ck_assert_int_eq(sscam_geometry_compute(&transform, 9, 9, &geometry), SSCAM_E_ARGUMENT);
    ck_assert_message("std");
    set(&transform, "std", "0.25");
    ck_assert_int_eq(sscam_geometry_compute(&transform, 9, 9, &geometry), SSCAM_OK);
}
END_TEST

START_TEST(positions_go_through_resize_and_crop)
{
    const sscam_geometry geometry = {640, 480, 320, 240, 48, 8, 224, 224};
    ck_assert_double_eq(sscam_geometry_input_x(&geometry, 0.0), -48.0);
    ck_assert_double_eq(sscam_geometry_input_x(&geometry, 96.0), 0.0);
    ck_assert_double_eq(sscam_geometry_input_x(&geometry, 640.0), 272.0);
    ck_assert_double_eq(sscam_geometry_input_y(&geometry, 16.0), 0.0);
    ck_assert_double_eq(sscam_geometry_input_y(&geometry, 464.0), 224.0);
}
END_TEST

/* --- pixels ----------------------------------------------------------------------------------- */

START_TEST(unresized_pixels_stay)
{
    static const uint8_t pixels[6] = {0, 1, 127, 128, 254, 255};
    static const char *const interpolations[] = {"bilinear", "bicubic"};
    sscam_image *image = make_image(3, 2, 1, pixels);
    for (int i = 0; i < 2; i++) {
        sscam_transform transform = plain_transform();
        sscam_geometry geometry;
        set(&transform, "interpolation", interpolations[i]);
        float *input = preprocess(image, &transform, &geometry);
        assert_levels(input, (const int[]){0, 1, 127, 128, 254, 255}, 6);
        free(input);
    }
    sscam_image_unref(image);
}
END_TEST

/* Expected levels of a row, resized to another width. */
static void assert_resized_row(const uint8_t *row, int32_t width, const char *size,
                               const char *interpolation, const int *wanted, int count)
{
    sscam_image *image = make_image(width, 1, 1, row);
    sscam_transform transform = plain_transform();
    sscam_geometry geometry;
    set(&transform, "resize", size);
    set(&transform, "interpolation", interpolation);
    float *input = preprocess(image, &transform, &geometry);
    ck_assert_int_eq(geometry.input_width, count);
    assert_levels(input, wanted, count);
    free(input);
    sscam_image_unref(image);
}

/* Centres fall at 0.25, 0.75, 1.25, 1.75 of two pixels: shares of 1/4, and nothing to blend at the
 * ends. */
START_TEST(bilinear_enlarges)
{
    assert_resized_row((const uint8_t[]){0, 100}, 2, "1x4", "bilinear",
                       (const int[]){0, 25, 75, 100}, 4);
}
END_TEST

/* Two to one: the triangle is four wide. Weights 3 3 1 at the ends, 1 3 3 1 inside: 700 / 7, 210 /
 * 8. */
START_TEST(bilinear_shrinks_without_aliasing)
{
    assert_resized_row((const uint8_t[]){210, 0, 70, 0, 0, 0, 0, 0}, 8, "1x4", "bilinear",
                       (const int[]){100, 26, 0, 0}, 4);
}
END_TEST

/* Keys' weights at distances 1/4, 3/4, 5/4, 7/4 are 111, 29, -9, -3 of 128: next to a step of 100,
 * shares -3, -9, 26 and the mirror of these. */
START_TEST(bicubic_enlarges)
{
    assert_resized_row((const uint8_t[]){100, 100, 100, 200, 200, 200}, 6, "1x12", "bicubic",
                       (const int[]){100, 100, 100, 98, 93, 120, 180, 207, 202, 200, 200, 200}, 12);
}
END_TEST

START_TEST(bicubic_overshoot_is_cut)
{
    assert_resized_row((const uint8_t[]){10, 10, 10, 250, 250, 250}, 6, "1x12", "bicubic",
                       (const int[]){10, 10, 10, 4, 0, 59, 201, 255, 255, 250, 250, 250}, 12);
}
END_TEST

/* The first pass rounds a quarter of 2 up to 1, so that the second makes 3/4 of it 1, not 3/8 of it
 * 0. */
START_TEST(passes_round_in_between)
{
    sscam_image *image = make_image(2, 2, 1, (const uint8_t[]){2, 0, 0, 0});
    sscam_transform transform = plain_transform();
    sscam_geometry geometry;
    set(&transform, "resize", "4x4");
    float *input = preprocess(image, &transform, &geometry);
    assert_levels(input, (const int[]){2, 2, 1, 0, 2, 2, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0}, 16);
    free(input);
    sscam_image_unref(image);
}
END_TEST

static const int32_t flat_sizes[][2] = {{1, 1}, {1, 37}, {37, 1}, {2, 3}, {301, 5}, {1000, 999}};

START_TEST(flat_images_stay_flat_at_any_size)
{
    int32_t width = flat_sizes[_i][0], height = flat_sizes[_i][1];
    uint8_t *pixels = malloc((size_t)(width * height * 3));
    memset(pixels, 201, (size_t)(width * height * 3));
    sscam_image *image = make_image(width, height, 3, pixels);
    free(pixels);
    static const char *const interpolations[] = {"bilinear", "bicubic"};
    for (int i = 0; i < 2; i++) {
        sscam_transform transform = plain_transform();
        sscam_geometry geometry;
        set(&transform, "resize", "16");
        set(&transform, "crop", "14x13");
        set(&transform, "interpolation", interpolations[i]);
        set(&transform, "channel_order", "rgb");
        float *input = preprocess(image, &transform, &geometry);
        for (int p = 0; p < 3 * 14 * 13; p++)
            assert_levels(input + p, (const int[]){201}, 1);
        free(input);
    }
    sscam_image_unref(image);
}
END_TEST

/* Only what the crop shows is computed; it must be what the whole would have there. */
START_TEST(crop_is_a_part_of_the_whole)
{
    enum { WIDTH = 53, HEIGHT = 31 };
    uint8_t pixels[HEIGHT][WIDTH][3];
    for (int i = 0; i < HEIGHT * WIDTH * 3; i++)
        ((uint8_t *)pixels)[i] = (uint8_t)(i * 37 + i * i % 91);
    sscam_image *image = make_image(WIDTH, HEIGHT, 3, pixels[0][0]);
    sscam_transform transform = plain_transform();
    sscam_geometry whole_geometry, crop_geometry;
    set(&transform, "channel_order", "bgr");
    set(&transform, "resize", "20");
    float *whole = preprocess(image, &transform, &whole_geometry);
    set(&transform, "crop", "7x12");
    float *crop = preprocess(image, &transform, &crop_geometry);
    ck_assert_int_eq(whole_geometry.input_width, 34);
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < 7; y++)
            ck_assert_mem_eq(crop + (c * 7 + y) * 12,
                             whole + (c * 20 + y + crop_geometry.crop_top) * 34 +
                                 crop_geometry.crop_left,
                             12 * sizeof(float));
    free(whole);
    free(crop);
    sscam_image_unref(image);
}
END_TEST

START_TEST(crop_larger_than_the_image_is_padded_black)
{
    sscam_image *image = make_image(3, 2, 1, (const uint8_t[]){10, 20, 30, 40, 50, 60});
    sscam_transform transform = plain_transform();
    sscam_geometry geometry;
    set(&transform, "crop", "5x2");
    float *input = preprocess(image, &transform, &geometry);
    assert_levels(input, (const int[]){0, 0, 10, 20, 40, 50, 0, 0, 0, 0}, 10);
    free(input);

    set(&transform, "crop", "3x6");
    set(&transform, "mean", "1");
    input = preprocess(image, &transform, &geometry);
    for (int i = 0; i < 18; i++)
        input[i] += 255.0f;
    assert_levels(input, (const int[]){0, 10, 20, 30, 0, 0, 0, 40, 50, 60, 0, 0, 0, 0, 0, 0, 0, 0},
                  18);
    free(input);
    sscam_image_unref(image);
}
END_TEST

/* Letterboxing, as Ultralytics has it: scaled to fit, halves to even, the rest padded. */
START_TEST(images_are_fitted_in_the_crop)
{
    static const struct {
        int32_t width, height;
        sscam_geometry wanted;
    } cases[] = {
        {640, 480, {640, 480, 320, 240, 0, -40, 320, 320}},
        {480, 640, {480, 640, 240, 320, -40, 0, 320, 320}},
        {50, 50, {50, 50, 320, 320, 0, 0, 320, 320}},
        {641, 481, {641, 481, 320, 240, 0, -40, 320, 320}},
        {640, 3, {640, 3, 320, 2, 0, -159, 320, 320}}, /* 1.5 becomes 2 */
        {640, 1, {640, 1, 320, 1, 0, -159, 320, 320}}, /* 0.5 becomes 0, but one row is left */
    };
    sscam_transform transform;
    sscam_transform_init(&transform);
    set(&transform, "resize", "fit");
    set(&transform, "crop", "320");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sscam_geometry found;
        ck_assert_int_eq(
            sscam_geometry_compute(&transform, cases[i].width, cases[i].height, &found), SSCAM_OK);
        ck_assert_mem_eq(&found, &cases[i].wanted, sizeof found);
    }
    set(&transform, "crop", "off");
    ck_assert_int_eq(sscam_geometry_compute(&transform, 9, 9, &(sscam_geometry){0}),
                     SSCAM_E_ARGUMENT);
    ck_assert_message("crop=off");
}
END_TEST

START_TEST(positions_come_back_from_a_letterbox)
{
    sscam_transform transform;
    sscam_geometry geometry;
    sscam_transform_init(&transform);
    set(&transform, "resize", "fit");
    set(&transform, "crop", "320");
    ck_assert_int_eq(sscam_geometry_compute(&transform, 640, 480, &geometry), SSCAM_OK);
    ck_assert_double_eq_tol(sscam_geometry_input_y(&geometry, 0.0), 40.0, 1e-12);
    ck_assert_double_eq_tol(sscam_geometry_source_y(&geometry, 40.0), 0.0, 1e-12);
    ck_assert_double_eq_tol(sscam_geometry_source_x(&geometry, 320.0), 640.0, 1e-12);
    for (double x = -7.0; x < 640.0; x += 13.5)
        ck_assert_double_eq_tol(
            sscam_geometry_source_x(&geometry, sscam_geometry_input_x(&geometry, x)), x, 1e-9);
}
END_TEST

START_TEST(padding_has_a_colour)
{
    const uint8_t pixels[] = {10, 20, 30, 40, 50, 60};
    sscam_image *image = make_image(2, 1, 3, pixels);
    sscam_transform transform = plain_transform();
    sscam_geometry geometry;
    set(&transform, "crop", "1x4");
    set(&transform, "channel_order", "bgr");
    set(&transform, "padding", "1,114,3");
    float *input = preprocess(image, &transform, &geometry);
    assert_levels(input, (const int[]){3, 30, 60, 3, 114, 20, 50, 114, 1, 10, 40, 1}, 12);
    free(input);
    set(&transform, "padding", "114");
    input = preprocess(image, &transform, &geometry);
    assert_levels(input, (const int[]){114, 30, 60, 114}, 4);
    free(input);
    sscam_image_unref(image);
}
END_TEST

START_TEST(channels_in_every_order)
{
    static const uint8_t rgba[2][4] = {{10, 20, 30, 0}, {200, 100, 50, 255}};
    static const uint8_t rgb[2][3] = {{10, 20, 30}, {200, 100, 50}};
    static const struct {
        const char *order;
        int wanted[6], count;
    } orders[] = {
        {"rgb", {10, 200, 20, 100, 30, 50}, 6},
        {"bgr", {30, 50, 20, 100, 10, 200}, 6},
        {"gray", {18, 124}, 2}, /* 0.299, 0.587, 0.114: 18.15 and 124.2 */
    };
    sscam_image *images[] = {make_image(2, 1, 3, rgb[0]), make_image(2, 1, 4, rgba[0])};
    for (int i = 0; i < 2; i++)
        for (size_t o = 0; o < 3; o++) {
            sscam_transform transform = plain_transform();
            sscam_geometry geometry;
            set(&transform, "channel_order", orders[o].order);
            float *input = preprocess(images[i], &transform, &geometry);
            assert_levels(input, orders[o].wanted, orders[o].count);
            free(input);
        }
    sscam_image_unref(images[0]);
    sscam_image_unref(images[1]);
}
END_TEST

START_TEST(gray_images_fill_all_channels)
{
    sscam_image *image = make_image(2, 1, 1, (const uint8_t[]){51, 102});
    static const char *const orders[] = {"rgb", "bgr"};
    for (int o = 0; o < 2; o++) {
        sscam_transform transform = plain_transform();
        sscam_geometry geometry;
        set(&transform, "channel_order", orders[o]);
        set(&transform, "mean", "0,0.2,0.4");
        set(&transform, "std", "1,2,4");
        static const float wanted[6] = {0.2f, 0.4f, 0.0f, 0.1f, -0.05f, 0.0f};
        float *input = preprocess(image, &transform, &geometry);
        for (int i = 0; i < 6; i++)
            ck_assert_float_eq_tol(input[i], wanted[i], 1e-6f);
        free(input);
    }
    sscam_image_unref(image);
}
END_TEST

/* Means belong to the network's channels, whatever their order. */
START_TEST(mean_follows_the_networks_order)
{
    sscam_image *image = make_image(1, 1, 3, (const uint8_t[]){51, 102, 204});
    sscam_transform transform = plain_transform();
    sscam_geometry geometry;
    set(&transform, "channel_order", "bgr");
    set(&transform, "mean", "0.8,0.4,0.2");
    set(&transform, "std", "1");
    float *input = preprocess(image, &transform, &geometry);
    for (int c = 0; c < 3; c++)
        ck_assert_float_eq_tol(input[c], 0.0f, 1e-6f);
    free(input);
    sscam_image_unref(image);
}
END_TEST

static TCase *text_cases(void)
{
    TCase *tests = tcase_create("texts");
    tcase_add_test(tests, whole_numbers);
    tcase_add_test(tests, real_numbers);
    tcase_add_test(tests, lists_of_numbers);
    tcase_add_test(tests, numbers_do_not_depend_on_the_locale);
    tcase_add_test(tests, defaults_are_torchvisions);
    tcase_add_test(tests, sizes_are_height_by_width);
    tcase_add_loop_test(tests, wrong_texts_change_nothing, 0,
                        sizeof wrong_texts / sizeof wrong_texts[0]);
    return tests;
}

static TCase *size_cases(void)
{
    TCase *tests = tcase_create("sizes");
    tcase_add_loop_test(tests, sizes_are_torchvisions, 0, sizeof sizes / sizeof sizes[0]);
    tcase_add_test(tests, extreme_proportions_are_refused);
    tcase_add_test(tests, images_above_the_limit_may_keep_their_size);
    tcase_add_test(tests, gray_wants_one_mean_and_deviation);
    tcase_add_test(tests, positions_go_through_resize_and_crop);
    return tests;
}

static TCase *pixel_cases(void)
{
    TCase *tests = tcase_create("pixels");
    tcase_add_test(tests, unresized_pixels_stay);
    tcase_add_test(tests, bilinear_enlarges);
    tcase_add_test(tests, bilinear_shrinks_without_aliasing);
    tcase_add_test(tests, bicubic_enlarges);
    tcase_add_test(tests, bicubic_overshoot_is_cut);
    tcase_add_test(tests, passes_round_in_between);
    tcase_add_loop_test(tests, flat_images_stay_flat_at_any_size, 0,
                        sizeof flat_sizes / sizeof flat_sizes[0]);
    tcase_add_test(tests, crop_is_a_part_of_the_whole);
    tcase_add_test(tests, crop_larger_than_the_image_is_padded_black);
    tcase_add_test(tests, images_are_fitted_in_the_crop);
    tcase_add_test(tests, positions_come_back_from_a_letterbox);
    tcase_add_test(tests, padding_has_a_colour);
    tcase_add_test(tests, channels_in_every_order);
    tcase_add_test(tests, gray_images_fill_all_channels);
    tcase_add_test(tests, mean_follows_the_networks_order);
    return tests;
}

int main(void)
{
    Suite *suite = suite_create("preprocess");
    suite_add_tcase(suite, text_cases());
    suite_add_tcase(suite, size_cases());
    suite_add_tcase(suite, pixel_cases());
    return run_suite(suite);
}
