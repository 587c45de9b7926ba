/* Several explainers and classes in one call: each map as if it were alone, and common work done
 * once. */
#include <stdio.h>
#include <stdlib.h>

#include "support/fixtures.h"

enum { HEIGHT = 6, WIDTH = 8, PLANE = HEIGHT * WIDTH, SIZE = FAKE_COLORS * PLANE };
enum { MOST_IMAGES = 20, MOST_EXPLAINERS = 48, MOST_CLASSES = 3 };
enum { MOST_MAPS = MOST_IMAGES * MOST_EXPLAINERS * MOST_CLASSES };

static float input[MOST_IMAGES * SIZE];
static sscam_model *model;
static sscam_explainer *explainers[MOST_EXPLAINERS];
static size_t explainer_count;
static sscam_map *maps[MOST_MAPS];

static void set_up(void)
{
    fill_random(input, MOST_IMAGES * SIZE, 4242u, -0.5, 2.0);
    for (int i = 0; i < MOST_MAPS; i++)
        maps[i] = STALE;
    explainer_count = 0;
    model = load_fake("fake linear");
    fake_reset();
}

static void tear_down(void)
{
    for (size_t i = 0; i < explainer_count; i++)
        sscam_explainer_unref(explainers[i]);
    sscam_model_unref(model);
    assert_all_networks_freed();
}

/* One more explainer, with up to two options; NULL ends them. */
static sscam_explainer *add(const char *method, const char *option, const char *value)
{
    sscam_explainer **made = &explainers[explainer_count];
    ASSERT_OK(sscam_explainer_create(model, method, made));
    explainer_count++;
    ASSERT_OK(sscam_explainer_set(*made, "samples", "3"));
    if (option)
        ASSERT_OK(sscam_explainer_set(*made, option, value));
    return *made;
}

static void add_every_method(void)
{
    for (int64_t i = 0; i < sscam_method_count(); i++)
        add(sscam_method_name(sscam_method_info(i)), NULL, NULL);
}

static sscam_status explain(int64_t images, const int64_t *classes, size_t class_count)
{
    const int64_t shape[4] = {images, FAKE_COLORS, HEIGHT, WIDTH};
    return sscam_explain_array_all(explainers, explainer_count, ARRAY(input, shape, 4), classes,
                                   class_count, maps);
}

static void destroy_maps(int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        sscam_map_unref(maps[i]);
}

static void assert_none(int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        ck_assert_ptr_null(maps[i]);
}

static int64_t passes_of(int64_t first, int64_t count)
{
    int64_t passes = 0;
    for (int64_t i = 0; i < count; i++)
        passes += sscam_map_passes(maps[first + i]);
    return passes;
}

/* --- the same maps ---------------------------------------------------------------------------- */

/* Compares the maps of one explainer and one class of each image with those of a call of its
 * own. */
static void assert_as_alone(size_t explainer, int64_t images, const int64_t *classes,
                            size_t class_count, size_t at)
{
    const int64_t shape[4] = {images, FAKE_COLORS, HEIGHT, WIDTH};
    int64_t own_classes[MOST_IMAGES];
    sscam_map *alone[MOST_IMAGES];
    for (int64_t i = 0; i < images; i++)
        own_classes[i] = classes ? classes[i * (int64_t)class_count + (int64_t)at]
                                 : SSCAM_CLASS_TOP;
    ASSERT_OK(
        sscam_explain_array(explainers[explainer], ARRAY(input, shape, 4), own_classes, alone));
    for (int64_t i = 0; i < images; i++) {
        sscam_map *together = maps[((size_t)i * explainer_count + explainer) * class_count + at];
        ck_assert_msg(same_maps(together, alone[i]), "image %lld, explainer %zu, class %zu",
                      (long long)i, explainer, at);
        ck_assert_str_eq(sscam_map_method(together), sscam_map_method(alone[i]));
        ck_assert_str_eq(sscam_map_layer(together), sscam_map_layer(alone[i]));
        ck_assert_int_eq(sscam_map_class_index(together), sscam_map_class_index(alone[i]));
        ck_assert_double_eq(sscam_map_logit(together), sscam_map_logit(alone[i]));
        ck_assert_double_eq(sscam_map_probability(together), sscam_map_probability(alone[i]));
        ck_assert_int_le(sscam_map_passes(together), sscam_map_passes(alone[i]));
        sscam_map_unref(alone[i]);
    }
}

static void assert_all_as_alone(int64_t images, const int64_t *classes, size_t class_count)
{
    ASSERT_OK(explain(images, classes, class_count));
    for (size_t explainer = 0; explainer < explainer_count; explainer++)
        for (size_t at = 0; at < class_count; at++)
            assert_as_alone(explainer, images, classes, class_count, at);
    destroy_maps(images * (int64_t)explainer_count * (int64_t)class_count);
}

START_TEST(every_method_is_as_alone)
{
    static const int64_t classes[3 * 2] = {0, 2, SSCAM_CLASS_TOP, 1, 1, 1};
    add_every_method();
    assert_all_as_alone(3, classes, 2);
    assert_all_as_alone(2, NULL, 1);
}
END_TEST

START_TEST(options_of_neighbours_do_not_matter)
{
    static const int64_t classes[2 * 2] = {0, 2, 1, SSCAM_CLASS_TOP};
    add("ss-cam-mean", NULL, NULL);
    add("ss-cam-mean", "seed", "5");
    add("ss-cam-mean", "samples", "4");
    add("ss-cam-max", "score", "probability");
    add("ss-cam-max", "rescore", "on");
    add("ss-cam-max", "mask_weights", "gradient");
    add("score-cam", "batch_size", "2");
    add("score-cam", "channel_softmax", "off");
    add("grad-cam", "layer", "stem");
    assert_all_as_alone(2, classes, 2);
}
END_TEST

START_TEST(more_options_of_neighbours_do_not_matter)
{
    add("score-cam", "layer", "stem");
    add("score-cam", "align_corners", "on");
    add("score-cam", "normalise", "before_upsample");
    add("ss-cam-max", "noise_target", "input");
    add("ss-cam-max", "noise_target", "activation");
    add("ss-cam-max", "sigma", "0.5");
    add("score-cam", "max_channels", "2");
    assert_all_as_alone(2, NULL, 1);
}
END_TEST

/* The channels of one may be the first of those of the next. */
START_TEST(more_channels_are_not_the_same_masks)
{
    static const char *const counts[] = {"1", "2", "3", "4", "5"};
    for (int i = 0; i < 5; i++)
        add("ss-cam-max", "max_channels", counts[i]);
    assert_all_as_alone(1, NULL, 1);
}
END_TEST

/* Images are taken some at a time; the number of each stays its own. */
START_TEST(many_images_keep_their_numbers)
{
    add("ss-cam-max", NULL, NULL);
    add("grad-cam", NULL, NULL);
    assert_all_as_alone(MOST_IMAGES, NULL, 1);
}
END_TEST

START_TEST(the_same_explainer_may_stand_twice)
{
    sscam_explainer *own = add("ss-cam-mean", NULL, NULL), *const twice[2] = {own, own};
    const int64_t shape[4] = {1, FAKE_COLORS, HEIGHT, WIDTH};
    ASSERT_OK(sscam_explain_array_all(twice, 2, ARRAY(input, shape, 4), NULL, 0, maps));
    ck_assert_int_eq(same_maps(maps[0], maps[1]), 1);
    ck_assert_int_eq(sscam_map_passes(maps[1]), 0);
    destroy_maps(2);
}
END_TEST

/* --- common work ------------------------------------------------------------------------------ */

/* Of the 5 channels of the fake linear network, one is constant and two are equal: 3 masks differ
 * without noise, 4 with. */
START_TEST(captures_are_shared)
{
    static const int64_t class = 0;
    add("grad-cam", NULL, NULL);
    add("grad-cam++", NULL, NULL);
    add("score-cam", NULL, NULL);
    ASSERT_OK(explain(1, &class, 1));
    ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_CAPTURE]), 1);
    ck_assert_int_eq(sscam_map_passes(maps[0]), 1);
    ck_assert_int_eq(sscam_map_passes(maps[1]), 0);
    ck_assert_int_eq(sscam_map_passes(maps[2]), 3);
    destroy_maps(3);
}
END_TEST

/* Gradients are of one class; activations are of all. */
START_TEST(gradients_are_captured_for_each_class)
{
    static const int64_t classes[3] = {0, 2, 0};
    add("score-cam", NULL, NULL);
    add("grad-cam", NULL, NULL);
    ASSERT_OK(explain(1, classes, 3));
    ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_CAPTURE]), 2);
    ck_assert_int_eq(passes_of(3, 3), 2);
    ck_assert_int_eq(passes_of(0, 3), 3);
    destroy_maps(6);
}
END_TEST

START_TEST(masked_inputs_are_shared_by_methods_and_classes)
{
    static const int64_t classes[3] = {0, 1, 2};
    add("ss-cam-mean", NULL, NULL);
    add("ss-cam-max", NULL, NULL);
    ASSERT_OK(explain(1, classes, 3));
    ck_assert_int_eq(sscam_map_passes(maps[0]), 1 + 4 * 3);
    ck_assert_int_eq(passes_of(1, 5), 0);
    ck_assert_int_eq(atomic_load(&fake_counted.inputs), 1 + 4 * 3);
    ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_SCORE]), 1);
    destroy_maps(6);
}
END_TEST

START_TEST(masked_inputs_are_shared_by_targets)
{
    static const int64_t classes[2] = {0, 1};
    add("score-cam", "target", "against");
    add("score-cam", "target", "difference");
    add("score-cam", NULL, NULL);
    ASSERT_OK(explain(1, classes, 2));
    ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_SCORE]), 1);
    ck_assert_int_eq(atomic_load(&fake_counted.inputs), 1 + 3);
    for (size_t explainer = 0; explainer < explainer_count; explainer++)
        for (size_t at = 0; at < 2; at++)
            assert_as_alone(explainer, 1, classes, 2, at);
    destroy_maps(6);
}
END_TEST

START_TEST(outputs_share_nothing)
{
    static const int64_t class = 1;
    add("grad-cam", "output", "half");
    add("grad-cam", NULL, NULL);
    add("score-cam", "output", "half");
    add("score-cam", NULL, NULL);
    add("ablation-cam", "output", "half");
    add("ablation-cam", NULL, NULL);
    ASSERT_OK(explain(1, &class, 1));
    ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_CAPTURE]), 2);
    ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_SCORE]), 2);
    ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_ABLATE]), 2);
    for (size_t explainer = 0; explainer < explainer_count; explainer++)
        assert_as_alone(explainer, 1, &class, 1, 0);
    destroy_maps(6);
}
END_TEST

START_TEST(each_output_has_its_own_default_layer)
{
    static const char *const methods[] = {"grad-cam", "score-cam", "ablation-cam"};
    for (int i = 0; i < 3; i++) {
        add(methods[i], NULL, NULL);
        add(methods[i], "output", "early");
    }
    ASSERT_OK(explain(1, NULL, 1));
    ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_CAPTURE]), 2);
    for (int i = 0; i < 6; i++)
        ck_assert_str_eq(sscam_map_layer(maps[i]), i % 2 == 0 ? "features" : "stem");
    destroy_maps(6);
}
END_TEST

/* A gradient is of one target. */
START_TEST(captures_are_not_shared_by_targets)
{
    static const int64_t class = 1;
    add("grad-cam", "target", "against");
    add("grad-cam", "target", "difference");
    add("grad-cam", NULL, NULL);
    add("layer-cam", NULL, NULL);
    add("score-cam", "target", "against");
    ASSERT_OK(explain(1, &class, 1));
    ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_CAPTURE]), 3);
    for (size_t explainer = 0; explainer < explainer_count; explainer++)
        assert_as_alone(explainer, 1, &class, 1, 0);
    destroy_maps(5);
}
END_TEST

START_TEST(ablations_are_shared_by_classes)
{
    static const int64_t classes[3] = {0, 1, 2};
    add("ablation-cam", NULL, NULL);
    add("ablation-cam", NULL, NULL);
    add("ablation-cam", "max_channels", "2");
    add("ablation-cam", "layer", "stem");
    add("ablation-cam", "score", "probability");
    ASSERT_OK(explain(1, classes, 3));
    ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_ABLATE]), 4);
    ck_assert_int_eq(passes_of(0, 15),
                     2 + FAKE_CHANNELS + 2 + FAKE_COLORS + FAKE_CHANNELS + 4 * FAKE_ABLATION_EXTRA);
    ck_assert_int_eq(atomic_load(&fake_counted.inputs), passes_of(0, 15));
    for (size_t explainer = 0; explainer < explainer_count; explainer++)
        for (size_t at = 0; at < 3; at++)
            assert_as_alone(explainer, 1, classes, 3, at);
    destroy_maps(15);
}
END_TEST

START_TEST(masked_inputs_that_differ_are_not_shared)
{
    add("ss-cam-mean", NULL, NULL);
    add("ss-cam-mean", "seed", "1");
    add("ss-cam-mean", "sigma", "1");
    add("ss-cam-mean", "noise_target", "input");
    ASSERT_OK(explain(1, NULL, 1));
    ck_assert_int_eq(passes_of(0, 4), 1 + 4 * 4 * 3);
    ck_assert_int_eq(atomic_load(&fake_counted.inputs), 1 + 4 * 4 * 3);
    ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_SCORE]),
                     1); /* but they fill batches together */
    destroy_maps(4);
}
END_TEST

START_TEST(images_fill_batches_together)
{
    add("score-cam", NULL, NULL);
    ASSERT_OK(explain(3, NULL, 1));
    ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_SCORE]), 1);
    ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_BATCH]),
                     2); /* 9 masked inputs in eights */
    ck_assert_int_eq(atomic_load(&fake_counted.largest_batch), FAKE_DEFAULT_BATCH);
    destroy_maps(3);
}
END_TEST

START_TEST(passes_are_what_the_network_ran)
{
    static const int64_t classes[2 * 3] = {0, 1, 2, 2, SSCAM_CLASS_TOP, 0};
    add_every_method();
    add("ss-cam-max", "rescore", "on");
    add("score-cam", "channel_softmax", "off");
    ASSERT_OK(explain(2, classes, 3));
    const int64_t count = 2 * 3 * (int64_t)explainer_count;
    ck_assert_int_eq(passes_of(0, count), atomic_load(&fake_counted.inputs));
    destroy_maps(count);
}
END_TEST

/* --- arguments -------------------------------------------------------------------------------- */

START_TEST(unusable_arguments_are_refused)
{
    static const int64_t one[4] = {1, FAKE_COLORS, HEIGHT, WIDTH}, class = 0;
    static const char name[] = "sscam_explain_array_all";
    sscam_explainer *const with_hole[2] = {add("cam", NULL, NULL), NULL};
    ASSERT_FAILS(sscam_explain_array_all(NULL, 2, ARRAY(input, one, 4), NULL, 1, maps),
                 SSCAM_E_ARGUMENT, name);
    assert_none(2);
    ASSERT_FAILS(sscam_explain_array_all(explainers, 0, ARRAY(input, one, 4), NULL, 1, maps),
                 SSCAM_E_ARGUMENT, name);
    maps[0] = maps[1] = STALE;
    ASSERT_FAILS(sscam_explain_array_all(with_hole, 2, ARRAY(input, one, 4), NULL, 1, maps),
                 SSCAM_E_ARGUMENT, "explainer 1 is NULL");
    assert_none(2);
    ASSERT_FAILS(sscam_explain_array_all(explainers, -1, ARRAY(input, one, 4), NULL, 1, maps),
                 SSCAM_E_ARGUMENT, "no explainers");
    maps[0] = STALE;
    ASSERT_FAILS(
        sscam_explain_array_all(explainers, 2, ARRAY(input, one, 4), &class, INT64_MAX, maps),
        SSCAM_E_ARGUMENT, "too many maps");
    ASSERT_FAILS(sscam_explain_array_all(explainers, 1, ARRAY(NULL, one, 4), NULL, 1, maps),
                 SSCAM_E_ARGUMENT, "input");
    assert_none(1);
    ASSERT_FAILS(sscam_explain_array_all(explainers, 1, ARRAY(input, NULL, 4), NULL, 1, maps),
                 SSCAM_E_ARGUMENT, "shape");
    ASSERT_FAILS(sscam_explain_array_all(explainers, 1, ARRAY(input, one, 4), NULL, 1, NULL),
                 SSCAM_E_ARGUMENT, "maps");
    ASSERT_FAILS(sscam_explain_array_all(explainers, 1, ARRAY(input, one, 4), &class, 0, maps),
                 SSCAM_E_ARGUMENT, "class_count");
}
END_TEST

START_TEST(explainers_of_other_models_are_refused)
{
    add("cam", NULL, NULL);
    explainers[explainer_count++] = make_explainer("fake linear", "cam");
    ASSERT_FAILS(explain(2, NULL, 1), SSCAM_E_ARGUMENT, "explainer 1 is of another model");
    assert_none(4);
}
END_TEST

START_TEST(one_unusable_class_or_method_fails_all)
{
    static const int64_t classes[4] = {0, 1, 2, 3};
    add("score-cam", NULL, NULL);
    ASSERT_FAILS(explain(2, classes, 2), SSCAM_E_CLASS, "class 3");
    assert_none(4);
    add("grad-cam", "layer", "head");
    ASSERT_FAILS(explain(1, classes, 2), SSCAM_E_LAYER, "head");
    assert_none(4);
}
END_TEST

/* --- failures, progress, cancellation --------------------------------------------------------- */

/* A callback that counts, and stops one of its calls. */
typedef struct listener {
    int64_t calls, stop_at;
    double last;
    int decreased;
} listener;

static int32_t listen(void *user, double fraction)
{
    listener *heard = user;
    heard->calls++;
    heard->decreased = heard->decreased || fraction < heard->last || fraction > 1.0;
    heard->last = fraction;
    return heard->calls == heard->stop_at;
}

/* Two kinds of scores, a second pass, gradients, a constant input; 10 images, which come in two
 * parts. */
enum { IMAGES = 10, MUCH = 6 };

static void add_much(void)
{
    add("ss-cam-max", "rescore", "on");
    add("ss-cam-mean", "score", "probability");
    add("score-cam", "flat_channels", "score");
    add("cam", NULL, NULL);
    add("smooth-grad-cam++", NULL, NULL);
    add("ablation-cam", NULL, NULL);
}

START_TEST(only_the_first_callback_is_called)
{
    listener first = {0}, second = {0};
    add_much();
    ASSERT_OK(sscam_explainer_set_progress(explainers[1], listen, &first));
    ASSERT_OK(sscam_explainer_set_progress(explainers[2], listen, &second));
    ASSERT_OK(explain(IMAGES, NULL, 1));
    ck_assert_int_gt(first.calls, 10);
    ck_assert_double_eq(first.last, 1.0);
    ck_assert_int_eq(first.decreased, 0);
    ck_assert_int_eq(second.calls, 0);
    destroy_maps(IMAGES * MUCH);
}
END_TEST

START_TEST(cancelling_works_at_every_report)
{
    listener all = {0};
    add_much();
    ASSERT_OK(sscam_explainer_set_progress(explainers[0], listen, &all));
    ASSERT_OK(explain(IMAGES, NULL, 1));
    destroy_maps(IMAGES * MUCH);
    for (int64_t at = 1; at <= all.calls; at++) {
        listener heard = {.stop_at = at};
        ASSERT_OK(sscam_explainer_set_progress(explainers[0], listen, &heard));
        ASSERT_FAILS(explain(IMAGES, NULL, 1), SSCAM_E_CANCELLED, "cancelled");
        ck_assert_int_eq(heard.calls, at);
        assert_none(IMAGES * MUCH);
    }
    ASSERT_OK(sscam_explainer_set_progress(explainers[0], NULL, NULL));
    assert_all_as_alone(IMAGES, NULL, 1);
}
END_TEST

START_TEST(a_failing_call_is_reported_wherever_it_is)
{
    static const fake_call calls[] = {FAKE_CAPTURE, FAKE_SCORE, FAKE_ABLATE, FAKE_BATCH,
                                      FAKE_CLASSIFY};
    add_much();
    ASSERT_OK(explain(IMAGES, NULL, 1));
    destroy_maps(IMAGES * MUCH);
    long long count = atomic_load(&fake_counted.calls[calls[_i]]);
    ck_assert_int_ge(count, 4);
    for (long long nth = 1; nth <= count; nth++) {
        char thing[64];
        snprintf(thing, sizeof thing, "fake failure of %s %lld", fake_call_name(calls[_i]), nth);
        fake_reset();
        fake_fail_at(calls[_i], nth, SSCAM_E_DEVICE);
        ASSERT_FAILS(explain(IMAGES, NULL, 1), SSCAM_E_DEVICE, thing);
        assert_none(IMAGES * MUCH);
    }
}
END_TEST

/* --- images --------------------------------------------------------------------------------- */

static void set_all(const char *option, const char *value)
{
    for (size_t i = 0; i < explainer_count; i++)
        ASSERT_OK(sscam_explainer_set(explainers[i], option, value));
}

/* The same values, drawn on the same part of the image. */
static void assert_same_images(const sscam_map *left, const sscam_map *right,
                               const sscam_image *image)
{
    sscam_image *left_overlay = NULL, *right_overlay = NULL;
    ck_assert_int_eq(same_maps(left, right), 1);
    ASSERT_OK(sscam_map_overlay(left, image, NULL, &left_overlay));
    ASSERT_OK(sscam_map_overlay(right, image, NULL, &right_overlay));
    ck_assert_mem_eq(pixels_of(left_overlay), pixels_of(right_overlay), PLANE * 3);
    sscam_image_unref(left_overlay);
    sscam_image_unref(right_overlay);
}

START_TEST(images_are_explained_as_alone)
{
    static const int64_t classes[2] = {2, SSCAM_CLASS_TOP};
    sscam_image *image = make_image(WIDTH, HEIGHT, 3);
    add_every_method();
    set_all("resize", "12x16");
    set_all("crop", "8");
    ASSERT_OK(sscam_explain_image_all(explainers, explainer_count, image, classes, 2, maps));
    for (size_t i = 0; i < 2 * explainer_count; i++) {
        sscam_map *alone = NULL;
        ASSERT_OK(sscam_explain_image(explainers[i / 2], image, classes[i % 2], &alone));
        assert_same_images(maps[i], alone, image);
        sscam_map_unref(alone);
    }
    destroy_maps(2 * (int64_t)explainer_count);
    sscam_image_unref(image);
}
END_TEST

START_TEST(images_need_one_preprocessing)
{
    static const char *const options[][2] = {
        {"resize", "off"}, {"crop", "4"},  {"interpolation", "bicubic"},
        {"mean", "0.5"},   {"std", "0.5"}, {"channel_order", "bgr"}};
    sscam_image *image = make_image(WIDTH, HEIGHT, 3);
    add("grad-cam", NULL, NULL);
    add("grad-cam++", options[_i][0], options[_i][1]);
    ASSERT_FAILS(sscam_explain_image_all(explainers, 2, image, NULL, 1, maps), SSCAM_E_ARGUMENT,
                 "explainer 1 has other preprocessing options");
    assert_none(2);
    ASSERT_OK(sscam_explainer_set(explainers[0], options[_i][0], options[_i][1]));
    ASSERT_OK(sscam_explain_image_all(explainers, 2, image, NULL, 1, maps));
    destroy_maps(2);
    sscam_image_unref(image);
}
END_TEST

START_TEST(images_are_not_explained_without_arguments)
{
    static const int64_t class = 0;
    sscam_image *image = make_image(WIDTH, HEIGHT, 3);
    add("grad-cam", NULL, NULL);
    ASSERT_FAILS(sscam_explain_image_all(explainers, 1, NULL, NULL, 1, maps), SSCAM_E_ARGUMENT,
                 "image");
    assert_none(1);
    ASSERT_FAILS(sscam_explain_image_all(explainers, 1, image, NULL, 1, NULL), SSCAM_E_ARGUMENT,
                 "maps");
    ASSERT_FAILS(sscam_explain_image_all(NULL, 1, image, NULL, 1, maps), SSCAM_E_ARGUMENT,
                 "explainers");
    ASSERT_FAILS(sscam_explain_image_all(explainers, 0, image, NULL, 1, maps), SSCAM_E_ARGUMENT,
                 "explainers");
    ASSERT_FAILS(sscam_explain_image_all(explainers, 1, image, &class, 0, maps), SSCAM_E_ARGUMENT,
                 "class_count");
    sscam_image_unref(image);
}
END_TEST

static void add_work_tests(TCase *work)
{
    tcase_add_test(work, captures_are_shared);
    tcase_add_test(work, gradients_are_captured_for_each_class);
    tcase_add_test(work, masked_inputs_are_shared_by_methods_and_classes);
    tcase_add_test(work, masked_inputs_are_shared_by_targets);
    tcase_add_test(work, captures_are_not_shared_by_targets);
    tcase_add_test(work, outputs_share_nothing);
    tcase_add_test(work, each_output_has_its_own_default_layer);
    tcase_add_test(work, ablations_are_shared_by_classes);
    tcase_add_test(work, masked_inputs_that_differ_are_not_shared);
    tcase_add_test(work, images_fill_batches_together);
    tcase_add_test(work, passes_are_what_the_network_ran);
}

int main(void)
{
    Suite *suite = suite_create("sharing");
    TCase *same = add_tcase(suite, "same maps", set_up, tear_down),
          *arguments = add_tcase(suite, "arguments", set_up, tear_down);
    TCase *failures = add_tcase(suite, "failures", set_up, tear_down),
          *images = add_tcase(suite, "images", set_up, tear_down);
    add_work_tests(add_tcase(suite, "common work", set_up, tear_down));
    tcase_add_test(same, every_method_is_as_alone);
    tcase_add_test(same, options_of_neighbours_do_not_matter);
    tcase_add_test(same, more_options_of_neighbours_do_not_matter);
    tcase_add_test(same, more_channels_are_not_the_same_masks);
    tcase_add_test(same, many_images_keep_their_numbers);
    tcase_add_test(same, the_same_explainer_may_stand_twice);
    tcase_add_test(arguments, unusable_arguments_are_refused);
    tcase_add_test(arguments, explainers_of_other_models_are_refused);
    tcase_add_test(arguments, one_unusable_class_or_method_fails_all);
    tcase_add_test(failures, only_the_first_callback_is_called);
    tcase_add_test(failures, cancelling_works_at_every_report);
    tcase_add_loop_test(failures, a_failing_call_is_reported_wherever_it_is, 0, 5);
    tcase_add_test(images, images_are_explained_as_alone);
    tcase_add_loop_test(images, images_need_one_preprocessing, 0, 6);
    tcase_add_test(images, images_are_not_explained_without_arguments);
    return run_suite(suite);
}
