/* What an explainer does besides explaining: preparing for a shape, and the highest classes. */
#include <math.h>
#include <stdlib.h>

#include "support/fixtures.h"

enum { HEIGHT = 6, WIDTH = 8, SIZE = FAKE_COLORS * HEIGHT * WIDTH };
static const int64_t one[4] = {1, FAKE_COLORS, HEIGHT, WIDTH};

static long long calls_of(fake_call call)
{
    return atomic_load(&fake_counted.calls[call]);
}

/* --- preparing -------------------------------------------------------------------------------- */

START_TEST(preparing_scores_nothing)
{
    sscam_explainer *explainer = make_explainer("fake linear", "ss-cam-mean");
    set_options(explainer, "samples=3");
    fake_reset();
    ASSERT_OK(sscam_explainer_prepare(explainer, one, 4));
    ck_assert_int_eq(calls_of(FAKE_CAPTURE), 1);
    ck_assert_int_eq(calls_of(FAKE_PREPARE), 1);
    ck_assert_int_eq(calls_of(FAKE_SCORE), 0);
    ck_assert_int_eq(atomic_load(&fake_counted.inputs), 1);
    /* Channel 3 is constant and has no masks; the backend is told of all others. */
    ck_assert_int_eq(atomic_load(&fake_counted.prepared_inputs), 3 * (FAKE_CHANNELS - 1));
    sscam_explainer_unref(explainer);
}
END_TEST

START_TEST(every_method_can_be_prepared)
{
    for (int64_t i = 0; i < (int64_t)sscam_method_count(); i++) {
        sscam_explainer *explainer = make_explainer("fake linear",
                                                    sscam_method_name(sscam_method_info(i)));
        set_options(explainer, "aug_smooth=on layer=stem,features");
        fake_reset();
        sscam_status status = sscam_explainer_prepare(explainer, one, 4);
        ck_assert_msg(status == SSCAM_OK || status == SSCAM_E_UNSUPPORTED, "%s",
                      sscam_last_error());
        ck_assert_int_eq(calls_of(FAKE_SCORE) + calls_of(FAKE_ABLATE), 0);
        sscam_explainer_unref(explainer);
    }
}
END_TEST

START_TEST(several_images_are_prepared_together)
{
    static const int64_t many[4] = {1000, FAKE_COLORS, HEIGHT, WIDTH};
    sscam_explainer *explainer = make_explainer("fake linear", "score-cam");
    fake_reset();
    ASSERT_OK(sscam_explainer_prepare(explainer, many, 4));
    ck_assert_int_eq(calls_of(FAKE_CAPTURE), 8); /* as many as a call takes at once */
    ck_assert_int_eq(calls_of(FAKE_PREPARE), 1);
    sscam_explainer_unref(explainer);
}
END_TEST

START_TEST(preparing_fails_as_explaining_does)
{
    static const int64_t empty[4] = {1, 3, 0, 10};
    sscam_explainer *explainer = make_explainer("fake linear", "score-cam");
    ASSERT_FAILS(sscam_explainer_prepare(NULL, one, 4), SSCAM_E_ARGUMENT, "explainer is NULL");
    ASSERT_FAILS(sscam_explainer_prepare(explainer, NULL, 4), SSCAM_E_ARGUMENT, "shape is NULL");
    ASSERT_FAILS(sscam_explainer_prepare(explainer, one, 2), SSCAM_E_ARGUMENT, "rank: 2");
    ASSERT_FAILS(sscam_explainer_prepare(explainer, empty, 4), SSCAM_E_ARGUMENT, "H is 0");
    fake_reset();
    fake_fail_at(FAKE_PREPARE, 1, SSCAM_E_DEVICE);
    ASSERT_FAILS(sscam_explainer_prepare(explainer, one, 4), SSCAM_E_DEVICE, "prepare 1");
    set_options(explainer, "layer=nowhere");
    ASSERT_FAILS(sscam_explainer_prepare(explainer, one, 4), SSCAM_E_LAYER, "nowhere");
    sscam_explainer_unref(explainer);
}
END_TEST

/* --- the highest classes ---------------------------------------------------------------------- */

static const struct {
    const char *words, *probability;
} heads[] = {
    {"fake linear", "softmax"}, {"fake linear", "sigmoid"},     {"fake quadratic", "softmax"},
    {"fake large", "softmax"},  {"fake one-output", "softmax"},
};
enum { HEADS = sizeof heads / sizeof heads[0] };

/* Softmax or sigmoid in float64, from the formula. */
static double probability_of(const float *logits, int64_t count, int64_t index, int is_softmax)
{
    double sum = 0.0;
    if (!is_softmax || count == 1)
        return 1.0 / (1.0 + exp(-(double)logits[index]));
    for (int64_t j = 0; j < count; j++)
        sum += exp((double)logits[j] - (double)logits[index]);
    return 1.0 / sum;
}

START_TEST(classes_come_with_logits_and_probabilities)
{
    sscam_explainer *explainer = make_explainer(heads[_i].words, "grad-cam");
    sscam_image *image = make_image(WIDTH, HEIGHT, 3);
    sscam_model *model = load_fake(heads[_i].words);
    sscam_class_score scores[FAKE_CLASSES + 1];
    float input[SIZE], logits[FAKE_CLASSES];
    int64_t shape[4], count = 0, class_count = 0;
    skip_resizing(explainer);
    ASSERT_OK(sscam_explainer_set(explainer, "probability", heads[_i].probability));
    ASSERT_OK(sscam_explainer_preprocess(explainer, image, shape, input, SIZE));
    ASSERT_OK(
        sscam_model_classify(model, ARRAY(input, shape, 4), logits, FAKE_CLASSES, &class_count));
    ASSERT_OK(sscam_explainer_classify(explainer, image, scores, FAKE_CLASSES + 1, &count));
    ck_assert_int_eq(count, class_count);
    for (int64_t i = 0; i < count; i++) {
        const int64_t index = scores[i].class_index;
        ck_assert(index >= 0 && index < count);
        ck_assert_double_eq(scores[i].logit, (double)logits[index]);
        ck_assert_double_eq_tol(
            scores[i].probability,
            probability_of(logits, count, index, strcmp(heads[_i].probability, "softmax") == 0),
            1e-12);
        if (i > 0)
            ck_assert(
                scores[i - 1].logit > scores[i].logit ||
                (scores[i - 1].logit == scores[i].logit && scores[i - 1].class_index < index));
    }
    sscam_model_unref(model);
    sscam_image_unref(image);
    sscam_explainer_unref(explainer);
}
END_TEST

/* As the map of the top class says. */
START_TEST(the_first_class_is_the_top_class)
{
    sscam_explainer *explainer = make_explainer("fake linear", "grad-cam");
    sscam_image *image = make_image(WIDTH, HEIGHT, 3);
    sscam_map *map = NULL;
    sscam_class_score best[2] = {{-9, 0.0, 0.0}, {-9, 0.0, 0.0}};
    int64_t count = 0;
    ASSERT_OK(sscam_explain_image(explainer, image, SSCAM_CLASS_TOP, &map));
    ASSERT_OK(sscam_explainer_classify(explainer, image, best, 1, &count));
    ck_assert_int_eq(count, FAKE_CLASSES);
    ck_assert_int_eq(best[0].class_index, sscam_map_class_index(map));
    ck_assert_double_eq(best[0].logit, sscam_map_logit(map));
    ck_assert_double_eq(best[0].probability, sscam_map_probability(map));
    ck_assert_int_eq(best[1].class_index, -9);
    sscam_map_unref(map);
    sscam_image_unref(image);
    sscam_explainer_unref(explainer);
}
END_TEST

START_TEST(dense_outputs_are_means_over_all_pixels)
{
    sscam_explainer *explainer = make_explainer("fake dense", "grad-cam");
    sscam_image *image = make_image(WIDTH, HEIGHT, 3);
    sscam_class_score scores[FAKE_CLASSES];
    int64_t count = 0;
    double sum = 0.0;
    skip_resizing(explainer);
    set_options(explainer, "region=all");
    ASSERT_OK(sscam_explainer_classify(explainer, image, scores, FAKE_CLASSES, &count));
    for (int64_t i = 0; i < count; i++) {
        sscam_map *map = NULL;
        ASSERT_OK(sscam_explain_image(explainer, image, scores[i].class_index, &map));
        ck_assert_double_eq_tol(scores[i].logit, sscam_map_logit(map), 1e-6);
        ck_assert_double_eq_tol(scores[i].probability, sscam_map_probability(map), 1e-6);
        ck_assert(i == 0 || scores[i - 1].probability >= scores[i].probability);
        sum += scores[i].probability;
        sscam_map_unref(map);
    }
    ck_assert_double_eq_tol(sum, 1.0, 1e-5);
    sscam_image_unref(image);
    sscam_explainer_unref(explainer);
}
END_TEST

START_TEST(classifying_keeps_to_its_room_and_says_why)
{
    sscam_explainer *explainer = make_explainer("fake linear", "grad-cam");
    sscam_image *image = make_image(WIDTH, HEIGHT, 3);
    sscam_class_score score;
    int64_t count = 0;
    ASSERT_OK(sscam_explainer_classify(explainer, image, NULL, 0, &count));
    ck_assert_int_eq(count, FAKE_CLASSES);
    ASSERT_FAILS(sscam_explainer_classify(NULL, image, &score, 1, &count), SSCAM_E_ARGUMENT,
                 "NULL");
    ASSERT_FAILS(sscam_explainer_classify(explainer, NULL, &score, 1, &count), SSCAM_E_ARGUMENT,
                 "NULL");
    ASSERT_FAILS(sscam_explainer_classify(explainer, image, NULL, 1, &count), SSCAM_E_ARGUMENT,
                 "NULL");
    ASSERT_FAILS(sscam_explainer_classify(explainer, image, &score, 1, NULL), SSCAM_E_ARGUMENT,
                 "NULL");
    ASSERT_FAILS(sscam_explainer_classify(explainer, image, &score, -1, &count), SSCAM_E_ARGUMENT,
                 "capacity is -1");
    fake_reset();
    fake_fail_at(FAKE_CLASSIFY, 1, SSCAM_E_DEVICE);
    ASSERT_FAILS(sscam_explainer_classify(explainer, image, &score, 1, &count), SSCAM_E_DEVICE,
                 "classify 1");
    sscam_image_unref(image);
    sscam_explainer_unref(explainer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("preparation");
    TCase *preparing = add_tcase(suite, "preparing", NULL, assert_all_networks_freed),
          *classes = add_tcase(suite, "classes", NULL, assert_all_networks_freed);
    tcase_add_test(preparing, preparing_scores_nothing);
    tcase_add_test(preparing, every_method_can_be_prepared);
    tcase_add_test(preparing, several_images_are_prepared_together);
    tcase_add_test(preparing, preparing_fails_as_explaining_does);
    tcase_add_loop_test(classes, classes_come_with_logits_and_probabilities, 0, HEADS);
    tcase_add_test(classes, the_first_class_is_the_top_class);
    tcase_add_test(classes, dense_outputs_are_means_over_all_pixels);
    tcase_add_test(classes, classifying_keeps_to_its_room_and_says_why);
    return run_suite(suite);
}
