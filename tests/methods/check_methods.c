/* Every method on networks whose answers are known: weights, maps and passes against the float64
 * reference. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/fixtures.h"
#include "support/reference.h"
#include "support/reference_methods.h"

enum { HEIGHT = 8, WIDTH = 10, PLANE = HEIGHT * WIDTH, SIZE = FAKE_COLORS * PLANE };
enum { MAP_HEIGHT = HEIGHT / 2, MAP_WIDTH = WIDTH / 2, POSITIONS = MAP_HEIGHT * MAP_WIDTH };

enum { COPIES = 12 };
static float input[COPIES * SIZE]; /* the same image again and again */
static const int64_t one[4] = {1, FAKE_COLORS, HEIGHT, WIDTH};

static void set_up(void)
{
    fill_random(input, SIZE, 12345u, -1.25, 3.0);
    for (int copy = 1; copy < COPIES; copy++)
        memcpy(input + copy * SIZE, input, SIZE * sizeof *input);
    fake_reset();
}

static reference_input reference_of(const char *head, int64_t class_index)
{
    reference_input of = {.classes = strcmp(head, "one-output") == 0 ? 1 : FAKE_CLASSES,
                          .class_index = class_index,
                          .depth = 1,
                          .height = HEIGHT,
                          .width = WIDTH,
                          .input = input};
    if (strcmp(head, "quadratic") == 0)
        of.head = REFERENCE_QUADRATIC;
    if (strcmp(head, "positional") == 0)
        of.head = REFERENCE_POSITIONAL;
    return of;
}

static sscam_map *explain(const char *head, const char *method, const char *options,
                          int64_t class_index)
{
    sscam_explainer *explainer = explainer_with(head, method, options);
    sscam_map *map = NULL;
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(input, one, 4), &class_index, &map));
    ck_assert_ptr_nonnull(map);
    sscam_explainer_unref(explainer);
    return map;
}

static void assert_weights(const sscam_map *map, const double wanted[FAKE_CHANNELS], double allowed)
{
    ck_assert_int_eq(sscam_map_channel_count(map), FAKE_CHANNELS);
    for (int k = 0; k < FAKE_CHANNELS; k++)
        ck_assert_msg(fabs(sscam_map_weights(map)[k] - wanted[k]) <=
                          allowed * fmax(1.0, fabs(wanted[k])),
                      "weight %d is %.9g, not %.9g", k, sscam_map_weights(map)[k], wanted[k]);
}

static void assert_values(const float *found, const double *wanted, int64_t count, double allowed)
{
    for (int64_t i = 0; i < count; i++)
        if (!(fabs(found[i] - wanted[i]) <= allowed))
            ck_abort_msg("value %lld is %.9g, not %.9g", (long long)i, found[i], wanted[i]);
}

/* data = s(U(raw)), in float64 from the raw map that was given out. */
static void assert_data_follows_raw(const sscam_map *map)
{
    double raw[PLANE], wanted[PLANE], lowest, highest;
    int64_t height = raw_height(map), width = raw_width(map);
    ck_assert_int_eq(sscam_map_height(map), HEIGHT);
    ck_assert_int_eq(sscam_map_width(map), WIDTH);
    for (int64_t i = 0; i < height * width; i++)
        raw[i] = sscam_map_raw(map)[i];
    reference_upsample(raw, height, width, HEIGHT, WIDTH, 0, wanted);
    reference_range(wanted, PLANE, &lowest, &highest);
    for (int p = 0; p < PLANE; p++)
        wanted[p] = highest > lowest ? (wanted[p] - lowest) / (highest - lowest) : 0.0;
    ck_assert_int_eq(sscam_map_is_flat(map), highest == lowest);
    assert_values(sscam_map_data(map), wanted, PLANE, 2e-6);
}

/* The raw map from the reference's weights, and what follows from it. */
static void assert_maps(const sscam_map *map, const reference_input *of,
                        const double weights[FAKE_CHANNELS], double allowed)
{
    double raw[POSITIONS];
    ck_assert_int_eq(raw_height(map), MAP_HEIGHT);
    ck_assert_int_eq(raw_width(map), MAP_WIDTH);
    reference_raw_map(of, weights, raw);
    assert_values(sscam_map_raw(map), raw, POSITIONS, allowed);
    assert_data_follows_raw(map);
}

/* --- the method table ------------------------------------------------------------------------- */

static const struct {
    const char *name, *title;
    int32_t needs;
} methods[] = {
    {"cam", "CAM", SSCAM_NEEDS_GRADIENTS | SSCAM_NEEDS_POOLED_LINEAR},
    {"grad-cam", "Grad-CAM", SSCAM_NEEDS_GRADIENTS},
    {"grad-cam++", "Grad-CAM++", SSCAM_NEEDS_GRADIENTS},
    {"smooth-grad-cam++", "Smooth Grad-CAM++", SSCAM_NEEDS_GRADIENTS},
    {"score-cam", "Score-CAM", SSCAM_NEEDS_SCORING},
    {"ablation-cam", "Ablation-CAM", SSCAM_NEEDS_ABLATION},
    {"ss-cam-mean", "SS-CAM (mean)", SSCAM_NEEDS_SCORING},
    {"ss-cam-max", "SS-CAM (max)", SSCAM_NEEDS_SCORING},
    {"eigen-cam", "Eigen-CAM", 0},
    {"xgrad-cam", "XGrad-CAM", SSCAM_NEEDS_GRADIENTS},
    {"is-cam", "IS-CAM", SSCAM_NEEDS_SCORING},
    {"hires-cam", "HiResCAM", SSCAM_NEEDS_GRADIENTS},
    {"layer-cam", "LayerCAM", SSCAM_NEEDS_GRADIENTS},
    {"eigen-grad-cam", "Eigen-Grad-CAM", SSCAM_NEEDS_GRADIENTS},
    {"grad-cam-elementwise", "Grad-CAM (elementwise)", SSCAM_NEEDS_GRADIENTS},
    {"random-cam", "Random weights", 0},
    {"fem", "FEM", 0},
    {"kpca-cam", "KPCA-CAM", 0},
    {"shapley-cam", "ShapleyCAM", SSCAM_NEEDS_GRADIENTS | SSCAM_NEEDS_CURVATURE},
    {"recipro-cam", "Recipro-CAM", SSCAM_NEEDS_POSITIONS},
    {"vit-recipro-cam", "ViT-ReciproCAM", SSCAM_NEEDS_POSITIONS},
    {"group-cam", "Group-CAM", SSCAM_NEEDS_GRADIENTS | SSCAM_NEEDS_SCORING},
    {"rise", "RISE", SSCAM_NEEDS_SCORING | SSCAM_NEEDS_NO_LAYER},
    {"full-grad", "FullGrad", SSCAM_NEEDS_BACKPROPAGATION | SSCAM_NEEDS_NO_LAYER},
    {"opti-cam", "Opti-CAM", SSCAM_NEEDS_BACKPROPAGATION},
    {"activation-map", "Activation map", 0},
    {"seg-eigen-cam", "Seg-Eigen-CAM", SSCAM_NEEDS_GRADIENTS},
    {"aise", "AISE", SSCAM_NEEDS_SCORING | SSCAM_NEEDS_NO_LAYER},
    {"legrad", "LeGrad",
     SSCAM_NEEDS_BACKPROPAGATION | SSCAM_NEEDS_NO_LAYER | SSCAM_NEEDS_ATTENTION},
};
enum { METHODS = sizeof methods / sizeof methods[0] };

START_TEST(the_table_lists_the_methods)
{
    ck_assert_int_eq(sscam_method_count(), METHODS);
    ck_assert_ptr_null(sscam_method_info(-1));
    ck_assert_ptr_null(sscam_method_find(NULL));
    ck_assert_ptr_null(sscam_method_find("grad-ca"));
    for (size_t i = 0; i < METHODS; i++) {
        const sscam_method *method = sscam_method_info(i);
        ck_assert_str_eq(sscam_method_name(method), methods[i].name);
        ck_assert_ptr_eq(sscam_method_find(methods[i].name), method);
        ck_assert_str_eq(sscam_method_title(method), methods[i].title);
        ck_assert_int_eq(sscam_method_needs(method), methods[i].needs);
        ck_assert(strstr(sscam_method_citation(method), "arXiv:") ||
                  strstr(sscam_method_citation(method), "doi:") ||
                  strstr(sscam_method_citation(method), "https://"));
        ck_assert_uint_gt(strlen(sscam_method_summary(method)), 10);
    }
    ck_assert_ptr_null(sscam_method_info(METHODS));
    ck_assert_ptr_null(sscam_method_name(NULL));
    ck_assert_ptr_null(sscam_method_title(NULL));
    ck_assert_ptr_null(sscam_method_citation(NULL));
    ck_assert_ptr_null(sscam_method_summary(NULL));
    ck_assert_int_eq(sscam_method_needs(NULL), 0);
}
END_TEST

/* What every map tells of itself, whatever the method. */
START_TEST(maps_tell_what_they_are_of)
{
    reference_input of = reference_of("linear", 2);
    double exact[SIZE], features[FAKE_CHANNELS * POSITIONS];
    for (int i = 0; i < SIZE; i++)
        exact[i] = input[i];
    reference_features(&of, exact, features);
    sscam_map *map = explain("linear", methods[_i].name, "samples=2", 2);
    ck_assert_str_eq(sscam_map_method(map), methods[_i].name);
    ck_assert_str_eq(sscam_map_layer(map),
                     methods[_i].needs & SSCAM_NEEDS_NO_LAYER ? "" : "features");
    ck_assert_int_eq(sscam_map_class_index(map), 2);
    ck_assert_double_eq_tol(sscam_map_logit(map), reference_logit(&of, features, 2), 1e-6);
    ck_assert_double_eq_tol(sscam_map_probability(map), reference_probability(&of, features), 1e-6);
    /* No activation is two deviations above its mean, and no group raises the probability. */
    ck_assert_int_eq(sscam_map_is_flat(map), strcmp(methods[_i].name, "fem") == 0 ||
                                                 strcmp(methods[_i].name, "group-cam") == 0);
    sscam_map_unref(map);
}
END_TEST

START_TEST(the_top_class_is_found)
{
    sscam_map *top = explain("linear", "grad-cam", "", SSCAM_CLASS_TOP);
    int64_t found = sscam_map_class_index(top);
    for (int64_t c = 0; c < FAKE_CLASSES; c++) {
        sscam_map *map = explain("linear", "grad-cam", "", c);
        ck_assert_double_le(sscam_map_logit(map), sscam_map_logit(top));
        ck_assert_int_eq(same_maps(map, top), c == found);
        sscam_map_unref(map);
    }
    sscam_map_unref(top);
}
END_TEST

START_TEST(probabilities_follow_their_option)
{
    sscam_map *softmax = explain("linear", "grad-cam", "", 1);
    sscam_map *sigmoid = explain("linear", "grad-cam", "probability=sigmoid", 1);
    sscam_map *single = explain("one-output", "grad-cam", "", 0);
    ck_assert_double_eq_tol(sscam_map_probability(sigmoid),
                            1.0 / (1.0 + exp(-sscam_map_logit(sigmoid))), 1e-12);
    ck_assert_double_ne(sscam_map_probability(softmax), sscam_map_probability(sigmoid));
    ck_assert_double_eq_tol(sscam_map_probability(single),
                            1.0 / (1.0 + exp(-sscam_map_logit(single))), 1e-12);
    sscam_map_unref(softmax);
    sscam_map_unref(sigmoid);
    sscam_map_unref(single);
}
END_TEST

/* --- gradient methods ------------------------------------------------------------------------- */

static const char *const heads[] = {"linear", "quadratic", "positional", "one-output"};
enum { HEADS = sizeof heads / sizeof heads[0] };

/* Runs a check for each head and each of its classes. */
static void for_each_class(int head, void (*check)(const char *head, const reference_input *of))
{
    reference_input of = reference_of(heads[head], 0);
    for (; of.class_index < of.classes; of.class_index++)
        check(heads[head], &of);
}

/* A method that weighs channels by one pass, against its reference, for each class of a head. */
static void check_weights(const char *method, int head,
                          void (*reference)(const reference_input *of,
                                            double weights[FAKE_CHANNELS]),
                          double allowed_of_weights, double allowed_of_maps)
{
    reference_input of = reference_of(heads[head], 0);
    for (; of.class_index < of.classes; of.class_index++) {
        double weights[FAKE_CHANNELS];
        sscam_map *map = explain(heads[head], method, "", of.class_index);
        reference(&of, weights);
        assert_weights(map, weights, allowed_of_weights);
        assert_maps(map, &of, weights, allowed_of_maps);
        ck_assert_int_eq(sscam_map_passes(map), 1);
        sscam_map_unref(map);
    }
}

START_TEST(grad_cam_is_the_mean_gradient)
{
    check_weights("grad-cam", _i, reference_grad_cam, 1e-7, 1e-6);
}
END_TEST

START_TEST(grad_cam_pp_weighs_positive_gradients)
{
    check_weights("grad-cam++", _i, reference_grad_cam_pp, 1e-6, 2e-6);
}
END_TEST

/* Numbers that anyone can check on paper: one position a channel, A = 1, 0.75, 3.125, 0.5, 1, w =
 * 2, -1, 0.5, 1, 0.25, so a = w / (2 + w A) where w is positive. */
START_TEST(grad_cam_pp_on_one_position)
{
    static const float colors[12] = {1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};
    static const int64_t shape[4] = {1, 3, 2, 2};
    const double wanted[FAKE_CHANNELS] = {2.0 / 4.0, 0.0, 0.5 / 3.5625, 1.0 / 2.5, 0.25 / 2.25};
    const int64_t first = 0;
    sscam_explainer *explainer = make_explainer("fake linear", "grad-cam++");
    sscam_map *map = NULL;
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(colors, shape, 4), &first, &map));
    assert_weights(map, wanted, 1e-7);
    ck_assert_float_eq_tol(sscam_map_raw(map)[0], 0.5 + 3.125 * 0.5 / 3.5625 + 0.2 + 0.25 / 2.25,
                           1e-6);
    sscam_map_unref(map);
    sscam_explainer_unref(explainer);
}
END_TEST

/* dY/dS_j(p) = sum_k w_k / P mix_kj where A_k(p) > 0. */
START_TEST(grad_cam_looks_at_the_layer_that_is_asked_for)
{
    reference_input of = reference_of("linear", 0);
    double exact[SIZE], features[FAKE_CHANNELS * POSITIONS], wanted[FAKE_COLORS] = {0.0};
    for (int i = 0; i < SIZE; i++)
        exact[i] = input[i];
    reference_features(&of, exact, features);
    for (int i = 0; i < FAKE_CHANNELS * POSITIONS; i++)
        for (int j = 0; j < FAKE_COLORS && features[i] > 0.0; j++)
            wanted[j] += fake_weight[0][i / POSITIONS] * fake_mix[i / POSITIONS][j] / POSITIONS /
                         POSITIONS;
    sscam_map *map = explain("linear", "grad-cam", "layer=stem", 0);
    ck_assert_str_eq(sscam_map_layer(map), "stem");
    ck_assert_int_eq(sscam_map_channel_count(map), FAKE_COLORS);
    assert_values(sscam_map_weights(map), wanted, FAKE_COLORS, 1e-7);
    sscam_map_unref(map);
}
END_TEST

/* --- gradients, position by position, and their like
 * ------------------------------------------------ */

START_TEST(xgrad_cam_weighs_gradients_by_activations)
{
    check_weights("xgrad-cam", _i, reference_xgrad_cam, 1e-6, 2e-6);
}
END_TEST

/* "flat" has activations of the bias alone: 0 in channels 0 and 4, whose gradient has nothing to be
 * weighted by. */
START_TEST(xgrad_cam_gives_no_weight_to_silent_channels)
{
    sscam_map *map = explain("flat", "xgrad-cam", "", 0);
    ck_assert_float_eq(sscam_map_weights(map)[0], 0.0f);
    ck_assert_float_eq_tol(sscam_map_weights(map)[1], (float)fake_weight[0][1] / POSITIONS, 1e-7f);
    ck_assert_float_eq(sscam_map_weights(map)[4], 0.0f);
    sscam_map_unref(map);
}
END_TEST

static double hires_term(double activation, double gradient)
{
    return activation * gradient;
}

static double layer_term(double activation, double gradient)
{
    return activation * fmax(gradient, 0.0);
}

static double positive_term(double activation, double gradient)
{
    return fmax(activation * gradient, 0.0);
}

static const struct {
    const char *method;
    double (*term)(double activation, double gradient);
} term_methods[] = {
    {"hires-cam", hires_term}, {"layer-cam", layer_term}, {"grad-cam-elementwise", positive_term}};
enum { TERM_METHODS = sizeof term_methods / sizeof term_methods[0] };

static void check_terms(int method, const char *head, const reference_input *of)
{
    double exact[SIZE], features[FAKE_CHANNELS * POSITIONS], gradients[FAKE_CHANNELS * POSITIONS],
        raw[POSITIONS];
    for (int i = 0; i < SIZE; i++)
        exact[i] = input[i];
    reference_features(of, exact, features);
    reference_gradients(of, gradients);
    for (int p = 0; p < POSITIONS; p++) {
        raw[p] = 0.0;
        for (int i = p; i < FAKE_CHANNELS * POSITIONS; i += POSITIONS)
            raw[p] += term_methods[method].term(features[i], gradients[i]);
        raw[p] = fmax(raw[p], 0.0);
    }
    sscam_map *map = explain(head, term_methods[method].method, "", of->class_index);
    assert_values(sscam_map_raw(map), raw, POSITIONS, 1e-6);
    assert_data_follows_raw(map);
    ck_assert_ptr_null(sscam_map_weights(map));
    ck_assert_int_eq(sscam_map_channel_count(map), FAKE_CHANNELS);
    ck_assert_int_eq(sscam_map_passes(map), 1);
    sscam_map_unref(map);
}

START_TEST(terms_are_made_position_by_position)
{
    for (int head = 0; head < HEADS; head++) {
        reference_input of = reference_of(heads[head], 0);
        for (; of.class_index < of.classes; of.class_index++)
            check_terms(_i, heads[head], &of);
    }
}
END_TEST

/* One position, as in grad_cam_pp_on_one_position: A = 1, 0.75, 3.125, 0.5, 1 times w = 2, -1, 0.5,
 * 1, 0.25. */
START_TEST(terms_on_one_position)
{
    static const float colors[12] = {1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};
    static const int64_t shape[4] = {1, 3, 2, 2};
    const double positive = 2.0 + 3.125 * 0.5 + 0.5 + 0.25;
    const double wanted[TERM_METHODS] = {positive - 0.75, positive, positive};
    const int64_t first = 0;
    sscam_explainer *explainer = make_explainer("fake linear", term_methods[_i].method);
    sscam_map *map = NULL;
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(colors, shape, 4), &first, &map));
    ck_assert_double_eq_tol(sscam_map_raw(map)[0], wanted[_i], 1e-6);
    sscam_map_unref(map);
    sscam_explainer_unref(explainer);
}
END_TEST

START_TEST(terms_can_be_combined_at_the_inputs_size)
{
    sscam_map *low = explain("positional", term_methods[_i].method, "", 1);
    sscam_map *high = explain("positional", term_methods[_i].method, "combine=upsampled", 1);
    double raw[POSITIONS], upsampled[PLANE];
    ck_assert_int_eq(raw_height(high), HEIGHT);
    for (int p = 0; p < POSITIONS; p++)
        raw[p] = sscam_map_raw(low)[p];
    reference_upsample(raw, MAP_HEIGHT, MAP_WIDTH, HEIGHT, WIDTH, 0, upsampled);
    if (_i > 0) /* sums that are nowhere negative, of which ReLU takes nothing */
        assert_values(sscam_map_raw(high), upsampled, PLANE, 1e-6);
    sscam_map_unref(low);
    sscam_map_unref(high);
}
END_TEST

/* --- principal components --------------------------------------------------------------------- */

/* An input of which only the first colour varies, so that channels 0, 2 and 4 are s, s/4 and s but
 * for constants. */
static void vary_one_color(int64_t height, int64_t width)
{
    for (int64_t i = 0; i < FAKE_COLORS * height * width; i++)
        input[i] = i < height * width ? (float)(0.25 + fabs(input[i])) : 0.5f;
}

/* s minus its mean over the positions. */
static void centred_stem(int64_t height, int64_t width, double *centred)
{
    int64_t positions = height / 2 * (width / 2);
    double mean = 0.0;
    for (int64_t p = 0; p < positions; p++) {
        const float *corner = input + p / (width / 2) * 2 * width + p % (width / 2) * 2;
        centred[p] = ((double)corner[0] + corner[1] + corner[width] + corner[width + 1]) / 4.0;
        mean += centred[p] / (double)positions;
    }
    for (int64_t p = 0; p < positions; p++)
        centred[p] -= mean;
}

/* The three channels' factors f make the component f/|f|, and the projection (f.f/|f|) (s - mean):
 * |f| times it, with the sign of f's sum. */
static void check_projection(const char *method, int64_t class_index, const double factor[3],
                             int64_t height, int64_t width)
{
    const int64_t shape[4] = {1, FAKE_COLORS, height, width}, positions = height / 2 * (width / 2);
    double wanted[POSITIONS],
        length = sqrt(factor[0] * factor[0] + factor[1] * factor[1] + factor[2] * factor[2]);
    sscam_explainer *explainer = make_explainer("fake linear", method);
    sscam_map *map = NULL;
    vary_one_color(height, width);
    centred_stem(height, width, wanted);
    for (int64_t p = 0; p < positions; p++)
        wanted[p] = fmax((factor[0] + factor[1] + factor[2] > 0.0 ? length : -length) * wanted[p],
                         0.0);
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(input, shape, 4), &class_index, &map));
    assert_values(sscam_map_raw(map), wanted, positions, 1e-6);
    ck_assert_ptr_null(sscam_map_weights(map));
    sscam_map_unref(map);
    sscam_explainer_unref(explainer);
}

/* More positions than channels, and fewer: the two ways to the component. */
static const int64_t sizes[][2] = {{HEIGHT, WIDTH}, {4, 4}};

START_TEST(eigen_cam_is_the_principal_component)
{
    static const double factor[3] = {1.0, 0.25, 1.0};
    for (int64_t class_index = 0; class_index < FAKE_CLASSES; class_index++)
        check_projection("eigen-cam", class_index, factor, sizes[_i][0], sizes[_i][1]);
}
END_TEST

/* Class 1 has -0.75, 0.25, -0.25: the other sign. */
START_TEST(eigen_grad_cam_is_that_of_gradient_times_activation)
{
    int64_t positions = sizes[_i][0] / 2 * (sizes[_i][1] / 2);
    for (int64_t c = 0; c < 2; c++) {
        const double factor[3] = {fake_weight[c][0] / (double)positions,
                                  0.25 * fake_weight[c][2] / (double)positions,
                                  fake_weight[c][4] / (double)positions};
        check_projection("eigen-grad-cam", c, factor, sizes[_i][0], sizes[_i][1]);
    }
}
END_TEST

START_TEST(large_activations_have_a_principal_component)
{
    sscam_map *large = explain("huge", "eigen-cam", "", 0),
              *plain = explain("linear", "eigen-cam", "", 0);
    for (int p = 0; p < POSITIONS; p++)
        ck_assert_float_eq_tol(sscam_map_raw(large)[p] / 1e38f, sscam_map_raw(plain)[p], 1e-5f);
    sscam_map_unref(large);
    sscam_map_unref(plain);
}
END_TEST

START_TEST(constant_activations_have_no_principal_component)
{
    static const char *const eigen[] = {"eigen-cam", "eigen-grad-cam", "seg-eigen-cam"};
    sscam_map *map = explain("flat", eigen[_i], "", 0);
    ck_assert_int_eq(sscam_map_is_flat(map), 1);
    sscam_map_unref(map);
}
END_TEST

/* --- Smooth Grad-CAM++ ------------------------------------------------------------------------ */

static void check_smooth(const char *head, const reference_input *of)
{
    static const struct {
        const char *options;
        int samples;
        double stddev;
        int64_t seed;
    } cases[] = {
        {"", 10, 0.3, 0}, {"samples=3 sigma=1.5 seed=77", 3, 1.5, 77}, {"samples=1", 1, 0.3, 0}};
    for (int i = 0; i < 3; i++) {
        double weights[FAKE_CHANNELS];
        sscam_map *map = explain(head, "smooth-grad-cam++", cases[i].options, of->class_index);
        reference_smooth_grad_cam_pp(of, cases[i].samples, cases[i].stddev, cases[i].seed, 0,
                                     weights);
        assert_weights(map, weights, 1e-5);
        assert_maps(map, of, weights, 1e-5);
        ck_assert_int_eq(sscam_map_passes(map), 1 + cases[i].samples);
        sscam_map_unref(map);
    }
}

START_TEST(smooth_grad_cam_pp_averages_derivatives)
{
    for_each_class(_i, check_smooth);
}
END_TEST

START_TEST(smooth_grad_cam_pp_has_noise_in_units_of_the_inputs_range)
{
    reference_input of = reference_of("quadratic", 2);
    double weights[FAKE_CHANNELS], lowest = INFINITY, highest = -INFINITY;
    for (int i = 0; i < SIZE; i++) {
        lowest = fmin(lowest, input[i]);
        highest = fmax(highest, input[i]);
    }
    const double stddevs[] = {0.1 * (highest - lowest), pow(0.8 / (highest - lowest), 2.0)};
    static const char *const options[] = {"noise_scale=range sigma=0.1",
                                          "noise_scale=authors-code sigma=0.8"};
    reference_smooth_grad_cam_pp(&of, 10, stddevs[_i], 0, 0, weights);
    sscam_map *map = explain("quadratic", "smooth-grad-cam++", options[_i], 2);
    assert_weights(map, weights, 1e-5);
    sscam_map_unref(map);
}
END_TEST

START_TEST(smooth_grad_cam_pp_without_noise_is_grad_cam_pp)
{
    for (int64_t c = 0; c < FAKE_CLASSES; c++) {
        sscam_map *smooth = explain("quadratic", "smooth-grad-cam++", "sigma=0", c);
        sscam_map *plain = explain("quadratic", "grad-cam++", "", c);
        ck_assert_int_eq(sscam_map_passes(smooth), 1);
        for (int k = 0; k < FAKE_CHANNELS; k++)
            ck_assert_float_eq_tol(sscam_map_weights(smooth)[k], sscam_map_weights(plain)[k],
                                   1e-7f);
        sscam_map_unref(smooth);
        sscam_map_unref(plain);
    }
}
END_TEST

START_TEST(smooth_grad_cam_pp_counts_images_in_its_noise)
{
    static const int64_t shape[4] = {2, FAKE_COLORS, HEIGHT, WIDTH}, classes[2] = {2, 2};
    reference_input of = reference_of("quadratic", 2);
    sscam_explainer *explainer = explainer_with("quadratic", "smooth-grad-cam++",
                                                "samples=2 sigma=1");
    sscam_map *maps[2];
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(input, shape, 4), classes, maps));
    for (int i = 0; i < 2; i++) {
        double weights[FAKE_CHANNELS];
        reference_smooth_grad_cam_pp(&of, 2, 1.0, 0, i, weights);
        assert_weights(maps[i], weights, 1e-5);
    }
    ck_assert_int_eq(same_maps(maps[0], maps[1]), 0);
    sscam_map_unref(maps[0]);
    sscam_map_unref(maps[1]);
    sscam_explainer_unref(explainer);
}
END_TEST

START_TEST(smooth_grad_cam_pp_tells_noise_and_gradients_that_are_not_finite)
{
    sscam_explainer *explainer = explainer_with("linear", "smooth-grad-cam++",
                                                "noise_scale=authors-code");
    float even[SIZE] = {0.0f};
    sscam_map *map = NULL;
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(even, one, 4), NULL, &map), SSCAM_E_ARGUMENT,
                 "range of 0");
    sscam_explainer_unref(explainer);
    /* On the input itself its gradients are finite. */
    input[0] = input[1] = input[WIDTH] = input[WIDTH + 1] = 0.001f;
    explainer = explainer_with("nan-elsewhere", "smooth-grad-cam++", "samples=20");
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(input, one, 4), NULL, &map), SSCAM_E_MODEL,
                 "on a noisy input");
    ck_assert_ptr_null(map);
    sscam_explainer_unref(explainer);
}
END_TEST

/* --- Ablation-CAM ----------------------------------------------------------------------------- */

static void check_ablation(const char *head, const reference_input *of)
{
    for (int by_probability = 0; by_probability < 2; by_probability++) {
        double weights[FAKE_CHANNELS];
        fake_reset();
        sscam_map *map = explain(head, "ablation-cam",
                                 by_probability ? "score=probability" : "batch_size=3",
                                 of->class_index);
        reference_ablation_cam(of, by_probability, weights);
        assert_weights(map, weights, 2e-6);
        assert_maps(map, of, weights, 1e-5);
        ck_assert_int_eq(sscam_map_passes(map), 1 + FAKE_ABLATION_EXTRA + FAKE_CHANNELS);
        ck_assert_int_eq(atomic_load(&fake_counted.inputs), sscam_map_passes(map));
        ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_BATCH]), by_probability ? 1 : 2);
        sscam_map_unref(map);
    }
}

START_TEST(ablation_cam_is_the_share_lost_without_a_channel)
{
    for_each_class(_i, check_ablation);
}
END_TEST

/* One position: Y = 0.5 + 2 x 1 - 0.75 + 0.5 x 3.125 + 0.5 + 0.25 = 4.0625, of which a channel
 * takes w A. */
START_TEST(ablation_cam_on_one_position)
{
    static const float colors[12] = {1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};
    static const int64_t shape[4] = {1, 3, 2, 2};
    const double wanted[FAKE_CHANNELS] = {2.0 / 4.0625, -0.75 / 4.0625, 1.5625 / 4.0625,
                                          0.5 / 4.0625, 0.25 / 4.0625};
    const int64_t first = 0;
    sscam_explainer *explainer = make_explainer("fake linear", "ablation-cam");
    sscam_map *map = NULL;
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(colors, shape, 4), &first, &map));
    assert_weights(map, wanted, 1e-6);
    sscam_map_unref(map);
    sscam_explainer_unref(explainer);
}
END_TEST

/* Where the score is negative, what speaks for the class still weighs positively: a drop is a
 * drop. */
START_TEST(ablation_cam_divides_by_the_scores_magnitude)
{
    int negative = 0;
    for (int i = 0; i < SIZE; i++)
        input[i] = -fabsf(input[i]);
    for (int64_t c = 0; c < FAKE_CLASSES; c++) {
        sscam_map *map = explain("linear", "ablation-cam", "", c);
        reference_input of = reference_of("linear", c);
        double weights[FAKE_CHANNELS];
        reference_ablation_cam(&of, 0, weights);
        assert_weights(map, weights, 1e-5);
        if (sscam_map_logit(map) < 0.0 && ++negative)
            ck_assert_int_eq(sscam_map_weights(map)[FAKE_FLAT_CHANNEL] > 0.0f,
                             fake_weight[c][FAKE_FLAT_CHANNEL] > 0.0);
        sscam_map_unref(map);
    }
    ck_assert_int_gt(negative, 0);
}
END_TEST

START_TEST(silent_and_unselected_channels_are_not_ablated)
{
    sscam_map *map = explain("flat", "ablation-cam", "", 0); /* channels 0 and 4 are zero */
    ck_assert_int_eq(sscam_map_passes(map), 1 + FAKE_ABLATION_EXTRA + 3);
    ck_assert_float_eq(sscam_map_weights(map)[0], 0.0f);
    sscam_map_unref(map);
    map = explain("linear", "ablation-cam", "max_channels=2", 0);
    ck_assert_int_eq(sscam_map_passes(map), 1 + FAKE_ABLATION_EXTRA + 2);
    int weighed = 0;
    for (int k = 0; k < FAKE_CHANNELS; k++)
        weighed += sscam_map_weights(map)[k] != 0.0f;
    ck_assert_int_eq(weighed, 2);
    sscam_map_unref(map);
}
END_TEST

START_TEST(ablation_cam_looks_at_the_layer_that_is_asked_for)
{
    sscam_map *map = explain("linear", "ablation-cam", "layer=stem", 0);
    reference_input of = reference_of("linear", 0);
    double features[FAKE_CHANNELS * POSITIONS], augmented[SIZE], whole = sscam_map_logit(map);
    for (int color = 0; color < FAKE_COLORS; color++) {
        for (int i = 0; i < SIZE; i++)
            augmented[i] = i / PLANE == color ? 0.0 : input[i];
        reference_features(&of, augmented, features);
        ck_assert_double_eq_tol(sscam_map_weights(map)[color],
                                (whole - reference_logit(&of, features, 0)) / fabs(whole), 1e-5);
    }
    sscam_map_unref(map);
}
END_TEST

START_TEST(ablations_that_give_no_number_are_reported)
{
    sscam_explainer *explainer = make_explainer("fake nan-scores", "ablation-cam");
    sscam_map *map = NULL;
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(input, one, 4), NULL, &map), SSCAM_E_MODEL,
                 "without channel 0");
    ck_assert_ptr_null(map);
    sscam_explainer_unref(explainer);
}
END_TEST

/* --- outputs ---------------------------------------------------------------------------------- */

/* Output "half" is half of the first, and so are its gradients and scores. */
START_TEST(another_output_can_be_explained)
{
    static const char *const cases[][2] = {
        {"cam", ""},
        {"grad-cam", ""},
        {"score-cam", "channel_softmax=off"},
        {"ss-cam-max", "channel_softmax=off samples=2 flat_channels=score"}};
    static const char *const names[] = {"1", "half"};
    char options[128];
    snprintf(options, sizeof options, "%s output=%s", cases[_i / 2][1], names[_i % 2]);
    sscam_map *first = explain("linear", cases[_i / 2][0], cases[_i / 2][1], 1);
    sscam_map *half = explain("linear", cases[_i / 2][0], options, 1);
    for (int k = 0; k < FAKE_CHANNELS; k++)
        ck_assert_double_eq_tol(sscam_map_weights(half)[k], sscam_map_weights(first)[k] / 2.0,
                                1e-6);
    ck_assert_double_eq_tol(sscam_map_logit(half), sscam_map_logit(first) / 2.0, 1e-6);
    sscam_map_unref(first);
    sscam_map_unref(half);
}
END_TEST

START_TEST(outputs_that_do_not_exist_are_named)
{
    sscam_explainer *explainer = explainer_with("linear", "score-cam", "output=aux");
    sscam_map *map = NULL;
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(input, one, 4), NULL, &map), SSCAM_E_ARGUMENT,
                 "\"aux\"");
    ck_assert_ptr_null(map);
    sscam_explainer_unref(explainer);
}
END_TEST

/* --- targets ---------------------------------------------------------------------------------- */

/* Everything that is linear in the output's gradient or score: weights of the target are those of
 * its classes. */
static void check_linear_target(const char *method, const char *options)
{
    char against[128], difference[128];
    snprintf(against, sizeof against, "%s target=against", options);
    snprintf(difference, sizeof difference, "%s target=difference contrast=2", options);
    sscam_map *own = explain("linear", method, options, 0),
              *other = explain("linear", method, options, 2);
    sscam_map *negative = explain("linear", method, against, 0),
              *contrast = explain("linear", method, difference, 0);
    for (int k = 0; k < FAKE_CHANNELS; k++) {
        double left = sscam_map_weights(own)[k], right = sscam_map_weights(other)[k];
        ck_assert_double_eq_tol(sscam_map_weights(negative)[k], -left, 1e-6);
        ck_assert_double_eq_tol(sscam_map_weights(contrast)[k], left - right, 2e-6);
    }
    ck_assert_int_eq(sscam_map_class_index(contrast), 0);
    ck_assert_double_eq(sscam_map_logit(contrast), sscam_map_logit(own));
    ck_assert_double_eq(sscam_map_probability(negative), sscam_map_probability(own));
    sscam_map_unref(own);
    sscam_map_unref(other);
    sscam_map_unref(negative);
    sscam_map_unref(contrast);
}

START_TEST(targets_are_explained_as_classes_are)
{
    static const char *const cases[][2] = {
        {"cam", ""},
        {"grad-cam", ""},
        {"xgrad-cam", ""},
        {"score-cam", "channel_softmax=off"},
        {"score-cam", "channel_softmax=off baseline=input score=probability"},
        {"ss-cam-mean", "channel_softmax=off samples=3"},
        {"is-cam", "channel_softmax=off baseline=black"},
    };
    check_linear_target(cases[_i][0], cases[_i][1]);
}
END_TEST

/* One position: Y_0 = 4.0625 of w A = 2, -0.75, 1.5625, 0.5, 0.25, as in
 * ablation_cam_on_one_position; Y_1 = -0.25 - 0.75 + 1.125 + 3.125 - 0.25 - 0.25 = 2.75. */
START_TEST(ablation_cam_of_a_difference)
{
    static const float colors[12] = {1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};
    static const int64_t shape[4] = {1, 3, 2, 2};
    const double whole = 4.0625 - 2.75;
    const double wanted[FAKE_CHANNELS] = {2.75 / whole, -1.875 / whole, -1.5625 / whole,
                                          0.75 / whole, 0.5 / whole};
    const int64_t first = 0;
    sscam_explainer *explainer = explainer_with("linear", "ablation-cam",
                                                "target=difference contrast=1");
    sscam_map *map = NULL;
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(colors, shape, 4), &first, &map));
    assert_weights(map, wanted, 1e-6);
    sscam_map_unref(map);
    sscam_explainer_unref(explainer);
}
END_TEST

START_TEST(the_other_class_is_the_highest_other)
{
    for (int64_t c = 0; c < FAKE_CLASSES; c++) {
        char options[64];
        sscam_map *top = explain("linear", "grad-cam", "", SSCAM_CLASS_TOP);
        sscam_map *second = explain("linear", "grad-cam", "", SSCAM_CLASS_RANKED(2));
        const sscam_map *other = sscam_map_class_index(top) == c ? second : top;
        snprintf(options, sizeof options, "target=difference contrast=%d",
                 (int)sscam_map_class_index(other));
        ck_assert_double_ge(sscam_map_logit(top), sscam_map_logit(second));
        sscam_map *named = explain("linear", "grad-cam", options, c);
        sscam_map *found = explain("linear", "grad-cam", "target=difference", c);
        ck_assert_int_eq(same_maps(named, found), 1);
        sscam_map_unref(top);
        sscam_map_unref(second);
        sscam_map_unref(named);
        sscam_map_unref(found);
    }
}
END_TEST

START_TEST(targets_that_do_not_exist_are_refused)
{
    static const char *const options[] = {"target=difference contrast=3",
                                          "target=difference contrast=1"};
    static const char *const things[] = {"class 3", "class 1 is the class that is explained"};
    static const char *const methods_of_both_kinds[] = {"grad-cam", "score-cam"};
    const int64_t class_index = 1;
    sscam_map *map = NULL;
    for (int i = 0; i < 4; i++) {
        sscam_explainer *explainer = explainer_with("linear", methods_of_both_kinds[i / 2],
                                                    options[i % 2]);
        ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(input, one, 4), &class_index, &map),
                     SSCAM_E_CLASS, things[i % 2]);
        sscam_explainer_unref(explainer);
    }
    sscam_explainer *explainer = explainer_with("one-output", "grad-cam", "target=difference");
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(input, one, 4), NULL, &map), SSCAM_E_CLASS,
                 "one class");
    ASSERT_OK(sscam_explainer_set(explainer, "target", "against"));
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(input, one, 4), NULL, &map));
    sscam_map_unref(map);
    sscam_explainer_unref(explainer);
}
END_TEST

/* --- CAM -------------------------------------------------------------------------------------- */

static void check_cam(const char *head, const reference_input *of)
{
    sscam_map *map = explain(head, "cam", "", of->class_index);
    assert_weights(map, fake_weight[of->class_index], 1e-6);
    assert_maps(map, of, fake_weight[of->class_index], 1e-5);
    ck_assert_int_eq(sscam_map_passes(map), 2); /* the second tells linear heads from others */
    sscam_map_unref(map);
}

START_TEST(cam_is_the_last_layers_weights)
{
    for_each_class(_i == 0 ? 0 : 3, check_cam);
}
END_TEST

static void assert_cam_refused(const char *words, const char *method, const char *options,
                               const char *why)
{
    sscam_explainer *explainer = make_explainer(words, method);
    sscam_map *map = NULL;
    set_options(explainer, options);
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(input, one, 4), NULL, &map),
                 SSCAM_E_UNSUPPORTED, why);
    ASSERT_MESSAGE_NAMES("features");
    ck_assert_ptr_null(map);
    ASSERT_OK(sscam_explainer_set(explainer, "layer", "")); /* it is still good for something */
    sscam_explainer_unref(explainer);
}

START_TEST(cam_says_why_it_cannot)
{
    assert_cam_refused("fake quadratic", "cam", "", "not linear in the pooled activations");
    assert_cam_refused("fake positional", "cam", "", "depend on the position of an activation");
    assert_cam_refused("fake quadratic", "score-cam", "mask_weights=fc",
                       "not linear in the pooled activations");
    assert_cam_refused("fake positional", "ss-cam-mean", "mask_weights=fc",
                       "depend on the position of an activation");
    /* 0.5 - 1 is where this one's gradient is no number. */
    input[0] = input[1] = input[WIDTH] = input[WIDTH + 1] = 1.0f;
    assert_cam_refused("fake nan-elsewhere", "cam", "", "not linear in the pooled activations");
}
END_TEST

/* --- Score-CAM and SS-CAM --------------------------------------------------------------------- */

typedef struct score_case {
    const char *head, *method, *options;
    int64_t class_index;
    reference_options reference;
} score_case;

#define NOISY .samples = 3, .sigma = 0.5
#define NOISY_TEXT "samples=3 sigma=0.5 "

static const score_case score_cases[] = {
    /* equations as they stand */
    {"linear", "score-cam", "", 0, {0}},
    {"quadratic", "score-cam", "", 1, {0}},
    {"positional", "score-cam", "", 2, {0}},
    {"one-output", "score-cam", "", 0, {0}},
    {"linear", "ss-cam-mean", "", 0, {.samples = 10, .sigma = 4.0}},
    {"positional", "ss-cam-max", "", 1, {.samples = 10, .sigma = 4.0, .takes_maximum = 1}},
    {"quadratic", "ss-cam-mean", NOISY_TEXT, 2, {NOISY}},
    {"linear", "ss-cam-max", NOISY_TEXT, 2, {NOISY, .takes_maximum = 1}},
    {"linear", "ss-cam-mean", "samples=1", 1, {.samples = 1, .sigma = 4.0}},
    /* the mask fading in */
    {"linear", "is-cam", "", 0, {.samples = 10, .fades_in = 1}},
    {"positional",
     "is-cam",
     "samples=3 channel_softmax=off",
     1,
     {.samples = 3, .fades_in = 1, .no_softmax = 1}},
    {"quadratic",
     "is-cam",
     "samples=4 sigma=9 noise_target=input rescore=on sample_count=n_minus_1",
     2,
     {.samples = 4, .fades_in = 1}},
    {"linear",
     "is-cam",
     "samples=2 mask_weights=gradient score=probability channel_softmax=off baseline=none",
     1,
     {.samples = 2,
      .fades_in = 1,
      .mask_weights = WEIGHTS_GRADIENT,
      .by_probability = 1,
      .no_softmax = 1,
      .baseline = BASELINE_NONE}},
    {"linear", "is-cam", "samples=1", 0, {.samples = 1, .fades_in = 1}},
    {"positional channels-last",
     "is-cam",
     "samples=3 max_channels=2",
     0,
     {.samples = 3, .fades_in = 1, .max_channels = 2}},
    {"linear",
     "ss-cam-mean",
     NOISY_TEXT "seed=-12345678901",
     1,
     {NOISY, .seed = INT64_C(-12345678901)}},
    /* how scores become weights */
    {"linear", "score-cam", "score=probability", 0, {.by_probability = 1}},
    {"one-output",
     "score-cam",
     "score=probability channel_softmax=off",
     0,
     {.by_probability = 1, .no_softmax = 1}},
    {"linear", "score-cam", "channel_softmax=off", 0, {.no_softmax = 1}},
    {"linear",
     "score-cam",
     "channel_softmax=off baseline=none",
     0,
     {.no_softmax = 1, .baseline = BASELINE_NONE}},
    {"linear",
     "score-cam",
     "channel_softmax=off baseline=input",
     1,
     {.no_softmax = 1, .baseline = BASELINE_INPUT}},
    {"linear",
     "score-cam",
     "channel_softmax=off baseline=black",
     1,
     {.no_softmax = 1, .baseline = BASELINE_BLACK}},
    {"linear",
     "score-cam",
     "channel_softmax=off baseline=black mean=-0.5,-1,-0.25 std=1,0.5,1",
     1,
     {.no_softmax = 1, .baseline = BASELINE_BLACK}},
    {"quadratic",
     "score-cam",
     "channel_softmax=off baseline=input score=probability",
     2,
     {.no_softmax = 1, .baseline = BASELINE_INPUT, .by_probability = 1}},
    {"linear", "score-cam", "baseline=black", 0, {.baseline = BASELINE_BLACK}},
    {"linear",
     "ss-cam-max",
     NOISY_TEXT "channel_softmax=off",
     0,
     {NOISY, .takes_maximum = 1, .no_softmax = 1}},
    /* how masks are made */
    {"positional", "score-cam", "normalise=before_upsample", 0, {.before_upsample = 1}},
    {"positional", "score-cam", "align_corners=on", 0, {.align_corners = 1}},
    {"positional",
     "score-cam",
     "align_corners=on normalise=before_upsample",
     2,
     {.align_corners = 1, .before_upsample = 1}},
    {"linear", "score-cam", "mask_weights=gradient", 1, {.mask_weights = WEIGHTS_GRADIENT}},
    {"quadratic", "score-cam", "mask_weights=gradient", 2, {.mask_weights = WEIGHTS_GRADIENT}},
    {"linear", "score-cam", "mask_weights=fc", 0, {.mask_weights = WEIGHTS_FC}},
    {"linear",
     "score-cam",
     "mask_weights=fc flat_channels=score channel_softmax=off",
     2,
     {.mask_weights = WEIGHTS_FC, .scores_flat = 1, .no_softmax = 1}},
    /* which channels */
    {"linear", "score-cam", "flat_channels=score", 0, {.scores_flat = 1}},
    {"linear",
     "ss-cam-mean",
     NOISY_TEXT "flat_channels=score channel_softmax=off",
     0,
     {NOISY, .scores_flat = 1, .no_softmax = 1}},
    {"linear", "score-cam", "max_channels=1", 0, {.max_channels = 1}},
    {"linear", "score-cam", "max_channels=2", 0, {.max_channels = 2}},
    {"linear", "score-cam", "max_channels=3", 0, {.max_channels = 3}},
    {"linear",
     "score-cam",
     "max_channels=4 flat_channels=score",
     0,
     {.max_channels = 4, .scores_flat = 1}},
    {"linear",
     "score-cam",
     "max_channels=5 flat_channels=score",
     0,
     {.max_channels = 5, .scores_flat = 1}},
    {"linear", "score-cam", "max_channels=6", 0, {.max_channels = 6}},
    {"linear", "score-cam", "max_channels=999", 0, {.max_channels = 999}},
    /* where noise goes, and how much */
    {"positional",
     "ss-cam-mean",
     NOISY_TEXT "noise_target=input",
     0,
     {NOISY, .target = TARGET_INPUT}},
    {"positional",
     "ss-cam-max",
     NOISY_TEXT "noise_target=activation",
     1,
     {NOISY, .takes_maximum = 1, .target = TARGET_ACTIVATION}},
    {"linear",
     "ss-cam-mean",
     NOISY_TEXT "noise_target=activation mask_weights=gradient",
     1,
     {NOISY, .target = TARGET_ACTIVATION, .mask_weights = WEIGHTS_GRADIENT}},
    {"linear", "ss-cam-mean", NOISY_TEXT "noise_scale=range", 0, {NOISY, .scale = SCALE_RANGE}},
    {"linear",
     "ss-cam-mean",
     NOISY_TEXT "noise_scale=range normalise=before_upsample",
     0,
     {NOISY, .scale = SCALE_RANGE, .before_upsample = 1}},
    {"linear",
     "ss-cam-mean",
     NOISY_TEXT "noise_scale=range noise_target=input",
     0,
     {NOISY, .scale = SCALE_RANGE, .target = TARGET_INPUT}},
    {"linear",
     "ss-cam-mean",
     NOISY_TEXT "noise_scale=range noise_target=activation",
     0,
     {NOISY, .scale = SCALE_RANGE, .target = TARGET_ACTIVATION}},
    {"linear",
     "ss-cam-max",
     NOISY_TEXT "noise_scale=authors-code",
     2,
     {NOISY, .takes_maximum = 1, .scale = SCALE_AUTHORS_CODE}},
    {"linear",
     "ss-cam-max",
     NOISY_TEXT "noise_scale=authors-code noise_target=input",
     2,
     {NOISY, .takes_maximum = 1, .scale = SCALE_AUTHORS_CODE, .target = TARGET_INPUT}},
    {"linear",
     "ss-cam-mean",
     NOISY_TEXT "noise_scale=authors-code noise_target=activation",
     2,
     {NOISY, .scale = SCALE_AUTHORS_CODE, .target = TARGET_ACTIVATION}},
    {"linear",
     "ss-cam-mean",
     "sigma=0 noise_target=activation mask_weights=gradient",
     0,
     {.samples = 10, .target = TARGET_ACTIVATION, .mask_weights = WEIGHTS_GRADIENT}},
    /* Algorithm 1, part by part and whole */
    {"linear",
     "ss-cam-max",
     NOISY_TEXT "rescore=on",
     0,
     {NOISY, .takes_maximum = 1, .rescores = 1}},
    {"positional",
     "ss-cam-mean",
     NOISY_TEXT "rescore=on noise_target=activation channel_softmax=off",
     0,
     {NOISY, .rescores = 1, .target = TARGET_ACTIVATION, .no_softmax = 1}},
    {"linear",
     "ss-cam-mean",
     NOISY_TEXT "sample_count=n_minus_1",
     0,
     {NOISY, .one_sample_less = 1}},
    {"linear",
     "ss-cam-mean",
     "samples=2 sample_count=n_minus_1",
     0,
     {.samples = 2, .sigma = 4.0, .one_sample_less = 1}},
    {"linear",
     "ss-cam-mean",
     "samples=1 sample_count=n_minus_1",
     0,
     {.samples = 1, .sigma = 4.0, .one_sample_less = 1}},
    {"linear",
     "ss-cam-max",
     "preset=algorithm-1 " NOISY_TEXT,
     1,
     {NOISY, .takes_maximum = 1, .target = TARGET_INPUT, .mask_weights = WEIGHTS_GRADIENT,
      .rescores = 1, .one_sample_less = 1}},
    /* the other presets, whole */
    {"linear",
     "ss-cam-mean",
     "preset=torch-cam",
     0,
     {.samples = 35,
      .sigma = 2.0,
      .before_upsample = 1,
      .scores_flat = 1,
      .baseline = BASELINE_INPUT}},
    {"linear",
     "score-cam",
     "preset=pytorch-grad-cam",
     0,
     {.align_corners = 1, .scores_flat = 1, .baseline = BASELINE_NONE}},
    /* memory order is the backend's affair */
    {"positional channels-last", "ss-cam-mean", NOISY_TEXT, 0, {NOISY}},
};
enum { SCORE_CASES = sizeof score_cases / sizeof score_cases[0] };

/* What (0 - mean) / std is, of the default preprocessing and of the other one that the cases
 * have. */
static void set_black(reference_input *of, const char *options)
{
    static const double mean[3] = {0.485, 0.456, 0.406}, deviation[3] = {0.229, 0.224, 0.225};
    static const double other[3] = {0.5, 2.0, 0.25};
    for (int color = 0; color < FAKE_COLORS; color++)
        of->black[color] = strstr(options, "mean=") ? other[color]
                                                    : -mean[color] / deviation[color];
}

START_TEST(weights_and_passes_follow_the_reference)
{
    const score_case *test = &score_cases[_i];
    char head[32];
    snprintf(head, sizeof head, "%.*s", (int)strcspn(test->head, " "), test->head);
    reference_input of = reference_of(head, test->class_index);
    set_black(&of, test->options);
    reference_result wanted = reference_score_weights(&of, &test->reference);
    sscam_map *map = explain(test->head, test->method, test->options, test->class_index);
    assert_weights(map, wanted.weights, 1e-5);
    assert_maps(map, &of, wanted.weights, 5e-5);
    ck_assert_int_eq(sscam_map_passes(map), wanted.passes);
    ck_assert_int_eq(atomic_load(&fake_counted.inputs),
                     wanted.passes); /* what it says it took, it took */
    sscam_map_unref(map);
}
END_TEST

/* The authors' preset adds the activations up at the input's size; one channel at a time here, as
 * they do. */
static void check_upsampled(const char *method, const char *options,
                            const reference_options *reference)
{
    reference_input of = reference_of("linear", 0);
    double exact[SIZE], features[FAKE_CHANNELS * POSITIONS], upsampled[PLANE], raw[PLANE] = {0.0};
    for (int i = 0; i < SIZE; i++)
        exact[i] = input[i];
    reference_features(&of, exact, features);
    reference_result wanted = reference_score_weights(&of, reference);
    for (int k = 0; k < FAKE_CHANNELS; k++) {
        reference_upsample(features + k * POSITIONS, MAP_HEIGHT, MAP_WIDTH, HEIGHT, WIDTH, 0,
                           upsampled);
        for (int p = 0; p < PLANE; p++)
            raw[p] += wanted.weights[k] * upsampled[p];
    }
    for (int p = 0; p < PLANE; p++)
        raw[p] = fmax(raw[p], 0.0);
    sscam_map *map = explain("linear", method, options, 0);
    assert_weights(map, wanted.weights, 1e-5);
    ck_assert_int_eq(raw_height(map), HEIGHT);
    ck_assert_int_eq(raw_width(map), WIDTH);
    assert_values(sscam_map_raw(map), raw, PLANE, 5e-5);
    assert_data_follows_raw(map);
    sscam_map_unref(map);
}

START_TEST(activations_can_be_combined_at_the_inputs_size)
{
    const reference_options plain = {.no_softmax = 1,
                                     .baseline = BASELINE_INPUT}; /* has negative weights */
    const reference_options mean = {.samples = 35,
                                    .sigma = 2.0,
                                    .by_probability = 1,
                                    .no_softmax = 1,
                                    .baseline = BASELINE_NONE,
                                    .scale = SCALE_AUTHORS_CODE,
                                    .target = TARGET_ACTIVATION};
    reference_options maximum = mean;
    maximum.target = TARGET_INPUT;
    maximum.takes_maximum = 1;
    check_upsampled("score-cam", "combine=upsampled channel_softmax=off baseline=input", &plain);
    check_upsampled("ss-cam-mean", "preset=authors-code", &mean);
    check_upsampled("ss-cam-max", "preset=authors-code", &maximum);
}
END_TEST

/* --- properties ------------------------------------------------------------------------------- */

static void assert_same_maps(sscam_map *left, sscam_map *right, int wanted)
{
    ck_assert_int_eq(same_maps(left, right), wanted);
    sscam_map_unref(left);
    sscam_map_unref(right);
}

START_TEST(without_noise_ss_cam_is_score_cam)
{
    static const char *const noisy[] = {"ss-cam-mean", "ss-cam-max"};
    static const char *const others[] = {"", "noise_target=input ", "noise_scale=range ",
                                         "channel_softmax=off "};
    for (int i = 0; i < 8; i++) {
        char options[64];
        snprintf(options, sizeof options, "%ssigma=0", others[i / 2]);
        sscam_map *map = explain("positional", noisy[i % 2], options, 1);
        ck_assert_int_eq(sscam_map_passes(map),
                         4 + (i / 2 == 3)); /* 4 channels have structure, 2 are equal */
        assert_same_maps(map, explain("positional", "score-cam", others[i / 2], 1), 1);
    }
}
END_TEST

START_TEST(batches_change_nothing)
{
    static const char *const noisy[] = {"score-cam", "ss-cam-mean", "ss-cam-max"};
    static const long long largest[] = {8, 1, 7, 64};
    static const char *const options[] = {"samples=20 batch_size=0", "samples=20 batch_size=1",
                                          "samples=20 batch_size=7", "samples=20 batch_size=64"};
    for (int size = 0; size < 4; size++) {
        fake_reset();
        sscam_map *map = explain("positional", noisy[_i], options[size], 0);
        long long masked = _i == 0 ? 3 : 80;
        ck_assert_int_eq(atomic_load(&fake_counted.largest_batch),
                         masked < largest[size] ? masked : largest[size]);
        ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_BATCH]),
                         (masked + largest[size] - 1) / largest[size]);
        assert_same_maps(map, explain("positional", noisy[_i], options[0], 0), 1);
    }
}
END_TEST

START_TEST(memory_order_changes_nothing)
{
    static const char options[] = "samples=3 noise_target=input";
    const char *head = methods[_i].needs & SSCAM_NEEDS_POOLED_LINEAR ? "linear" : "positional";
    char other[32];
    snprintf(other, sizeof other, "%s channels-last", head);
    assert_same_maps(explain(head, methods[_i].name, options, 0),
                     explain(other, methods[_i].name, options, 0), 1);
}
END_TEST

START_TEST(the_seed_changes_the_noise)
{
    assert_same_maps(explain("linear", "ss-cam-mean", "seed=1", 0),
                     explain("linear", "ss-cam-mean", "seed=1", 0), 1);
    assert_same_maps(explain("linear", "ss-cam-mean", "seed=1", 0),
                     explain("linear", "ss-cam-mean", "seed=2", 0), 0);
    assert_same_maps(explain("linear", "score-cam", "seed=1", 0),
                     explain("linear", "score-cam", "seed=2", 0), 1);
}
END_TEST

START_TEST(the_image_index_changes_the_noise)
{
    static const int64_t shape[4] = {COPIES, FAKE_COLORS, HEIGHT, WIDTH};
    reference_input of = reference_of("linear", 1);
    sscam_explainer *explainer = explainer_with("linear", "ss-cam-mean", NOISY_TEXT);
    sscam_map *maps[COPIES];
    int64_t classes[COPIES];
    for (int i = 0; i < COPIES; i++)
        classes[i] = 1;
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(input, shape, 4), classes, maps));
    for (int i = 0; i < COPIES; i++) {
        reference_options options = {NOISY, .image = i};
        reference_result wanted = reference_score_weights(&of, &options);
        assert_weights(maps[i], wanted.weights, 1e-5);
        if (i > 0)
            ck_assert_int_eq(same_maps(maps[i], maps[i - 1]), 0);
    }
    for (int i = 0; i < COPIES; i++)
        sscam_map_unref(maps[i]);
    sscam_explainer_unref(explainer);
}
END_TEST

/* Equal channels have one mask, unless their weights have opposite signs, as those of class 2 have;
 * and noise differs from channel to channel. Class 2 has no use for channel 1. */
START_TEST(equal_channels_are_scored_once)
{
    static const char *const options[] = {"", "mask_weights=gradient", "mask_weights=gradient",
                                          "sigma=0"};
    static const char *const names[] = {"score-cam", "score-cam", "score-cam", "ss-cam-max"};
    static const int64_t classes[] = {0, 0, 2, 0};
    for (int i = 0; i < 4; i++) {
        sscam_map *map = explain("linear", names[i], options[i], classes[i]);
        const float *weights = sscam_map_weights(map);
        ck_assert_int_eq(sscam_map_passes(map), 1 + 3);
        ck_assert_int_eq(weights[FAKE_ORIGINAL_CHANNEL] == weights[FAKE_DUPLICATE_CHANNEL],
                         classes[i] != 2);
        sscam_map_unref(map);
    }
    sscam_map *noisy = explain("linear", "ss-cam-mean", "samples=2", 0);
    ck_assert_int_eq(sscam_map_passes(noisy), 1 + 4 * 2);
    ck_assert_float_ne(sscam_map_weights(noisy)[FAKE_ORIGINAL_CHANNEL],
                       sscam_map_weights(noisy)[FAKE_DUPLICATE_CHANNEL]);
    sscam_map_unref(noisy);
}
END_TEST

START_TEST(flat_and_duplicate_channels_cost_nothing)
{
    sscam_map *skipped = explain("linear", "score-cam", "", 0);
    sscam_map *scored = explain("linear", "score-cam", "flat_channels=score", 0);
    ck_assert_float_eq(sscam_map_weights(skipped)[FAKE_FLAT_CHANNEL], 0.0f);
    ck_assert_float_gt(sscam_map_weights(scored)[FAKE_FLAT_CHANNEL], 0.0f);
    ck_assert_int_eq(sscam_map_passes(skipped), 1 + 3);
    ck_assert_int_eq(sscam_map_passes(scored), 1 + 3 + 1);
    ck_assert_float_eq(sscam_map_weights(skipped)[FAKE_ORIGINAL_CHANNEL],
                       sscam_map_weights(skipped)[FAKE_DUPLICATE_CHANNEL]);
    sscam_map_unref(skipped);
    sscam_map_unref(scored);
}
END_TEST

START_TEST(networks_without_structure_give_flat_maps)
{
    static const char *const words[] = {"flat", "tiny"};
    static const char *const options[] = {"", "flat_channels=score", "channel_softmax=off"};
    static const int64_t passes[] = {1, 2,
                                     2}; /* all flat channels share one pass; the baseline is one */
    for (int i = 0; i < 6; i++) {
        sscam_map *map = explain(words[i % 2], "ss-cam-mean", options[i / 2], 0);
        ck_assert_int_eq(sscam_map_passes(map), passes[i / 2]);
        if (i % 2 == 0)
            ck_assert_int_eq(sscam_map_is_flat(map), 1);
        for (int k = 0; k < FAKE_CHANNELS; k++)
            ck_assert_float_eq_tol(sscam_map_weights(map)[k], i / 2 == 1 ? 0.2f : 0.0f, 1e-6f);
        for (int p = 0; p < PLANE && i % 2 == 0; p++)
            ck_assert_float_eq(sscam_map_data(map)[p], 0.0f);
        sscam_map_unref(map);
    }
}
END_TEST

/* The baseline is one more input for zeros and black, none for the input itself, none under the
 * softmax. */
START_TEST(the_baseline_is_evaluated_when_it_counts)
{
    static const char *const baselines[] = {"zeros", "none", "input", "black"};
    for (int i = 0; i < 8; i++) {
        int with_softmax = i / 4 == 0, costs = !with_softmax && (i % 4 == 0 || i % 4 == 3);
        char options[64];
        snprintf(options, sizeof options, "baseline=%s channel_softmax=%s", baselines[i % 4],
                 with_softmax ? "on" : "off");
        fake_reset();
        sscam_map *map = explain("linear", "score-cam", options, 0);
        ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_CLASSIFY]), costs);
        ck_assert_int_eq(sscam_map_passes(map), 1 + 3 + costs);
        if (with_softmax)
            assert_same_maps(map, explain("linear", "score-cam", "", 0), 1);
        else
            sscam_map_unref(map);
    }
}
END_TEST

START_TEST(softmax_weights_add_up_to_one)
{
    static const char *const words[] = {"linear", "quadratic", "positional", "large"};
    sscam_map *map = explain(words[_i], "ss-cam-max", "", 1);
    double sum = 0.0;
    for (int k = 0; k < FAKE_CHANNELS; k++) {
        ck_assert_float_ge(sscam_map_weights(map)[k], 0.0f);
        sum += sscam_map_weights(map)[k];
    }
    ck_assert_double_eq_tol(sum, 1.0, 1e-6);
    sscam_map_unref(map);
}
END_TEST

/* Scores of order 10^4: the softmax is a choice of the highest, and neither overflows nor becomes
 * NaN. */
START_TEST(large_scores_choose_the_highest_channel)
{
    sscam_map *plain = explain("linear", "score-cam", "channel_softmax=off", 0);
    sscam_map *large = explain("large", "score-cam", "", 0);
    int highest = 0;
    for (int k = 1; k < FAKE_CHANNELS; k++)
        if (sscam_map_weights(plain)[k] > sscam_map_weights(plain)[highest])
            highest = k;
    ck_assert_int_ne(highest,
                     FAKE_ORIGINAL_CHANNEL); /* which shares its score with the duplicate */
    for (int k = 0; k < FAKE_CHANNELS; k++)
        ck_assert_float_eq_tol(sscam_map_weights(large)[k], k == highest ? 1.0f : 0.0f, 1e-6f);
    sscam_map_unref(plain);
    sscam_map_unref(large);
}
END_TEST

/* Options of scoring mean nothing to gradient methods. */
START_TEST(gradient_methods_ignore_scoring)
{
    static const char noisy[] = "smooth-grad-cam++"; /* which has samples */
    if (methods[_i].needs & (SSCAM_NEEDS_SCORING | SSCAM_NEEDS_ABLATION) ||
        strcmp(methods[_i].name, noisy) == 0)
        return;
    sscam_map *plain = explain("linear", methods[_i].name, "", 0);
    sscam_map *other = explain(
        "linear", methods[_i].name,
        "samples=99 mask_weights=gradient rescore=on channel_softmax=off flat_channels=score", 0);
    ck_assert_int_eq(sscam_map_passes(plain), sscam_map_passes(other));
    ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_SCORE]), 0);
    assert_same_maps(plain, other, 1);
}
END_TEST

/* Score-CAM knows no noise, so that a second pass of Algorithm 1 has nothing to follow. */
START_TEST(score_cam_ignores_noise)
{
    assert_same_maps(
        explain("linear", "score-cam", "", 0),
        explain("linear", "score-cam",
                "samples=7 sigma=9 noise_target=input noise_scale=authors-code rescore=on", 0),
        1);
}
END_TEST

/* (sigma / range)^2 leaves the numbers: as a deviation, or only in the inputs that it makes. */
START_TEST(noise_that_overflows_is_reported)
{
    sscam_explainer *explainer = explainer_with(
        "linear", "ss-cam-mean", "noise_scale=authors-code noise_target=input sigma=1000000");
    sscam_map *map = NULL;
    float dark[SIZE] = {1e-30f};
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(dark, one, 4), NULL, &map), SSCAM_E_ARGUMENT,
                 "channel 0 has a range of 1e-30, too small to divide by");
    dark[0] = 1e-13f;
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(dark, one, 4), NULL, &map), SSCAM_E_MODEL,
                 "score of the input masked by channel 0");
    dark[0] = 1.0f;
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(dark, one, 4), NULL, &map));
    sscam_map_unref(map);
    sscam_explainer_unref(explainer);
}
END_TEST

static void add_gradient_tests(TCase *gradients)
{
    tcase_add_loop_test(gradients, grad_cam_is_the_mean_gradient, 0, HEADS);
    tcase_add_loop_test(gradients, grad_cam_pp_weighs_positive_gradients, 0, HEADS);
    tcase_add_test(gradients, grad_cam_pp_on_one_position);
    tcase_add_test(gradients, grad_cam_looks_at_the_layer_that_is_asked_for);
    tcase_add_loop_test(gradients, cam_is_the_last_layers_weights, 0, 2);
    tcase_add_test(gradients, cam_says_why_it_cannot);
    tcase_add_loop_test(gradients, gradient_methods_ignore_scoring, 0, METHODS);
}

static void add_position_tests(TCase *positions)
{
    tcase_add_loop_test(positions, xgrad_cam_weighs_gradients_by_activations, 0, HEADS);
    tcase_add_test(positions, xgrad_cam_gives_no_weight_to_silent_channels);
    tcase_add_loop_test(positions, terms_are_made_position_by_position, 0, TERM_METHODS);
    tcase_add_loop_test(positions, terms_on_one_position, 0, TERM_METHODS);
    tcase_add_loop_test(positions, terms_can_be_combined_at_the_inputs_size, 0, TERM_METHODS);
    tcase_add_test(positions, large_activations_have_a_principal_component);
    tcase_add_loop_test(positions, eigen_cam_is_the_principal_component, 0, 2);
    tcase_add_loop_test(positions, eigen_grad_cam_is_that_of_gradient_times_activation, 0, 2);
    tcase_add_loop_test(positions, constant_activations_have_no_principal_component, 0, 3);
}

static void add_target_tests(TCase *targets)
{
    tcase_add_loop_test(targets, targets_are_explained_as_classes_are, 0, 7);
    tcase_add_test(targets, ablation_cam_of_a_difference);
    tcase_add_loop_test(targets, another_output_can_be_explained, 0, 8);
    tcase_add_test(targets, outputs_that_do_not_exist_are_named);
    tcase_add_test(targets, the_other_class_is_the_highest_other);
    tcase_add_test(targets, targets_that_do_not_exist_are_refused);
}

static void add_run_tests(TCase *runs)
{
    tcase_add_loop_test(runs, smooth_grad_cam_pp_averages_derivatives, 0, HEADS);
    tcase_add_loop_test(runs, smooth_grad_cam_pp_has_noise_in_units_of_the_inputs_range, 0, 2);
    tcase_add_test(runs, smooth_grad_cam_pp_without_noise_is_grad_cam_pp);
    tcase_add_test(runs, smooth_grad_cam_pp_counts_images_in_its_noise);
    tcase_add_test(runs, smooth_grad_cam_pp_tells_noise_and_gradients_that_are_not_finite);
    tcase_add_loop_test(runs, ablation_cam_is_the_share_lost_without_a_channel, 0, HEADS);
    tcase_add_test(runs, ablation_cam_on_one_position);
    tcase_add_test(runs, ablation_cam_divides_by_the_scores_magnitude);
    tcase_add_test(runs, silent_and_unselected_channels_are_not_ablated);
    tcase_add_test(runs, ablation_cam_looks_at_the_layer_that_is_asked_for);
    tcase_add_test(runs, ablations_that_give_no_number_are_reported);
}

static void add_score_tests(TCase *scores)
{
    tcase_add_loop_test(scores, weights_and_passes_follow_the_reference, 0, SCORE_CASES);
    tcase_add_test(scores, activations_can_be_combined_at_the_inputs_size);
    tcase_add_test(scores, without_noise_ss_cam_is_score_cam);
    tcase_add_loop_test(scores, batches_change_nothing, 0, 3);
    tcase_add_loop_test(scores, memory_order_changes_nothing, 0, METHODS);
    tcase_add_test(scores, the_seed_changes_the_noise);
    tcase_add_test(scores, the_image_index_changes_the_noise);
    tcase_add_test(scores, equal_channels_are_scored_once);
    tcase_add_test(scores, flat_and_duplicate_channels_cost_nothing);
    tcase_add_test(scores, networks_without_structure_give_flat_maps);
    tcase_add_test(scores, the_baseline_is_evaluated_when_it_counts);
    tcase_add_loop_test(scores, softmax_weights_add_up_to_one, 0, 4);
    tcase_add_test(scores, large_scores_choose_the_highest_channel);
    tcase_add_test(scores, score_cam_ignores_noise);
    tcase_add_test(scores, noise_that_overflows_is_reported);
}

int main(void)
{
    Suite *suite = suite_create("methods");
    TCase *table = add_tcase(suite, "table", set_up, NULL),
          *gradients = add_tcase(suite, "gradients", set_up, NULL);
    TCase *scores = add_tcase(suite, "scores", set_up, NULL),
          *positions = add_tcase(suite, "places", set_up, NULL),
          *runs = add_tcase(suite, "runs", set_up, NULL);
    TCase *targets = add_tcase(suite, "targets", set_up, NULL);
    tcase_add_test(table, the_table_lists_the_methods);
    tcase_add_loop_test(table, maps_tell_what_they_are_of, 0, METHODS);
    tcase_add_test(table, the_top_class_is_found);
    tcase_add_test(table, probabilities_follow_their_option);
    add_gradient_tests(gradients);
    add_score_tests(scores);
    add_position_tests(positions);
    add_run_tests(runs);
    add_target_tests(targets);
    return run_suite(suite);
}
