/* Engines of the host: the public struct of callbacks, and what the library makes of it. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/arrays.h"
#include "support/assertions.h"
#include "support/check_main.h"
#include "support/pixels.h"

enum { HEIGHT = 4, WIDTH = 5, PIXELS = HEIGHT * WIDTH, CHANNELS = 2, CLASSES = 3 };

/* A network whose answers are easy: the input X is [N,1,4,5], the layer "parts" is [1,2,4,5] with
 * A_0 = max(X, 0) and A_1 = max(-X, 0), and Y_c = sum_k weight_ck mean(A_k). */
static const float weight[CLASSES][CHANNELS] = {{2.0f, -1.0f}, {0.5f, 3.0f}, {-1.0f, 1.0f}};

/* What the callbacks of a test do wrongly, and what they saw. */
typedef struct tiny_engine {
    const char *misdeed;
    sscam_status result; /* that a callback returns instead; 0: what it should */
    sscam_model *model;  /* which a callback uses */
    int64_t rows_with_memory;
    atomic_int runs, rows, largest, now, most_at_once, releases;
    sscam_status inner; /* what a call within a callback returned */
    char inner_message[256];
} tiny_engine;

static int does(const tiny_engine *tiny, const char *misdeed)
{
    return tiny->misdeed && strcmp(tiny->misdeed, misdeed) == 0;
}

static void raise_to(atomic_int *most, int value)
{
    int known = atomic_load(most);
    while (value > known && !atomic_compare_exchange_weak(most, &known, value))
        continue;
}

static void write_parts(const float *input, float *parts)
{
    for (int p = 0; p < PIXELS; p++) {
        parts[p] = fmaxf(input[p], 0.0f);
        parts[PIXELS + p] = fmaxf(-input[p], 0.0f);
    }
}

static void write_logits(const float *parts, float *logits)
{
    double mean[CHANNELS] = {0.0};
    for (int i = 0; i < CHANNELS * PIXELS; i++)
        mean[i / PIXELS] += parts[i] / (double)PIXELS;
    for (int c = 0; c < CLASSES; c++)
        logits[c] = (float)(weight[c][0] * mean[0] + weight[c][1] * mean[1]);
}

static sscam_status describe(void *user, const sscam_engine_request *request,
                             sscam_engine_reply *reply)
{
    const tiny_engine *tiny = user;
    const int64_t shape[] = {request->shape[0], CHANNELS, HEIGHT, WIDTH}, pool[] = {1, CHANNELS};
    const int64_t wrong[] = {1, CHANNELS, HEIGHT, 0};
    if (does(tiny, "describe fails"))
        return sscam_engine_reply_set_error(reply, "the description is lost");
    if (does(tiny, "no layers"))
        return SSCAM_OK;
    if (does(tiny, "wrong shape"))
        sscam_engine_reply_add_layer(reply, "early", NULL, wrong, 4);
    if (does(tiny, "no name"))
        sscam_engine_reply_add_layer(reply, "", NULL, shape, 4);
    if (does(tiny, "listed twice"))
        sscam_engine_reply_add_layer(reply, "parts", NULL, shape, 4);
    if (does(tiny, "unknown shape"))
        return sscam_engine_reply_add_layer(reply, "parts", "Split", NULL, 0);
    sscam_engine_reply_add_layer(reply, "parts", "Split", shape, 4);
    if (does(tiny, "unknown default"))
        sscam_engine_reply_set_default_layer(reply, "party");
    return request->shape[0] == 1 ? sscam_engine_reply_add_layer(reply, "pool", "Mean", pool, 2)
                                  : SSCAM_OK;
}

/* Calls the library within a callback. */
static void call_inside(tiny_engine *tiny)
{
    static const float input[PIXELS] = {1.0f};
    static const int64_t shape[] = {1, 1, HEIGHT, WIDTH};
    int64_t classes = 0;
    sscam_model *model = tiny->model;
    tiny->model = NULL;
    tiny->inner = sscam_model_classify(model, ARRAY(input, shape, 4), NULL, 0, &classes);
    snprintf(tiny->inner_message, sizeof tiny->inner_message, "%s", sscam_last_error());
    tiny->model = model;
}

static sscam_status give(const tiny_engine *tiny, const sscam_engine_request *request,
                         float *logits, float *parts, sscam_engine_reply *reply)
{
    const int64_t rows = request->shape[0] + (does(tiny, "one row more") ? 1 : 0);
    const int64_t classes = does(tiny, "one class less") ? CLASSES - 1 : CLASSES;
    const int64_t outputs[] = {rows, classes, 1},
                  layer[] = {request->shape[0], CHANNELS, HEIGHT, WIDTH};
    const int64_t turned[] = {1, CHANNELS, WIDTH, HEIGHT};
    if (does(tiny, "a NaN"))
        logits[1] = NAN;
    if (!does(tiny, "no outputs"))
        sscam_engine_reply_set_outputs(reply, does(tiny, "NULL") ? NULL : logits, outputs,
                                       does(tiny, "rank 3") ? 3 : 2);
    if (request->layer && !does(tiny, "no activations"))
        sscam_engine_reply_set_activations(reply, parts, does(tiny, "turned") ? turned : layer, 4);
    if (does(tiny, "an error in spite of success"))
        sscam_engine_reply_set_error(reply, "the network\nis tired");
    return tiny->result;
}

static sscam_status run(void *user, const sscam_engine_request *request, sscam_engine_reply *reply)
{
    tiny_engine *tiny = user;
    const int64_t rows = request->shape[0];
    float logits[64 * CLASSES] = {0.0f}, parts[64 * CHANNELS * PIXELS];
    raise_to(&tiny->most_at_once, atomic_fetch_add(&tiny->now, 1) + 1);
    raise_to(&tiny->largest, (int)rows);
    atomic_fetch_add(&tiny->runs, 1);
    atomic_fetch_add(&tiny->rows, (int)rows);
    if (tiny->model)
        call_inside(tiny);
    for (int64_t i = 0; i < rows; i++) {
        write_parts(request->input + i * PIXELS, parts + i * CHANNELS * PIXELS);
        write_logits(parts + i * CHANNELS * PIXELS, logits + i * CLASSES);
    }
    sscam_status status = give(tiny, request, logits, parts, reply);
    atomic_fetch_sub(&tiny->now, 1);
    if (tiny->rows_with_memory > 0 && rows > tiny->rows_with_memory)
        return SSCAM_E_MEMORY;
    return status;
}

static sscam_status gradients(void *user, const sscam_engine_request *request,
                              sscam_engine_reply *reply)
{
    const tiny_engine *tiny = user;
    const int64_t turned[] = {1, CHANNELS, WIDTH, HEIGHT};
    float slopes[CHANNELS * PIXELS] = {0.0f};
    ck_assert_int_eq(request->output_weight_count, CLASSES);
    ck_assert_ptr_nonnull(request->input);
    ck_assert_ptr_nonnull(request->activations);
    for (int i = 0; i < CHANNELS * PIXELS; i++)
        for (int c = 0; c < CLASSES; c++)
            slopes[i] += request->output_weights[c] * weight[c][i / PIXELS] / PIXELS;
    if (does(tiny, "no gradients"))
        return SSCAM_OK;
    return sscam_engine_reply_set_gradients(
        reply, slopes, does(tiny, "turned gradients") ? turned : request->activation_shape, 4);
}

static sscam_status tail(void *user, const sscam_engine_request *request, sscam_engine_reply *reply)
{
    const tiny_engine *tiny = user;
    const int64_t rows = request->activation_shape[0], outputs[] = {rows, CLASSES};
    float logits[64 * CLASSES];
    raise_to(&((tiny_engine *)user)->largest, (int)rows);
    for (int64_t i = 0; i < rows; i++) {
        write_logits(request->activations + i * CHANNELS * PIXELS, logits + i * CLASSES);
        if (does(tiny, "another tail"))
            logits[i * CLASSES + 1] += 1.0f;
    }
    return sscam_engine_reply_set_outputs(reply, logits, outputs, 2);
}

static void release(void *user)
{
    atomic_fetch_add(&((tiny_engine *)user)->releases, 1);
}

static sscam_engine engine_of(tiny_engine *tiny)
{
    sscam_engine engine = SSCAM_ENGINE_INIT;
    engine.user = tiny;
    engine.name = "tiny.onnx";
    engine.input_rank = 4;
    engine.input_shape[1] = 1;
    engine.input_shape[2] = HEIGHT;
    engine.input_shape[3] = WIDTH;
    engine.class_count = CLASSES;
    engine.describe = describe;
    engine.run = run;
    engine.gradients = gradients;
    engine.tail = tail;
    engine.release = release;
    return engine;
}

static sscam_model *model_of(const sscam_engine *engine)
{
    sscam_model *model = NULL;
    ASSERT_OK(sscam_model_create_from_engine(engine, &model));
    ck_assert_ptr_nonnull(model);
    return model;
}

static const int64_t input_shape[] = {1, 1, HEIGHT, WIDTH};
static float input[PIXELS];

static void fill_input(void)
{
    for (int p = 0; p < PIXELS; p++)
        input[p] = (float)((p * 7) % 11) * 0.25f - 1.0f;
}

static sscam_status explain(sscam_model *model, const char *method, const char *options,
                            sscam_map **map)
{
    const int64_t classes[] = {0};
    sscam_explainer *explainer = NULL;
    *map = NULL;
    ASSERT_OK(sscam_explainer_create(model, method, &explainer));
    set_options(explainer, options);
    sscam_status status = sscam_explain_array(explainer, ARRAY(input, input_shape, 4), classes,
                                              map);
    sscam_explainer_unref(explainer);
    return status;
}

static sscam_map *explained(const sscam_engine *engine, const char *method, const char *options)
{
    sscam_model *model = model_of(engine);
    sscam_map *map = NULL;
    ASSERT_OK(explain(model, method, options, &map));
    sscam_model_unref(model);
    return map;
}

/* Explaining fails with this status, and its message names the thing. */
static void assert_fails(const sscam_engine *engine, const char *method, const char *options,
                         sscam_status status, const char *thing)
{
    sscam_model *model = model_of(engine);
    sscam_map *map = NULL;
    ASSERT_FAILS(explain(model, method, options, &map), status, thing);
    ck_assert_ptr_null(map);
    sscam_model_unref(model);
}

static sscam_status classify(sscam_model *model, int64_t rows, const float *inputs, float *logits)
{
    const int64_t shape[] = {rows, 1, HEIGHT, WIDTH};
    int64_t classes = 0;
    return sscam_model_classify(model, ARRAY(inputs, shape, 4), logits, rows * CLASSES, &classes);
}

/* --- creation --------------------------------------------------------------------------------- */

static void assert_refused(const sscam_engine *engine, const char *thing)
{
    sscam_model *model = (sscam_model *)&input;
    ASSERT_FAILS(sscam_model_create_from_engine(engine, &model), SSCAM_E_ARGUMENT, thing);
    ck_assert_ptr_null(model);
}

START_TEST(unusable_engines_are_refused_by_name)
{
    tiny_engine tiny = {0};
    const char *const names[] = {"a", NULL};
    sscam_engine engine = engine_of(&tiny);
    assert_refused(NULL, "engine is NULL");
    ASSERT_FAILS(sscam_model_create_from_engine(&engine, NULL), SSCAM_E_ARGUMENT, "out");
#define REFUSE(change, thing)            \
    do {                                 \
        sscam_engine changed = engine;   \
        change;                          \
        assert_refused(&changed, thing); \
    } while (0)
    REFUSE(changed.struct_size = 3, "struct_size is 3");
    REFUSE(changed.describe = NULL, "describe");
    REFUSE(changed.run = NULL, "run");
    REFUSE(changed.flags = 64, "0x40");
    REFUSE(changed.input_rank = 2, "input_rank is 2");
    REFUSE(changed.input_shape[1] = -4, "input_shape[1] is -4");
    REFUSE(changed.input_shape[4] = 1, "input_shape[4] is 1");
    REFUSE(changed.class_count = -1, "class_count is -1");
    REFUSE(changed.largest_batch = -2, "largest_batch is -2");
    REFUSE(changed.preferred_batch = -3, "preferred_batch is -3");
    REFUSE(changed.output_count = 2, "output_count is 2");
    REFUSE((changed.output_count = 2, changed.output_names = names), "output_names[1]");
    REFUSE((changed.largest_batch = 2, changed.input_shape[0] = 4), "input_shape[0] is 4");
    ck_assert_int_eq(tiny.releases, 0);
}
END_TEST

START_TEST(the_engine_is_released_with_the_last_reference)
{
    tiny_engine tiny = {0};
    char name[] = "a name", device[] = "a device";
    sscam_engine engine = engine_of(&tiny);
    engine.name = name;
    engine.device = device;
    sscam_model *model = model_of(&engine);
    sscam_explainer *explainer = NULL;
    memset(&engine, 0x5a, sizeof engine);
    name[0] = device[0] = '?';
    ck_assert_str_eq(sscam_model_device(model), "a device");
    ASSERT_OK(sscam_explainer_create(model, "score-cam", &explainer));
    sscam_model_unref(model);
    ck_assert_int_eq(tiny.releases, 0);
    sscam_explainer_unref(explainer);
    ck_assert_int_eq(tiny.releases, 1);
}
END_TEST

/* A later release's struct is longer; what this one does not know has to be 0. */
START_TEST(longer_structs_of_later_hosts_are_read)
{
    tiny_engine tiny = {0};
    struct {
        sscam_engine engine;
        void *later;
    } longer = {engine_of(&tiny), NULL};
    longer.engine.struct_size = sizeof longer;
    sscam_model_unref(model_of(&longer.engine));
    longer.later = &longer;
    assert_refused(&longer.engine, "later release");
}
END_TEST

START_TEST(facts_are_known_without_a_run)
{
    tiny_engine tiny = {0};
    const sscam_engine engine = engine_of(&tiny);
    int64_t shape[SSCAM_INPUT_MAX_RANK] = {-1};
    sscam_model *model = model_of(&engine);
    ck_assert_int_eq(sscam_model_class_count(model), CLASSES);
    ck_assert_int_eq(sscam_model_input_shape(model, shape), 4);
    ck_assert_int_eq(shape[0], 0);
    ck_assert_int_eq(shape[1], 1);
    ck_assert_int_eq(shape[2], HEIGHT);
    ck_assert_int_eq(shape[3], WIDTH);
    ck_assert_int_eq(tiny.runs, 0);
    sscam_model_unref(model);
}
END_TEST

/* --- what callbacks serve --------------------------------------------------------------------- */

static void assert_served(const sscam_engine *engine, int32_t served)
{
    sscam_model *model = model_of(engine);
    const int32_t by_tail = SSCAM_NEEDS_ABLATION | SSCAM_NEEDS_POSITIONS;
    for (int64_t i = 0; i < sscam_method_count(); i++) {
        const sscam_method *method = sscam_method_info(i);
        const int32_t missing = sscam_method_needs(method) & ~served;
        sscam_map *map = NULL;
        sscam_status status = explain(model, sscam_method_name(method), "", &map);
        ck_assert_msg((status == SSCAM_OK) == (missing == 0), "%s: %s", sscam_method_name(method),
                      sscam_last_error());
        if (missing) {
            ck_assert_str_eq(sscam_status_name(status), "SSCAM_E_UNSUPPORTED");
            ASSERT_MESSAGE_NAMES(sscam_method_title(method));
            ASSERT_MESSAGE_NAMES(missing & by_tail                       ? "`tail`"
                                 : missing & SSCAM_NEEDS_BACKPROPAGATION ? "throughout the network"
                                 : missing == SSCAM_NEEDS_CURVATURE      ? "second derivatives"
                                                                         : "`gradients`");
            ASSERT_MESSAGE_NAMES("tiny.onnx");
        }
        sscam_map_unref(map);
    }
    sscam_model_unref(model);
}

START_TEST(methods_need_their_callbacks)
{
    tiny_engine tiny = {0};
    const int32_t gradient_methods = SSCAM_NEEDS_GRADIENTS | SSCAM_NEEDS_POOLED_LINEAR,
                  by_run = SSCAM_NEEDS_SCORING | SSCAM_NEEDS_NO_LAYER,
                  by_tail = SSCAM_NEEDS_ABLATION | SSCAM_NEEDS_POSITIONS;
    sscam_engine engine = engine_of(&tiny);
    assert_served(&engine, gradient_methods | by_run | by_tail);
    engine.tail = NULL;
    assert_served(&engine, gradient_methods | by_run);
    engine.gradients = NULL;
    assert_served(&engine, by_run);
    engine.tail = tail;
    assert_served(&engine, by_run | by_tail);
}
END_TEST

/* Grad-CAM's weights are the mean gradients, here of class 0; its evidence against the class has
 * the opposite ones. */
START_TEST(gradients_are_those_of_the_target)
{
    static const struct {
        const char *options;
        float weights[CHANNELS];
    } cases[] = {{"", {2.0f, -1.0f}},
                 {"target=against", {-2.0f, 1.0f}},
                 {"target=difference contrast=2", {3.0f, -2.0f}}};
    tiny_engine tiny = {0};
    const sscam_engine engine = engine_of(&tiny);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sscam_map *map = explained(&engine, "grad-cam", cases[i].options);
        for (int k = 0; k < CHANNELS; k++)
            ck_assert_float_eq_tol(sscam_map_weights(map)[k] * PIXELS, cases[i].weights[k], 1e-5f);
        sscam_map_unref(map);
    }
}
END_TEST

/* a_k = (Y - Y without A_k) / |Y|. */
START_TEST(ablations_run_the_tail)
{
    tiny_engine tiny = {0};
    const sscam_engine engine = engine_of(&tiny);
    double mean[CHANNELS] = {0.0};
    float parts[CHANNELS * PIXELS];
    write_parts(input, parts);
    for (int i = 0; i < CHANNELS * PIXELS; i++)
        mean[i / PIXELS] += parts[i] / (double)PIXELS;
    const double whole = weight[0][0] * mean[0] + weight[0][1] * mean[1];
    sscam_map *map = explained(&engine, "ablation-cam", "");
    for (int k = 0; k < CHANNELS; k++)
        ck_assert_double_eq_tol(sscam_map_weights(map)[k], weight[0][k] * mean[k] / fabs(whole),
                                1e-5);
    sscam_map_unref(map);
}
END_TEST

START_TEST(metrics_need_run_alone)
{
    tiny_engine tiny = {0};
    sscam_engine engine = engine_of(&tiny);
    uint8_t pixels[PIXELS];
    sscam_explainer *explainer = NULL;
    sscam_evaluation *evaluation = NULL;
    sscam_image *image = NULL;
    engine.gradients = NULL;
    engine.tail = NULL;
    for (int p = 0; p < PIXELS; p++)
        pixels[p] = (uint8_t)(p * 37 % 251);
    sscam_model *model = model_of(&engine);
    ASSERT_OK(sscam_explainer_create(model, "score-cam", &explainer));
    set_options(explainer, "resize=off crop=off channel_order=gray mean=0.5 std=0.25 metrics=all");
    ASSERT_OK(create_packed(WIDTH, HEIGHT, 1, pixels, &image));
    ASSERT_OK(sscam_evaluation_create(&explainer, 1, &evaluation));
    ASSERT_OK(sscam_evaluation_add(evaluation, image, NULL));
    ck_assert_int_eq(sscam_evaluation_case_count(evaluation), 1);
    sscam_evaluation_unref(evaluation);
    sscam_image_unref(image);
    sscam_explainer_unref(explainer);
    sscam_model_unref(model);
}
END_TEST

/* --- batches ---------------------------------------------------------------------------------- */

static void assert_same_map(const sscam_engine *engine, const char *options,
                            const sscam_map *expected, const char *method)
{
    sscam_map *map = explained(engine, method, options);
    ck_assert_msg(same_maps(expected, map), "%s differs with %s", method, options);
    sscam_map_unref(map);
}

static const char *const batched_methods[] = {"score-cam", "ss-cam-mean", "ablation-cam",
                                              "grad-cam"};

START_TEST(maps_do_not_depend_on_the_size_of_batches)
{
    tiny_engine tiny = {0};
    const sscam_engine engine = engine_of(&tiny);
    for (size_t i = 0; i < sizeof batched_methods / sizeof batched_methods[0]; i++) {
        sscam_map *expected = explained(&engine, batched_methods[i], "batch_size=1");
        sscam_engine fixed = engine, few = engine;
        assert_same_map(&engine, "", expected, batched_methods[i]);
        assert_same_map(&engine, "batch_size=5", expected, batched_methods[i]);
        assert_same_map(&engine, "batch_size=64", expected, batched_methods[i]);
        fixed.input_shape[0] = 7;
        assert_same_map(&fixed, "", expected, batched_methods[i]);
        few.largest_batch = 2;
        assert_same_map(&few, "", expected, batched_methods[i]);
        ASSERT_OK(sscam_set_max_threads(1));
        assert_same_map(&few, "", expected, batched_methods[i]);
        ASSERT_OK(sscam_set_max_threads(0));
        sscam_map_unref(expected);
    }
}
END_TEST

/* What an engine kept of the inputs of its runs. */
typedef struct keeping_engine {
    tiny_engine tiny;
    float *taken[64], *copies[64];
    int64_t sizes[64];
    int count;
} keeping_engine;

static sscam_status run_and_keep(void *user, const sscam_engine_request *request,
                                 sscam_engine_reply *reply)
{
    keeping_engine *keeping = user;
    const int64_t size = request->shape[0] * PIXELS;
    ck_assert_int_lt(keeping->count, 64);
    float *copy = malloc((size_t)size * sizeof *copy);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, request->input, (size_t)size * sizeof *copy);
    ASSERT_OK(sscam_engine_reply_take_input(reply));
    keeping->taken[keeping->count] = (float *)request->input;
    keeping->copies[keeping->count] = copy;
    keeping->sizes[keeping->count++] = size;
    return run(&keeping->tiny, request, reply);
}

START_TEST(an_engine_may_take_its_inputs)
{
    keeping_engine keeping = {0};
    sscam_engine engine = engine_of(&keeping.tiny);
    sscam_map *expected = explained(&engine, "ss-cam-mean", "batch_size=3");
    keeping.tiny = (tiny_engine){0};
    engine.user = &keeping;
    engine.run = run_and_keep;
    assert_same_map(&engine, "batch_size=3", expected, "ss-cam-mean");
    ck_assert_int_gt(keeping.count, 3);
    for (int i = 0; i < keeping.count; i++) {
        ck_assert_mem_eq(keeping.taken[i], keeping.copies[i],
                         (size_t)keeping.sizes[i] * sizeof(float));
        sscam_free(keeping.taken[i]);
        free(keeping.copies[i]);
    }
    sscam_map_unref(expected);
}
END_TEST

static sscam_status run_and_take_twice(void *user, const sscam_engine_request *request,
                                       sscam_engine_reply *reply)
{
    ASSERT_OK(sscam_engine_reply_take_input(reply));
    ASSERT_FAILS(sscam_engine_reply_take_input(NULL), SSCAM_E_ARGUMENT, "reply");
    ASSERT_FAILS(sscam_engine_reply_take_input(reply), SSCAM_E_ARGUMENT, "taken before");
    const sscam_status status = run(user, request, reply);
    sscam_free((float *)request->input);
    return status;
}

static sscam_status take_in_describe(void *user, const sscam_engine_request *request,
                                     sscam_engine_reply *reply)
{
    ASSERT_FAILS(sscam_engine_reply_take_input(reply), SSCAM_E_ARGUMENT, "none of run");
    return describe(user, request, reply);
}

START_TEST(inputs_are_taken_once_and_in_runs_alone)
{
    tiny_engine tiny = {0};
    sscam_engine engine = engine_of(&tiny);
    engine.run = run_and_take_twice;
    assert_fails(&engine, "eigen-cam", "", SSCAM_E_MODEL, "taken before");
    engine = engine_of(&tiny);
    engine.describe = take_in_describe;
    assert_fails(&engine, "eigen-cam", "", SSCAM_E_MODEL, "none of run");
}
END_TEST

START_TEST(batches_have_the_size_that_the_engine_takes)
{
    tiny_engine tiny = {0};
    sscam_engine engine = engine_of(&tiny);
    engine.preferred_batch = 9;
    sscam_map_unref(explained(&engine, "ss-cam-mean", "samples=20"));
    ck_assert_int_eq(tiny.largest, 9);
    engine.largest_batch = 3;
    tiny.largest = 0;
    sscam_map_unref(explained(&engine, "ss-cam-mean", "samples=20"));
    ck_assert_int_eq(tiny.largest, 3);
    assert_fails(&engine, "ss-cam-mean", "batch_size=4", SSCAM_E_ARGUMENT, "at most 3 inputs");
    engine.largest_batch = 0;
    engine.input_shape[0] = 4;
    assert_fails(&engine, "ss-cam-mean", "batch_size=2", SSCAM_E_ARGUMENT, "exactly 4 inputs");
    tiny.rows = tiny.runs = 0;
    sscam_map_unref(explained(&engine, "ss-cam-mean", "samples=20"));
    ck_assert_int_eq(tiny.rows, 4 * tiny.runs);
}
END_TEST

START_TEST(batches_shrink_when_memory_runs_out)
{
    tiny_engine tiny = {.rows_with_memory = 3};
    const sscam_engine engine = engine_of(&tiny);
    tiny_engine other = {0};
    const sscam_engine plenty = engine_of(&other);
    sscam_map *expected = explained(&plenty, "ss-cam-mean", "samples=20"),
              *map = explained(&engine, "ss-cam-mean", "samples=20 batch_size=16");
    ck_assert(same_maps(expected, map));
    sscam_map_unref(map);
    sscam_map_unref(expected);
    tiny.result = SSCAM_E_MEMORY;
    assert_fails(&engine, "score-cam", "", SSCAM_E_MEMORY, "tiny.onnx: run");
}
END_TEST

START_TEST(rows_are_classified_in_batches)
{
    tiny_engine tiny = {0};
    sscam_engine engine = engine_of(&tiny);
    enum { ROWS = 5 };
    float inputs[ROWS * PIXELS], logits[ROWS * CLASSES], expected[CLASSES],
        parts[CHANNELS * PIXELS];
    engine.largest_batch = 2;
    for (int i = 0; i < ROWS * PIXELS; i++)
        inputs[i] = (float)(i % 17) - 8.0f;
    sscam_model *model = model_of(&engine);
    ASSERT_OK(classify(model, ROWS, inputs, logits));
    ck_assert_int_eq(tiny.runs, 3);
    for (int i = 0; i < ROWS; i++) {
        write_parts(inputs + i * PIXELS, parts);
        write_logits(parts, expected);
        for (int c = 0; c < CLASSES; c++)
            ck_assert_float_eq(logits[i * CLASSES + c], expected[c]);
    }
    sscam_model_unref(model);
}
END_TEST

static int stop_at_third(void *user, double fraction)
{
    (void)fraction;
    return ++*(int *)user == 3;
}

START_TEST(a_callback_of_the_caller_stops_between_batches)
{
    tiny_engine tiny = {0};
    const sscam_engine engine = engine_of(&tiny);
    sscam_model *model = model_of(&engine);
    sscam_explainer *explainer = NULL;
    sscam_map *map = NULL;
    int calls = 0;
    ASSERT_OK(sscam_explainer_create(model, "ss-cam-mean", &explainer));
    set_options(explainer, "batch_size=4 samples=20");
    ASSERT_OK(sscam_explainer_set_progress(explainer, stop_at_third, &calls));
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(input, input_shape, 4), NULL, &map),
                 SSCAM_E_CANCELLED, "progress");
    ck_assert_int_eq(tiny.rows, 1 + 2 * 4);
    sscam_explainer_unref(explainer);
    sscam_model_unref(model);
}
END_TEST

START_TEST(engines_are_prepared)
{
    tiny_engine tiny = {0};
    const sscam_engine engine = engine_of(&tiny);
    sscam_model *model = model_of(&engine);
    sscam_explainer *explainer = NULL;
    ASSERT_OK(sscam_explainer_create(model, "score-cam", &explainer));
    ASSERT_OK(sscam_explainer_prepare(explainer, input_shape, 4));
    sscam_explainer_unref(explainer);
    sscam_model_unref(model);
}
END_TEST

/* --- failures --------------------------------------------------------------------------------- */

START_TEST(what_callbacks_give_is_checked)
{
    static const struct {
        const char *misdeed, *method, *thing;
    } cases[] = {
        {"describe fails", "score-cam", "tiny.onnx: describe: the description is lost"},
        {"wrong shape", "score-cam", "early: dimension 3 is 0"},
        {"no name", "score-cam", "layer 0: its name is empty"},
        {"listed twice", "score-cam", "\"parts\" is listed twice"},
        {"unknown default", "score-cam", "the default layer \"party\""},
        {"one row more", "score-cam", "outputs: 2 rows, not 1"},
        {"one class less", "score-cam", "2 outputs a row, not class_count, 3"},
        {"rank 3", "score-cam", "outputs: rank is 3"},
        {"NULL", "score-cam", "outputs: values is NULL"},
        {"no outputs", "score-cam", "run gave no outputs"},
        {"no activations", "score-cam", "no activations of layer parts"},
        {"turned", "score-cam", "shape 1x2x5x4, and not 1x2x4x5"},
        {"a NaN", "score-cam", "output 1 is NaN"},
        {"an error in spite of success", "score-cam", "tiny.onnx: run: the network is tired"},
        {"no gradients", "grad-cam", "gradients gave no gradients of layer parts"},
        {"turned gradients", "grad-cam", "shape 1x2x5x4, and not 1x2x4x5"},
        {"another tail", "ablation-cam", "tail gives"},
    };
    tiny_engine tiny = {.misdeed = cases[_i].misdeed};
    const sscam_engine engine = engine_of(&tiny);
    assert_fails(&engine, cases[_i].method, "", SSCAM_E_MODEL, cases[_i].thing);
    tiny.misdeed = NULL;
    sscam_map_unref(explained(&engine, cases[_i].method, ""));
}
END_TEST

enum { MISDEEDS = 17 };

START_TEST(the_status_of_a_callback_comes_through)
{
    static const sscam_status given[] = {SSCAM_E_IO, SSCAM_E_DEVICE, SSCAM_E_CANCELLED, -4711, 1};
    static const sscam_status expected[] = {SSCAM_E_IO, SSCAM_E_DEVICE, SSCAM_E_CANCELLED,
                                            SSCAM_E_MODEL, SSCAM_E_MODEL};
    tiny_engine tiny = {.result = given[_i]};
    const sscam_engine engine = engine_of(&tiny);
    assert_fails(&engine, "score-cam", "", expected[_i], "tiny.onnx: run");
}
END_TEST

START_TEST(outputs_that_are_no_numbers_are_not_classified)
{
    tiny_engine tiny = {.misdeed = "a NaN"};
    const sscam_engine engine = engine_of(&tiny);
    sscam_model *model = model_of(&engine);
    float logits[CLASSES];
    ASSERT_FAILS(classify(model, 1, input, logits), SSCAM_E_MODEL, "output 1 of input 0");
    sscam_model_unref(model);
}
END_TEST

START_TEST(inputs_and_options_that_the_engine_does_not_take)
{
    tiny_engine tiny = {0};
    sscam_engine engine = engine_of(&tiny);
    const int64_t other[] = {1, 1, WIDTH, HEIGHT}, sound[] = {1, 1, PIXELS};
    int64_t classes;
    sscam_model *model = model_of(&engine);
    ASSERT_FAILS(sscam_model_classify(model, ARRAY(input, other, 4), NULL, 0, &classes),
                 SSCAM_E_ARGUMENT, "input shape 1x1x5x4: tiny.onnx takes ?x1x4x5");
    ASSERT_FAILS(sscam_model_classify(model, ARRAY(input, sound, 3), NULL, 0, &classes),
                 SSCAM_E_ARGUMENT, "input rank: 3");
    sscam_model_unref(model);
    assert_fails(&engine, "score-cam", "precision=bf16", SSCAM_E_UNSUPPORTED, "option precision");
    assert_fails(&engine, "score-cam", "workers=2", SSCAM_E_UNSUPPORTED, "option workers");
    assert_fails(&engine, "score-cam", "output=other", SSCAM_E_ARGUMENT, "no output \"other\"");
    assert_fails(&engine, "score-cam", "layer=pool", SSCAM_E_LAYER, "pool");
    assert_fails(&engine, "score-cam", "layer=part", SSCAM_E_LAYER, "near names: parts");
    tiny.misdeed = "no layers";
    assert_fails(&engine, "score-cam", "", SSCAM_E_LAYER, "no layer with positions");
    ck_assert_int_eq(tiny.runs, 2); /* of precision and workers, which concern scores */
}
END_TEST

/* --- layers ----------------------------------------------------------------------------------- */

START_TEST(shapes_that_the_engine_does_not_know_are_found)
{
    tiny_engine tiny = {.misdeed = _i ? "unknown shape" : NULL};
    const sscam_engine engine = engine_of(&tiny);
    sscam_model *model = model_of(&engine);
    sscam_layers *layers = NULL;
    int32_t rank;
    ASSERT_OK(sscam_model_layers(model, input_shape, 4, &layers));
    ck_assert_int_eq(sscam_layers_default(layers), 0);
    ck_assert_str_eq(sscam_layers_name(layers, 0), "parts");
    ck_assert_str_eq(sscam_layers_kind(layers, 0), "Split");
    const int64_t *shape = sscam_layers_shape(layers, 0, &rank);
    ck_assert_int_eq(rank, 4);
    ck_assert_int_eq(shape[1], CHANNELS);
    ck_assert_int_eq(shape[3], WIDTH);
    ck_assert_int_eq(tiny.runs, _i);
    sscam_layers_unref(layers);
    sscam_model_unref(model);
}
END_TEST

/* --- threads and callbacks -------------------------------------------------------------------- */

static void *classify_often(void *user)
{
    float logits[CLASSES];
    intptr_t failures = 0;
    for (int round = 0; round < 300; round++)
        failures += classify(user, 1, input, logits) != SSCAM_OK;
    return (void *)failures;
}

START_TEST(calls_come_one_at_a_time)
{
    enum { THREADS = 4 };
    tiny_engine tiny = {0};
    const sscam_engine engine = engine_of(&tiny);
    pthread_t thread[THREADS];
    sscam_model *model = model_of(&engine);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, classify_often, model), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failures = NULL;
        pthread_join(thread[i], &failures);
        ck_assert_ptr_null(failures);
    }
    ck_assert_int_eq(tiny.runs, THREADS * 300);
    ck_assert_int_eq(tiny.most_at_once, 1);
    sscam_model_unref(model);
}
END_TEST

/* Two calls that are over only when both are in their callbacks. */
static pthread_barrier_t both_are_inside;

static sscam_status meet(void *user, const sscam_engine_request *request, sscam_engine_reply *reply)
{
    pthread_barrier_wait(&both_are_inside);
    return run(user, request, reply);
}

static void *classify_once(void *model)
{
    float logits[CLASSES];
    return (void *)(intptr_t)classify(model, 1, input, logits);
}

START_TEST(engines_that_allow_it_are_called_by_several_threads_at_once)
{
    tiny_engine tiny = {0};
    sscam_engine engine = engine_of(&tiny);
    pthread_t thread;
    void *status = NULL;
    engine.run = meet;
    engine.flags = SSCAM_ENGINE_THREAD_SAFE;
    sscam_model *model = model_of(&engine);
    ck_assert_int_eq(pthread_barrier_init(&both_are_inside, NULL, 2), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, classify_once, model), 0);
    ck_assert_ptr_null(classify_once(model));
    pthread_join(thread, &status);
    ck_assert_ptr_null(status);
    pthread_barrier_destroy(&both_are_inside);
    sscam_model_unref(model);
}
END_TEST

START_TEST(a_callback_may_use_other_models_but_not_its_own)
{
    tiny_engine tiny = {0}, helper = {0};
    sscam_engine engine = engine_of(&tiny), other = engine_of(&helper);
    float logits[CLASSES];
    sscam_model *model = model_of(&engine), *inner = model_of(&other);
    tiny.model = model;
    ASSERT_OK(classify(model, 1, input, logits));
    ck_assert_int_eq(tiny.inner, SSCAM_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(tiny.inner_message, "from a callback of the same engine"));
    tiny.model = inner;
    ASSERT_OK(classify(model, 1, input, logits));
    ck_assert_int_eq(tiny.inner, SSCAM_OK);
    ck_assert_int_eq(helper.runs, 1);
    sscam_model_unref(model);
    sscam_model_unref(inner);

    engine.flags = SSCAM_ENGINE_THREAD_SAFE;
    model = tiny.model = model_of(&engine);
    ASSERT_OK(classify(model, 1, input, logits));
    ck_assert_int_eq(tiny.inner, SSCAM_OK);
    sscam_model_unref(model);
}
END_TEST

static sscam_status meet_twice(void *user, const sscam_engine_request *request,
                               sscam_engine_reply *reply)
{
    pthread_barrier_wait(&both_are_inside);
    sscam_status status = run(user, request, reply);
    pthread_barrier_wait(&both_are_inside);
    return status;
}

/* Callbacks of two engines that each use the other: none waits for the other forever. */
START_TEST(callbacks_do_not_wait_in_a_circle)
{
    tiny_engine left = {0}, right = {0};
    sscam_engine engine = engine_of(&left), other = engine_of(&right);
    pthread_t thread;
    void *status = NULL;
    engine.run = other.run = meet_twice;
    left.model = model_of(&other);
    right.model = model_of(&engine);
    ck_assert_int_eq(pthread_barrier_init(&both_are_inside, NULL, 2), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, classify_once, left.model), 0);
    ck_assert_ptr_null(classify_once(right.model));
    pthread_join(thread, &status);
    ck_assert_ptr_null(status);
    ck_assert_int_eq(left.inner, SSCAM_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(left.inner_message, "must not wait"));
    pthread_barrier_destroy(&both_are_inside);
    sscam_model_unref(left.model);
    sscam_model_unref(right.model);
}
END_TEST

/* A child has no thread that would end the turn of one of its parent's. */
static sscam_status fork_within(void *user, const sscam_engine_request *request,
                                sscam_engine_reply *reply)
{
    pthread_barrier_wait(&both_are_inside);
    pthread_barrier_wait(&both_are_inside); /* the child exists now */
    return run(user, request, reply);
}

START_TEST(forked_children_are_refused_what_never_ends)
{
    tiny_engine tiny = {0};
    sscam_engine engine = engine_of(&tiny);
    pthread_t thread;
    int state = 0;
    engine.run = fork_within;
    sscam_model *model = model_of(&engine);
    ck_assert_int_eq(pthread_barrier_init(&both_are_inside, NULL, 2), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, classify_once, model), 0);
    pthread_barrier_wait(&both_are_inside);
    const pid_t child = fork();
    if (child == 0) {
        const intptr_t status = (intptr_t)classify_once(model);
        /* Another program, so that no tool looks for the memory of threads that the child lacks. */
        if (status == SSCAM_E_UNSUPPORTED && strstr(sscam_last_error(), "forked"))
            execl("/bin/sh", "sh", "-c", "exit 42", (char *)NULL);
        _exit(1);
    }
    pthread_barrier_wait(&both_are_inside);
    pthread_join(thread, NULL);
    ck_assert_int_eq(waitpid(child, &state, 0), child);
    ck_assert(WIFEXITED(state) && WEXITSTATUS(state) == 42);
    pthread_barrier_destroy(&both_are_inside);
    sscam_model_unref(model);
}
END_TEST

/* --- dense outputs, several outputs ------------------------------------------------------------
 * */

/* [N,2,4,5]: class k is where A_k is the highest. Output "twice" has twice the values. */
static sscam_status run_dense(void *user, const sscam_engine_request *request,
                              sscam_engine_reply *reply)
{
    const int64_t rows = request->shape[0];
    const int64_t dense[] = {rows, CHANNELS, HEIGHT, WIDTH}, layer[] = {1, CHANNELS, HEIGHT, WIDTH};
    float parts[64 * CHANNELS * PIXELS] = {0.0f};
    (void)user;
    for (int64_t i = 0; i < rows; i++)
        write_parts(request->input + i * PIXELS, parts + i * CHANNELS * PIXELS);
    sscam_engine_reply_set_activations(reply, parts, layer, 4);
    for (int64_t i = 0; i < rows * CHANNELS * PIXELS && request->output == 1; i++)
        parts[i] *= 2.0f;
    return sscam_engine_reply_set_outputs(reply, parts, dense, 4);
}

static sscam_engine dense_engine(tiny_engine *tiny)
{
    static const char *const names[] = {"once", "twice"};
    sscam_engine engine = engine_of(tiny);
    engine.run = run_dense;
    engine.class_count = CHANNELS;
    engine.output_names = names;
    engine.output_count = 2;
    engine.gradients = NULL;
    engine.tail = NULL;
    return engine;
}

START_TEST(outputs_are_dense_and_have_names)
{
    tiny_engine tiny = {0};
    const sscam_engine engine = dense_engine(&tiny);
    sscam_map *once = explained(&engine, "score-cam", "region=all channel_softmax=off"),
              *named = explained(&engine, "score-cam",
                                 "region=all channel_softmax=off output=twice"),
              *counted = explained(&engine, "score-cam", "region=all channel_softmax=off output=1");
    double mean = 0.0;
    for (int p = 0; p < PIXELS; p++)
        mean += fmax(input[p], 0.0) / PIXELS;
    ck_assert_double_eq_tol(sscam_map_logit(once), mean, 1e-6);
    ck_assert_double_eq_tol(sscam_map_logit(named), 2.0 * mean, 1e-6);
    ck_assert(same_maps(named, counted));
    assert_fails(&engine, "score-cam", "output=2", SSCAM_E_ARGUMENT,
                 "no output \"2\"; it has 0 (once), 1 (twice)");
    sscam_map_unref(once);
    sscam_map_unref(named);
    sscam_map_unref(counted);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine");
    TCase *creation = add_tcase(suite, "creation", fill_input, NULL),
          *service = add_tcase(suite, "service", fill_input, NULL),
          *batches = add_tcase(suite, "batches", fill_input, NULL),
          *failures = add_tcase(suite, "failures", fill_input, NULL),
          *threads = add_tcase(suite, "threads", fill_input, NULL);
    tcase_add_test(creation, unusable_engines_are_refused_by_name);
    tcase_add_test(creation, the_engine_is_released_with_the_last_reference);
    tcase_add_test(creation, longer_structs_of_later_hosts_are_read);
    tcase_add_test(creation, facts_are_known_without_a_run);
    tcase_add_test(service, methods_need_their_callbacks);
    tcase_add_test(service, gradients_are_those_of_the_target);
    tcase_add_test(service, ablations_run_the_tail);
    tcase_add_test(service, metrics_need_run_alone);
    tcase_add_test(service, outputs_are_dense_and_have_names);
    tcase_add_loop_test(service, shapes_that_the_engine_does_not_know_are_found, 0, 2);
    tcase_add_test(batches, maps_do_not_depend_on_the_size_of_batches);
    tcase_add_test(batches, an_engine_may_take_its_inputs);
    tcase_add_test(batches, inputs_are_taken_once_and_in_runs_alone);
    tcase_add_test(batches, batches_have_the_size_that_the_engine_takes);
    tcase_add_test(batches, batches_shrink_when_memory_runs_out);
    tcase_add_test(batches, rows_are_classified_in_batches);
    tcase_add_test(batches, a_callback_of_the_caller_stops_between_batches);
    tcase_add_test(batches, engines_are_prepared);
    tcase_add_loop_test(failures, what_callbacks_give_is_checked, 0, MISDEEDS);
    tcase_add_loop_test(failures, the_status_of_a_callback_comes_through, 0, 5);
    tcase_add_test(failures, outputs_that_are_no_numbers_are_not_classified);
    tcase_add_test(failures, inputs_and_options_that_the_engine_does_not_take);
    tcase_add_test(threads, calls_come_one_at_a_time);
    tcase_add_test(threads, engines_that_allow_it_are_called_by_several_threads_at_once);
    tcase_add_test(threads, a_callback_may_use_other_models_but_not_its_own);
    tcase_add_test(threads, callbacks_do_not_wait_in_a_circle);
    tcase_add_test(threads, forked_children_are_refused_what_never_ends);
    return run_suite(suite);
}
