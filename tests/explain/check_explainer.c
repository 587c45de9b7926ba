/* Explainers as callers use and misuse them: arguments, failures, cancellation, batches, images. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/progress.h"
#include "image/image_private.h"
#include "support/fixtures.h"
#include "support/shorthands.h"

enum { HEIGHT = 6, WIDTH = 8, PLANE = HEIGHT * WIDTH, SIZE = FAKE_COLORS * PLANE, IMAGES = 3 };
static const int64_t one[4] = {1, FAKE_COLORS, HEIGHT, WIDTH},
                     three[4] = {IMAGES, FAKE_COLORS, HEIGHT, WIDTH};

static float input[IMAGES * SIZE];
static sscam_explainer *explainer;

static void set_up(void)
{
    fill_random(input, IMAGES * SIZE, 777u, -0.75, 2.0);
    explainer = make_explainer("fake linear", "ss-cam-mean");
    ASSERT_OK(sscam_explainer_set(explainer, "samples", "3"));
    fake_reset();
}

static void tear_down(void)
{
    sscam_explainer_unref(explainer);
    explainer = NULL;
    assert_all_networks_freed();
}

static void use(const char *words, const char *method)
{
    sscam_explainer_unref(explainer);
    explainer = make_explainer(words, method);
    fake_reset();
}

/* Explains the first input. */
static sscam_map *explain_one(void)
{
    sscam_map *map = STALE;
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(input, one, 4), NULL, &map));
    ck_assert_ptr_nonnull(map);
    ck_assert_ptr_ne(map, STALE);
    return map;
}

static void assert_explain_fails(const float *values, const int64_t *shape, const int64_t *classes,
                                 sscam_status status, const char *thing)
{
    sscam_map *maps[IMAGES] = {STALE, STALE, STALE};
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(values, shape, 4), classes, maps), status,
                 thing);
    for (int64_t i = 0; i < shape[0] && i < IMAGES; i++)
        ck_assert_ptr_null(maps[i]);
}

static void assert_still_works(void)
{
    sscam_map_unref(explain_one());
}

/* --- creation --------------------------------------------------------------------------------- */

START_TEST(explainers_need_a_model_and_a_method)
{
    sscam_model *model = load_fake("fake linear");
    sscam_explainer *made = explainer;
    ASSERT_FAILS(sscam_explainer_create(model, "cam", NULL), SSCAM_E_ARGUMENT, "out");
    ASSERT_FAILS(sscam_explainer_create(NULL, "cam", &made), SSCAM_E_ARGUMENT, "model");
    ck_assert_ptr_null(made);
    made = explainer;
    ASSERT_FAILS(sscam_explainer_create(model, NULL, &made), SSCAM_E_ARGUMENT, "method");
    ck_assert_ptr_null(made);
    made = explainer;
    ASSERT_FAILS(sscam_explainer_create(model, "ss-cam", &made), SSCAM_E_ARGUMENT, "\"ss-cam\"");
    ck_assert_ptr_null(made);
    for (int64_t i = 0; i < sscam_method_count(); i++) /* and the message lists what there is */
        ASSERT_MESSAGE_NAMES(sscam_method_name(sscam_method_info(i)));
    sscam_explainer_unref(NULL);
    sscam_model_unref(model);
}
END_TEST

START_TEST(every_method_makes_an_explainer)
{
    for (int64_t i = 0; i < sscam_method_count(); i++) {
        use("fake linear", sscam_method_name(sscam_method_info(i)));
        assert_still_works();
    }
}
END_TEST

/* --- arguments -------------------------------------------------------------------------------- */

START_TEST(null_arguments_are_refused)
{
    sscam_map *maps[1] = {STALE};
    int64_t shape[4];
    ASSERT_FAILS(sscam_explain_array(NULL, ARRAY(input, one, 4), NULL, maps), SSCAM_E_ARGUMENT,
                 "explainer");
    ck_assert_ptr_null(maps[0]);
    maps[0] = STALE;
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(NULL, one, 4), NULL, maps), SSCAM_E_ARGUMENT,
                 "input");
    ck_assert_ptr_null(maps[0]);
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(input, NULL, 4), NULL, maps),
                 SSCAM_E_ARGUMENT, "shape");
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(input, one, 4), NULL, NULL), SSCAM_E_ARGUMENT,
                 "maps");
    ASSERT_FAILS(sscam_explain_image(explainer, NULL, 0, NULL), SSCAM_E_ARGUMENT, "out");
    maps[0] = STALE;
    ASSERT_FAILS(sscam_explain_image(explainer, NULL, 0, maps), SSCAM_E_ARGUMENT, "image");
    ck_assert_ptr_null(maps[0]);
    ASSERT_FAILS(sscam_explainer_set_progress(NULL, NULL, NULL), SSCAM_E_ARGUMENT, "explainer");
    ASSERT_FAILS(sscam_explainer_preprocess(explainer, NULL, shape, NULL, 0), SSCAM_E_ARGUMENT,
                 "NULL");
    assert_still_works();
}
END_TEST

START_TEST(null_maps_tell_nothing)
{
    ck_assert_int_eq(sscam_map_width(NULL), 0);
    ck_assert_int_eq(sscam_map_height(NULL), 0);
    int32_t rank = 7;
    ck_assert_ptr_null(sscam_map_shape(NULL, &rank));
    ck_assert_int_eq(rank, 0);
    rank = 7;
    ck_assert_ptr_null(sscam_map_raw_shape(NULL, &rank));
    ck_assert_int_eq(rank, 0);
    ck_assert_ptr_null(sscam_map_shape(NULL, NULL));
    ck_assert_int_eq(sscam_map_channel_count(NULL), 0);
    ck_assert_int_eq(sscam_map_class_index(NULL), -1);
    ck_assert_int_eq(sscam_map_is_flat(NULL), 0);
    ck_assert_int_eq(sscam_map_passes(NULL), 0);
    ck_assert_double_eq(sscam_map_logit(NULL), 0.0);
    ck_assert_double_eq(sscam_map_probability(NULL), 0.0);
    ck_assert_ptr_null(sscam_map_data(NULL));
    ck_assert_ptr_null(sscam_map_raw(NULL));
    ck_assert_ptr_null(sscam_map_weights(NULL));
    ck_assert_ptr_null(sscam_map_method(NULL));
    ck_assert_ptr_null(sscam_map_layer(NULL));
    sscam_map_unref(NULL);
}
END_TEST

START_TEST(bad_shapes_are_refused)
{
    static const int64_t shapes[][4] = {
        {0, 3, 6, 8},
        {-1, 3, 6, 8},
        {1, 3, 0, 8},
        {1, 3, 6, -8},
        {1, INT64_MAX, INT64_MAX, 2},
        {1, 1 << 20, 1 << 20, 2},
        {1, 1, INT64_C(1) << 33, 1},
        {1, 1, 1 << 16, 1 << 15},
    };
    static const char *const things[] = {
        "N is 0",    "N is -1",   "H is 0",   "W is -8",
        "too large", "too large", "too many", "2147483648 positions are too many"};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        sscam_map *map = NULL;
        ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(input, shapes[i], 4), NULL, &map),
                     SSCAM_E_ARGUMENT, things[i]);
        ck_assert_ptr_null(map);
    }
    ck_assert_int_eq(atomic_load(&fake_counted.inputs), 0);
    assert_still_works();
}
END_TEST

START_TEST(values_that_are_not_finite_are_found)
{
    input[2 * SIZE + 1 * PLANE + 4 * WIDTH + 5] = NAN;
    assert_explain_fails(input, three, NULL, SSCAM_E_ARGUMENT,
                         "NaN at image 2, channel 1, row 4, column 5");
    input[0] = INFINITY;
    assert_explain_fails(input, three, NULL, SSCAM_E_ARGUMENT,
                         "infinity at image 0, channel 0, row 0, column 0");
    ck_assert_int_eq(atomic_load(&fake_counted.inputs), 0);
    input[0] = 1e30f; /* large is not infinite */
    input[2 * SIZE + 1 * PLANE + 4 * WIDTH + 5] = 0.0f;
    assert_still_works();
}
END_TEST

START_TEST(classes_out_of_range_are_refused)
{
    static const int64_t wrong[] = {3, -4, INT64_MAX, INT64_MIN + 1};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char thing[64];
        snprintf(thing, sizeof thing, "class %lld: the network has classes 0 to 2",
                 (long long)wrong[i]);
        assert_explain_fails(input, one, &wrong[i], SSCAM_E_CLASS, thing);
    }
    const int64_t rank_0 = SSCAM_CLASS_RANKED(0);
    assert_explain_fails(input, one, &rank_0, SSCAM_E_CLASS, "ranks begin at 1");
    const int64_t last_wrong[IMAGES] = {0, SSCAM_CLASS_TOP, 7};
    assert_explain_fails(input, three, last_wrong, SSCAM_E_CLASS, "class 7");
    assert_still_works();
}
END_TEST

START_TEST(unknown_layers_are_named_with_near_ones)
{
    ASSERT_OK(sscam_explainer_set(explainer, "layer", "feature"));
    assert_explain_fails(input, one, NULL, SSCAM_E_LAYER, "\"feature\"");
    ASSERT_MESSAGE_NAMES("near names: features");
    ASSERT_OK(sscam_explainer_set(explainer, "layer", "head"));
    assert_explain_fails(input, one, NULL, SSCAM_E_LAYER, "head");
    ASSERT_OK(sscam_explainer_set(explainer, "layer", ""));
    assert_still_works();
    use("fake spaceless", "grad-cam");
    assert_explain_fails(input, one, NULL, SSCAM_E_LAYER, "no layer with positions");
}
END_TEST

START_TEST(networks_that_want_other_inputs_say_so)
{
    static const int64_t gray[4] = {1, 1, 6, 8};
    assert_explain_fails(input, gray, NULL, SSCAM_E_MODEL, "3 channels");
    assert_still_works();
}
END_TEST

/* --- networks that misbehave ------------------------------------------------------------------ */

static const struct {
    const char *words, *method, *thing;
} misbehaving[] = {
    {"fake nan-activations", "score-cam", "layer features: NaN or infinity among its activations"},
    {"fake nan-gradients", "grad-cam", "layer features: NaN or infinity among its gradients"},
    {"fake nan-logits", "grad-cam++", "output 2 is NaN or infinity"},
    {"fake nan-logits", "ss-cam-max", "output 2 is NaN or infinity"},
    {"fake nan-scores", "score-cam", "score of the input masked by channel 0"},
    {"fake nan-scores", "ss-cam-mean", "score of the input masked by channel 0"},
    {"fake nan-scores", "ss-cam-max", "score of the input masked by channel 0"},
    {"fake infinite-scores", "ss-cam-max", "score of the input masked by channel 0"},
    {"fake fails", "cam", "fails whatever it is given"},
    {"fake fails", "ss-cam-mean", "fails whatever it is given"},
};
enum { MISBEHAVING = sizeof misbehaving / sizeof misbehaving[0] };

START_TEST(values_that_are_not_finite_are_failures_of_the_network)
{
    use(misbehaving[_i].words, misbehaving[_i].method);
    assert_explain_fails(input, three, NULL, SSCAM_E_MODEL, misbehaving[_i].thing);
}
END_TEST

START_TEST(gradients_that_nobody_wants_may_be_anything)
{
    use("fake nan-gradients", "score-cam");
    assert_still_works();
}
END_TEST

/* Activations near the largest float: their map overflows, or their range. */
START_TEST(overflow_is_reported)
{
    use("fake huge", "score-cam");
    sscam_map *map = explain_one(); /* the softmax keeps the sum below the largest activation */
    for (int p = 0; p < PLANE; p++)
        ck_assert(sscam_map_data(map)[p] >= 0.0f && sscam_map_data(map)[p] <= 1.0f);
    sscam_map_unref(map);
    ASSERT_OK(sscam_explainer_set(explainer, "channel_softmax", "off"));
    for (int i = 0; i < SIZE; i++)
        input[i] = (float)(i % WIDTH / 2) * 0.5f;
    assert_explain_fails(input, one, NULL, SSCAM_E_MODEL,
                         "layer features: the weighted activations overflow");
    ASSERT_OK(sscam_explainer_set(explainer, "layer", "stem"));
    for (int i = 0; i < SIZE; i++)
        input[i] = i % WIDTH < WIDTH / 2 ? -3.0f : 3.0f;
    assert_explain_fails(input, one, NULL, SSCAM_E_MODEL,
                         "layer stem: the activations of channel 0 span");
}
END_TEST

/* --- failures of the backend ------------------------------------------------------------------ */

/* A call that uses everything: captures, batches, a second pass, a constant input, a baseline. */
static sscam_status explain_all_ways(sscam_map *maps[IMAGES])
{
    return sscam_explain_array(explainer, ARRAY(input, three, 4), NULL, maps);
}

static void use_everything(void)
{
    static const char *const options[][2] = {{"samples", "4"},    {"channel_softmax", "off"},
                                             {"rescore", "on"},   {"flat_channels", "score"},
                                             {"batch_size", "3"}, {"mask_weights", "fc"}};
    use("fake linear", "ss-cam-max");
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        ASSERT_OK(sscam_explainer_set(explainer, options[i][0], options[i][1]));
}

static const fake_call failing_calls[] = {FAKE_CAPTURE, FAKE_SCORE, FAKE_BATCH, FAKE_CLASSIFY};
/* Per image, a capture and the second of mask_weights=fc; for all together, two passes, of 4
 * channels x 4 samples and of 4 again, in threes; per image, zeros for the flat channel and for the
 * baseline. */
static const long long calls_made[] = {2 * IMAGES, 2, (16 + 4) * IMAGES / 3, 2 * IMAGES};

START_TEST(a_failing_call_is_reported_wherever_it_is)
{
    fake_call call = failing_calls[_i];
    use_everything();
    for (long long nth = 1; nth <= calls_made[_i]; nth++) {
        sscam_map *maps[IMAGES] = {STALE, STALE, STALE};
        char thing[64];
        fake_reset();
        fake_fail_at(call, nth, SSCAM_E_DEVICE);
        snprintf(thing, sizeof thing, "fake failure of %s %lld", fake_call_name(call), nth);
        ASSERT_FAILS(explain_all_ways(maps), SSCAM_E_DEVICE, thing);
        for (int i = 0; i < IMAGES; i++)
            ck_assert_ptr_null(maps[i]);
    }
    sscam_map *maps[IMAGES];
    fake_reset();
    ASSERT_OK(explain_all_ways(maps));
    ck_assert_int_eq(atomic_load(&fake_counted.calls[call]), calls_made[_i]);
    for (int i = 0; i < IMAGES; i++)
        sscam_map_unref(maps[i]);
}
END_TEST

START_TEST(success_clears_the_message_of_a_failure)
{
    sscam_map *map = NULL;
    fake_fail_at(FAKE_CAPTURE, 1, SSCAM_E_MEMORY);
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(input, one, 4), NULL, &map), SSCAM_E_MEMORY,
                 "fake failure of capture 1");
    map = explain_one();
    ck_assert_str_eq(sscam_last_error(), "");
    sscam_map_unref(map);
}
END_TEST

/* --- progress --------------------------------------------------------------------------------- */

/* What a callback was called with, and when it stops the call. */
typedef struct listener {
    int64_t calls, stop_at; /* stop_at 0: never */
    double first, last, highest;
    int decreased;
    int32_t answer;
} listener;

static int32_t listen(void *user, double fraction)
{
    listener *heard = user;
    if (heard->calls++ == 0)
        heard->first = fraction;
    else if (fraction < heard->last)
        heard->decreased = 1;
    heard->last = fraction;
    heard->highest = fmax(heard->highest, fraction);
    return heard->calls == heard->stop_at ? heard->answer : 0;
}

static void assert_heard_all(const listener *heard)
{
    ck_assert_int_gt(heard->calls, 1);
    ck_assert_double_eq(heard->first, 0.0);
    ck_assert_double_eq(heard->last, 1.0);
    ck_assert_double_eq(heard->highest, 1.0);
    ck_assert_int_eq(heard->decreased, 0);
}

START_TEST(fractions_rise_from_0_to_1)
{
    for (int64_t i = 0; i < sscam_method_count(); i++) {
        listener heard = {0};
        use("fake linear", sscam_method_name(sscam_method_info(i)));
        ASSERT_OK(sscam_explainer_set_progress(explainer, listen, &heard));
        assert_still_works();
        assert_heard_all(&heard);
        ASSERT_OK(sscam_explainer_set_progress(explainer, NULL, NULL));
        int64_t calls = heard.calls;
        assert_still_works();
        ck_assert_int_eq(heard.calls, calls);
    }
}
END_TEST

START_TEST(batches_report_one_by_one)
{
    listener heard = {0};
    use_everything();
    ASSERT_OK(sscam_explainer_set_progress(explainer, listen, &heard));
    assert_still_works();
    assert_heard_all(&heard);
    ck_assert_int_eq(heard.calls,
                     1 + 6 + 2 + 1); /* the start, each batch of both passes, the end */
}
END_TEST

/* Shares of shares: each ends where the next begins, and nothing is reported outside its share.
 * With these ends start + (end - start) is rounded to either side of end. */
START_TEST(shares_meet_exactly)
{
    static const double starts[] = {0.1, 0.2, 0.3};
    for (int turn = 0; turn < 60; turn++) {
        const int count = turn / 3 + 1;
        listener heard = {0};
        const sscam_progress whole = {
            .callback = listen, .user = &heard, .start = starts[turn % 3], .end = 0.9};
        for (int i = 0; i < count; i++) {
            sscam_progress share = sscam_progress_part(&whole, (double)i / count,
                                                       (double)(i + 1) / count);
            for (int step = 0; step <= 7; step++)
                sscam_progress_report(&share, step < 7 ? step / 7.0 : nextafter(1.0, 0.0));
            sscam_progress_report(&share, 1.0);
            ck_assert_double_eq(heard.last, share.end);
        }
        ck_assert_int_eq(heard.decreased, 0);
        ck_assert_double_eq(heard.first, whole.start);
        ck_assert_double_eq(heard.last, 0.9);
    }
}
END_TEST

/* Shares of a whole do not add up in floating point: 1/6 six times is not 1. */
START_TEST(fractions_rise_for_any_number_of_images)
{
    enum { MOST = 100 };
    static float many[MOST * FAKE_COLORS * 4];
    sscam_map *maps[MOST];
    use("fake linear", "ss-cam-max");
    ASSERT_OK(sscam_explainer_set(explainer, "rescore", "on"));
    for (int i = 0; i < MOST * FAKE_COLORS * 4; i++)
        many[i] = (float)(i % 7) * 0.25f;
    for (int64_t count = 1; count <= MOST; count++) {
        const int64_t shape[4] = {count, FAKE_COLORS, 2, 2};
        listener heard = {0};
        ASSERT_OK(sscam_explainer_set_progress(explainer, listen, &heard));
        ASSERT_OK(sscam_explain_array(explainer, ARRAY(many, shape, 4), NULL, maps));
        assert_heard_all(&heard);
        for (int64_t i = 0; i < count; i++)
            sscam_map_unref(maps[i]);
    }
}
END_TEST

START_TEST(cancelling_works_at_every_report)
{
    sscam_map *wanted[IMAGES], *maps[IMAGES];
    listener all = {0};
    use_everything();
    ASSERT_OK(sscam_explainer_set_progress(explainer, listen, &all));
    ASSERT_OK(explain_all_ways(wanted));
    assert_heard_all(&all);
    for (int64_t at = 1; at <= all.calls; at++) {
        listener heard = {.stop_at = at,
                          .answer = at % 2 == 0 ? 1 : INT32_MIN}; /* anything but 0 stops */
        for (int i = 0; i < IMAGES; i++)
            maps[i] = STALE;
        ASSERT_OK(sscam_explainer_set_progress(explainer, listen, &heard));
        ASSERT_FAILS(explain_all_ways(maps), SSCAM_E_CANCELLED, "cancelled");
        ck_assert_int_eq(heard.calls, at); /* and nobody is called again */
        for (int i = 0; i < IMAGES; i++)
            ck_assert_ptr_null(maps[i]);
    }
    ASSERT_OK(sscam_explainer_set_progress(explainer, NULL, NULL));
    ASSERT_OK(explain_all_ways(maps));
    for (int i = 0; i < IMAGES; i++) {
        ck_assert_int_eq(same_maps(maps[i], wanted[i]), 1);
        sscam_map_unref(maps[i]);
        sscam_map_unref(wanted[i]);
    }
}
END_TEST

/* --- batches and lifetimes -------------------------------------------------------------------- */

START_TEST(each_image_of_a_batch_has_its_class)
{
    static const int64_t classes[IMAGES] = {2, SSCAM_CLASS_TOP, 0};
    sscam_map *maps[IMAGES];
    use("fake linear",
        "grad-cam++"); /* which has no noise: the position in the batch does not matter */
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(input, three, 4), classes, maps));
    ck_assert_int_eq(sscam_map_class_index(maps[0]), 2);
    ck_assert_int_eq(sscam_map_class_index(maps[2]), 0);
    for (int i = 0; i < IMAGES; i++) {
        sscam_map *alone = NULL;
        ASSERT_OK(
            sscam_explain_array(explainer, ARRAY(input + i * SIZE, one, 4), &classes[i], &alone));
        ck_assert_int_eq(same_maps(alone, maps[i]), 1);
        ck_assert_double_eq(sscam_map_logit(alone), sscam_map_logit(maps[i]));
        sscam_map_unref(alone);
        sscam_map_unref(maps[i]);
    }
}
END_TEST

START_TEST(maps_outlive_explainer_and_model)
{
    sscam_map *map = explain_one();
    float first = sscam_map_data(map)[0];
    tear_down();
    ck_assert_float_eq(sscam_map_data(map)[0], first);
    ck_assert_str_eq(sscam_map_layer(map), "features");
    ck_assert_str_eq(sscam_map_method(map), "ss-cam-mean");
    sscam_map_unref(map);
}
END_TEST

START_TEST(explainers_outlive_the_callers_reference)
{
    sscam_model *model = load_fake("fake linear");
    sscam_explainer *other = NULL;
    ASSERT_OK(sscam_explainer_create(model, "score-cam", &other));
    sscam_model_unref(model);
    sscam_map *map = NULL;
    ASSERT_OK(sscam_explain_array(other, ARRAY(input, one, 4), NULL, &map));
    sscam_map_unref(map);
    sscam_explainer_unref(other);
}
END_TEST

enum { THREADS = 4, ROUNDS = 10 };

/* A thread with an explainer of its own on a shared model; the weights it found, or the status it
 * got. */
typedef struct worker {
    sscam_model *model;
    float weights[FAKE_CHANNELS];
    int failures;
} worker;

static void *explain_often(void *user)
{
    worker *own = user;
    sscam_explainer *mine = NULL;
    own->failures += sscam_explainer_create(own->model, "ss-cam-max", &mine) != SSCAM_OK;
    for (int round = 0; round < ROUNDS; round++) {
        sscam_map *map = NULL;
        own->failures += sscam_explain_array(mine, ARRAY(input, one, 4), NULL, &map) != SSCAM_OK;
        if (map)
            memcpy(own->weights, sscam_map_weights(map), sizeof own->weights);
        sscam_map_unref(map);
    }
    sscam_explainer_unref(mine);
    return NULL;
}

START_TEST(threads_share_a_model)
{
    worker workers[THREADS] = {0};
    pthread_t thread[THREADS];
    sscam_model *model = load_fake("fake linear");
    for (int i = 0; i < THREADS; i++) {
        workers[i].model = model;
        ck_assert_int_eq(pthread_create(&thread[i], NULL, explain_often, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        ck_assert_int_eq(workers[i].failures, 0);
        ck_assert_mem_eq(workers[i].weights, workers[0].weights, sizeof workers[i].weights);
    }
    sscam_model_unref(model);
}
END_TEST

/* --- images --------------------------------------------------------------------------------- */

static void take_images_as_they_are(void)
{
    ASSERT_OK(sscam_explainer_set(explainer, "resize", "off"));
    ASSERT_OK(sscam_explainer_set(explainer, "crop", "off"));
}

START_TEST(images_are_explained_as_their_tensors)
{
    sscam_image *image = make_image(WIDTH, HEIGHT, 3);
    sscam_map *from_image = STALE, *from_tensor = NULL;
    int64_t shape[4], class_index = 1;
    take_images_as_they_are();
    ASSERT_OK(sscam_explainer_preprocess(explainer, image, shape, input, SIZE));
    ck_assert(shape[0] == 1 && shape[1] == 3 && shape[2] == HEIGHT && shape[3] == WIDTH);
    ck_assert_float_eq_tol(input[1], (111.0f / 255.0f - 0.485f) / 0.229f, 1e-6f);
    ASSERT_OK(sscam_explain_image(explainer, image, class_index, &from_image));
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(input, shape, 4), &class_index, &from_tensor));
    ck_assert_int_eq(same_maps(from_image, from_tensor), 1);
    sscam_map_unref(from_image);
    sscam_map_unref(from_tensor);
    sscam_image_unref(image);
}
END_TEST

START_TEST(images_of_one_pixel_are_refused)
{
    const uint8_t pixel[3] = {1, 2, 3};
    sscam_image *dot;
    sscam_map *map = STALE;
    ASSERT_OK(create_packed(1, 1, 3, pixel, &dot));
    ASSERT_FAILS(sscam_explain_image(explainer, dot, 0, &map), SSCAM_E_ARGUMENT, "1x1");
    ck_assert_ptr_null(map);
    sscam_image_unref(dot);
}
END_TEST

/* An image that no one has the memory for: it is refused before its pixels are read. */
START_TEST(images_of_too_many_positions_are_refused)
{
    sscam_image *vast = calloc(1, sizeof *vast);
    sscam_evaluation *evaluation;
    sscam_map *map = STALE;
    int64_t shape[4];
    vast->pixels = packed_pixels(50000, 50000, 3, NULL);
    take_images_as_they_are();
    ASSERT_FAILS(sscam_explain_image(explainer, vast, 0, &map), SSCAM_E_ARGUMENT,
                 "2500000000 positions");
    ck_assert_ptr_null(map);
    ASSERT_FAILS(sscam_explainer_preprocess(explainer, vast, shape, NULL, 0), SSCAM_E_ARGUMENT,
                 "2500000000 positions");
    ASSERT_OK(sscam_evaluation_create(&explainer, 1, &evaluation));
    ASSERT_FAILS(sscam_evaluation_add(evaluation, vast, NULL), SSCAM_E_ARGUMENT,
                 "2500000000 positions");
    sscam_evaluation_unref(evaluation);
    free(vast);
}
END_TEST

START_TEST(messages_name_the_function_that_was_called)
{
    sscam_map *map = STALE;
    ASSERT_FAILS(sscam_explain_image(explainer, NULL, 0, &map), SSCAM_E_ARGUMENT,
                 "sscam_explain_image: image is NULL");
    ASSERT_FAILS(sscam_explain_image_all(&explainer, 1, NULL, NULL, 0, &map), SSCAM_E_ARGUMENT,
                 "sscam_explain_image_all: image is NULL");
}
END_TEST

START_TEST(images_fail_as_tensors_do)
{
    sscam_image *image = make_image(WIDTH, HEIGHT, 3);
    sscam_map *map = STALE;
    take_images_as_they_are();
    ASSERT_FAILS(sscam_explain_image(explainer, image, 3, &map), SSCAM_E_CLASS, "class 3");
    ck_assert_ptr_null(map);
    ASSERT_OK(sscam_explainer_set(explainer, "channel_order", "gray"));
    map = STALE;
    ASSERT_FAILS(sscam_explain_image(explainer, image, 0, &map), SSCAM_E_ARGUMENT, "mean");
    ck_assert_ptr_null(map);
    ASSERT_OK(sscam_explainer_set(explainer, "mean", "0.5"));
    ASSERT_OK(sscam_explainer_set(explainer, "std", "0.5"));
    ASSERT_FAILS(sscam_explain_image(explainer, image, 0, &map), SSCAM_E_MODEL, "3 channels");
    ASSERT_FAILS(sscam_explain_image(NULL, image, 0, &map), SSCAM_E_ARGUMENT, "explainer");
    sscam_image_unref(image);
}
END_TEST

START_TEST(preprocessing_keeps_to_its_room)
{
    sscam_image *image = make_image(WIDTH, HEIGHT, 1);
    int64_t shape[4] = {0};
    ASSERT_OK(sscam_explainer_preprocess(explainer, image, shape, NULL, 0));
    ck_assert(shape[0] == 1 && shape[1] == 3 && shape[2] == 224 && shape[3] == 224);
    take_images_as_they_are();
    ASSERT_FAILS(sscam_explainer_preprocess(explainer, image, shape, input, SIZE - 1),
                 SSCAM_E_ARGUMENT, "144 are needed");
    ASSERT_FAILS(sscam_explainer_preprocess(explainer, image, shape, NULL, SIZE), SSCAM_E_ARGUMENT,
                 "NULL");
    ASSERT_FAILS(sscam_explainer_preprocess(NULL, image, shape, input, SIZE), SSCAM_E_ARGUMENT,
                 "NULL");
    ASSERT_FAILS(sscam_explainer_preprocess(explainer, image, NULL, input, SIZE), SSCAM_E_ARGUMENT,
                 "NULL");
    sscam_image_unref(image);
}
END_TEST

START_TEST(diagnostics_say_how_a_map_was_scored)
{
    static const struct {
        const char *method, *options, *text;
    } cases[] = {
        {"score-cam", "batch_size=3 calibrate=off",
         "{\"form\": \"unmeasured\", \"precision\": \"fp32\", \"workers\": 1, \"batch_size\": 3, "
         "\"calibration_passes\": 0}"},
        {"score-cam", "batch_size=2 precision=bf16 aug_smooth=on layer=stem,features",
         "{\"form\": \"measured\", \"precision\": \"bf16\", \"workers\": 1, \"batch_size\": 2, "
         "\"calibration_passes\": 0}"},
        {"grad-cam", "", "{}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sscam_explainer *own = make_explainer("fake linear", cases[i].method);
        sscam_map *map = NULL;
        set_options(own, cases[i].options);
        ASSERT_OK(sscam_explain_array(own, ARRAY(input, one, 4), NULL, &map));
        ck_assert_str_eq(sscam_map_diagnostics(map), cases[i].text);
        sscam_map_unref(map);
        sscam_explainer_unref(own);
    }
    ck_assert_ptr_null(sscam_map_diagnostics(NULL));
}
END_TEST

static void add_argument_tests(TCase *arguments)
{
    tcase_add_test(arguments, explainers_need_a_model_and_a_method);
    tcase_add_test(arguments, every_method_makes_an_explainer);
    tcase_add_test(arguments, null_arguments_are_refused);
    tcase_add_test(arguments, null_maps_tell_nothing);
    tcase_add_test(arguments, bad_shapes_are_refused);
    tcase_add_test(arguments, values_that_are_not_finite_are_found);
    tcase_add_test(arguments, classes_out_of_range_are_refused);
    tcase_add_test(arguments, unknown_layers_are_named_with_near_ones);
    tcase_add_test(arguments, networks_that_want_other_inputs_say_so);
    tcase_add_test(arguments, diagnostics_say_how_a_map_was_scored);
}

static void add_failure_tests(TCase *failures)
{
    tcase_add_loop_test(failures, values_that_are_not_finite_are_failures_of_the_network, 0,
                        MISBEHAVING);
    tcase_add_test(failures, gradients_that_nobody_wants_may_be_anything);
    tcase_add_test(failures, overflow_is_reported);
    tcase_add_loop_test(failures, a_failing_call_is_reported_wherever_it_is, 0, 4);
    tcase_add_test(failures, success_clears_the_message_of_a_failure);
}

int main(void)
{
    Suite *suite = suite_create("explainer");
    TCase *progress, *batches, *images;
    add_argument_tests(add_tcase(suite, "arguments", set_up, tear_down));
    add_failure_tests(add_tcase(suite, "failures", set_up, tear_down));
    progress = add_tcase(suite, "progress", set_up, tear_down);
    tcase_add_test(progress, fractions_rise_from_0_to_1);
    tcase_add_test(progress, batches_report_one_by_one);
    tcase_add_test(progress, shares_meet_exactly);
    tcase_add_test(progress, fractions_rise_for_any_number_of_images);
    tcase_add_test(progress, cancelling_works_at_every_report);
    batches = add_tcase(suite, "batches", set_up, tear_down);
    tcase_add_test(batches, each_image_of_a_batch_has_its_class);
    tcase_add_test(batches, maps_outlive_explainer_and_model);
    tcase_add_test(batches, explainers_outlive_the_callers_reference);
    tcase_add_test(batches, threads_share_a_model);
    images = add_tcase(suite, "images", set_up, tear_down);
    tcase_add_test(images, images_are_explained_as_their_tensors);
    tcase_add_test(images, images_of_one_pixel_are_refused);
    tcase_add_test(images, images_of_too_many_positions_are_refused);
    tcase_add_test(images, messages_name_the_function_that_was_called);
    tcase_add_test(images, images_fail_as_tensors_do);
    tcase_add_test(images, preprocessing_keeps_to_its_room);
    return run_suite(suite);
}
