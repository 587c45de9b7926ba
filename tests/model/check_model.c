/* Models: loading, references, layers, classification. */
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/arrays.h"
#include "support/assertions.h"
#include "support/check_main.h"
#include "support/fake_backend.h"

static char folder[] = "/tmp/sscam-model-XXXXXX", path[64];

static void make_folder(void)
{
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/network.pt", folder);
    fake_reset();
}

static void remove_folder(void)
{
    unlink(path);
    rmdir(folder);
    ck_assert_int_eq(atomic_load(&fake_counted.networks), 0);
}

static void write_file(const char *content)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    fputs(content, file);
    ck_assert_int_eq(fclose(file), 0);
}

static sscam_model *const NOT_NULL = (sscam_model *)&fake_counted;

static void assert_load_fails(const char *file, const char *device, sscam_status status,
                              const char *thing)
{
    sscam_model *model = NOT_NULL;
    ASSERT_FAILS(sscam_model_load(file, device, &model), status, thing);
    ck_assert_ptr_null(model);
}

static void assert_memory_load_fails(const void *data, size_t size, sscam_status status,
                                     const char *thing)
{
    sscam_model *model = NOT_NULL;
    ASSERT_FAILS(sscam_model_load_memory(data, size, "cpu", &model), status, thing);
    ck_assert_ptr_null(model);
}

/* --- loading ---------------------------------------------------------------------------------- */

START_TEST(a_file_is_loaded)
{
    sscam_model *model = NULL;
    write_file("fake linear\n");
    ASSERT_OK(sscam_model_load(path, NULL, &model));
    ck_assert_str_eq(sscam_model_device(model), "cpu");
    ck_assert_int_eq(atomic_load(&fake_counted.networks), 1);
    sscam_model_unref(model);
}
END_TEST

/* A pipe cannot be read at an offset, and has no size. */
START_TEST(a_network_is_read_from_a_pipe)
{
    sscam_model *model = NULL;
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    const pid_t writer = fork();
    if (writer == 0) {
        const int descriptor = open(path, O_WRONLY);
        _exit(write(descriptor, "fake ", 5) != 5 || write(descriptor, "linear\n", 7) != 7);
    }
    ASSERT_OK(sscam_model_load(path, NULL, &model));
    sscam_model_unref(model);
    int outcome = 1;
    waitpid(writer, &outcome, 0);
    ck_assert_int_eq(outcome, 0);
}
END_TEST

START_TEST(null_arguments_are_refused)
{
    ASSERT_FAILS(sscam_model_load("x", "cpu", NULL), SSCAM_E_ARGUMENT, "out");
    ASSERT_FAILS(sscam_model_load_memory("x", 1, "cpu", NULL), SSCAM_E_ARGUMENT, "out");
    assert_load_fails(NULL, "cpu", SSCAM_E_ARGUMENT, "path");
    assert_memory_load_fails(NULL, 5, SSCAM_E_ARGUMENT, "data");
    assert_memory_load_fails("x", 0, SSCAM_E_ARGUMENT, "size");
}
END_TEST

START_TEST(files_that_cannot_be_read_are_named)
{
    assert_load_fails(path, "cpu", SSCAM_E_IO, path);
    assert_load_fails("", "cpu", SSCAM_E_IO, "cannot be opened");
    assert_load_fails(folder, "cpu", SSCAM_E_IO, folder);
    write_file("");
    assert_load_fails(path, "cpu", SSCAM_E_FORMAT, path);
    assert_load_fails(path, "cpu", SSCAM_E_FORMAT, "empty");
}
END_TEST

START_TEST(files_that_are_no_networks_are_named)
{
    write_file("PK\003\004 and no network");
    assert_load_fails(path, "cpu", SSCAM_E_FORMAT, path);
    write_file("fake broken");
    assert_load_fails(path, "cpu", SSCAM_E_MODEL, "broken");
    assert_memory_load_fails("junk", 4, SSCAM_E_FORMAT, "memory");
}
END_TEST

START_TEST(absent_devices_are_named)
{
    write_file("fake linear");
    assert_load_fails(path, "cuda:1", SSCAM_E_DEVICE, "cuda:1");
}
END_TEST

START_TEST(a_backend_that_fails_to_load_is_reported)
{
    fake_fail_at(FAKE_LOAD, 1, SSCAM_E_MEMORY);
    assert_memory_load_fails("fake linear", 11, SSCAM_E_MEMORY, "fake failure of load 1");
    sscam_model_unref(load_fake("fake linear"));
}
END_TEST

/* --- references ------------------------------------------------------------------------------- */

START_TEST(null_models_are_harmless)
{
    sscam_model_unref(NULL);
    ck_assert_ptr_null(sscam_model_ref(NULL));
    ck_assert_str_eq(sscam_model_device(NULL), "");
}
END_TEST

START_TEST(the_last_reference_frees)
{
    sscam_model *model = load_fake("fake linear");
    ck_assert_ptr_eq(sscam_model_ref(model), model);
    sscam_model_unref(model);
    ck_assert_int_eq(atomic_load(&fake_counted.networks), 1);
    sscam_model_unref(model);
    ck_assert_int_eq(atomic_load(&fake_counted.networks), 0);
}
END_TEST

START_TEST(an_explainer_holds_a_reference)
{
    sscam_explainer *explainer = make_explainer("fake linear", "cam");
    ck_assert_int_eq(atomic_load(&fake_counted.networks), 1);
    sscam_explainer_unref(explainer);
    ck_assert_int_eq(atomic_load(&fake_counted.networks), 0);
}
END_TEST

enum { THREADS = 8, ROUNDS = 2000 };

static void *take_and_give_back(void *model)
{
    for (int i = 0; i < ROUNDS; i++)
        sscam_model_unref(sscam_model_ref(model));
    sscam_model_unref(model);
    return NULL;
}

START_TEST(threads_share_the_count)
{
    sscam_model *model = load_fake("fake linear");
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++) {
        sscam_model_ref(model);
        ck_assert_int_eq(pthread_create(&thread[i], NULL, take_and_give_back, model), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    ck_assert_int_eq(atomic_load(&fake_counted.networks), 1);
    sscam_model_unref(model);
    ck_assert_int_eq(atomic_load(&fake_counted.networks), 0);
}
END_TEST

/* --- layers ----------------------------------------------------------------------------------- */

static const int64_t image[4] = {1, 3, 8, 10};

START_TEST(layers_are_listed_in_order)
{
    sscam_model *model = load_fake("fake linear");
    sscam_layers *layers = NULL;
    int32_t rank = 0;
    ASSERT_OK(sscam_model_layers(model, image, 4, &layers));
    ck_assert_int_eq(sscam_layers_count(layers), 4);
    ck_assert_int_eq(sscam_layers_default(layers), 1);
    ck_assert_str_eq(sscam_layers_name(layers, 0), "stem");
    ck_assert_str_eq(sscam_layers_name(layers, 1), "features");
    ck_assert_str_eq(sscam_layers_kind(layers, 3), "Linear");
    const int64_t *shape = sscam_layers_shape(layers, 1, &rank);
    ck_assert_int_eq(rank, 4);
    ck_assert(shape[0] == 1 && shape[1] == FAKE_CHANNELS && shape[2] == 4 && shape[3] == 5);
    ck_assert_ptr_eq(sscam_layers_shape(layers, 1, NULL), shape);
    sscam_model_unref(model); /* the list stands on its own */
    ck_assert_str_eq(sscam_layers_name(layers, 2), "pool");
    sscam_layers_unref(layers);
}
END_TEST

START_TEST(layers_out_of_range_are_null)
{
    sscam_model *model = load_fake("fake spaceless");
    sscam_layers *layers = NULL;
    int32_t rank = 9;
    ASSERT_OK(sscam_model_layers(model, image, 4, &layers));
    ck_assert_int_eq(sscam_layers_default(layers), -1);
    ck_assert_ptr_null(sscam_layers_name(layers, sscam_layers_count(layers)));
    ck_assert_ptr_null(sscam_layers_kind(layers, SIZE_MAX));
    ck_assert_ptr_null(sscam_layers_shape(layers, 77, &rank));
    ck_assert_int_eq(rank, 0);
    ck_assert_int_eq(sscam_layers_count(NULL), 0);
    ck_assert_int_eq(sscam_layers_default(NULL), -1);
    ck_assert_ptr_null(sscam_layers_name(NULL, 0));
    sscam_layers_unref(NULL);
    sscam_layers_unref(layers);
    sscam_model_unref(model);
}
END_TEST

static void assert_layers_fail(sscam_model *model, const int64_t *shape, sscam_status status,
                               const char *thing)
{
    sscam_layers *layers = (sscam_layers *)NOT_NULL;
    ASSERT_FAILS(sscam_model_layers(model, shape, 4, &layers), status, thing);
    ck_assert_ptr_null(layers);
}

START_TEST(layers_that_cannot_be_listed_say_why)
{
    static const int64_t two[4] = {2, 3, 8, 10}, gray[4] = {1, 1, 8, 10}, empty[4] = {1, 3, 0, 10};
    sscam_model *model = load_fake("fake linear");
    ASSERT_FAILS(sscam_model_layers(model, image, 4, NULL), SSCAM_E_ARGUMENT, "out");
    assert_layers_fail(NULL, image, SSCAM_E_ARGUMENT, "model");
    assert_layers_fail(model, NULL, SSCAM_E_ARGUMENT, "shape");
    assert_layers_fail(model, two, SSCAM_E_ARGUMENT, "N is 2");
    assert_layers_fail(model, empty, SSCAM_E_ARGUMENT, "H is 0");
    assert_layers_fail(model, gray, SSCAM_E_MODEL, "3 channels");
    fake_reset();
    fake_fail_at(FAKE_LAYERS, 1, SSCAM_E_DEVICE);
    assert_layers_fail(model, image, SSCAM_E_DEVICE, "fake failure of layers 1");
    sscam_model_unref(model);
}
END_TEST

/* --- classification --------------------------------------------------------------------------- */

enum { ROWS = 2, ROW_SIZE = 3 * 2 * 2 };
static const int64_t tiny[4] = {ROWS, 3, 2, 2};

/* Red 1, green 2, blue 3 in the first input, black in the second: A = 1, 0.75, 3.125, 0.5, 1 and 0,
 * 0.25, 0.125, 0.5, 0. */
static const float tiny_input[ROWS * ROW_SIZE] = {1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};
static const float tiny_logits[ROWS * FAKE_CLASSES] = {
    /* 0.5 + 2 - 0.75 + 1.5625 + 0.5 + 0.25, and so on */
    4.0625f, 2.75f, -3.90625f, 0.8125f, 0.0f, 0.34375f};

START_TEST(logits_are_those_of_the_network)
{
    sscam_model *model = load_fake("fake linear");
    float logits[ROWS * FAKE_CLASSES + 1];
    int64_t classes = 0;
    logits[ROWS * FAKE_CLASSES] = -9.0f;
    ASSERT_OK(sscam_model_classify(model, ARRAY(tiny_input, tiny, 4), logits, ROWS * FAKE_CLASSES,
                                   &classes));
    ck_assert_int_eq(classes, FAKE_CLASSES);
    for (int i = 0; i < ROWS * FAKE_CLASSES; i++)
        ck_assert_float_eq_tol(logits[i], tiny_logits[i], 1e-6f);
    ck_assert_float_eq(logits[ROWS * FAKE_CLASSES], -9.0f);
    sscam_model_unref(model);
}
END_TEST

START_TEST(capacity_is_kept_to)
{
    sscam_model *model = load_fake("fake linear");
    float logits[ROWS * FAKE_CLASSES] = {-9.0f};
    int64_t classes = 0;
    ASSERT_OK(sscam_model_classify(model, ARRAY(tiny_input, tiny, 4), NULL, 0, &classes));
    ck_assert_int_eq(classes, FAKE_CLASSES);
    classes = 0;
    ASSERT_OK(sscam_model_classify(model, ARRAY(tiny_input, tiny, 4), logits, 0, &classes));
    ck_assert_int_eq(classes, FAKE_CLASSES);
    ASSERT_FAILS(sscam_model_classify(model, ARRAY(tiny_input, tiny, 4), logits,
                                      ROWS * FAKE_CLASSES - 1, &classes),
                 SSCAM_E_ARGUMENT, "6 are needed");
    ck_assert_float_eq(logits[0], -9.0f);
    sscam_model_unref(model);
}
END_TEST

START_TEST(unusable_inputs_are_refused)
{
    static const int64_t shapes[][4] = {
        {0, 3, 2, 2},         {1, 0, 2, 2},         {1, 3, -2, 2},
        {1, 3, 2, INT64_MIN}, {INT64_MAX, 3, 2, 2}, {1 << 20, 3, 1 << 20, 4},
    };
    static const char *const things[] = {"N is 0",  "C is 0",    "H is -2",
                                         "W is -9", "too large", "too large"};
    sscam_model *model = load_fake("fake linear");
    int64_t classes = 0;
    float logits[ROWS * FAKE_CLASSES];
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        ASSERT_FAILS(
            sscam_model_classify(model, ARRAY(tiny_input, shapes[i], 4), logits, 6, &classes),
            SSCAM_E_ARGUMENT, things[i]);
    ASSERT_FAILS(sscam_model_classify(NULL, ARRAY(tiny_input, tiny, 4), logits, 1, &classes),
                 SSCAM_E_ARGUMENT, "NULL");
    ASSERT_FAILS(sscam_model_classify(model, ARRAY(NULL, tiny, 4), logits, 1, &classes),
                 SSCAM_E_ARGUMENT, "NULL");
    ASSERT_FAILS(sscam_model_classify(model, ARRAY(tiny_input, NULL, 4), logits, 1, &classes),
                 SSCAM_E_ARGUMENT, "NULL");
    ASSERT_FAILS(sscam_model_classify(model, ARRAY(tiny_input, tiny, 4), NULL, 1, &classes),
                 SSCAM_E_ARGUMENT, "NULL");
    ASSERT_FAILS(sscam_model_classify(model, ARRAY(tiny_input, tiny, 4), logits, 1, NULL),
                 SSCAM_E_ARGUMENT, "NULL");
    sscam_model_unref(model);
}
END_TEST

START_TEST(values_that_are_no_numbers_are_found)
{
    sscam_model *model = load_fake("fake linear");
    float input[ROWS * ROW_SIZE] = {0.0f};
    int64_t classes = 0;
    input[ROW_SIZE + 2 * 4 + 3] = NAN;
    ASSERT_FAILS(sscam_model_classify(model, ARRAY(input, tiny, 4), NULL, 0, &classes),
                 SSCAM_E_ARGUMENT, "NaN at image 1, channel 2, row 1, column 1");
    input[ROW_SIZE + 2 * 4 + 3] = 0.0f;
    input[1] = -INFINITY;
    ASSERT_FAILS(sscam_model_classify(model, ARRAY(input, tiny, 4), NULL, 0, &classes),
                 SSCAM_E_ARGUMENT, "infinity at image 0, channel 0, row 0, column 1");
    sscam_model_unref(model);
}
END_TEST

START_TEST(networks_that_fail_say_why)
{
    sscam_model *model = load_fake("fake fails"), *healthy = load_fake("fake linear");
    float logits[ROWS * FAKE_CLASSES];
    int64_t classes = 0;
    ASSERT_FAILS(sscam_model_classify(model, ARRAY(tiny_input, tiny, 4), logits,
                                      ROWS * FAKE_CLASSES, &classes),
                 SSCAM_E_MODEL, "fails whatever it is given");
    fake_reset();
    fake_fail_at(FAKE_CLASSIFY, 2, SSCAM_E_DEVICE);
    ASSERT_OK(sscam_model_classify(healthy, ARRAY(tiny_input, tiny, 4), logits, ROWS * FAKE_CLASSES,
                                   &classes));
    ASSERT_FAILS(sscam_model_classify(healthy, ARRAY(tiny_input, tiny, 4), logits,
                                      ROWS * FAKE_CLASSES, &classes),
                 SSCAM_E_DEVICE, "fake failure of classify 2");
    ASSERT_OK(sscam_model_classify(healthy, ARRAY(tiny_input, tiny, 4), logits, ROWS * FAKE_CLASSES,
                                   &classes));
    sscam_model_unref(model);
    sscam_model_unref(healthy);
}
END_TEST

/* A thread that classifies, and how often it got something else than the others should. */
typedef struct classifier {
    sscam_model *model;
    int differing;
} classifier;

static void *classify_often(void *user)
{
    classifier *own = user;
    for (int round = 0; round < 200; round++) {
        float logits[ROWS * FAKE_CLASSES];
        int64_t classes;
        own->differing += sscam_model_classify(own->model, ARRAY(tiny_input, tiny, 4), logits,
                                               ROWS * FAKE_CLASSES, &classes) != SSCAM_OK;
        for (int i = 0; i < ROWS * FAKE_CLASSES; i++)
            own->differing += !(fabsf(logits[i] - tiny_logits[i]) <= 1e-6f);
    }
    return NULL;
}

START_TEST(threads_classify_at_the_same_time)
{
    sscam_model *model = load_fake("fake linear");
    classifier classifiers[THREADS];
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++) {
        classifiers[i] = (classifier){.model = model};
        ck_assert_int_eq(pthread_create(&thread[i], NULL, classify_often, &classifiers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        ck_assert_int_eq(classifiers[i].differing, 0);
    }
    ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_CLASSIFY]), THREADS * 200);
    ck_assert_int_eq(atomic_load(&fake_counted.inputs), THREADS * 200 * ROWS);
    sscam_model_unref(model);
}
END_TEST

/* --- what backends share ---------------------------------------------------------------------- */

START_TEST(scores_are_stable_however_large)
{
    static const float logits[3] = {1.0f, 3.0f, 2.0f}, far[3] = {3e38f, -3e38f, 3e38f},
                       one[1] = {-2.0f};
    double sum = exp(-2.0) + 1.0 + exp(-1.0);
    ck_assert_double_eq(sscam_score_of(logits, 3, 2, SSCAM_SCORE_LOGIT), 2.0);
    ck_assert_double_eq_tol(sscam_score_of(logits, 3, 1, SSCAM_SCORE_SOFTMAX), 1.0 / sum, 1e-15);
    ck_assert_double_eq_tol(sscam_score_of(logits, 3, 0, SSCAM_SCORE_SIGMOID), 0.7310585786300049,
                            1e-15);
    ck_assert_double_eq(sscam_score_of(far, 3, 0, SSCAM_SCORE_SOFTMAX), 0.5);
    ck_assert_double_eq(sscam_score_of(far, 3, 1, SSCAM_SCORE_SOFTMAX), 0.0);
    ck_assert_double_eq(sscam_score_of(far, 3, 1, SSCAM_SCORE_SIGMOID), 0.0);
    ck_assert_double_eq_tol(sscam_score_of(one, 1, 0, SSCAM_SCORE_SOFTMAX), 0.11920292202211755,
                            1e-15);
}
END_TEST

START_TEST(the_top_class_is_the_first_of_equals)
{
    static const float logits[4] = {-1.0f, 2.0f, 2.0f, 0.0f};
    ck_assert_int_eq(sscam_top_class(logits, 4), 1);
    ck_assert_int_eq(sscam_top_class(logits, 1), 0);
}
END_TEST

START_TEST(classes_are_checked)
{
    ck_assert_int_eq(sscam_check_class(0, 3), SSCAM_OK);
    ck_assert_int_eq(sscam_check_class(2, 3), SSCAM_OK);
    ck_assert_int_eq(sscam_check_class(SSCAM_CLASS_TOP, 3), SSCAM_OK);
    ASSERT_FAILS(sscam_check_class(3, 3), SSCAM_E_CLASS, "class 3: the network has classes 0 to 2");
    ck_assert_int_eq(sscam_check_class(SSCAM_CLASS_RANKED(3), 3), SSCAM_OK);
    ASSERT_FAILS(sscam_check_class(SSCAM_CLASS_RANKED(4), 3), SSCAM_E_CLASS, "class -4");
}
END_TEST

/* Class 0 has the rank that SSCAM_CLASS_RANKED(0), as a negative number, would be taken for. */
START_TEST(ranks_begin_at_1)
{
    const int32_t rank = 0;
    ASSERT_FAILS(sscam_check_class(SSCAM_CLASS_RANKED(rank), 3), SSCAM_E_CLASS, "ranks begin at 1");
    ASSERT_FAILS(sscam_check_class(SSCAM_CLASS_RANKED(-2), 3), SSCAM_E_CLASS, "ranks begin at 1");
}
END_TEST

/* Counts that are one as floats are told apart, and equal ones come in the order of their index. */
START_TEST(numbers_of_pixels_are_exact)
{
    const int64_t most = INT64_C(1) << 24;
    const int64_t counts[] = {most, most + 1, most + 1, most + 2};
    static const int64_t in_order[] = {3, 1, 2, 0};
    for (int64_t rank = 1; rank <= 4; rank++) {
        sscam_target target = {
            .kind = SSCAM_TARGET_CLASS, .class_index = SSCAM_CLASS_RANKED(rank), .other_index = -1};
        ck_assert_int_eq(sscam_resolve_dense_class(&target, counts, 4), SSCAM_OK);
        ck_assert_int_eq(target.class_index, in_order[rank - 1]);
    }
    sscam_target absent = {
        .kind = SSCAM_TARGET_CLASS, .class_index = SSCAM_CLASS_RANKED(5), .other_index = -1};
    ASSERT_FAILS(sscam_resolve_dense_class(&absent, counts, 4), SSCAM_E_CLASS, "class -5");
}
END_TEST

/* Internal functions leave it to public ones to clear the message after a success. */
START_TEST(targets_are_resolved)
{
    static const float logits[5] = {1.0f, 3.0f, 2.0f, 3.0f, -1.0f};
    static const int64_t order[5] = {1, 3, 2, 0, 4}; /* of equals the lower index first */
    for (int k = 1; k <= 5; k++) {
        sscam_target target = {
            .kind = SSCAM_TARGET_CLASS, .class_index = SSCAM_CLASS_RANKED(k), .other_index = 77};
        ck_assert_int_eq(sscam_resolve_target(&target, logits, 5), SSCAM_OK);
        ck_assert_int_eq(target.class_index, order[k - 1]);
        ck_assert_double_eq(sscam_target_score(logits, 5, &target, SSCAM_SCORE_LOGIT),
                            logits[order[k - 1]]);
        target = (sscam_target){.kind = SSCAM_TARGET_DIFFERENCE,
                                .class_index = SSCAM_CLASS_RANKED(k),
                                .other_index = -1};
        ck_assert_int_eq(sscam_resolve_target(&target, logits, 5), SSCAM_OK);
        ck_assert_int_eq(target.other_index, k == 1 ? 3 : 1);
    }
    sscam_target target = {.kind = SSCAM_TARGET_DIFFERENCE, .class_index = 0, .other_index = 4};
    ck_assert_int_eq(sscam_resolve_target(&target, logits, 5), SSCAM_OK);
    ck_assert_double_eq(sscam_target_score(logits, 5, &target, SSCAM_SCORE_LOGIT), 2.0);
    target.kind = SSCAM_TARGET_AGAINST;
    ck_assert_double_eq(sscam_target_score(logits, 5, &target, SSCAM_SCORE_LOGIT), -1.0);
    target = (sscam_target){.kind = SSCAM_TARGET_DIFFERENCE, .class_index = 0, .other_index = 5};
    ASSERT_FAILS(sscam_resolve_target(&target, logits, 5), SSCAM_E_CLASS, "class 5");
    target = (sscam_target){
        .kind = SSCAM_TARGET_DIFFERENCE, .class_index = SSCAM_CLASS_TOP, .other_index = 1};
    ASSERT_FAILS(sscam_resolve_target(&target, logits, 5), SSCAM_E_CLASS,
                 "class 1 is the class that is explained");
    target = (sscam_target){.kind = SSCAM_TARGET_DIFFERENCE, .class_index = 0, .other_index = -1};
    ASSERT_FAILS(sscam_resolve_target(&target, logits, 1), SSCAM_E_CLASS, "one class");
}
END_TEST

static TCase *case_with_folder(Suite *suite, const char *name)
{
    TCase *made = tcase_create(name);
    tcase_add_checked_fixture(made, make_folder, remove_folder);
    suite_add_tcase(suite, made);
    return made;
}

int main(void)
{
    Suite *suite = suite_create("model");
    TCase *loading = case_with_folder(suite, "loading"),
          *references = case_with_folder(suite, "references");
    TCase *layers = case_with_folder(suite, "layers"), *shared = case_with_folder(suite, "shared");
    TCase *classification = case_with_folder(suite, "classification");
    tcase_add_test(loading, a_file_is_loaded);
    tcase_add_test(loading, a_network_is_read_from_a_pipe);
    tcase_add_test(loading, null_arguments_are_refused);
    tcase_add_test(loading, files_that_cannot_be_read_are_named);
    tcase_add_test(loading, files_that_are_no_networks_are_named);
    tcase_add_test(loading, absent_devices_are_named);
    tcase_add_test(loading, a_backend_that_fails_to_load_is_reported);
    tcase_add_test(references, null_models_are_harmless);
    tcase_add_test(references, the_last_reference_frees);
    tcase_add_test(references, an_explainer_holds_a_reference);
    tcase_add_test(references, threads_share_the_count);
    tcase_add_test(layers, layers_are_listed_in_order);
    tcase_add_test(layers, layers_out_of_range_are_null);
    tcase_add_test(layers, layers_that_cannot_be_listed_say_why);
    tcase_add_test(classification, logits_are_those_of_the_network);
    tcase_add_test(classification, capacity_is_kept_to);
    tcase_add_test(classification, unusable_inputs_are_refused);
    tcase_add_test(classification, values_that_are_no_numbers_are_found);
    tcase_add_test(classification, networks_that_fail_say_why);
    tcase_add_test(classification, threads_classify_at_the_same_time);
    tcase_add_test(shared, scores_are_stable_however_large);
    tcase_add_test(shared, the_top_class_is_the_first_of_equals);
    tcase_add_test(shared, classes_are_checked);
    tcase_add_test(shared, ranks_begin_at_1);
    tcase_add_test(shared, numbers_of_pixels_are_exact);
    tcase_add_test(shared, targets_are_resolved);
    return run_suite(suite);
}
