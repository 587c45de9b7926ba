/* Inputs in the memory of a GPU, on a device that the host cannot read: maps and logits are those
 * of the same input in the host's memory, bit for bit, and what cannot be read is refused. */
#include <math.h>
#include <stdlib.h>

#include "support/fake_device.h"
#include "support/fixtures.h"

enum { IMAGES = 2, HEIGHT = 6, WIDTH = 8, SIZE = FAKE_COLORS * HEIGHT * WIDTH };

static const int64_t shape[4] = {IMAGES, FAKE_COLORS, HEIGHT, WIDTH};
static float input[IMAGES * SIZE];
static const void *device_input;
static int stream;

static void set_up(void)
{
    fill_random(input, IMAGES * SIZE, 4711u, -1.25, 3.0);
    device_input = fake_device_upload(input, sizeof input);
    fake_device_counted = (fake_device_counters){0};
    fake_reset();
}

static void tear_down(void)
{
    ck_assert_int_eq(fake_device_counted.held, 0);
    assert_all_networks_freed();
}

static sscam_cuda_array array_of(const void *data)
{
    sscam_cuda_array array = SSCAM_CUDA_ARRAY_INIT;
    array.data = data;
    array.shape = shape;
    array.rank = 4;
    array.device = FAKE_DEVICE;
    array.stream = &stream;
    return array;
}

static void free_maps(sscam_map **maps, int count)
{
    for (int i = 0; i < count; i++)
        sscam_map_unref(maps[i]);
}

/* --- results ---------------------------------------------------------------------------------- */

static const struct way {
    const char *method, *options;
    int64_t downloads;
} ways[] = {
    {"grad-cam", "", 0},
    {"grad-cam++", "", 0},
    {"layer-cam", "layer=stem,features", 0},
    {"eigen-cam", "", 0},
    {"score-cam", "", 0},
    {"ss-cam-mean", "samples=3", 0},
    {"is-cam", "samples=3", 0},
    {"ss-cam-mean", "samples=3 noise_target=input noise_scale=absolute", 0},
    {"ss-cam-mean", "samples=3 baseline=black", 0},
    {"ablation-cam", "", 0},
    {"ss-cam-max", "samples=3 noise_target=input", 0},
    {"ss-cam-max", "samples=3 noise_target=input noise_scale=range", 1},
    {"score-cam", "mask_weights=fc", 1},
    {"cam", "", 1},
    {"smooth-grad-cam++", "samples=3", 1},
    {"grad-cam", "aug_smooth=on", 1},
};

START_TEST(maps_are_those_of_the_host)
{
    const struct way *way = &ways[_i];
    const sscam_cuda_array array = array_of(device_input);
    const int64_t classes[IMAGES] = {1, SSCAM_CLASS_TOP};
    sscam_map *host[IMAGES], *device[IMAGES];
    sscam_explainer *explainer = explainer_with("linear", way->method, way->options);
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(input, shape, 4), classes, host));
    ASSERT_OK(sscam_explain_cuda(explainer, &array, classes, device));
    for (int i = 0; i < IMAGES; i++) {
        ck_assert(same_maps(host[i], device[i]));
        ck_assert_int_eq(sscam_map_class_index(device[i]), sscam_map_class_index(host[i]));
        ck_assert_int_eq(sscam_map_passes(device[i]), sscam_map_passes(host[i]));
    }
    ck_assert_int_eq(fake_device_counted.downloads, way->downloads);
    ck_assert_int_eq(fake_device_counted.conversions, 0);
    ck_assert_ptr_eq(fake_device_counted.stream, &stream);
    free_maps(host, IMAGES);
    free_maps(device, IMAGES);
    sscam_explainer_unref(explainer);
}
END_TEST

START_TEST(several_methods_share_their_work)
{
    enum { METHODS = 2, CLASSES = 2, MAPS = IMAGES * METHODS * CLASSES };
    const sscam_cuda_array array = array_of(device_input);
    const int64_t classes[IMAGES * CLASSES] = {0, 1, 2, SSCAM_CLASS_RANKED(2)};
    sscam_model *model = load_fake("fake linear");
    sscam_explainer *explainers[METHODS];
    sscam_map *host[MAPS], *device[MAPS];
    ASSERT_OK(sscam_explainer_create(model, "ss-cam-mean", &explainers[0]));
    ASSERT_OK(sscam_explainer_create(model, "score-cam", &explainers[1]));
    ASSERT_OK(sscam_explain_array_all(explainers, METHODS, ARRAY(input, shape, 4), classes, CLASSES,
                                      host));
    ASSERT_OK(sscam_explain_cuda_all(explainers, METHODS, &array, classes, CLASSES, device));
    for (int i = 0; i < MAPS; i++)
        ck_assert(same_maps(host[i], device[i]));
    ck_assert_int_eq(fake_device_counted.downloads, 0);
    free_maps(host, MAPS);
    free_maps(device, MAPS);
    for (int i = 0; i < METHODS; i++)
        sscam_explainer_unref(explainers[i]);
    sscam_model_unref(model);
}
END_TEST

START_TEST(logits_are_those_of_the_host)
{
    const sscam_cuda_array array = array_of(device_input);
    sscam_model *model = load_fake("fake linear");
    float host[IMAGES * FAKE_CLASSES], device[IMAGES * FAKE_CLASSES];
    int64_t count = 0;
    ASSERT_OK(
        sscam_model_classify(model, ARRAY(input, shape, 4), host, IMAGES * FAKE_CLASSES, &count));
    ASSERT_OK(sscam_model_classify_cuda(model, &array, NULL, 0, &count));
    ck_assert_int_eq(count, FAKE_CLASSES);
    ASSERT_OK(sscam_model_classify_cuda(model, &array, device, IMAGES * FAKE_CLASSES, &count));
    ck_assert_mem_eq(host, device, sizeof host);
    ck_assert_int_eq(fake_device_counted.downloads, 0);
    sscam_model_unref(model);
}
END_TEST

START_TEST(strides_and_types_are_converted_on_the_device)
{
    static const int64_t strides[4] = {SIZE, HEIGHT * WIDTH, WIDTH, -1};
    double numbers[IMAGES * SIZE];
    for (int i = 0; i < IMAGES * SIZE; i++)
        numbers[i] = (double)input[i];
    const double *uploaded = fake_device_upload(numbers, sizeof numbers);
    sscam_cuda_array array = array_of(uploaded + WIDTH - 1);
    array.strides = strides;
    array.element_type = SSCAM_ELEMENT_FLOAT64;
    sscam_array mirrored = *ARRAY(input + WIDTH - 1, shape, 4);
    mirrored.strides = strides;
    sscam_map *host[IMAGES], *device[IMAGES];
    sscam_explainer *explainer = make_explainer("fake linear", "score-cam");
    ASSERT_OK(sscam_explain_array(explainer, &mirrored, NULL, host));
    ASSERT_OK(sscam_explain_cuda(explainer, &array, NULL, device));
    for (int i = 0; i < IMAGES; i++)
        ck_assert(same_maps(host[i], device[i]));
    ck_assert_int_eq(fake_device_counted.conversions, 1);
    ck_assert_int_eq(fake_device_counted.downloads, 0);
    free_maps(host, IMAGES);
    free_maps(device, IMAGES);
    sscam_explainer_unref(explainer);
}
END_TEST

/* --- refusals --------------------------------------------------------------------------------- */

static void assert_refused(const sscam_cuda_array *array, sscam_status wanted, const char *thing)
{
    sscam_map *maps[IMAGES] = {NULL, NULL};
    float logits[IMAGES * FAKE_CLASSES];
    int64_t count = 0;
    sscam_model *model = load_fake("fake linear");
    sscam_explainer *explainer = NULL;
    ASSERT_OK(sscam_explainer_create(model, "grad-cam", &explainer));
    ASSERT_FAILS(sscam_explain_cuda(explainer, array, NULL, maps), wanted, thing);
    ASSERT_FAILS(sscam_explain_cuda_all(&explainer, 1, array, NULL, 1, maps), wanted, thing);
    ASSERT_FAILS(sscam_model_classify_cuda(model, array, logits, IMAGES * FAKE_CLASSES, &count),
                 wanted, thing);
    ck_assert(!maps[0] && !maps[1]);
    ck_assert_int_eq(fake_device_counted.held, 0);
    sscam_explainer_unref(explainer);
    sscam_model_unref(model);
}

START_TEST(unusable_arrays_are_refused_by_field)
{
    static const int64_t empty[4] = {IMAGES, FAKE_COLORS, 0, WIDTH},
                         far[4] = {INT64_MAX / 2, 1, 1, 1};
    sscam_cuda_array array = array_of(device_input);
    array.struct_size = 3;
    assert_refused(&array, SSCAM_E_ARGUMENT, "struct_size");
    array = array_of(NULL);
    assert_refused(&array, SSCAM_E_ARGUMENT, "data is NULL");
    array = array_of(input);
    assert_refused(&array, SSCAM_E_ARGUMENT, "data is no memory of cuda:1");
    array = array_of(device_input);
    array.device = 0;
    assert_refused(&array, SSCAM_E_DEVICE, "the input is on cuda:0, the model on cuda:1");
    array.device = -1;
    assert_refused(&array, SSCAM_E_ARGUMENT, "device is -1");
    array = array_of(device_input);
    array.reserved = 1;
    assert_refused(&array, SSCAM_E_ARGUMENT, "reserved is 1");
    array = array_of(device_input);
    array.element_type = SSCAM_ELEMENT_INT64;
    assert_refused(&array, SSCAM_E_ARGUMENT, "element_type is 3");
    array = array_of(device_input);
    array.shape = NULL;
    assert_refused(&array, SSCAM_E_ARGUMENT, "shape is NULL");
    array.shape = empty;
    assert_refused(&array, SSCAM_E_ARGUMENT, "H is 0");
    array = array_of(device_input);
    array.rank = 2;
    assert_refused(&array, SSCAM_E_ARGUMENT, "rank: 2");
    array = array_of(device_input);
    array.strides = far;
    assert_refused(&array, SSCAM_E_ARGUMENT, "leaves the address space");
}
END_TEST

START_TEST(values_that_are_not_finite_are_named)
{
    input[SIZE + HEIGHT * WIDTH + 2 * WIDTH + 5] = NAN;
    const sscam_cuda_array array = array_of(fake_device_upload(input, sizeof input));
    assert_refused(&array, SSCAM_E_ARGUMENT, "NaN at image 1, channel 1, row 2, column 5");
}
END_TEST

START_TEST(null_is_refused)
{
    const sscam_cuda_array array = array_of(device_input);
    sscam_map *maps[IMAGES] = {NULL, NULL};
    sscam_explainer *explainer = make_explainer("fake linear", "grad-cam"), *none = NULL;
    int64_t count = 0;
    ASSERT_FAILS(sscam_explain_cuda(explainer, NULL, NULL, maps), SSCAM_E_ARGUMENT, "input");
    ASSERT_FAILS(sscam_explain_cuda(explainer, &array, NULL, NULL), SSCAM_E_ARGUMENT, "maps");
    ASSERT_FAILS(sscam_explain_cuda(NULL, &array, NULL, maps), SSCAM_E_ARGUMENT, "explainer");
    ASSERT_FAILS(sscam_explain_cuda_all(NULL, 1, &array, NULL, 1, maps), SSCAM_E_ARGUMENT,
                 "explainers");
    ASSERT_FAILS(sscam_explain_cuda_all(&none, 0, &array, NULL, 1, maps), SSCAM_E_ARGUMENT,
                 "explainers");
    ASSERT_FAILS(sscam_explain_cuda_all(&explainer, 1, &array, (const int64_t[]){0}, 0, maps),
                 SSCAM_E_ARGUMENT, "class_count is 0");
    ASSERT_FAILS(sscam_model_classify_cuda(NULL, &array, NULL, 0, &count), SSCAM_E_ARGUMENT,
                 "NULL");
    sscam_explainer_unref(explainer);
}
END_TEST

/* --- engines of the host ---------------------------------------------------------------------- */

static sscam_status never(void *user, const sscam_engine_request *request,
                          sscam_engine_reply *reply)
{
    (void)user;
    (void)request;
    return sscam_engine_reply_set_error(reply, "called");
}

START_TEST(engines_of_the_host_take_inputs_of_the_host)
{
    const sscam_cuda_array array = array_of(device_input);
    sscam_engine engine = SSCAM_ENGINE_INIT;
    sscam_model *model = NULL;
    sscam_explainer *explainer = NULL;
    sscam_map *maps[IMAGES];
    int64_t count = 0;
    engine.describe = engine.run = never;
    engine.device = "npu";
    ASSERT_OK(sscam_model_create_from_engine(&engine, &model));
    ASSERT_OK(sscam_explainer_create(model, "grad-cam", &explainer));
    ASSERT_FAILS(sscam_explain_cuda(explainer, &array, NULL, maps), SSCAM_E_UNSUPPORTED, "npu");
    ASSERT_MESSAGE_NAMES("sscam_array");
    ASSERT_FAILS(sscam_model_classify_cuda(model, &array, NULL, 0, &count), SSCAM_E_UNSUPPORTED,
                 "engine of the host");
    sscam_explainer_unref(explainer);
    sscam_model_unref(model);
}
END_TEST

START_TEST(a_failed_call_ends_the_holding)
{
    const sscam_cuda_array array = array_of(device_input);
    sscam_explainer *explainer = make_explainer("fake linear", "score-cam");
    sscam_map *maps[IMAGES] = {STALE, STALE};
    fake_fail_at(FAKE_SCORE, 1, SSCAM_E_MODEL);
    ASSERT_FAILS(sscam_explain_cuda(explainer, &array, NULL, maps), SSCAM_E_MODEL, "");
    ck_assert(!maps[0] && !maps[1]);
    ck_assert_int_eq(fake_device_counted.held, 0);
    sscam_explainer_unref(explainer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cuda input");
    TCase *tests = add_tcase(suite, "cuda input", set_up, tear_down);
    tcase_add_loop_test(tests, maps_are_those_of_the_host, 0, sizeof ways / sizeof ways[0]);
    tcase_add_test(tests, several_methods_share_their_work);
    tcase_add_test(tests, logits_are_those_of_the_host);
    tcase_add_test(tests, strides_and_types_are_converted_on_the_device);
    tcase_add_test(tests, unusable_arrays_are_refused_by_field);
    tcase_add_test(tests, values_that_are_not_finite_are_named);
    tcase_add_test(tests, null_is_refused);
    tcase_add_test(tests, engines_of_the_host_take_inputs_of_the_host);
    tcase_add_test(tests, a_failed_call_ends_the_holding);
    return run_suite(suite);
}
