/* How networks take their inputs: orders of axes, types of elements, and other inputs by name. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "model/input_array.h"
#include "model/other_inputs.h"
#include "support/arrays.h"
#include "support/fixtures.h"

/* --- orders of axes --------------------------------------------------------------------------- */

static sscam_input input;

static sscam_input_description taking(const char *axes, int64_t channels)
{
    sscam_input_description wanted = {.channels = channels};
    strcpy(wanted.layout.axes, axes);
    return wanted;
}

typedef struct order {
    const char *axes;
    int32_t rank;
    int64_t shape[5], read[5]; /* of the array; as [N,C,sides] */
    int32_t read_rank;
    int64_t strides[5]; /* of [N,C,sides] in a row-major array */
} order;

static const order orders[] = {
    {"nhwc", 4, {2, 4, 5, 3}, {2, 3, 4, 5}, 4, {60, 1, 15, 3}},
    {"nhwc", 3, {4, 5, 3}, {1, 3, 4, 5}, 4, {0, 1, 15, 3}},
    {"nhwc", 4, {2, 3, 4, 5}, {2, 3, 4, 5}, 4, {60, 20, 5, 1}}, /* told by its channels */
    {"nhwc", 3, {3, 4, 5}, {1, 3, 4, 5}, 4, {0, 20, 5, 1}},
    {"nhwc", 4, {1, 3, 4, 3}, {1, 3, 3, 4}, 4, {36, 1, 12, 3}}, /* both are possible */
    {"hwc", 3, {4, 5, 3}, {1, 3, 4, 5}, 4, {0, 1, 15, 3}},
    {"nhw", 3, {2, 4, 5}, {2, 1, 4, 5}, 4, {20, 0, 5, 1}},
    {"hw", 2, {4, 5}, {1, 1, 4, 5}, 4, {0, 0, 5, 1}},
    {"ndchw", 5, {2, 6, 3, 4, 5}, {2, 3, 6, 4, 5}, 5, {360, 20, 60, 5, 1}},
    {"ndchw", 4, {6, 3, 4, 5}, {1, 3, 6, 4, 5}, 5, {0, 20, 60, 5, 1}},
    {"nw", 2, {2, 7}, {2, 1, 7}, 3, {7, 0, 1}},
    {"nw", 1, {7}, {1, 1, 7}, 3, {0, 0, 1}},
    {"nwc", 3, {2, 7, 3}, {2, 3, 7}, 3, {21, 1, 3}},
    {"nchw", 3, {3, 4, 5}, {1, 3, 4, 5}, 4, {0, 20, 5, 1}},
};
enum { ORDERS = sizeof orders / sizeof *orders };

START_TEST(arrays_are_read_in_the_networks_order)
{
    static float values[1024];
    const order *own = &orders[_i];
    const sscam_input_description wanted = taking(own->axes, 3);
    for (int i = 0; i < 1024; i++)
        values[i] = (float)i;
    ck_assert_int_eq(
        sscam_input_open_as(ARRAY(values, own->shape, own->rank), &wanted, "input", "load", &input),
        SSCAM_OK);
    ck_assert_int_eq(sscam_input_load(&input, "load"), SSCAM_OK);
    int64_t read[SSCAM_MOST_RANK];
    sscam_shape_write(&input.shape, read);
    ck_assert_int_eq(input.shape.rank, own->read_rank);
    ck_assert_mem_eq(read, own->read, (size_t)own->read_rank * sizeof *read);
    int64_t count = 1, position;
    for (int32_t i = 0; i < own->read_rank; i++)
        count *= read[i];
    for (int64_t i = 0; i < count; i++) {
        int64_t rest = i;
        position = 0;
        for (int32_t axis = own->read_rank - 1; axis >= 0; axis--) {
            position += rest % read[axis] * own->strides[axis];
            rest /= read[axis];
        }
        ck_assert_float_eq(input.values[i], values[position]);
    }
    sscam_input_close(&input);
}
END_TEST

START_TEST(other_ranks_are_refused_with_the_order)
{
    static const float values[64];
    static const int64_t shape[6] = {1, 2, 2, 2, 2, 2}, none[1] = {0};
    const sscam_input_description wanted = taking("nhwc", 3);
    for (int32_t rank = 0; rank <= 6; rank++) {
        const sscam_status status = sscam_input_open_as(ARRAY(values, shape, rank), &wanted,
                                                        "input", "load", &input);
        ck_assert_int_eq(status, rank == 3 || rank == 4 ? SSCAM_OK : SSCAM_E_ARGUMENT);
        if (status != SSCAM_OK)
            ck_assert_ptr_nonnull(strstr(sscam_last_error(), "[N,H,W,C]"));
    }
    const sscam_input_description wave = taking("w", 1);
    ck_assert_int_eq(sscam_input_open_as(ARRAY(values, none, 1), &wave, "input", "load", &input),
                     SSCAM_E_ARGUMENT);
    ck_assert_int_eq(
        sscam_input_open_as(ARRAY(values, shape, INT32_MIN), &wave, "input", "load", &input),
        SSCAM_E_ARGUMENT);
}
END_TEST

START_TEST(every_value_of_the_option_has_a_rank)
{
    for (int64_t i = 1; sscam_input_layout_choices[i]; i++) {
        const sscam_input_layout layout = sscam_input_layout_of_choice(i);
        const int32_t rank = sscam_input_layout_rank(&layout);
        ck_assert_int_ge(rank, SSCAM_LEAST_RANK);
        ck_assert_int_le(rank, SSCAM_MOST_RANK);
        ck_assert_uint_eq(strlen(layout.axes), strlen(sscam_input_layout_choices[i]));
        ck_assert_uint_eq(strlen(sscam_input_layout_text(&layout)), strlen(layout.axes));
    }
}
END_TEST

/* --- types ------------------------------------------------------------------------------------ */

START_TEST(whole_numbers_must_be_whole)
{
    static const int64_t shape[3] = {1, 1, 2};
    static const float unusable[][2] = {{0.5f, 1.0f}, {-1.0f, 0.0f}, {0.0f, 256.0f}};
    static const float pixels[2] = {0.0f, 255.0f};
    static const int64_t numbers[2] = {3, 200};
    sscam_input_description wanted = taking("ncw", 1);
    wanted.type = SSCAM_INPUT_TYPE_UINT8;
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(
            sscam_input_open_as(ARRAY(unusable[i], shape, 3), &wanted, "input", "load", &input),
            SSCAM_OK);
        ck_assert_int_eq(sscam_input_load(&input, "load"), SSCAM_E_ARGUMENT);
        ck_assert_ptr_nonnull(strstr(sscam_last_error(), "input_type"));
        sscam_input_close(&input);
    }
    sscam_array array = *ARRAY(pixels, shape, 3);
    ck_assert_int_eq(sscam_input_open_as(&array, &wanted, "input", "load", &input), SSCAM_OK);
    ck_assert_int_eq(sscam_input_load(&input, "load"), SSCAM_OK);
    sscam_input_close(&input);
    array.data = numbers;
    array.element_type = SSCAM_ELEMENT_INT64;
    ck_assert_int_eq(sscam_input_open_as(&array, &wanted, "input", "load", &input), SSCAM_OK);
    ck_assert_int_eq(sscam_input_load(&input, "load"), SSCAM_OK);
    ck_assert_float_eq(input.values[1], 200.0f);
    sscam_input_close(&input);
}
END_TEST

/* --- other inputs ----------------------------------------------------------------------------- */

static sscam_status set(sscam_other_inputs *inputs, const char *name, const sscam_array *array)
{
    return sscam_other_inputs_set(inputs, name, array, "set");
}

START_TEST(other_inputs_are_copied_by_name)
{
    static const double values[6] = {1, 2, 3, 4, 5, 6};
    static const int64_t shape[2] = {3, 2}, transposed[2] = {1, 3}, numbers[3] = {7, 8, 9};
    const sscam_array matrix = {sizeof matrix, values, shape, transposed, 2, SSCAM_ELEMENT_FLOAT64},
                      number = {sizeof number, numbers, NULL, NULL, 0, SSCAM_ELEMENT_INT64};
    sscam_other_inputs inputs = {0}, copy = {0};
    ck_assert_int_eq(set(&inputs, "a", &matrix), SSCAM_OK);
    ck_assert_int_eq(set(&inputs, "b", &number), SSCAM_OK);
    ck_assert_int_eq(set(&inputs, "a", &matrix), SSCAM_OK);
    ck_assert_int_eq(inputs.count, 2);
    static const float expected[6] = {1, 4, 2, 5, 3, 6};
    ck_assert_int_eq(inputs.items[0].element_type, SSCAM_ELEMENT_FLOAT32);
    ck_assert_mem_eq(inputs.items[0].values, expected, sizeof expected);
    ck_assert_mem_eq(inputs.items[1].values, numbers, sizeof *numbers);
    ck_assert_int_eq(sscam_other_inputs_copy(&inputs, &copy), SSCAM_OK);
    ck_assert(sscam_other_inputs_are_same(&inputs, &copy));
    ck_assert_int_eq(set(&copy, "b", NULL), SSCAM_OK);
    ck_assert(!sscam_other_inputs_are_same(&inputs, &copy));
    ck_assert_int_eq(set(&copy, "b", &matrix), SSCAM_OK);
    ck_assert(!sscam_other_inputs_are_same(&inputs, &copy));
    ck_assert_int_eq(set(&copy, "none", NULL), SSCAM_OK);
    sscam_other_inputs_release(&inputs);
    sscam_other_inputs_release(&copy);
}
END_TEST

START_TEST(unusable_other_inputs_are_refused)
{
    static const int64_t shape[2] = {1, 2}, empty[1] = {0}, strides[2] = {0, INT64_MIN},
                         vast[3] = {INT64_C(1) << 30, INT64_C(1) << 30, 4};
    static const float not_finite[2] = {0.0f, NAN};
    const sscam_array usable = {sizeof usable, not_finite, shape, NULL, 2, SSCAM_ELEMENT_BOOL};
    sscam_array arrays[] = {usable, usable, usable, usable, usable, usable, usable, usable};
    sscam_other_inputs inputs = {0};
    arrays[0].element_type = SSCAM_ELEMENT_FLOAT32;
    arrays[1].element_type = 99;
    arrays[2].rank = 9;
    arrays[3].rank = -1;
    arrays[4].data = NULL;
    arrays[5].shape = NULL;
    arrays[6].strides = strides;
    arrays[7].struct_size = 1;
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        ck_assert_int_eq(set(&inputs, "x", &arrays[i]), SSCAM_E_ARGUMENT);
    arrays[0] = usable;
    arrays[0].shape = empty;
    arrays[0].rank = 1;
    ck_assert_int_eq(set(&inputs, "x", &arrays[0]), SSCAM_E_ARGUMENT);
    arrays[0].shape = vast;
    arrays[0].rank = 3;
    ck_assert_int_eq(set(&inputs, "x", &arrays[0]), SSCAM_E_ARGUMENT);
    ck_assert_int_eq(inputs.count, 0);
    sscam_other_inputs_release(&inputs);
}
END_TEST

/* --- engines of the host ---------------------------------------------------------------------- */

START_TEST(engines_refuse_other_inputs_by_name)
{
    static const float values[12];
    static const int64_t shape[4] = {1, 3, 2, 2};
    const char *layout = NULL, *type = NULL;
    sscam_map *map = NULL;
    sscam_explainer *explainer = make_explainer("fake linear", "score-cam");
    ASSERT_FAILS(sscam_explainer_set_input(NULL, "x", NULL), SSCAM_E_ARGUMENT, "explainer");
    ASSERT_FAILS(sscam_explainer_set_input(explainer, NULL, NULL), SSCAM_E_ARGUMENT, "name");
    ASSERT_OK(sscam_explainer_set_input(explainer, "depth", ARRAY(values, shape, 4)));
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(values, shape, 4), NULL, &map),
                 SSCAM_E_UNSUPPORTED, "depth");
    ck_assert_ptr_null(map);
    ASSERT_OK(sscam_explainer_set_input(explainer, "depth", NULL));
    ASSERT_OK(sscam_explainer_input_form(explainer, &layout, &type));
    ck_assert_str_eq(layout, "");
    ck_assert_str_eq(type, "float32");
    ASSERT_OK(sscam_explainer_set(explainer, "input_layout", "nhwc"));
    ASSERT_FAILS(sscam_explainer_input_form(explainer, &layout, &type), SSCAM_E_UNSUPPORTED,
                 "input_layout");
    ck_assert_str_eq(type, "");
    sscam_explainer_unref(explainer);
}
END_TEST

START_TEST(models_check_what_they_are_told)
{
    static const float value = 1.0f;
    static const char *const names[] = {"depth"};
    const sscam_array number = {sizeof number, &value, NULL, NULL, 0, SSCAM_ELEMENT_FLOAT32};
    const sscam_array *const values[] = {&number};
    sscam_model *model = load_fake("fake linear"), *other = NULL;
    sscam_model_inputs told = SSCAM_MODEL_INPUTS_INIT;
    ASSERT_FAILS(sscam_model_with_inputs(model, NULL, &other), SSCAM_E_ARGUMENT, "NULL");
    ASSERT_FAILS(sscam_model_with_inputs(NULL, &told, &other), SSCAM_E_ARGUMENT, "model");
    ASSERT_OK(sscam_model_with_inputs(model, &told, &other));
    sscam_model_unref(other);
    told.layout = "nhcw";
    ASSERT_FAILS(sscam_model_with_inputs(model, &told, &other), SSCAM_E_ARGUMENT, "nhcw");
    told.layout = NULL;
    told.type = "uint9";
    ASSERT_FAILS(sscam_model_with_inputs(model, &told, &other), SSCAM_E_ARGUMENT, "uint9");
    told.type = "uint8";
    ASSERT_FAILS(sscam_model_with_inputs(model, &told, &other), SSCAM_E_UNSUPPORTED, "input_type");
    told.type = NULL;
    told.count = 1;
    ASSERT_FAILS(sscam_model_with_inputs(model, &told, &other), SSCAM_E_ARGUMENT, "names");
    told.names = names;
    told.values = values;
    ASSERT_FAILS(sscam_model_with_inputs(model, &told, &other), SSCAM_E_UNSUPPORTED, "depth");
    ck_assert_ptr_null(other);
    ck_assert_str_eq(sscam_model_input_layout(NULL), "");
    ck_assert_str_eq(sscam_model_input_type(NULL), "");
    ck_assert_str_eq(sscam_model_input_type(model), "float32");
    sscam_model_unref(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("network_inputs");
    TCase *arrays = add_tcase(suite, "orders", NULL, assert_all_networks_freed);
    tcase_add_loop_test(arrays, arrays_are_read_in_the_networks_order, 0, ORDERS);
    tcase_add_test(arrays, other_ranks_are_refused_with_the_order);
    tcase_add_test(arrays, every_value_of_the_option_has_a_rank);
    tcase_add_test(arrays, whole_numbers_must_be_whole);
    tcase_add_test(arrays, other_inputs_are_copied_by_name);
    tcase_add_test(arrays, unusable_other_inputs_are_refused);
    tcase_add_test(arrays, engines_refuse_other_inputs_by_name);
    tcase_add_test(arrays, models_check_what_they_are_told);
    return run_suite(suite);
}
