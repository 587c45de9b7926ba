/* Maps in colours, alone and over their image. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/colormap.h"
#include "image/overlay.h"
#include "support/check_main.h"
#include "support/pixels.h"

#define ck_assert_message(part) \
    ck_assert_msg(strstr(sscam_last_error(), part) != NULL, "message: %s", sscam_last_error())

#define UNSET ((sscam_image *)(uintptr_t)16)

static const float half_map[1] = {0.5f};

static sscam_image *flat_image(int32_t width, int32_t height, int32_t channels,
                               const uint8_t *colour)
{
    uint8_t *pixels = malloc((size_t)(width * height * channels));
    for (int32_t i = 0; i < width * height * channels; i++)
        pixels[i] = colour[i % channels];
    sscam_image *image = NULL;
    ck_assert_int_eq(create_packed(width, height, channels, pixels, &image), SSCAM_OK);
    free(pixels);
    return image;
}

static const uint8_t *pixel_at(const sscam_image *image, int32_t x, int32_t y)
{
    return pixels_of(image) + (y * sscam_image_width(image) + x) * sscam_image_channels(image);
}

static void assert_pixel(const sscam_image *image, int32_t x, int32_t y, int r, int g, int b)
{
    const uint8_t *pixel = pixel_at(image, x, y);
    ck_assert_msg(pixel[0] == r && pixel[1] == g && pixel[2] == b,
                  "(%d, %d) is %d %d %d, not %d %d %d", x, y, pixel[0], pixel[1], pixel[2], r, g,
                  b);
}

/* --- colormaps -------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    uint8_t first[3], middle[3], last[3]; /* entries 0, 128, 255 */
} colormaps[] = {
    {"turbo", {48, 18, 59}, {164, 252, 60}, {122, 4, 3}},
    {"viridis", {68, 1, 84}, {33, 145, 140}, {253, 231, 37}},
    {"jet", {0, 0, 128}, {130, 255, 126}, {128, 0, 0}},
    {"gray", {0, 0, 0}, {128, 128, 128}, {255, 255, 255}},
};

START_TEST(colormap_entries)
{
    sscam_colormap colormap;
    ck_assert_int_eq(sscam_colormap_find(colormaps[_i].name, &colormap), SSCAM_OK);
    ck_assert_mem_eq(sscam_colormap_colour(&colormap, 0.0f), colormaps[_i].first, 3);
    ck_assert_mem_eq(sscam_colormap_colour(&colormap, 128.0f / 255.0f), colormaps[_i].middle, 3);
    ck_assert_mem_eq(sscam_colormap_colour(&colormap, 1.0f), colormaps[_i].last, 3);
    ck_assert_int_eq(colormap.is_gray, strcmp(colormaps[_i].name, "gray") == 0);
}
END_TEST

START_TEST(colormap_takes_the_nearest_entry_and_any_value)
{
    sscam_colormap gray;
    ck_assert_int_eq(sscam_colormap_find("gray", &gray), SSCAM_OK);
    ck_assert_uint_eq(sscam_colormap_colour(&gray, 99.4f / 255.0f)[0], 99);
    ck_assert_uint_eq(sscam_colormap_colour(&gray, 99.6f / 255.0f)[0], 100);
    ck_assert_uint_eq(sscam_colormap_colour(&gray, -1e30f)[0], 0);
    ck_assert_uint_eq(sscam_colormap_colour(&gray, 1e30f)[0], 255);
    ck_assert_uint_eq(sscam_colormap_colour(&gray, INFINITY)[0], 255);
    ck_assert_uint_eq(sscam_colormap_colour(&gray, NAN)[0], 0);
}
END_TEST

/* --- heatmap ---------------------------------------------------------------------------------- */

START_TEST(heatmap_has_a_pixel_a_value)
{
    static const float map[6] = {0.0f, 0.5f, 1.0f, 1.0f, 0.0f, NAN};
    sscam_image *image = NULL;
    ck_assert_int_eq(
        sscam_draw_heatmap(&(const sscam_drawn_map){map, 2, 3, NULL, NULL}, "turbo", &image),
        SSCAM_OK);
    ck_assert_int_eq(sscam_image_width(image), 3);
    ck_assert_int_eq(sscam_image_height(image), 2);
    ck_assert_int_eq(sscam_image_channels(image), 3);
    assert_pixel(image, 0, 0, 48, 18, 59);
    assert_pixel(image, 1, 0, 164, 252, 60);
    assert_pixel(image, 2, 0, 122, 4, 3);
    assert_pixel(image, 0, 1, 122, 4, 3);
    assert_pixel(image, 2, 1, 48, 18, 59);
    sscam_image_unref(image);
}
END_TEST

START_TEST(gray_heatmap_has_one_channel)
{
    static const float map[2] = {0.2f, 1.0f};
    sscam_image *image = NULL;
    ck_assert_int_eq(
        sscam_draw_heatmap(&(const sscam_drawn_map){map, 1, 2, NULL, NULL}, "gray", &image),
        SSCAM_OK);
    ck_assert_int_eq(sscam_image_channels(image), 1);
    ck_assert_uint_eq(pixel_at(image, 0, 0)[0], 51);
    ck_assert_uint_eq(pixel_at(image, 1, 0)[0], 255);
    sscam_image_unref(image);
}
END_TEST

START_TEST(unknown_colormap_is_refused)
{
    sscam_image *image = flat_image(2, 2, 1, (const uint8_t[]){9}), *out = UNSET;
    ck_assert_int_eq(
        sscam_draw_heatmap(&(const sscam_drawn_map){half_map, 1, 1, NULL, NULL}, "plasma", &out),
        SSCAM_E_ARGUMENT);
    ck_assert_ptr_null(out);
    ck_assert_message("plasma");
    ck_assert_message("viridis");
    out = UNSET;
    ck_assert_int_eq(sscam_draw_overlay(&(const sscam_drawn_map){half_map, 1, 1, NULL, NULL}, image,
                                        "", 0.5, &out),
                     SSCAM_E_ARGUMENT);
    ck_assert_ptr_null(out);
    sscam_image_unref(image);
}
END_TEST

/* --- overlay ---------------------------------------------------------------------------------- */

START_TEST(alpha_is_the_colours_share)
{
    static const struct {
        double alpha;
        int rgb[3];
    } blends[] = {
        {0.0, {10, 20, 30}}, {1.0, {128, 128, 128}}, {0.5, {69, 74, 79}}, {0.25, {40, 47, 55}}};
    sscam_image *image = flat_image(3, 2, 3, (const uint8_t[]){10, 20, 30}), *out = NULL;
    for (size_t i = 0; i < sizeof blends / sizeof blends[0]; i++) {
        ck_assert_int_eq(sscam_draw_overlay(&(const sscam_drawn_map){half_map, 1, 1, NULL, NULL},
                                            image, "gray", blends[i].alpha, &out),
                         SSCAM_OK);
        ck_assert_int_eq(sscam_image_width(out), 3);
        ck_assert_int_eq(sscam_image_height(out), 2);
        ck_assert_int_eq(sscam_image_channels(out), 3);
        assert_pixel(out, 2, 1, blends[i].rgb[0], blends[i].rgb[1], blends[i].rgb[2]);
        sscam_image_unref(out);
    }
    sscam_image_unref(image);
}
END_TEST

START_TEST(gray_and_rgba_images_become_rgb)
{
    sscam_image *gray = flat_image(2, 2, 1, (const uint8_t[]){90}), *out = NULL;
    sscam_image *rgba = flat_image(2, 2, 4, (const uint8_t[]){10, 20, 30, 0});
    ck_assert_int_eq(sscam_draw_overlay(&(const sscam_drawn_map){half_map, 1, 1, NULL, NULL}, gray,
                                        "turbo", 0.0, &out),
                     SSCAM_OK);
    ck_assert_int_eq(sscam_image_channels(out), 3);
    assert_pixel(out, 1, 1, 90, 90, 90);
    sscam_image_unref(out);
    ck_assert_int_eq(sscam_draw_overlay(&(const sscam_drawn_map){half_map, 1, 1, NULL, NULL}, rgba,
                                        "turbo", 0.0, &out),
                     SSCAM_OK);
    ck_assert_int_eq(sscam_image_channels(out), 3);
    assert_pixel(out, 1, 1, 10, 20, 30);
    sscam_image_unref(out);
    sscam_image_unref(gray);
    sscam_image_unref(rgba);
}
END_TEST

/* Two values over eight columns: their centres at 2 and 6, a straight line between, constant
 * beyond. */
START_TEST(map_is_stretched_bilinearly)
{
    static const float map[2] = {0.0f, 200.0f / 255.0f};
    static const int wanted[8] = {0, 0, 25, 75, 125, 175, 200, 200};
    sscam_image *image = flat_image(8, 3, 1, (const uint8_t[]){0}), *out = NULL;
    ck_assert_int_eq(sscam_draw_overlay(&(const sscam_drawn_map){map, 1, 2, NULL, NULL}, image,
                                        "gray", 1.0, &out),
                     SSCAM_OK);
    for (int x = 0; x < 8; x++)
        assert_pixel(out, x, 2, wanted[x], wanted[x], wanted[x]);
    sscam_image_unref(out);
    ck_assert_int_eq(sscam_draw_overlay(&(const sscam_drawn_map){map, 2, 1, NULL, NULL}, image,
                                        "gray", 1.0, &out),
                     SSCAM_OK);
    assert_pixel(out, 0, 0, 0, 0, 0);
    assert_pixel(out, 0, 1, 100, 100, 100);
    assert_pixel(out, 7, 2, 200, 200, 200);
    sscam_image_unref(out);
    sscam_image_unref(image);
}
END_TEST

static sscam_geometry default_geometry(int32_t width, int32_t height)
{
    sscam_transform transform;
    sscam_geometry geometry;
    sscam_transform_init(&transform);
    ck_assert_int_eq(sscam_geometry_compute(&transform, width, height, &geometry), SSCAM_OK);
    return geometry;
}

/* 640 x 480 is shrunk to 341 x 256, of which the input is 224 x 224 from (58, 16) on: in the
 * image, from column 58 x 640/341 = 108.9 to 529.3 and from row 30 to 450. */
START_TEST(crop_is_undone)
{
    sscam_image *image = flat_image(640, 480, 3, (const uint8_t[]){100, 200, 40}), *out = NULL;
    sscam_geometry geometry = default_geometry(640, 480);
    ck_assert_int_eq(sscam_draw_overlay(&(const sscam_drawn_map){half_map, 1, 1, &geometry, NULL},
                                        image, "gray", 1.0, &out),
                     SSCAM_OK);
    for (int y = 0; y < 480; y++)
        for (int x = 0; x < 640; x++)
            if (x >= 109 && x <= 528 && y >= 30 && y < 450)
                assert_pixel(out, x, y, 128, 128, 128);
            else
                assert_pixel(out, x, y, 76, 76, 76); /* luma 151.86 is 152, dimmed by half */
    sscam_image_unref(out);
    sscam_image_unref(image);
}
END_TEST

/* The hottest column and row of an overlay of alpha 1 in gray. */
static void find_hottest(const sscam_image *out, double *x, double *y)
{
    double sum = 0.0, sum_x = 0.0, sum_y = 0.0;
    for (int32_t row = 0; row < sscam_image_height(out); row++)
        for (int32_t column = 0; column < sscam_image_width(out); column++) {
            double value = pixel_at(out, column, row)[0];
            sum += value;
            sum_x += value * (column + 0.5);
            sum_y += value * (row + 0.5);
        }
    ck_assert_double_gt(sum, 0.0);
    *x = sum_x / sum;
    *y = sum_y / sum;
}

static const int32_t image_sizes[][2] = {{640, 480}, {480, 640}, {1000, 300},
                                         {333, 777}, {100, 80},  {224, 224}};

/* A spot centred at (150.5, 60.5) of the input belongs at (crop_left + 150.5) x width /
 * resized_width. */
START_TEST(hot_spot_is_where_the_network_saw_it)
{
    int32_t width = image_sizes[_i][0], height = image_sizes[_i][1];
    float *map = calloc(224 * 224, sizeof *map);
    for (int row = 58; row <= 62; row++)
        for (int column = 148; column <= 152; column++)
            map[row * 224 + column] = 1.0f;
    sscam_image *image = flat_image(width, height, 1, (const uint8_t[]){0}), *out = NULL;
    sscam_geometry geometry = default_geometry(width, height);
    ck_assert_int_eq(sscam_draw_overlay(&(const sscam_drawn_map){map, 224, 224, &geometry, NULL},
                                        image, "gray", 1.0, &out),
                     SSCAM_OK);
    double x = 0.0, y = 0.0;
    find_hottest(out, &x, &y);
    double wanted_x = (geometry.crop_left + 150.5) * width / geometry.resized_width;
    double wanted_y = (geometry.crop_top + 60.5) * height / geometry.resized_height;
    ck_assert_double_eq_tol(x, wanted_x, 0.6);
    ck_assert_double_eq_tol(y, wanted_y, 0.6);
    sscam_image_unref(out);
    sscam_image_unref(image);
    free(map);
}
END_TEST

/* A crop larger than the resized image: the whole image lies in the middle of the map. */
START_TEST(padding_is_undone)
{
    static const float map[4] = {0.0f, 0.0f, 1.0f, 1.0f};
    const sscam_geometry geometry = {10, 10, 10, 10, -5, -5, 20, 20};
    sscam_image *image = flat_image(10, 10, 1, (const uint8_t[]){77}), *out = NULL;
    ck_assert_int_eq(sscam_draw_overlay(&(const sscam_drawn_map){map, 2, 2, &geometry, NULL}, image,
                                        "gray", 1.0, &out),
                     SSCAM_OK);
    assert_pixel(out, 0, 0, 13, 13, 13); /* input row 5.5: index 0.05 of the map */
    assert_pixel(out, 9, 9, 242, 242, 242);
    sscam_image_unref(out);
    sscam_image_unref(image);
}
END_TEST

START_TEST(bad_alpha_and_foreign_images_are_refused)
{
    static const double alphas[] = {-0.01, 1.01, NAN, INFINITY};
    sscam_image *image = flat_image(4, 4, 1, (const uint8_t[]){9}), *out = NULL;
    for (size_t i = 0; i < sizeof alphas / sizeof alphas[0]; i++) {
        out = UNSET;
        ck_assert_int_eq(sscam_draw_overlay(&(const sscam_drawn_map){half_map, 1, 1, NULL, NULL},
                                            image, "jet", alphas[i], &out),
                         SSCAM_E_ARGUMENT);
        ck_assert_ptr_null(out);
        ck_assert_message("alpha");
    }
    sscam_geometry geometry = default_geometry(4, 5);
    out = UNSET;
    ck_assert_int_eq(sscam_draw_overlay(&(const sscam_drawn_map){half_map, 1, 1, &geometry, NULL},
                                        image, "jet", 0.5, &out),
                     SSCAM_E_ARGUMENT);
    ck_assert_ptr_null(out);
    ck_assert_message("4 x 4");
    ck_assert_message("4 x 5");
    sscam_image_unref(image);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("overlay");
    TCase *tests = tcase_create("overlay");
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, colormap_entries, 0, sizeof colormaps / sizeof colormaps[0]);
    tcase_add_test(tests, colormap_takes_the_nearest_entry_and_any_value);
    tcase_add_test(tests, heatmap_has_a_pixel_a_value);
    tcase_add_test(tests, gray_heatmap_has_one_channel);
    tcase_add_test(tests, unknown_colormap_is_refused);
    tcase_add_test(tests, alpha_is_the_colours_share);
    tcase_add_test(tests, gray_and_rgba_images_become_rgb);
    tcase_add_test(tests, map_is_stretched_bilinearly);
    tcase_add_test(tests, crop_is_undone);
    tcase_add_loop_test(tests, hot_spot_is_where_the_network_saw_it, 0,
                        sizeof image_sizes / sizeof image_sizes[0]);
    tcase_add_test(tests, padding_is_undone);
    tcase_add_test(tests, bad_alpha_and_foreign_images_are_refused);
    return run_suite(suite);
}
