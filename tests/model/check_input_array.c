/* Inputs in the element types and strides of hosts. */
#include <math.h>
#include <stdlib.h>

#include "model/input_array.h"
#include "support/fixtures.h"

enum { IMAGES = 2, COLORS = 3, HEIGHT = 4, WIDTH = 5, SIZE = IMAGES * COLORS * HEIGHT * WIDTH };
static const int64_t numbers[4] = {IMAGES, COLORS, HEIGHT, WIDTH};

static sscam_input input;

static sscam_array array_of(const void *data, int32_t element_type, const int64_t *strides)
{
    return (sscam_array){sizeof(sscam_array), data, numbers, strides, 4, element_type};
}

static sscam_status load(const sscam_array *array)
{
    sscam_status status = sscam_input_open(array, "input", "load", &input);
    return status == SSCAM_OK ? sscam_input_load(&input, "load") : status;
}

/* Value of an element, exact in all element types. */
static int value_at(int n, int c, int y, int x)
{
    return ((n * COLORS + c) * HEIGHT + y) * WIDTH + x;
}

static void assert_values(int mirrored)
{
    const float *value = input.values;
    for (int n = 0; n < IMAGES; n++)
        for (int c = 0; c < COLORS; c++)
            for (int y = 0; y < HEIGHT; y++)
                for (int x = 0; x < WIDTH; x++)
                    ck_assert_float_eq(*value++,
                                       (float)value_at(n, c, y, mirrored ? WIDTH - 1 - x : x));
}

START_TEST(row_major_float32_is_read_in_place)
{
    static const int64_t strides[4] = {COLORS * HEIGHT * WIDTH, HEIGHT * WIDTH, WIDTH, 1};
    float values[SIZE];
    for (int i = 0; i < SIZE; i++)
        values[i] = (float)i;
    const sscam_array plain = array_of(values, SSCAM_ELEMENT_FLOAT32, NULL),
                      strided = array_of(values, SSCAM_ELEMENT_FLOAT32, strides);
    const sscam_array *const arrays[] = {&plain, &strided};
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(load(arrays[i]), SSCAM_OK);
        ck_assert_ptr_eq(input.values, values);
        ck_assert_ptr_null(input.copy);
        assert_values(0);
        sscam_input_close(&input);
    }
}
END_TEST

/* Channels last, as images lie, in each element type; then mirrored by a negative stride. */
START_TEST(strides_and_types_are_read_exactly)
{
    static const int64_t last[4] = {HEIGHT * WIDTH * COLORS, 1, WIDTH * COLORS, COLORS},
                         mirrored[4] = {HEIGHT * WIDTH * COLORS, 1, WIDTH * COLORS, -COLORS};
    float single[SIZE];
    double twice[SIZE];
    uint8_t bytes[SIZE];
    const void *const data[] = {single, twice, bytes};
    const size_t size[] = {sizeof *single, sizeof *twice, 1};
    for (int i = 0; i < SIZE; i++) {
        const int c = i % COLORS, x = i / COLORS % WIDTH, y = i / COLORS / WIDTH % HEIGHT;
        const int value = value_at(i / COLORS / WIDTH / HEIGHT, c, y, x);
        single[i] = (float)value;
        twice[i] = (double)value;
        bytes[i] = (uint8_t)value;
    }
    for (int32_t type = 0; type < 3; type++) {
        sscam_array array = array_of(data[type], type, last);
        ck_assert_int_eq(load(&array), SSCAM_OK);
        assert_values(0);
        sscam_input_close(&input);
        array.data = (const char *)data[type] + size[type] * COLORS * (WIDTH - 1);
        array.strides = mirrored;
        ck_assert_int_eq(load(&array), SSCAM_OK);
        assert_values(1);
        sscam_input_close(&input);
    }
}
END_TEST

START_TEST(a_stride_of_zero_repeats)
{
    static const int64_t strides[4] = {0, 0, 0, 1};
    static const float row[WIDTH] = {1, 2, 3, 4, 5};
    const sscam_array array = array_of(row, SSCAM_ELEMENT_FLOAT32, strides);
    ck_assert_int_eq(load(&array), SSCAM_OK);
    for (int i = 0; i < SIZE; i++)
        ck_assert_float_eq(input.values[i], row[i % WIDTH]);
    sscam_input_close(&input);
}
END_TEST

START_TEST(elements_need_not_be_aligned)
{
    char bytes[SIZE * sizeof(float) + 1];
    for (int i = 0; i < SIZE; i++) {
        const float value = (float)i;
        memcpy(bytes + 1 + (size_t)i * sizeof value, &value, sizeof value);
    }
    const sscam_array array = array_of(bytes + 1, SSCAM_ELEMENT_FLOAT32, NULL);
    ck_assert_int_eq(load(&array), SSCAM_OK);
    assert_values(0);
    sscam_input_close(&input);
}
END_TEST

START_TEST(float64_is_rounded_to_the_nearest_float32)
{
    double values[SIZE] = {0.1, 1.0 + 1e-9, 3.4028235e38, -1e-50};
    const sscam_array array = array_of(values, SSCAM_ELEMENT_FLOAT64, NULL);
    ck_assert_int_eq(load(&array), SSCAM_OK);
    ck_assert_float_eq(input.values[0], 0.1f);
    ck_assert_float_eq(input.values[1], 1.0f);
    ck_assert_float_eq(input.values[2], 3.4028235e38f);
    ck_assert_float_eq(input.values[3], 0.0f);
    sscam_input_close(&input);
}
END_TEST

static const struct {
    double value;
    const char *thing;
} not_finite[] = {
    {(double)NAN, "NaN at image 1, channel 2, row 3, column 4"},
    {(double)-INFINITY, "infinity at image 1"},
    {1e39, "1e+39, beyond the range of float32, at image 1, channel 2, row 3, column 4"},
};
enum { NOT_FINITE = sizeof not_finite / sizeof not_finite[0] };

START_TEST(values_that_float32_lacks_are_found)
{
    double values[SIZE] = {0};
    values[SIZE - 1] = not_finite[_i].value;
    const sscam_array array = array_of(values, SSCAM_ELEMENT_FLOAT64, NULL);
    ASSERT_FAILS(load(&array), SSCAM_E_ARGUMENT, not_finite[_i].thing);
    sscam_input_close(&input);
}
END_TEST

/* Wherever the element lies in memory, the message names where it is in the input. */
START_TEST(coordinates_are_those_of_the_input)
{
    static const int64_t last[4] = {HEIGHT * WIDTH * COLORS, 1, WIDTH * COLORS, COLORS};
    float values[SIZE] = {0};
    values[1 + COLORS * 2] = NAN;
    const sscam_array array = array_of(values, SSCAM_ELEMENT_FLOAT32, last);
    ASSERT_FAILS(load(&array), SSCAM_E_ARGUMENT, "NaN at image 0, channel 1, row 0, column 2");
    sscam_input_close(&input);
}
END_TEST

static const int64_t hostile_strides[][4] = {
    {1, 1, INT64_MAX / 4, 1}, {1, 1, 1, INT64_MIN},         {1, 1, 1, INT64_MAX},
    {INT64_MIN / 4, 1, 1, 1}, {INT64_MAX / 4 - 8, 1, 9, 9},
};
enum { HOSTILE = sizeof hostile_strides / sizeof hostile_strides[0] };

START_TEST(strides_that_leave_the_address_space_are_refused)
{
    static const float values[SIZE];
    const sscam_array array = array_of(values, SSCAM_ELEMENT_FLOAT32, hostile_strides[_i]);
    ASSERT_FAILS(load(&array), SSCAM_E_ARGUMENT, "stride");
}
END_TEST

START_TEST(unusable_arrays_are_refused)
{
    static const float values[SIZE];
    sscam_array array = array_of(values, SSCAM_ELEMENT_INT64, NULL);
    ASSERT_FAILS(load(&array), SSCAM_E_ARGUMENT, "element_type is 3");
    array.element_type = -1;
    ASSERT_FAILS(load(&array), SSCAM_E_ARGUMENT, "element_type is -1");
    array = array_of(NULL, SSCAM_ELEMENT_FLOAT32, NULL);
    ASSERT_FAILS(load(&array), SSCAM_E_ARGUMENT, "data is NULL");
    array = array_of(values, SSCAM_ELEMENT_FLOAT32, NULL);
    array.shape = NULL;
    ASSERT_FAILS(load(&array), SSCAM_E_ARGUMENT, "shape is NULL");
    array = array_of(values, SSCAM_ELEMENT_FLOAT32, NULL);
    array.rank = 2;
    ASSERT_FAILS(load(&array), SSCAM_E_ARGUMENT, "rank: 2");
    array = array_of(values, SSCAM_ELEMENT_FLOAT32, NULL);
    array.struct_size = 0;
    ASSERT_FAILS(load(&array), SSCAM_E_ARGUMENT, "struct_size is 0");
    ASSERT_FAILS(load(NULL), SSCAM_E_ARGUMENT, "input is NULL");
}
END_TEST

START_TEST(maps_of_strided_bytes_are_those_of_their_numbers)
{
    static const int64_t last[4] = {HEIGHT * WIDTH * COLORS, 1, WIDTH * COLORS, COLORS};
    uint8_t bytes[SIZE];
    float values[SIZE];
    sscam_map *from_bytes[IMAGES], *from_values[IMAGES];
    for (int i = 0; i < SIZE; i++) {
        const int c = i % COLORS, x = i / COLORS % WIDTH, y = i / COLORS / WIDTH % HEIGHT;
        bytes[i] = (uint8_t)(i * 37 % 251);
        values[value_at(i / COLORS / WIDTH / HEIGHT, c, y, x)] = (float)bytes[i];
    }
    const sscam_array array = array_of(bytes, SSCAM_ELEMENT_UINT8, last);
    sscam_explainer *explainer = make_explainer("fake linear", "score-cam");
    ASSERT_OK(sscam_explain_array(explainer, &array, NULL, from_bytes));
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(values, numbers, 4), NULL, from_values));
    for (int n = 0; n < IMAGES; n++) {
        ck_assert_mem_eq(sscam_map_data(from_bytes[n]), sscam_map_data(from_values[n]),
                         HEIGHT * WIDTH * sizeof(float));
        sscam_map_unref(from_bytes[n]);
        sscam_map_unref(from_values[n]);
    }
    sscam_explainer_unref(explainer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("input_array");
    TCase *arrays = add_tcase(suite, "arrays", NULL, assert_all_networks_freed);
    tcase_add_test(arrays, row_major_float32_is_read_in_place);
    tcase_add_test(arrays, strides_and_types_are_read_exactly);
    tcase_add_test(arrays, a_stride_of_zero_repeats);
    tcase_add_test(arrays, elements_need_not_be_aligned);
    tcase_add_test(arrays, float64_is_rounded_to_the_nearest_float32);
    tcase_add_loop_test(arrays, values_that_float32_lacks_are_found, 0, NOT_FINITE);
    tcase_add_test(arrays, coordinates_are_those_of_the_input);
    tcase_add_loop_test(arrays, strides_that_leave_the_address_space_are_refused, 0, HOSTILE);
    tcase_add_test(arrays, unusable_arrays_are_refused);
    tcase_add_test(arrays, maps_of_strided_bytes_are_those_of_their_numbers);
    return run_suite(suite);
}
