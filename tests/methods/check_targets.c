/* Targets that are weighted sums of outputs, and methods that score single positions or random
 * masks, on networks whose answers are known. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/fixtures.h"
#include "support/reference.h"
#include "support/reference_methods.h"
#include "support/shorthands.h"

enum { HEIGHT = 8, WIDTH = 10, PLANE = HEIGHT * WIDTH, SIZE = FAKE_COLORS * PLANE };
enum { MAP_HEIGHT = HEIGHT / 2, MAP_WIDTH = WIDTH / 2, POSITIONS = MAP_HEIGHT * MAP_WIDTH };

static float input[SIZE];
static double features[FAKE_CHANNELS * POSITIONS];
static const int64_t shape[4] = {1, FAKE_COLORS, HEIGHT, WIDTH};

static void set_up(void)
{
    const reference_input of = {
        .classes = FAKE_CLASSES, .depth = 1, .height = HEIGHT, .width = WIDTH, .input = input};
    double exact[SIZE];
    fill_random(input, SIZE, 4711u, -1.25, 3.0);
    for (int i = 0; i < SIZE; i++)
        exact[i] = input[i];
    reference_features(&of, exact, features);
    fake_reset();
}

static void tear_down(void)
{
    assert_all_networks_freed();
}

static sscam_map *explained(sscam_explainer *explainer, int64_t class_index)
{
    sscam_map *map = NULL;
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(input, shape, 4), &class_index, &map));
    return map;
}

static void assert_refused(sscam_explainer *explainer, const char *thing)
{
    const int64_t class_index = 0;
    sscam_map *map = STALE;
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(input, shape, 4), &class_index, &map),
                 SSCAM_E_ARGUMENT, thing);
    ck_assert_ptr_null(map);
}

static double mean_of(int channel)
{
    double mean = 0.0;
    for (int p = 0; p < POSITIONS; p++)
        mean += features[channel * POSITIONS + p] / POSITIONS;
    return mean;
}

static double output_of(int class_index)
{
    double output = fake_head_bias[class_index];
    for (int k = 0; k < FAKE_CHANNELS; k++)
        output += fake_weight[class_index][k] * mean_of(k);
    return output;
}

/* --- weights ---------------------------------------------------------------------------------- */

static const float target_weights[FAKE_CLASSES] = {0.5f, -2.0f, 1.0f};

/* Grad-CAM's weights of sum_c w_c Y_c are the sums of those of the classes. */
START_TEST(gradients_are_those_of_the_sum)
{
    static const char *const heads[] = {"linear", "dense", "linear tokens"};
    const char *options = strstr(heads[_i], "dense") ? "region=all" : "";
    sscam_explainer *explainer = explainer_with(heads[_i], "grad-cam", options);
    ASSERT_OK(sscam_explainer_set_target_weights(explainer, target_weights, FAKE_CLASSES));
    ck_assert_str_eq(option_text(explainer, "target"), "weights");
    sscam_map *map = explained(explainer, 1);
    for (int k = 0; k < FAKE_CHANNELS; k++) {
        double wanted = 0.0;
        for (int c = 0; c < FAKE_CLASSES; c++)
            wanted += target_weights[c] * fake_weight[c][k] / POSITIONS;
        ck_assert_double_eq_tol(sscam_map_weights(map)[k], wanted, 1e-6);
    }
    ck_assert_int_eq(sscam_map_class_index(map), 1);
    ck_assert_double_eq_tol(sscam_map_logit(map), output_of(1), 1e-5);
    sscam_map_unref(map);
    sscam_explainer_unref(explainer);
}
END_TEST

/* The derivative of the cosine, at the outputs of the input. */
START_TEST(gradients_are_those_of_the_cosine)
{
    sscam_explainer *explainer = explainer_with("linear", "grad-cam", "");
    double length = 0.0, product = 0.0, weight_length = 0.0;
    ASSERT_OK(sscam_explainer_set_target_weights(explainer, target_weights, FAKE_CLASSES));
    ASSERT_OK(sscam_explainer_set(explainer, "target", "cosine"));
    sscam_map *map = explained(explainer, 0);
    for (int c = 0; c < FAKE_CLASSES; c++) {
        length += output_of(c) * output_of(c);
        weight_length += target_weights[c] * target_weights[c];
        product += target_weights[c] * output_of(c);
    }
    for (int k = 0; k < FAKE_CHANNELS; k++) {
        double wanted = 0.0;
        for (int c = 0; c < FAKE_CLASSES; c++)
            wanted += (target_weights[c] - product / length * output_of(c)) /
                      sqrt(length * weight_length) * fake_weight[c][k] / POSITIONS;
        ck_assert_double_eq_tol(sscam_map_weights(map)[k], wanted, 1e-6);
    }
    sscam_map_unref(map);
    sscam_explainer_unref(explainer);
}
END_TEST

/* One class's weight of 1 is that class, for every method; noise and random numbers included. */
START_TEST(one_weight_is_one_class)
{
    static const float second[FAKE_CLASSES] = {0.0f, 1.0f, 0.0f};
    const char *method = sscam_method_name(sscam_method_info(_i));
    sscam_explainer *plain = explainer_with("linear", method, "samples=3"),
                    *weighted = explainer_with("linear", method, "samples=3");
    ASSERT_OK(sscam_explainer_set_target_weights(weighted, second, FAKE_CLASSES));
    sscam_map *map = explained(plain, 1), *other = explained(weighted, 1);
    for (int64_t p = 0; p < PLANE; p++)
        ck_assert_float_eq_tol(sscam_map_data(map)[p], sscam_map_data(other)[p], 2e-5f);
    sscam_map_unref(map);
    sscam_map_unref(other);
    sscam_explainer_unref(plain);
    sscam_explainer_unref(weighted);
}
END_TEST

/* Explainers of one call with other weights share masked inputs, and no scores. */
START_TEST(targets_of_neighbours_do_not_matter)
{
    static const float others[FAKE_CLASSES] = {3.0f, 1.0f, -1.0f};
    static const char options[] = "channel_softmax=off baseline=none";
    const int64_t class_index = 0;
    sscam_explainer *explainers[3];
    sscam_map *together[3];
    for (int i = 0; i < 3; i++) {
        explainers[i] = make_explainer("fake linear", "score-cam");
        set_options(explainers[i], options);
        if (i > 0) { /* all are of one model */
            sscam_explainer_unref(explainers[i]);
            explainers[i] = sscam_explainer_ref(explainers[0]);
        }
    }
    ASSERT_OK(sscam_explainer_set_target_weights(explainers[0], target_weights, FAKE_CLASSES));
    sscam_map *first = explained(explainers[0], class_index);
    ASSERT_OK(sscam_explainer_set_target_weights(explainers[0], others, FAKE_CLASSES));
    sscam_map *second = explained(explainers[0], class_index);
    ck_assert(!same_maps(first, second));
    ASSERT_OK(
        sscam_explain_array_all(explainers, 3, ARRAY(input, shape, 4), &class_index, 1, together));
    for (int i = 0; i < 3; i++) {
        ck_assert(same_maps(together[i], second));
        sscam_map_unref(together[i]);
        sscam_explainer_unref(explainers[i]);
    }
    sscam_map_unref(first);
    sscam_map_unref(second);
}
END_TEST

START_TEST(unusable_weights_are_refused)
{
    static const char function[] = "sscam_explainer_set_target_weights";
    static const float zeros[FAKE_CLASSES] = {0.0f, 0.0f, 0.0f};
    const float bad[FAKE_CLASSES] = {1.0f, NAN, 0.0f};
    sscam_explainer *explainer = explainer_with("linear", "grad-cam", "target=weights");
    assert_refused(explainer, "option target: weights, but no weights were given");
    ASSERT_OK(sscam_explainer_set(explainer, "target", "cosine"));
    assert_refused(explainer, "option target: cosine, but no weights were given");
    ASSERT_FAILS(sscam_explainer_set_target_weights(NULL, target_weights, 3), SSCAM_E_ARGUMENT,
                 function);
    ASSERT_FAILS(sscam_explainer_set_target_weights(explainer, target_weights, 0), SSCAM_E_ARGUMENT,
                 "count is 0");
    ASSERT_FAILS(sscam_explainer_set_target_weights(explainer, zeros, 3), SSCAM_E_ARGUMENT,
                 "all 3 weights are 0");
    ASSERT_FAILS(sscam_explainer_set_target_weights(explainer, bad, 3), SSCAM_E_ARGUMENT,
                 "weight 1 is");
    ck_assert_str_eq(option_text(explainer, "target"), "cosine"); /* as before */
    ASSERT_OK(sscam_explainer_set_target_weights(explainer, target_weights, 2));
    assert_refused(explainer, "2 of them, but the network has 3 outputs");
    ASSERT_OK(sscam_explainer_set_target_weights(explainer, target_weights, 3));
    set_options(explainer, "target=cosine score=probability");
    assert_refused(explainer, "option target: cosine");
    ASSERT_OK(sscam_explainer_set_target_weights(explainer, NULL, 0));
    ck_assert_str_eq(option_text(explainer, "target"), "class");
    sscam_map_unref(explained(explainer, 0));
    sscam_explainer_unref(explainer);
}
END_TEST

START_TEST(several_references_are_the_highest_others)
{
    static const float logits[5] = {1.0f, 3.0f, 2.0f, 3.0f, -1.0f};
    sscam_target target = {.kind = SSCAM_TARGET_DIFFERENCE,
                           .class_index = 2,
                           .other_index = -1,
                           .contrast_factor = -0.5,
                           .reference_count = 3};
    ck_assert_int_eq(sscam_resolve_target(&target, logits, 5), SSCAM_OK);
    ck_assert(target.references[0] == 1 && target.references[1] == 3 && target.references[2] == 0);
    ck_assert_double_eq_tol(sscam_target_score(logits, 5, &target, SSCAM_SCORE_LOGIT),
                            2.0 - 0.5 * 7.0 / 3.0, 1e-12);
    static const float changed[5] = {9.0f, 0.0f, 0.0f, 0.0f, 8.0f};
    ck_assert_int_eq(sscam_resolve_target(&target, changed, 5), SSCAM_OK); /* stays resolved */
    ck_assert(target.references[0] == 1 && target.references[2] == 0);
    double slopes[5];
    sscam_target_slopes(&target, logits, 5, slopes);
    ck_assert(slopes[2] == 1.0 && slopes[4] == 0.0);
    ck_assert_double_eq_tol(slopes[3], -0.5 / 3.0, 1e-15);
    target = (sscam_target){
        .kind = SSCAM_TARGET_DIFFERENCE, .class_index = 2, .other_index = -1, .reference_count = 5};
    ASSERT_FAILS(sscam_resolve_target(&target, logits, 5), SSCAM_E_CLASS,
                 "contrast_count: 5 classes");
}
END_TEST

/* --- positions -------------------------------------------------------------------------------- */

/* On the linear head, a position alone scores b + sum_k w_k m(p) A_k(p) / P. */
START_TEST(positions_are_scored_alone)
{
    static const char *const heads[] = {"linear", "linear tokens", "linear channels-last"};
    const int is_spread = _i % 2;
    double scores[POSITIONS], least = INFINITY;
    sscam_explainer *explainer = explainer_with(heads[_i / 2],
                                                is_spread ? "vit-recipro-cam" : "recipro-cam", "");
    for (int p = 0; p < POSITIONS; p++) {
        scores[p] = 0.0;
        for (int q = 0; q < POSITIONS; q++) {
            const int dy = abs(p / MAP_WIDTH - q / MAP_WIDTH),
                      dx = abs(p % MAP_WIDTH - q % MAP_WIDTH);
            const double spread = fmax(0.0, 0.5 - 0.25 * dy) * fmax(0.0, 0.5 - 0.25 * dx);
            for (int k = 0; k < FAKE_CHANNELS; k++)
                scores[p] += (is_spread ? spread : p == q) * fake_weight[2][k] *
                             features[k * POSITIONS + q] / POSITIONS;
        }
        least = fmin(least, scores[p]);
    }
    sscam_map *map = explained(explainer, 2);
    ck_assert_int_eq(sscam_map_passes(map), 1 + POSITIONS + FAKE_ABLATION_EXTRA);
    ck_assert_ptr_null(sscam_map_weights(map));
    for (int p = 0; p < POSITIONS; p++)
        ck_assert_double_eq_tol(sscam_map_raw(map)[p], scores[p] - least, 1e-6);
    sscam_map_unref(map);
    sscam_explainer_unref(explainer);
}
END_TEST

/* --- random masks ----------------------------------------------------------------------------- */

static double last_fraction;

static int32_t keep_fraction(void *user, double fraction)
{
    (void)user;
    ck_assert_double_ge(fraction, last_fraction);
    last_fraction = fraction;
    return 0;
}

/* Classes of one call share the masks, of all parts; the progress does not run ahead. */
START_TEST(random_masks_are_shared_by_classes)
{
    enum { SAMPLES = 700 };
    static const int64_t classes[2] = {0, 1};
    sscam_explainer *explainer = explainer_with("linear", "rise", "samples=700");
    sscam_map *maps[2];
    last_fraction = 0.0;
    ASSERT_OK(sscam_explainer_set_progress(explainer, keep_fraction, NULL));
    ASSERT_OK(sscam_explain_array_all(&explainer, 1, ARRAY(input, shape, 4), classes, 2, maps));
    ck_assert_int_eq(atomic_load(&fake_counted.inputs), 1 + SAMPLES);
    ck_assert_int_eq(sscam_map_passes(maps[0]) + sscam_map_passes(maps[1]), 1 + SAMPLES);
    ck_assert(!same_maps(maps[0], maps[1]));
    for (int i = 0; i < 2; i++) {
        last_fraction = 0.0;
        sscam_map *alone = explained(explainer, classes[i]);
        ck_assert(same_maps(maps[i], alone));
        ck_assert_str_eq(sscam_map_layer(alone), "");
        ck_assert_int_eq(sscam_map_channel_count(alone), 0);
        sscam_map_unref(alone);
        sscam_map_unref(maps[i]);
    }
    sscam_explainer_unref(explainer);
}
END_TEST

/* No layer is asked for, and a capture without one serves no method that has one. */
START_TEST(random_masks_need_no_layer)
{
    sscam_explainer *explainer = explainer_with("spaceless", "rise", "samples=5");
    sscam_map *map = explained(explainer, 0);
    ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_CAPTURE]), 0);
    ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_LAYERS]), 0);
    sscam_map_unref(map);
    sscam_explainer_unref(explainer);
}
END_TEST

/* --- searched masks --------------------------------------------------------------------------- */

static const char few_kernels[] = "samples=21 kernel_widths=0.1,0.3";
enum { SEARCHED = 1 + 2 * 2 * 21 }; /* the input, and two inputs a mask of two widths */

/* Each class has masks of its own, which are those that it has alone; the progress does not run
 * ahead. */
START_TEST(searched_masks_are_those_of_their_class)
{
    static const int64_t classes[2] = {0, 1};
    sscam_explainer *explainer = explainer_with("linear", "aise", few_kernels);
    sscam_map *maps[2];
    last_fraction = 0.0;
    ASSERT_OK(sscam_explainer_set_progress(explainer, keep_fraction, NULL));
    ASSERT_OK(sscam_explain_array_all(&explainer, 1, ARRAY(input, shape, 4), classes, 2, maps));
    ck_assert(!same_maps(maps[0], maps[1]));
    for (int i = 0; i < 2; i++) {
        last_fraction = 0.0;
        fake_reset();
        sscam_map *alone = explained(explainer, classes[i]);
        ck_assert(same_maps(maps[i], alone));
        ck_assert_int_eq(atomic_load(&fake_counted.inputs), SEARCHED);
        ck_assert_int_eq(sscam_map_passes(alone), SEARCHED);
        ck_assert_int_eq(sscam_map_is_flat(alone), 0);
        ck_assert_str_eq(sscam_map_layer(alone), "");
        sscam_map_unref(alone);
        sscam_map_unref(maps[i]);
    }
    sscam_explainer_unref(explainer);
}
END_TEST

START_TEST(searched_masks_do_not_depend_on_the_batch)
{
    static const char *const sizes[] = {"1", "3", "64"};
    sscam_explainer *explainer = explainer_with("quadratic", "aise", few_kernels);
    sscam_map *wanted = explained(explainer, 0);
    for (int i = 0; i < 3; i++) {
        ASSERT_OK(sscam_explainer_set(explainer, "batch_size", sizes[i]));
        sscam_map *map = explained(explainer, 0);
        ck_assert(same_maps(map, wanted));
        sscam_map_unref(map);
    }
    sscam_map_unref(wanted);
    sscam_explainer_unref(explainer);
}
END_TEST

START_TEST(searched_masks_need_no_layer)
{
    sscam_explainer *explainer = explainer_with("spaceless", "aise", few_kernels);
    sscam_map *map = explained(explainer, 0);
    ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_CAPTURE]), 0);
    sscam_map_unref(map);
    sscam_explainer_unref(explainer);
}
END_TEST

START_TEST(unusable_widths_are_refused)
{
    static const char *const texts[] = {
        "", "0", "-0.1", "nan", "0.1,", "11", "0.1;0.2", "wide", "1,1,1,1,1,1,1,1,1"};
    sscam_explainer *explainer = explainer_with("linear", "aise", "");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        ASSERT_FAILS(sscam_explainer_set(explainer, "kernel_widths", texts[i]), SSCAM_E_ARGUMENT,
                     "option kernel_widths: \"");
    }
    ASSERT_OK(sscam_explainer_set(explainer, "kernel_widths", "0.001,10,1,1,1,1,1,1"));
    sscam_explainer_unref(explainer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("targets");
    TCase *weights = add_tcase(suite, "weights", set_up, tear_down),
          *positions = add_tcase(suite, "positions", set_up, tear_down),
          *masks = add_tcase(suite, "random masks", set_up, tear_down),
          *searched = add_tcase(suite, "searched masks", set_up, tear_down);
    tcase_add_test(searched, searched_masks_are_those_of_their_class);
    tcase_add_test(searched, searched_masks_do_not_depend_on_the_batch);
    tcase_add_test(searched, searched_masks_need_no_layer);
    tcase_add_test(searched, unusable_widths_are_refused);
    tcase_add_loop_test(weights, gradients_are_those_of_the_sum, 0, 3);
    tcase_add_test(weights, gradients_are_those_of_the_cosine);
    tcase_add_loop_test(weights, one_weight_is_one_class, 0, (int)sscam_method_count());
    tcase_add_test(weights, targets_of_neighbours_do_not_matter);
    tcase_add_test(weights, unusable_weights_are_refused);
    tcase_add_test(weights, several_references_are_the_highest_others);
    tcase_add_loop_test(positions, positions_are_scored_alone, 0, 6);
    tcase_add_test(masks, random_masks_are_shared_by_classes);
    tcase_add_test(masks, random_masks_need_no_layer);
    return run_suite(suite);
}
