/* Sound, [N,C,W], and video, [N,C,D,H,W], through every method, against the float64 reference. What
 * ranks do not touch is tested on images. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/fixtures.h"
#include "support/reference.h"
#include "support/reference_methods.h"

enum { SIZE = FAKE_COLORS * 480, IMAGES = 2 };

static float input[IMAGES * SIZE];

/* The inputs of this suite: all of them have SIZE values. */
static const struct kind {
    int32_t rank;
    int64_t shape[5];               /* of one input */
    int64_t sides[3], map_sides[3]; /* depth, height, width */
} kinds[] = {
    {3, {1, FAKE_COLORS, 480}, {1, 1, 480}, {1, 1, 240}},
    {5, {1, FAKE_COLORS, 6, 8, 10}, {6, 8, 10}, {3, 4, 5}},
    {5, {1, FAKE_COLORS, 2, 12, 20}, {2, 12, 20}, {1, 6, 10}},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static void set_up(void)
{
    fill_random(input, SIZE, 4711u, -1.25, 3.0);
    memcpy(input + SIZE, input, SIZE * sizeof *input);
    fake_reset();
}

static int64_t positions_in(const int64_t sides[3])
{
    return sides[0] * sides[1] * sides[2];
}

static sscam_explainer *explainer_of(const char *words, const char *method, const char *options)
{
    sscam_explainer *explainer = make_explainer(words, method);
    set_options(explainer, options);
    return explainer;
}

static sscam_map *explain(const struct kind *kind, const char *words, const char *method,
                          const char *options, const float *values)
{
    const int64_t class_index = 0;
    sscam_explainer *explainer = explainer_of(words, method, options);
    sscam_map *map = NULL;
    ASSERT_OK(
        sscam_explain_array(explainer, ARRAY(values, kind->shape, kind->rank), &class_index, &map));
    sscam_explainer_unref(explainer);
    return map;
}

static void assert_sides(const sscam_map *map, const struct kind *kind, const int64_t raw_sides[3])
{
    int32_t rank = 0;
    sscam_map_shape(map, &rank);
    ck_assert_int_eq(rank, kind->rank - 2);
    ck_assert_int_eq(map_depth(map), kind->sides[0]);
    ck_assert_int_eq(sscam_map_height(map), kind->sides[1]);
    ck_assert_int_eq(sscam_map_width(map), kind->sides[2]);
    ck_assert_int_eq(raw_depth(map), raw_sides[0]);
    ck_assert_int_eq(raw_height(map), raw_sides[1]);
    ck_assert_int_eq(raw_width(map), raw_sides[2]);
}

static void assert_values(const float *found, const double *wanted, int64_t count, double allowed)
{
    for (int64_t i = 0; i < count; i++)
        if (!(fabs(found[i] - wanted[i]) <= allowed))
            ck_abort_msg("value %lld is %.9g, not %.9g", (long long)i, found[i], wanted[i]);
}

/* data = s(U(raw)), in float64 from the raw map that was given out. */
static void assert_data_follows_raw(const sscam_map *map, const struct kind *kind,
                                    const int64_t raw_sides[3])
{
    double raw[SIZE], wanted[SIZE], lowest, highest;
    const int64_t positions = positions_in(kind->sides);
    for (int64_t i = 0; i < positions_in(raw_sides); i++)
        raw[i] = sscam_map_raw(map)[i];
    reference_upsample_volume(raw, raw_sides, kind->sides, 0, wanted);
    reference_range(wanted, positions, &lowest, &highest);
    for (int64_t p = 0; p < positions; p++)
        wanted[p] = (wanted[p] - lowest) / (highest - lowest);
    assert_values(sscam_map_data(map), wanted, positions, 2e-6);
}

static reference_input reference_of(const struct kind *kind, reference_head head)
{
    return (reference_input){.head = head,
                             .classes = FAKE_CLASSES,
                             .class_index = 0,
                             .depth = kind->sides[0],
                             .height = kind->sides[1],
                             .width = kind->sides[2],
                             .input = input};
}

static void assert_weights(const sscam_map *map, const double wanted[FAKE_CHANNELS])
{
    for (int k = 0; k < FAKE_CHANNELS; k++)
        ck_assert_msg(fabs(sscam_map_weights(map)[k] - wanted[k]) <=
                          1e-5 * fmax(1.0, fabs(wanted[k])),
                      "weight %d is %.9g, not %.9g", k, sscam_map_weights(map)[k], wanted[k]);
}

/* Weights, the raw map that they make, and what follows from it. */
static void assert_explained(sscam_map *map, const struct kind *kind,
                             const double weights[FAKE_CHANNELS], reference_head head)
{
    const reference_input of = reference_of(kind, head);
    double raw[SIZE];
    assert_weights(map, weights);
    assert_sides(map, kind, kind->map_sides);
    reference_raw_map(&of, weights, raw);
    assert_values(sscam_map_raw(map), raw, positions_in(kind->map_sides), 5e-5);
    assert_data_follows_raw(map, kind, kind->map_sides);
    sscam_map_unref(map);
}

/* --- methods ---------------------------------------------------------------------------------- */

START_TEST(gradient_methods_follow_the_reference)
{
    const struct kind *kind = &kinds[_i];
    const reference_input of = reference_of(kind, REFERENCE_POSITIONAL);
    double weights[FAKE_CHANNELS];
    reference_grad_cam(&of, weights);
    assert_explained(explain(kind, "fake positional", "grad-cam", "", input), kind, weights,
                     of.head);
    reference_grad_cam_pp(&of, weights);
    assert_explained(explain(kind, "fake positional", "grad-cam++", "", input), kind, weights,
                     of.head);
    reference_xgrad_cam(&of, weights);
    assert_explained(explain(kind, "fake positional", "xgrad-cam", "", input), kind, weights,
                     of.head);
    reference_smooth_grad_cam_pp(&of, 3, 0.75, 5, 0, weights);
    assert_explained(
        explain(kind, "fake positional", "smooth-grad-cam++", "samples=3 sigma=0.75 seed=5", input),
        kind, weights, of.head);
    reference_ablation_cam(&of, 0, weights);
    assert_explained(explain(kind, "fake positional", "ablation-cam", "", input), kind, weights,
                     of.head);
    for (int k = 0; k < FAKE_CHANNELS; k++)
        weights[k] = fake_weight[0][k];
    assert_explained(explain(kind, "fake linear", "cam", "", input), kind, weights,
                     REFERENCE_LINEAR);
}
END_TEST

#define NOISY .samples = 4, .sigma = 0.5, .seed = -3
#define NOISY_TEXT "samples=4 sigma=0.5 seed=-3 "

static const struct {
    const char *method, *options;
    reference_options reference;
} scored[] = {
    {"score-cam", "", {0}},
    {"score-cam",
     "align_corners=on normalise=before_upsample",
     {.align_corners = 1, .before_upsample = 1}},
    {"score-cam", "channel_softmax=off flat_channels=score", {.no_softmax = 1, .scores_flat = 1}},
    {"score-cam", "channel_softmax=off max_channels=2", {.no_softmax = 1, .max_channels = 2}},
    {"is-cam", "samples=3", {.samples = 3, .fades_in = 1}},
    {"ss-cam-mean", NOISY_TEXT, {NOISY}},
    {"ss-cam-max",
     NOISY_TEXT "noise_target=input noise_scale=range",
     {NOISY, .takes_maximum = 1, .target = TARGET_INPUT, .scale = SCALE_RANGE}},
    {"ss-cam-mean",
     NOISY_TEXT "noise_target=activation score=probability",
     {NOISY, .target = TARGET_ACTIVATION, .by_probability = 1}},
    {"ss-cam-mean",
     NOISY_TEXT "mask_weights=gradient rescore=on",
     {NOISY, .mask_weights = WEIGHTS_GRADIENT, .rescores = 1}},
};
enum { SCORED = sizeof scored / sizeof scored[0] };

START_TEST(scoring_methods_follow_the_reference)
{
    static const char *const words[] = {"fake positional", "fake positional channels-last"};
    const struct kind *kind = &kinds[_i % KINDS];
    const reference_input of = reference_of(kind, REFERENCE_POSITIONAL);
    const reference_result wanted = reference_score_weights(&of, &scored[_i / KINDS].reference);
    for (int order = 0; order < 2; order++) {
        sscam_map *map = explain(kind, words[order], scored[_i / KINDS].method,
                                 scored[_i / KINDS].options, input);
        ck_assert_int_eq(sscam_map_passes(map), wanted.passes);
        assert_explained(map, kind, wanted.weights, of.head);
    }
}
END_TEST

/* T = g A, summed over the channels. */
START_TEST(positions_are_weighed_one_by_one)
{
    const struct kind *kind = &kinds[_i];
    const reference_input of = reference_of(kind, REFERENCE_POSITIONAL);
    const int64_t positions = positions_in(kind->map_sides);
    double exact[SIZE], features[2 * SIZE], gradients[2 * SIZE], raw[SIZE] = {0.0};
    for (int i = 0; i < SIZE; i++)
        exact[i] = input[i];
    reference_features(&of, exact, features);
    reference_gradients(&of, gradients);
    for (int64_t i = 0; i < FAKE_CHANNELS * positions; i++)
        raw[i % positions] += gradients[i] * features[i];
    for (int64_t p = 0; p < positions; p++)
        raw[p] = fmax(raw[p], 0.0);
    sscam_map *map = explain(kind, "fake positional", "hires-cam", "", input);
    ck_assert_ptr_null(sscam_map_weights(map));
    assert_sides(map, kind, kind->map_sides);
    assert_values(sscam_map_raw(map), raw, positions, 1e-6);
    assert_data_follows_raw(map, kind, kind->map_sides);
    sscam_map_unref(map);
}
END_TEST

START_TEST(activations_are_combined_at_the_inputs_size)
{
    const struct kind *kind = &kinds[_i];
    sscam_map *high = explain(kind, "fake linear", "cam", "combine=upsampled", input);
    double sum[SIZE] = {0.0}, features[2 * SIZE], exact[SIZE], upsampled[SIZE];
    const reference_input of = reference_of(kind, REFERENCE_LINEAR);
    const int64_t positions = positions_in(kind->map_sides), pixels = positions_in(kind->sides);
    for (int i = 0; i < SIZE; i++)
        exact[i] = input[i];
    reference_features(&of, exact, features);
    for (int64_t i = 0; i < FAKE_CHANNELS * positions; i++)
        sum[i % positions] += fake_weight[0][i / positions] * features[i];
    reference_upsample_volume(sum, kind->map_sides, kind->sides, 0, upsampled);
    for (int64_t p = 0; p < pixels; p++)
        upsampled[p] = fmax(upsampled[p], 0.0);
    assert_sides(high, kind, kind->sides);
    assert_values(sscam_map_raw(high), upsampled, pixels, 1e-5);
    assert_data_follows_raw(high, kind, kind->sides);
    sscam_map_unref(high);
}
END_TEST

/* --- fusion and batches ----------------------------------------------------------------------- */

static void normalise(double *values, int64_t count)
{
    double lowest, highest;
    reference_range(values, count, &lowest, &highest);
    for (int64_t i = 0; i < count; i++)
        values[i] = (values[i] - lowest) / (highest - lowest);
}

/* Mean of six maps, those of inputs mirrored along their last side mirrored back. */
START_TEST(augmented_inputs_are_mirrored_along_the_last_side)
{
    static const float factors[] = {1.0f, 0.9f, 1.1f};
    const struct kind *kind = &kinds[_i];
    const int64_t pixels = positions_in(kind->sides), width = kind->sides[2];
    double mean[SIZE] = {0.0};
    float augmented[SIZE];
    for (int part = 0; part < 6; part++) {
        for (int64_t i = 0; i < SIZE; i++)
            augmented[i] = factors[part % 3] *
                           (part < 3 ? input[i] : input[i / width * width + width - 1 - i % width]);
        sscam_map *map = explain(kind, "fake positional", "grad-cam", "", augmented);
        for (int64_t p = 0; p < pixels; p++)
            mean[p] +=
                sscam_map_data(map)[part < 3 ? p : p / width * width + width - 1 - p % width] / 6.0;
        sscam_map_unref(map);
    }
    sscam_map *smooth = explain(kind, "fake positional", "grad-cam", "aug_smooth=on", input);
    assert_sides(smooth, kind, kind->sides);
    assert_values(sscam_map_raw(smooth), mean, pixels, 2e-6);
    normalise(mean, pixels);
    assert_values(sscam_map_data(smooth), mean, pixels, 5e-6);
    sscam_map_unref(smooth);
}
END_TEST

START_TEST(layers_are_fused)
{
    const struct kind *kind = &kinds[_i];
    sscam_map *stem = explain(kind, "fake positional", "grad-cam", "layer=stem", input);
    sscam_map *features = explain(kind, "fake positional", "grad-cam", "layer=features", input);
    sscam_map *fused = explain(kind, "fake positional", "grad-cam", "layer=stem,features", input);
    assert_sides(fused, kind, kind->sides);
    for (int64_t p = 0; p < positions_in(kind->sides); p++)
        ck_assert_float_eq(sscam_map_raw(fused)[p],
                           fmaxf(sscam_map_data(stem)[p], sscam_map_data(features)[p]));
    sscam_map_unref(stem);
    sscam_map_unref(features);
    sscam_map_unref(fused);
}
END_TEST

/* v of the noise counts them. */
START_TEST(batches_have_a_map_an_input)
{
    const struct kind *kind = &kinds[_i];
    int64_t shape[5] = {0};
    memcpy(shape, kind->shape, sizeof shape);
    shape[0] = IMAGES;
    const int64_t classes[IMAGES] = {0, 0};
    sscam_explainer *explainer = explainer_of("fake positional", "ss-cam-mean", NOISY_TEXT);
    sscam_map *maps[IMAGES];
    ASSERT_OK(
        sscam_explain_array_all(&explainer, 1, ARRAY(input, shape, kind->rank), classes, 1, maps));
    for (int image = 0; image < IMAGES; image++) {
        const reference_input of = reference_of(kind, REFERENCE_POSITIONAL);
        const reference_options options = {NOISY, .image = image};
        const reference_result wanted = reference_score_weights(&of, &options);
        assert_explained(maps[image], kind, wanted.weights, of.head);
    }
    sscam_explainer_unref(explainer);
}
END_TEST

/* --- around maps ------------------------------------------------------------------------------ */

/* An image as an array is an image. */
START_TEST(a_image_is_an_array_of_rank_4)
{
    static const int64_t shape[4] = {1, FAKE_COLORS, 20, 24};
    sscam_explainer *explainer = explainer_of("fake positional", "ss-cam-mean", NOISY_TEXT);
    sscam_map *array = NULL, *tensor = NULL;
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(input, shape, 4), NULL, &array));
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(input, shape, 4), NULL, &tensor));
    ck_assert_int_eq(same_maps(array, tensor), 1);
    int32_t rank = 0, raw_rank = 0;
    sscam_map_shape(array, &rank);
    sscam_map_raw_shape(array, &raw_rank);
    ck_assert_int_eq(rank, 2);
    ck_assert_int_eq(raw_rank, 2);
    sscam_map_unref(array);
    sscam_map_unref(tensor);
    sscam_explainer_unref(explainer);
}
END_TEST

START_TEST(maps_of_other_ranks_are_no_images)
{
    static const uint8_t pixels[3] = {1, 2, 3};
    sscam_image *image = NULL, *out = NULL;
    sscam_map *map = explain(&kinds[_i], "fake linear", "grad-cam", "", input);
    ASSERT_OK(create_packed(1, 1, 3, pixels, &image));
    ASSERT_FAILS(sscam_map_overlay(map, image, NULL, &out), SSCAM_E_UNSUPPORTED,
                 kinds[_i].rank == 3 ? "rank 1, [W]" : "rank 3, [D,H,W]");
    ck_assert_ptr_null(out);
    ASSERT_FAILS(sscam_map_heatmap(map, NULL, &out), SSCAM_E_UNSUPPORTED, "is not an image");
    ck_assert_ptr_null(out);
    sscam_image_unref(image);
    sscam_map_unref(map);
}
END_TEST

START_TEST(networks_classify_and_list_layers_in_every_rank)
{
    const struct kind *kind = &kinds[_i];
    const reference_input of = reference_of(kind, REFERENCE_LINEAR);
    double exact[SIZE], features[2 * SIZE];
    sscam_model *model = load_fake("fake linear");
    sscam_layers *layers = NULL;
    float logits[FAKE_CLASSES];
    int64_t class_count = 0;
    int32_t rank = 0;
    for (int i = 0; i < SIZE; i++)
        exact[i] = input[i];
    reference_features(&of, exact, features);
    ASSERT_OK(sscam_model_classify(model, ARRAY(input, kind->shape, kind->rank), logits,
                                   FAKE_CLASSES, &class_count));
    ck_assert_int_eq(class_count, FAKE_CLASSES);
    for (int64_t c = 0; c < FAKE_CLASSES; c++)
        ck_assert_double_eq_tol(logits[c], reference_logit(&of, features, c), 1e-6);
    ASSERT_OK(sscam_model_layers(model, kind->shape, kind->rank, &layers));
    const int64_t *shape = sscam_layers_shape(layers, (size_t)sscam_layers_default(layers), &rank);
    ck_assert_int_eq(rank, kind->rank);
    ck_assert_int_eq(shape[1], FAKE_CHANNELS);
    for (int i = 2; i < rank; i++)
        ck_assert_int_eq(shape[i], kind->map_sides[i + 3 - rank]);
    sscam_layers_unref(layers);
    sscam_model_unref(model);
}
END_TEST

START_TEST(unusable_ranks_and_shapes_are_refused)
{
    static const struct {
        int32_t rank;
        int64_t shape[5];
        const char *thing;
    } cases[] = {
        {2, {1, 3}, "input rank: 2"},
        {6, {1, 3, 2, 2, 2}, "input rank: 6"},
        {-1, {1, 3}, "input rank: -1"},
        {3, {1, 3, 0}, "W is 0"},
        {5, {1, 3, 0, 8, 8}, "D is 0"},
        {5, {1, 3, 4, -2, 8}, "H is -2"},
        {5, {1, 1 << 20, 1 << 10, 1 << 10, 2}, "1x1048576x1024x1024x2 is too large"},
        {5, {1, 1, INT64_C(1) << 33, 1, 1}, "too many for a map"},
        {3, {1, 1, INT64_C(1) << 33}, "too many for a map"},
        {3, {1, 2, 8}, "wants 3 channels"},
    };
    sscam_explainer *explainer = make_explainer("fake linear", "grad-cam");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sscam_map *map = NULL;
        const sscam_status wanted = i + 1 < sizeof cases / sizeof cases[0] ? SSCAM_E_ARGUMENT
                                                                           : SSCAM_E_MODEL;
        ASSERT_FAILS(
            sscam_explain_array(explainer, ARRAY(input, cases[i].shape, cases[i].rank), NULL, &map),
            wanted, cases[i].thing);
        ck_assert_ptr_null(map);
    }
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(input, NULL, 3), NULL, NULL),
                 SSCAM_E_ARGUMENT, "sscam_explain_array: ");
    sscam_explainer_unref(explainer);
}
END_TEST

START_TEST(values_that_are_not_finite_are_found)
{
    sscam_explainer *explainer = make_explainer("fake linear", "grad-cam");
    sscam_map *map = NULL;
    input[480 + 3 * 80 + 2 * 10 + 7] = NAN;
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(input, kinds[0].shape, 3), NULL, &map),
                 SSCAM_E_ARGUMENT, "NaN at image 0, channel 1, column 267");
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(input, kinds[1].shape, 5), NULL, &map),
                 SSCAM_E_ARGUMENT, "NaN at image 0, channel 1, slice 3, row 2, column 7");
    sscam_explainer_unref(explainer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ranks");
    TCase *methods = add_tcase(suite, "methods", set_up, NULL),
          *parts = add_tcase(suite, "parts", set_up, NULL),
          *around = add_tcase(suite, "around", set_up, NULL);
    tcase_add_loop_test(methods, gradient_methods_follow_the_reference, 0, KINDS);
    tcase_add_loop_test(methods, scoring_methods_follow_the_reference, 0, KINDS * SCORED);
    tcase_add_loop_test(methods, positions_are_weighed_one_by_one, 0, KINDS);
    tcase_add_loop_test(methods, activations_are_combined_at_the_inputs_size, 0, KINDS);
    tcase_add_loop_test(parts, augmented_inputs_are_mirrored_along_the_last_side, 0, KINDS);
    tcase_add_loop_test(parts, layers_are_fused, 0, KINDS);
    tcase_add_loop_test(parts, batches_have_a_map_an_input, 0, KINDS);
    tcase_add_test(around, a_image_is_an_array_of_rank_4);
    tcase_add_loop_test(around, maps_of_other_ranks_are_no_images, 0, KINDS);
    tcase_add_loop_test(around, networks_classify_and_list_layers_in_every_rank, 0, KINDS);
    tcase_add_test(around, unusable_ranks_and_shapes_are_refused);
    tcase_add_test(around, values_that_are_not_finite_are_found);
    return run_suite(suite);
}
