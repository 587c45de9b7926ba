/* Maps of the host's own values: made, copied out, compared, drawn. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/assertions.h"
#include "support/check_main.h"
#include "support/fixtures.h"

static sscam_array array_of(const void *data, int32_t rank, const int64_t *shape, int32_t type)
{
    sscam_array array = SSCAM_ARRAY_INIT;
    array.data = data;
    array.shape = shape;
    array.rank = rank;
    array.element_type = type;
    return array;
}

static sscam_map *map_of(const float *values, int64_t height, int64_t width)
{
    const int64_t shape[2] = {height, width};
    const sscam_array array = array_of(values, 2, shape, SSCAM_ELEMENT_FLOAT32);
    sscam_map *map = NULL;
    ASSERT_OK(sscam_map_create(&array, &map));
    return map;
}

/* --- making ----------------------------------------------------------------------------------- */

static const float values[24] = {0.5f,  -2.0f, 3.0f, 1.0f, 7.0f, 2.0f,  -1.0f, 4.0f,
                                 6.0f,  5.0f,  0.0f, 2.5f, 3.5f, -0.5f, 1.5f,  4.5f,
                                 -1.5f, 6.5f,  5.5f, 0.1f, 0.2f, 0.3f,  0.4f,  0.6f};

/* Of every rank: data by the lowest value, -2, and the highest, 7. */
START_TEST(values_are_kept_and_normalised)
{
    static const int64_t shapes[3][3] = {{24}, {4, 6}, {2, 3, 4}};
    const int32_t rank = _i + 1;
    const sscam_array array = array_of(values, rank, shapes[_i], SSCAM_ELEMENT_FLOAT32);
    sscam_map *map = NULL;
    ASSERT_OK(sscam_map_create(&array, &map));
    int32_t found = 0;
    ck_assert_mem_eq(sscam_map_shape(map, &found), shapes[_i], (size_t)rank * sizeof(int64_t));
    ck_assert_int_eq(found, rank);
    ck_assert_mem_eq(sscam_map_raw_shape(map, &found), shapes[_i], (size_t)rank * sizeof(int64_t));
    ck_assert_mem_eq(sscam_map_raw(map), values, sizeof values);
    for (int i = 0; i < 24; i++)
        ck_assert_double_eq_tol(sscam_map_data(map)[i], (values[i] + 2.0) / 9.0, 1e-7);
    ck_assert_int_eq(sscam_map_class_index(map), -1);
    ck_assert_str_eq(sscam_map_method(map), "external");
    ck_assert_str_eq(sscam_map_layer(map), "");
    ck_assert_str_eq(sscam_map_diagnostics(map), "{}");
    ck_assert_int_eq(sscam_map_is_flat(map), 0);
    ck_assert_int_eq(sscam_map_channel_count(map), 0);
    ck_assert_int_eq(sscam_map_passes(map), 0);
    ck_assert_ptr_null(sscam_map_weights(map));
    sscam_map_unref(map);
}
END_TEST

/* Column-major, backwards, and of other types. */
START_TEST(strides_and_types_are_followed)
{
    static const int64_t shape[2] = {3, 2};
    static const double doubles[6] = {6, 3, 5, 2, 4, 1};
    static const uint8_t bytes[6] = {1, 3, 5, 2, 4, 6};
    const int64_t backwards[2] = {-2, -1}, columns[2] = {1, 3};
    sscam_array array = array_of(doubles + 5, 2, shape, SSCAM_ELEMENT_FLOAT64);
    sscam_map *map = NULL;
    array.strides = backwards;
    ASSERT_OK(sscam_map_create(&array, &map));
    static const float reversed[6] = {1, 4, 2, 5, 3, 6};
    ck_assert_mem_eq(sscam_map_raw(map), reversed, sizeof reversed);
    sscam_map_unref(map);
    array = array_of(bytes, 2, shape, SSCAM_ELEMENT_UINT8);
    array.strides = columns;
    ASSERT_OK(sscam_map_create(&array, &map));
    static const float turned[6] = {1, 2, 3, 4, 5, 6};
    ck_assert_mem_eq(sscam_map_raw(map), turned, sizeof turned);
    sscam_map_unref(map);
}
END_TEST

START_TEST(constant_values_make_a_flat_map)
{
    static const float constant[6] = {3, 3, 3, 3, 3, 3};
    sscam_map *map = map_of(constant, 2, 3);
    ck_assert_int_eq(sscam_map_is_flat(map), 1);
    for (int i = 0; i < 6; i++)
        ck_assert_float_eq(sscam_map_data(map)[i], 0.0f);
    sscam_map_unref(map);
}
END_TEST

static const struct {
    double values[2];
    int32_t rank, type;
    int64_t width;
    const char *message;
} refused[] = {
    {{NAN, 1}, 2, SSCAM_ELEMENT_FLOAT64, 2, "NaN"},
    {{1, INFINITY}, 2, SSCAM_ELEMENT_FLOAT64, 2, "infinity"},
    {{1, 1e39}, 2, SSCAM_ELEMENT_FLOAT64, 2, "beyond the range of float32"},
    {{-3e38, 3e38}, 2, SSCAM_ELEMENT_FLOAT64, 2, "range exceeds float32"},
    {{0, 1}, 0, SSCAM_ELEMENT_FLOAT64, 2, "rank is 0"},
    {{0, 1}, 4, SSCAM_ELEMENT_FLOAT64, 2, "rank is 4"},
    {{0, 1}, 2, 9, 2, "element_type is 9"},
    {{0, 1}, 2, SSCAM_ELEMENT_FLOAT64, 0, "not at least 1"},
    {{0, 1}, 2, SSCAM_ELEMENT_FLOAT64, INT64_C(1) << 31, "too many"},
};

START_TEST(unusable_values_are_refused)
{
    const int64_t shape[4] = {1, refused[_i].width, 1, 1}, strides[4] = {0, 0, 0, 0};
    sscam_array array = array_of(refused[_i].values, refused[_i].rank, shape, refused[_i].type);
    sscam_map *map = STALE;
    if (refused[_i].width > 2)
        array.strides = strides;
    ASSERT_FAILS(sscam_map_create(&array, &map), SSCAM_E_ARGUMENT, refused[_i].message);
    ck_assert_ptr_null(map);
}
END_TEST

START_TEST(null_is_refused)
{
    static const int64_t shape[2] = {1, 1};
    sscam_array array = array_of(NULL, 2, shape, SSCAM_ELEMENT_FLOAT32);
    sscam_map *map = STALE;
    ASSERT_FAILS(sscam_map_create(&array, &map), SSCAM_E_ARGUMENT, "data is NULL");
    ck_assert_ptr_null(map);
    array.shape = NULL;
    ASSERT_FAILS(sscam_map_create(&array, &map), SSCAM_E_ARGUMENT, "shape is NULL");
    ASSERT_FAILS(sscam_map_create(NULL, &map), SSCAM_E_ARGUMENT, "values is NULL");
    ASSERT_FAILS(sscam_map_create(&array, NULL), SSCAM_E_ARGUMENT, "out is NULL");
}
END_TEST

/* --- copying ---------------------------------------------------------------------------------- */

START_TEST(data_is_copied_along_strides)
{
    const int64_t shape[3] = {2, 3, 4}, strides[3] = {1, -8, 2};
    const sscam_array array = array_of(values, 3, shape, SSCAM_ELEMENT_FLOAT32);
    sscam_map *map = NULL;
    float packed[24], spread[24];
    ASSERT_OK(sscam_map_create(&array, &map));
    ASSERT_OK(sscam_map_copy_data(map, shape, 3, NULL, packed));
    ck_assert_mem_eq(packed, sscam_map_data(map), sizeof packed);
    ASSERT_OK(sscam_map_copy_data(map, shape, 3, strides, spread + 16));
    for (int z = 0; z < 2; z++)
        for (int y = 0; y < 3; y++)
            for (int x = 0; x < 4; x++)
                ck_assert_float_eq(spread[16 + z - 8 * y + 2 * x], packed[(z * 3 + y) * 4 + x]);
    sscam_map_unref(map);
}
END_TEST

START_TEST(room_of_another_shape_is_refused)
{
    sscam_map *map = map_of(values, 4, 6);
    const int64_t turned[2] = {6, 4};
    float out[24] = {42.0f};
    ASSERT_FAILS(sscam_map_copy_data(map, turned, 2, NULL, out), SSCAM_E_ARGUMENT,
                 "shape is 6x4, not the map's 4x6");
    ASSERT_FAILS(sscam_map_copy_data(map, turned, 1, NULL, out), SSCAM_E_ARGUMENT,
                 "rank is 1, not the map's 2");
    ASSERT_FAILS(sscam_map_copy_data(NULL, turned, 2, NULL, out), SSCAM_E_ARGUMENT, "map");
    ASSERT_FAILS(sscam_map_copy_data(map, NULL, 2, NULL, out), SSCAM_E_ARGUMENT, "shape");
    ASSERT_FAILS(sscam_map_copy_data(map, turned, 2, NULL, NULL), SSCAM_E_ARGUMENT, "out");
    ck_assert_float_eq(out[0], 42.0f);
    sscam_map_unref(map);
}
END_TEST

/* --- comparing -------------------------------------------------------------------------------- */

/* Correlation does not depend on scale, so that of the values is that of the maps. */
START_TEST(correlation_is_pearsons)
{
    float others[24];
    fill_random(others, 24, 8, -1.0, 3.0);
    double mean_a = 0, mean_b = 0, aa = 0, bb = 0, ab = 0, found = 0;
    for (int i = 0; i < 24; i++) {
        mean_a += values[i] / 24.0;
        mean_b += others[i] / 24.0;
    }
    for (int i = 0; i < 24; i++) {
        aa += (values[i] - mean_a) * (values[i] - mean_a);
        bb += (others[i] - mean_b) * (others[i] - mean_b);
        ab += (values[i] - mean_a) * (others[i] - mean_b);
    }
    sscam_map *a = map_of(values, 4, 6), *b = map_of(others, 4, 6);
    ASSERT_OK(sscam_map_correlation(a, b, &found));
    ck_assert_double_eq_tol(found, ab / sqrt(aa * bb), 1e-6);
    ASSERT_OK(sscam_map_correlation(a, a, &found));
    ck_assert_double_eq_tol(found, 1.0, 1e-12);
    for (int i = 0; i < 24; i++)
        others[i] = -values[i];
    sscam_map *negative = map_of(others, 4, 6);
    ASSERT_OK(sscam_map_correlation(a, negative, &found));
    ck_assert_double_eq_tol(found, -1.0, 1e-6);
    sscam_map_unref(a);
    sscam_map_unref(b);
    sscam_map_unref(negative);
}
END_TEST

START_TEST(correlation_of_a_flat_map_is_undefined)
{
    static const float constant[24] = {0};
    sscam_map *a = map_of(values, 4, 6), *flat = map_of(constant, 4, 6),
              *turned = map_of(values, 6, 4);
    double found = 0;
    ASSERT_OK(sscam_map_correlation(a, flat, &found));
    ck_assert(isnan(found));
    found = 0;
    ASSERT_FAILS(sscam_map_correlation(a, turned, &found), SSCAM_E_ARGUMENT, "4x6 and 6x4");
    ck_assert(isnan(found));
    ASSERT_FAILS(sscam_map_correlation(NULL, a, &found), SSCAM_E_ARGUMENT, "a is NULL");
    ASSERT_FAILS(sscam_map_correlation(a, NULL, &found), SSCAM_E_ARGUMENT, "b is NULL");
    ASSERT_FAILS(sscam_map_correlation(a, a, NULL), SSCAM_E_ARGUMENT, "out is NULL");
    sscam_map_unref(a);
    sscam_map_unref(flat);
    sscam_map_unref(turned);
}
END_TEST

/* --- drawing and comparing with the library's own --------------------------------------------- */

START_TEST(values_of_an_explained_map_draw_and_compare_as_it)
{
    sscam_explainer *explainer = explainer_with("linear", "grad-cam", "resize=off crop=off");
    sscam_image *image = make_image(12, 8, 3), *own = NULL, *external = NULL;
    sscam_map *explained = NULL;
    double correlation = 0;
    ASSERT_OK(sscam_explain_image(explainer, image, 0, &explained));
    sscam_map *copy = map_of(sscam_map_data(explained), 8, 12);
    ASSERT_OK(sscam_map_overlay(explained, image, NULL, &own));
    ASSERT_OK(sscam_map_overlay(copy, image, NULL, &external));
    ck_assert_mem_eq(pixels_of(external), pixels_of(own), 12 * 8 * 3);
    ASSERT_OK(sscam_map_correlation(explained, copy, &correlation));
    ck_assert_double_eq_tol(correlation, 1.0, 1e-12);
    sscam_image_unref(own);
    sscam_image_unref(external);
    sscam_image_unref(image);
    sscam_map_unref(copy);
    sscam_map_unref(explained);
    sscam_explainer_unref(explainer);
}
END_TEST

START_TEST(only_maps_of_rank_2_are_drawn)
{
    static const int64_t shape[3] = {2, 3, 4};
    const int32_t rank = _i == 0 ? 1 : 3;
    const sscam_array array = array_of(values, rank, shape, SSCAM_ELEMENT_FLOAT32);
    sscam_image *image = make_image(4, 3, 3), *out = NULL;
    sscam_canvas canvas = SSCAM_CANVAS_INIT;
    sscam_map *map = NULL;
    ASSERT_OK(sscam_map_create(&array, &map));
    ASSERT_FAILS(sscam_map_overlay(map, image, NULL, &out), SSCAM_E_UNSUPPORTED, "not an image");
    ASSERT_FAILS(sscam_map_overlay_into(map, image, NULL, &canvas), SSCAM_E_UNSUPPORTED,
                 "not an image");
    ASSERT_FAILS(sscam_map_heatmap_into(map, NULL, &canvas), SSCAM_E_UNSUPPORTED, "not an image");
    sscam_image_unref(image);
    sscam_map_unref(map);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("map_values");
    TCase *tests = tcase_create("map values");
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, values_are_kept_and_normalised, 0, 3);
    tcase_add_test(tests, strides_and_types_are_followed);
    tcase_add_test(tests, constant_values_make_a_flat_map);
    tcase_add_loop_test(tests, unusable_values_are_refused, 0, sizeof refused / sizeof refused[0]);
    tcase_add_test(tests, null_is_refused);
    tcase_add_test(tests, data_is_copied_along_strides);
    tcase_add_test(tests, room_of_another_shape_is_refused);
    tcase_add_test(tests, correlation_is_pearsons);
    tcase_add_test(tests, correlation_of_a_flat_map_is_undefined);
    tcase_add_test(tests, values_of_an_explained_map_draw_and_compare_as_it);
    tcase_add_loop_test(tests, only_maps_of_rank_2_are_drawn, 0, 2);
    return run_suite(suite);
}
