/* Maps fused from several layers or averaged over augmented inputs, compared with fusions of single
 * maps of the library. */
#include <math.h>
#include <stdlib.h>

#include "support/fixtures.h"
#include "support/shorthands.h"

enum { HEIGHT = 6, WIDTH = 8, PLANE = HEIGHT * WIDTH, SIZE = FAKE_COLORS * PLANE };
static const int64_t one[4] = {1, FAKE_COLORS, HEIGHT, WIDTH};
static float input[SIZE];

static void set_up(void)
{
    fill_random(input, SIZE, 99u, -0.5, 2.0);
    fake_reset();
}

static sscam_explainer *explainer_of(const char *method, const char *const options[][2],
                                     size_t count)
{
    sscam_explainer *explainer = make_explainer("fake positional", method);
    for (size_t i = 0; i < count; i++)
        ASSERT_OK(sscam_explainer_set(explainer, options[i][0], options[i][1]));
    return explainer;
}

static sscam_map *explain(const char *method, const float *values, const char *const options[][2],
                          size_t count, int64_t class_index)
{
    sscam_explainer *explainer = explainer_of(method, options, count);
    sscam_map *map = NULL;
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(values, one, 4), &class_index, &map));
    sscam_explainer_unref(explainer);
    return map;
}

static void normalise(const double *values, double *out)
{
    double lowest = INFINITY, highest = -INFINITY;
    for (int p = 0; p < PLANE; p++) {
        lowest = fmin(lowest, values[p]);
        highest = fmax(highest, values[p]);
    }
    for (int p = 0; p < PLANE; p++)
        out[p] = highest > lowest ? (values[p] - lowest) / (highest - lowest) : 0.0;
}

static void assert_composed(const sscam_map *map, const double *raw)
{
    double data[PLANE];
    normalise(raw, data);
    ck_assert_int_eq(raw_height(map), HEIGHT);
    ck_assert_int_eq(raw_width(map), WIDTH);
    ck_assert_ptr_null(sscam_map_weights(map));
    for (int p = 0; p < PLANE; p++) {
        ck_assert_double_eq_tol(sscam_map_raw(map)[p], raw[p], 1e-6);
        ck_assert_double_eq_tol(sscam_map_data(map)[p], data[p], 3e-6);
    }
}

/* --- layers ----------------------------------------------------------------------------------- */

static const char *const fusions[] = {"max", "mean"};

static void fuse_by_hand(const sscam_map *a, const sscam_map *b, int by_mean, double *out)
{
    for (int p = 0; p < PLANE; p++) {
        double left = sscam_map_data(a)[p], right = sscam_map_data(b)[p];
        out[p] = by_mean ? (left + right) / 2.0 : fmax(left, right);
    }
}

START_TEST(layers_are_fused)
{
    const char *const stem[][2] = {{"layer", "stem"}}, *const features[][2] = {
                                                           {"layer", "features"}};
    const char *const both[][2] = {{"layer", "stem,features"}, {"fusion", fusions[_i]}};
    sscam_map *left = explain("grad-cam", input, stem, 1, 1),
              *right = explain("grad-cam", input, features, 1, 1);
    sscam_map *fused = explain("grad-cam", input, both, 2, 1);
    double raw[PLANE];
    fuse_by_hand(left, right, _i, raw);
    assert_composed(fused, raw);
    ck_assert_str_eq(sscam_map_layer(fused), "stem,features");
    ck_assert_str_eq(sscam_map_method(fused), "grad-cam");
    ck_assert_int_eq(sscam_map_channel_count(fused), 0);
    ck_assert_int_eq(sscam_map_passes(fused), 2);
    ck_assert_int_eq(sscam_map_class_index(fused), 1);
    ck_assert_double_eq(sscam_map_logit(fused), sscam_map_logit(left));
    ck_assert_double_eq(sscam_map_probability(fused), sscam_map_probability(left));
    sscam_map_unref(left);
    sscam_map_unref(right);
    sscam_map_unref(fused);
}
END_TEST

START_TEST(one_layer_needs_no_fusion)
{
    const char *const plain[][2] = {{"layer", "features"}};
    const char *const mean[][2] = {{"layer", "features"}, {"fusion", "mean"}};
    sscam_map *left = explain("score-cam", input, plain, 1, 0),
              *right = explain("score-cam", input, mean, 2, 0);
    ck_assert(same_maps(left, right));
    sscam_map_unref(left);
    sscam_map_unref(right);
}
END_TEST

START_TEST(unusable_layers_are_named)
{
    static const char *const empty[] = {",", "stem,", ",stem", "stem,,features"};
    sscam_explainer *explainer = explainer_of("grad-cam", NULL, 0);
    sscam_map *map = NULL;
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++)
        ASSERT_FAILS(sscam_explainer_set(explainer, "layer", empty[i]), SSCAM_E_ARGUMENT, empty[i]);
    ck_assert_str_eq(option_text(explainer, "layer"), "");
    ASSERT_OK(sscam_explainer_set(explainer, "layer", "features,stam"));
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(input, one, 4), NULL, &map), SSCAM_E_LAYER,
                 "stam");
    ck_assert_ptr_null(map);
    ASSERT_OK(sscam_explainer_set(explainer, "layer", "features,stem"));
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(input, one, 4), NULL, &map));
    sscam_map_unref(map);
    sscam_explainer_unref(explainer);
}
END_TEST

START_TEST(fused_flat_maps_are_flat)
{
    sscam_explainer *explainer = make_explainer("fake flat", "grad-cam");
    sscam_map *map = NULL;
    ASSERT_OK(sscam_explainer_set(explainer, "layer", "features,features"));
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(input, one, 4), NULL, &map));
    ck_assert_int_eq(sscam_map_is_flat(map), 1);
    for (int p = 0; p < PLANE; p++)
        ck_assert_float_eq(sscam_map_data(map)[p], 0.0f);
    sscam_map_unref(map);
    sscam_explainer_unref(explainer);
}
END_TEST

/* --- augmented inputs ---------------------------------------------------------------------------
 */

/* Mean of the six maps, each mirrored back. */
static void smooth_by_hand(const char *method, int64_t class_index, double *out)
{
    static const float factors[] = {0.9f, 1.0f, 1.1f};
    for (int p = 0; p < PLANE; p++)
        out[p] = 0.0;
    for (int i = 0; i < 6; i++) {
        float augmented[SIZE];
        for (int p = 0; p < SIZE; p++)
            augmented[p] = factors[i / 2] *
                           input[i % 2 ? p / WIDTH * WIDTH + WIDTH - 1 - p % WIDTH : p];
        sscam_map *map = explain(method, augmented, NULL, 0, class_index);
        for (int p = 0; p < PLANE; p++)
            out[p] += sscam_map_data(map)[i % 2 ? p / WIDTH * WIDTH + WIDTH - 1 - p % WIDTH : p] /
                      6.0;
        sscam_map_unref(map);
    }
}

START_TEST(augmented_inputs_are_averaged)
{
    static const char *const methods[] = {"grad-cam++", "score-cam", "layer-cam", "ablation-cam"};
    const char *const options[][2] = {{"aug_smooth", "on"}};
    double raw[PLANE];
    smooth_by_hand(methods[_i], 2, raw);
    sscam_map *map = explain(methods[_i], input, options, 1, 2);
    assert_composed(map, raw);
    ck_assert_str_eq(sscam_map_layer(map), "features");
    ck_assert_int_eq(sscam_map_channel_count(map), FAKE_CHANNELS);
    sscam_map_unref(map);
}
END_TEST

/* At (1.3, 2, 0.5) class 0 leads by 2.59 to 2.53; times 1.1, class 1 does. */
START_TEST(the_original_input_chooses_the_class)
{
    const char *const options[][2] = {{"aug_smooth", "on"}};
    int changed = 0;
    for (int level = 0; level < 20; level++) {
        const float colors[FAKE_COLORS] = {1.2f + 0.01f * (float)level, 2.0f, 0.5f};
        float values[SIZE];
        for (int i = 0; i < SIZE; i++)
            values[i] = colors[i / PLANE] + 0.01f * input[i];
        sscam_map *plain = explain("grad-cam", values, NULL, 0, SSCAM_CLASS_TOP);
        sscam_map *smooth = explain("grad-cam", values, options, 1, SSCAM_CLASS_TOP);
        sscam_map *named = explain("grad-cam", values, options, 1, sscam_map_class_index(plain));
        ck_assert_int_eq(sscam_map_class_index(smooth), sscam_map_class_index(plain));
        ck_assert_double_eq(sscam_map_logit(smooth), sscam_map_logit(plain));
        ck_assert(same_maps(smooth, named));
        for (int i = 0; i < SIZE; i++)
            values[i] *= 1.1f;
        sscam_map *augmented = explain("grad-cam", values, NULL, 0, SSCAM_CLASS_TOP);
        changed += sscam_map_class_index(augmented) != sscam_map_class_index(plain);
        sscam_map_unref(plain);
        sscam_map_unref(smooth);
        sscam_map_unref(named);
        sscam_map_unref(augmented);
    }
    ck_assert_int_gt(changed, 0); /* or nothing was tried */
}
END_TEST

START_TEST(the_original_input_is_shared)
{
    sscam_model *model = load_fake("fake linear");
    sscam_explainer *explainers[2];
    sscam_map *maps[2];
    int64_t first = 0;
    for (int i = 0; i < 2; i++)
        ASSERT_OK(sscam_explainer_create(model, "grad-cam", &explainers[i]));
    ASSERT_OK(sscam_explainer_set(explainers[1], "aug_smooth", "on"));
    fake_reset();
    ASSERT_OK(sscam_explain_array_all(explainers, 2, ARRAY(input, one, 4), &first, 1, maps));
    ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_CAPTURE]), 6);
    ck_assert_int_eq(sscam_map_passes(maps[0]), 1);
    ck_assert_int_eq(sscam_map_passes(maps[1]), 5);
    for (int i = 0; i < 2; i++) {
        sscam_map_unref(maps[i]);
        sscam_explainer_unref(explainers[i]);
    }
    sscam_model_unref(model);
}
END_TEST

START_TEST(layers_and_augmented_inputs_go_together)
{
    static const float factors[] = {0.9f, 1.0f, 1.1f};
    const char *const options[][2] = {
        {"aug_smooth", "on"}, {"layer", "features,stem"}, {"fusion", "mean"}};
    double raw[PLANE] = {0.0}, fused[PLANE];
    for (int i = 0; i < 6; i++) {
        float augmented[SIZE];
        for (int p = 0; p < SIZE; p++)
            augmented[p] = factors[i / 2] *
                           input[i % 2 ? p / WIDTH * WIDTH + WIDTH - 1 - p % WIDTH : p];
        sscam_map *map = explain("layer-cam", augmented, options + 1, 2, 0);
        for (int p = 0; p < PLANE; p++)
            fused[p] = sscam_map_data(map)[i % 2 ? p / WIDTH * WIDTH + WIDTH - 1 - p % WIDTH : p];
        for (int p = 0; p < PLANE; p++)
            raw[p] += fused[p] / 6.0;
        sscam_map_unref(map);
    }
    sscam_map *map = explain("layer-cam", input, options, 3, 0);
    assert_composed(map, raw);
    ck_assert_int_eq(sscam_map_passes(map), 12);
    sscam_map_unref(map);
}
END_TEST

START_TEST(a_failing_part_fails_all)
{
    const char *const options[][2] = {{"aug_smooth", "on"}, {"layer", "features,stem"}};
    for (long long nth = 1; nth <= 12; nth++) {
        sscam_explainer *explainer = explainer_of("grad-cam", options, 2);
        sscam_map *map = NULL;
        fake_reset();
        fake_fail_at(FAKE_CAPTURE, nth, SSCAM_E_DEVICE);
        ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(input, one, 4), NULL, &map),
                     SSCAM_E_DEVICE, "fake failure");
        ck_assert_ptr_null(map);
        sscam_explainer_unref(explainer);
    }
}
END_TEST

/* --- principal component in position of the sum --------------------------------------------------
 */

START_TEST(eigen_smooth_projects_the_terms)
{
    const char *const smooth[][2] = {{"eigen_smooth", "on"}};
    sscam_map *left = explain("hires-cam", input, smooth, 1, 1),
              *right = explain("eigen-grad-cam", input, NULL, 0, 1);
    ck_assert(same_maps(left, right));
    sscam_map_unref(left);
    left = explain("eigen-grad-cam", input, smooth, 1, 1);
    ck_assert(same_maps(left, right));
    sscam_map_unref(left);
    sscam_map_unref(right);
}
END_TEST

/* Weights stay what they are; the raw map is another, whose positions add up to nothing before
 * ReLU.
 */
START_TEST(eigen_smooth_keeps_the_weights)
{
    const char *const smooth[][2] = {{"eigen_smooth", "on"}};
    sscam_map *left = explain("grad-cam", input, smooth, 1, 0),
              *right = explain("grad-cam", input, NULL, 0, 0);
    for (int k = 0; k < FAKE_CHANNELS; k++)
        ck_assert_float_eq(sscam_map_weights(left)[k], sscam_map_weights(right)[k]);
    ck_assert_int_eq(same_maps(left, right), 0);
    sscam_map_unref(left);
    sscam_map_unref(right);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline");
    TCase *layers = add_tcase(suite, "layers", set_up, NULL),
          *inputs = add_tcase(suite, "augmented inputs", set_up, NULL),
          *eigen = add_tcase(suite, "eigen", set_up, NULL);
    tcase_add_loop_test(layers, layers_are_fused, 0, 2);
    tcase_add_test(layers, one_layer_needs_no_fusion);
    tcase_add_test(layers, unusable_layers_are_named);
    tcase_add_test(layers, fused_flat_maps_are_flat);
    tcase_add_loop_test(inputs, augmented_inputs_are_averaged, 0, 4);
    tcase_add_test(inputs, the_original_input_chooses_the_class);
    tcase_add_test(inputs, the_original_input_is_shared);
    tcase_add_test(inputs, layers_and_augmented_inputs_go_together);
    tcase_add_test(inputs, a_failing_part_fails_all);
    tcase_add_test(eigen, eigen_smooth_projects_the_terms);
    tcase_add_test(eigen, eigen_smooth_keeps_the_weights);
    return run_suite(suite);
}
