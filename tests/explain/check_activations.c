/* Maps of given activations: every method against an explainer that captures the same numbers, and
 * against the float64 reference. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/model_private.h"
#include "support/fixtures.h"
#include "support/reference_methods.h"

enum { HEIGHT = 8, WIDTH = 10, PLANE = HEIGHT * WIDTH, SIZE = FAKE_COLORS * PLANE };
enum { MAP_HEIGHT = HEIGHT / 2, MAP_WIDTH = WIDTH / 2, POSITIONS = MAP_HEIGHT * MAP_WIDTH };
enum { VALUES = FAKE_CHANNELS * POSITIONS, CLASS = 1 };

static float input[SIZE], activations[VALUES], gradients[VALUES], class_weights[FAKE_CHANNELS];
static const int64_t input_shape[4] = {1, FAKE_COLORS, HEIGHT, WIDTH};
static const int64_t shape[3] = {FAKE_CHANNELS, MAP_HEIGHT, MAP_WIDTH};
static const int64_t channels[1] = {FAKE_CHANNELS};
static const int64_t sides[2] = {HEIGHT, WIDTH};
static sscam_map *map, *wanted;

static void set_up(void)
{
    fill_random(input, SIZE, 12345u, -1.25, 3.0);
    for (int k = 0; k < FAKE_CHANNELS; k++)
        class_weights[k] = (float)fake_weight[CLASS][k];
}

static void tear_down(void)
{
    sscam_map_unref(map);
    sscam_map_unref(wanted);
    map = wanted = NULL;
    assert_all_networks_freed();
}

/* What the layer gives, as the host would have it from its own engine. */
static void capture(const char *words)
{
    sscam_model *model = load_fake(words);
    const sscam_capture_request request = {
        .input = input,
        .shape = {4, 1, FAKE_COLORS, {1, HEIGHT, WIDTH}},
        .target = {.kind = SSCAM_TARGET_CLASS, .class_index = CLASS, .other_index = -1},
        .want_gradients = 1};
    sscam_capture captured = {0};
    ck_assert_int_eq(model->backend->capture(model->network, &request, &captured), SSCAM_OK);
    memcpy(activations, captured.activations, sizeof activations);
    memcpy(gradients, captured.gradients, sizeof gradients);
    sscam_capture_release(&captured);
    sscam_model_unref(model);
}

/* All that there is. */
static sscam_activations all(void)
{
    static const sscam_array values = {sizeof values, activations, shape,
                                       NULL,          3,           SSCAM_ELEMENT_FLOAT32};
    static const sscam_array derivatives = {sizeof derivatives,   gradients, shape, NULL, 3,
                                            SSCAM_ELEMENT_FLOAT32};
    static const sscam_array weights = {sizeof weights,       class_weights, channels, NULL, 1,
                                        SSCAM_ELEMENT_FLOAT32};
    sscam_activations given = SSCAM_ACTIVATIONS_INIT;
    given.activations = &values;
    given.gradients = &derivatives;
    given.class_weights = &weights;
    given.sides = sides;
    return given;
}

static int32_t needs_network(const sscam_method *method)
{
    return (sscam_method_needs(method) &
            (SSCAM_NEEDS_SCORING | SSCAM_NEEDS_ABLATION | SSCAM_NEEDS_POSITIONS |
             SSCAM_NEEDS_CURVATURE | SSCAM_NEEDS_BACKPROPAGATION)) ||
           strcmp(sscam_method_name(method), "smooth-grad-cam++") == 0;
}

/* Whether the method has neither weights nor terms that could be projected. */
static int32_t makes_map_alone(const sscam_method *method)
{
    return strcmp(sscam_method_name(method), "fem") == 0 ||
           strcmp(sscam_method_name(method), "kpca-cam") == 0 ||
           strcmp(sscam_method_name(method), "activation-map") == 0;
}

static void explain(const char *words, const char *method, const char *options)
{
    const int64_t class_index = CLASS;
    sscam_explainer *explainer = make_explainer(words, method);
    set_options(explainer, options);
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(input, input_shape, 4), &class_index, &wanted));
    sscam_explainer_unref(explainer);
}

static void assert_near(const float *found, const float *expected, int64_t count, double allowed)
{
    ck_assert(!found == !expected);
    for (int64_t i = 0; i < count && found; i++)
        ck_assert_msg(fabs((double)found[i] - (double)expected[i]) <= allowed,
                      "value %d is %.9g, not %.9g", (int)i, (double)found[i], (double)expected[i]);
}

/* --- what comes out --------------------------------------------------------------------------- */

static const char *const networks[] = {"fake linear", "fake quadratic", "fake positional"};
static const char *const options[][3] = {
    {"", NULL, NULL},
    {"eigen_smooth=on", "eigen_smooth", "on"},
    {"combine=upsampled", "combine", "upsampled"},
};
enum { NETWORKS = 3, OPTIONS = 3 };

/* CAM of an explainer has its weights from sums of gradients; other numbers are the same bits. */
START_TEST(maps_are_those_of_an_explainer)
{
    const sscam_method *method = sscam_method_info(_i / NETWORKS / OPTIONS);
    const char *const words = networks[_i / OPTIONS % NETWORKS], *const *const option =
                                                                     options[_i % OPTIONS];
    const int32_t is_cam = strcmp(sscam_method_name(method), "cam") == 0;
    const int64_t raw_count = strstr(option[0], "upsampled") ? PLANE : POSITIONS;
    const double allowed = is_cam ? 1e-5 : 0.0;
    if (needs_network(method) || (is_cam && strcmp(words, "fake linear") != 0) ||
        (makes_map_alone(method) && strstr(option[0], "eigen_smooth")))
        return;
    capture(words);
    explain(words, sscam_method_name(method), option[0]);
    sscam_activations given = all();
    given.options = &option[1];
    given.option_count = option[1] != NULL;
    ASSERT_OK(sscam_map_from_activations(sscam_method_name(method), &given, &map));
    assert_near(sscam_map_raw(map), sscam_map_raw(wanted), raw_count, allowed);
    assert_near(sscam_map_data(map), sscam_map_data(wanted), PLANE, allowed);
    assert_near(sscam_map_weights(map), sscam_map_weights(wanted), FAKE_CHANNELS, allowed);
    ck_assert_int_eq(sscam_map_channel_count(map), FAKE_CHANNELS);
    ck_assert_int_eq(sscam_map_is_flat(map), sscam_map_is_flat(wanted));
    ck_assert_str_eq(sscam_map_method(map), sscam_method_name(method));
}
END_TEST

/* Of one channel, the principal component is the channel minus its mean: what lies furthest from
 * the mean becomes positive (Chung & Ying 2025, eq. 13). */
START_TEST(the_peak_of_a_projection_is_positive)
{
    static const float channel[2][4] = {{-10.0f, 1.0f, 2.0f, 3.0f}, {10.0f, -1.0f, -2.0f, -3.0f}};
    static const float slopes[4] = {-1.0f, -1.0f, 1.0f, 1.0f};
    static const int64_t one_channel[3] = {1, 2, 2}, same_sides[2] = {2, 2};
    const sscam_array values = {sizeof values, channel[_i], one_channel,
                                NULL,          3,           SSCAM_ELEMENT_FLOAT32},
                      derivatives = {sizeof derivatives,   slopes, one_channel, NULL, 3,
                                     SSCAM_ELEMENT_FLOAT32};
    sscam_activations given = SSCAM_ACTIVATIONS_INIT;
    given.activations = &values;
    given.gradients = &derivatives;
    given.sides = same_sides;
    ASSERT_OK(sscam_map_from_activations("seg-eigen-cam", &given, &map));
    ck_assert_float_eq_tol(sscam_map_raw(map)[0], 9.0f, 1e-5f);
    for (int p = 1; p < 4; p++)
        ck_assert_float_eq(sscam_map_raw(map)[p], 0.0f);
}
END_TEST

START_TEST(weights_are_those_of_the_formulas)
{
    static const struct {
        const char *method;
        void (*formula)(const reference_input *of, double weights[FAKE_CHANNELS]);
    } cases[] = {{"grad-cam", reference_grad_cam},
                 {"grad-cam++", reference_grad_cam_pp},
                 {"xgrad-cam", reference_xgrad_cam}};
    const reference_input of = {.head = REFERENCE_QUADRATIC,
                                .classes = FAKE_CLASSES,
                                .class_index = CLASS,
                                .depth = 1,
                                .height = HEIGHT,
                                .width = WIDTH,
                                .input = input};
    double values[SIZE], features[VALUES], derivatives[VALUES];
    for (int i = 0; i < SIZE; i++)
        values[i] = (double)input[i];
    reference_features(&of, values, features);
    reference_gradients(&of, derivatives);
    const sscam_array as_doubles = {sizeof as_doubles,    features, shape, NULL, 3,
                                    SSCAM_ELEMENT_FLOAT64},
                      gradients_as_doubles = {sizeof as_doubles,    derivatives, shape, NULL, 3,
                                              SSCAM_ELEMENT_FLOAT64};
    sscam_activations given = all();
    given.activations = &as_doubles;
    given.gradients = &gradients_as_doubles;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double weights[FAKE_CHANNELS], raw[POSITIONS];
        ASSERT_OK(sscam_map_from_activations(cases[i].method, &given, &map));
        cases[i].formula(&of, weights);
        reference_raw_map(&of, weights, raw);
        for (int k = 0; k < FAKE_CHANNELS; k++)
            ck_assert_double_eq_tol((double)sscam_map_weights(map)[k], weights[k], 1e-6);
        for (int p = 0; p < POSITIONS; p++)
            ck_assert_double_eq_tol((double)sscam_map_raw(map)[p], raw[p], 1e-5);
        sscam_map_unref(map);
        map = NULL;
    }
}
END_TEST

START_TEST(what_is_not_known_says_so)
{
    sscam_activations given = all();
    capture("fake linear");
    ASSERT_OK(sscam_map_from_activations("layer-cam", &given, &map));
    ck_assert_int_eq(sscam_map_class_index(map), -1);
    ck_assert_double_eq(sscam_map_logit(map), 0.0);
    ck_assert_double_eq(sscam_map_probability(map), 0.0);
    ck_assert_int_eq(sscam_map_passes(map), 0);
    ck_assert_str_eq(sscam_map_layer(map), "activations");
    sscam_map_unref(map);
    given.layer = "backbone.7";
    ASSERT_OK(sscam_map_from_activations("layer-cam", &given, &map));
    ck_assert_str_eq(sscam_map_layer(map), "backbone.7");
}
END_TEST

START_TEST(without_sides_the_map_has_those_of_the_layer)
{
    sscam_activations given = all();
    capture("fake linear");
    given.sides = NULL;
    ASSERT_OK(sscam_map_from_activations("grad-cam", &given, &map));
    ck_assert_int_eq(sscam_map_height(map), MAP_HEIGHT);
    ck_assert_int_eq(sscam_map_width(map), MAP_WIDTH);
}
END_TEST

/* --- forms of the arrays ---------------------------------------------------------------------- */

START_TEST(batch_axis_strides_and_types_make_no_difference)
{
    static const int64_t batched[4] = {1, FAKE_CHANNELS, MAP_HEIGHT, MAP_WIDTH};
    static const int64_t strides[3] = {1, MAP_WIDTH * FAKE_CHANNELS, FAKE_CHANNELS};
    float last[VALUES];
    double doubles[VALUES];
    sscam_activations given = all();
    capture("fake positional");
    ASSERT_OK(sscam_map_from_activations("layer-cam", &given, &wanted));
    for (int k = 0; k < FAKE_CHANNELS; k++) {
        for (int p = 0; p < POSITIONS; p++) {
            last[p * FAKE_CHANNELS + k] = activations[k * POSITIONS + p];
            doubles[k * POSITIONS + p] = (double)gradients[k * POSITIONS + p];
        }
    }
    const sscam_array channels_last = {sizeof(sscam_array),  last, shape, strides, 3,
                                       SSCAM_ELEMENT_FLOAT32},
                      as_batch = {sizeof(sscam_array),  doubles, batched, NULL, 4,
                                  SSCAM_ELEMENT_FLOAT64};
    given.activations = &channels_last;
    given.gradients = &as_batch;
    ASSERT_OK(sscam_map_from_activations("layer-cam", &given, &map));
    assert_near(sscam_map_data(map), sscam_map_data(wanted), PLANE, 0.0);
}
END_TEST

/* Sound and video: the same numbers in another shape give the same weights and raw maps. */
START_TEST(maps_have_one_to_three_sides)
{
    static const int64_t sound[2] = {FAKE_CHANNELS, POSITIONS},
                         video[4] = {FAKE_CHANNELS, 2, MAP_HEIGHT / 2, MAP_WIDTH};
    static const int64_t larger[3] = {4, 6, 10};
    sscam_activations given = all();
    capture("fake quadratic");
    ASSERT_OK(sscam_map_from_activations("grad-cam++", &given, &wanted));
    const sscam_array arrays[2][2] = {
        {{sizeof(sscam_array), activations, sound, NULL, 2, SSCAM_ELEMENT_FLOAT32},
         {sizeof(sscam_array), gradients, sound, NULL, 2, SSCAM_ELEMENT_FLOAT32}},
        {{sizeof(sscam_array), activations, video, NULL, 4, SSCAM_ELEMENT_FLOAT32},
         {sizeof(sscam_array), gradients, video, NULL, 4, SSCAM_ELEMENT_FLOAT32}}};
    for (int i = 0; i < 2; i++) {
        given.activations = &arrays[i][0];
        given.gradients = &arrays[i][1];
        given.rank = 1 + 2 * i;
        given.sides = larger;
        ASSERT_OK(sscam_map_from_activations("grad-cam++", &given, &map));
        assert_near(sscam_map_raw(map), sscam_map_raw(wanted), POSITIONS, 0.0);
        assert_near(sscam_map_weights(map), sscam_map_weights(wanted), FAKE_CHANNELS, 0.0);
        ck_assert_int_eq(sscam_map_width(map), i ? 10 : 4);
        ck_assert_int_eq(sscam_map_height(map), i ? 6 : 1);
        sscam_map_unref(map);
        map = NULL;
    }
}
END_TEST

/* --- what is refused -------------------------------------------------------------------------- */

static void assert_refused(const char *method, const sscam_activations *given, sscam_status status,
                           const char *thing)
{
    map = STALE;
    ASSERT_FAILS(sscam_map_from_activations(method, given, &map), status, thing);
    ck_assert_ptr_null(map);
}

START_TEST(what_a_method_lacks_is_named)
{
    const sscam_method *method = sscam_method_info(_i);
    const char *name = sscam_method_name(method);
    char need[64];
    sscam_activations given = all();
    given.gradients = given.class_weights = NULL;
    if (strcmp(name, "shapley-cam") == 0)
        snprintf(need, sizeof need, "shapley-cam needs second derivatives");
    else if (needs_network(method))
        snprintf(need, sizeof need, "%s needs a network", name);
    else if (strcmp(name, "cam") == 0)
        snprintf(need, sizeof need, "cam needs class weights");
    else
        snprintf(need, sizeof need, "%s needs gradients", name);
    if (sscam_method_needs(method) == 0)
        ASSERT_OK(sscam_map_from_activations(name, &given, &map));
    else
        assert_refused(name, &given, SSCAM_E_UNSUPPORTED, need);
    if (needs_network(method)) {
        given = all();
        assert_refused(name, &given, SSCAM_E_UNSUPPORTED, need);
    }
}
END_TEST

START_TEST(arguments_are_checked)
{
    static const char *const pairs[] = {"samples", "3", "combine", "upside", "eigen_smooth", NULL};
    static const int64_t wrong_sides[2] = {HEIGHT, 0},
                         vast_sides[2] = {INT64_C(1) << 20, INT64_C(1) << 20};
    sscam_activations given = all();
    ASSERT_FAILS(sscam_map_from_activations("grad-cam", &given, NULL), SSCAM_E_ARGUMENT, "out");
    assert_refused(NULL, &given, SSCAM_E_ARGUMENT, "method");
    assert_refused("grad-ca", &given, SSCAM_E_ARGUMENT, "grad-cam++");
    assert_refused("grad-cam", NULL, SSCAM_E_ARGUMENT, "sscam_activations");
    given.struct_size = 8;
    assert_refused("grad-cam", &given, SSCAM_E_ARGUMENT, "struct_size");
    given = all();
    given.activations = NULL;
    assert_refused("grad-cam", &given, SSCAM_E_ARGUMENT, "activations is NULL");
    given = all();
    given.rank = 4;
    assert_refused("grad-cam", &given, SSCAM_E_ARGUMENT, "rank is 4");
    given.rank = -1;
    assert_refused("grad-cam", &given, SSCAM_E_ARGUMENT, "rank is -1");
    given = all();
    given.sides = wrong_sides;
    assert_refused("grad-cam", &given, SSCAM_E_ARGUMENT, "side 1 is 0");
    given.sides = vast_sides;
    assert_refused("grad-cam", &given, SSCAM_E_ARGUMENT, "too many");
    given = all();
    given.option_count = 1;
    assert_refused("grad-cam", &given, SSCAM_E_ARGUMENT, "options is NULL");
    given.options = pairs;
    assert_refused("grad-cam", &given, SSCAM_E_ARGUMENT, "option samples does not apply");
    given.options = pairs + 2;
    assert_refused("grad-cam", &given, SSCAM_E_ARGUMENT, "\"upside\" is none of low_resolution");
    given.options = pairs + 4;
    assert_refused("grad-cam", &given, SSCAM_E_ARGUMENT, "value is NULL");
    given.option_count = -1;
    assert_refused("grad-cam", &given, SSCAM_E_ARGUMENT, "option_count is -1");
}
END_TEST

START_TEST(arrays_are_checked)
{
    static const int64_t two_inputs[4] = {2, FAKE_CHANNELS, 2, MAP_WIDTH},
                         other[3] = {FAKE_CHANNELS, MAP_WIDTH, MAP_HEIGHT}, fewer[1] = {4},
                         empty[3] = {FAKE_CHANNELS, 0, MAP_WIDTH},
                         vast[3] = {INT64_C(1) << 33, 1, 1}, still[3] = {0, 0, 0};
    sscam_activations given = all();
    sscam_array array = *given.activations, weights = *given.class_weights;
    capture("fake linear");
    given.activations = &array;
    array.shape = two_inputs;
    array.rank = 4;
    assert_refused("grad-cam", &given, SSCAM_E_ARGUMENT, "activations of 2 inputs");
    array.rank = 5;
    assert_refused("grad-cam", &given, SSCAM_E_ARGUMENT, "activations: rank is 5, not 3");
    array.rank = 2;
    assert_refused("grad-cam", &given, SSCAM_E_ARGUMENT, "activations: rank is 2, not 3");
    array = *all().activations;
    array.shape = empty;
    assert_refused("grad-cam", &given, SSCAM_E_ARGUMENT, "activations shape: H is 0");
    array.shape = NULL;
    assert_refused("grad-cam", &given, SSCAM_E_ARGUMENT, "shape is NULL");
    array.shape = vast;
    array.strides = still;
    assert_refused("eigen-cam", &given, SSCAM_E_ARGUMENT, "too");
    array = *all().activations;
    array.element_type = SSCAM_ELEMENT_INT64;
    assert_refused("grad-cam", &given, SSCAM_E_ARGUMENT, "activations: element_type");
    array = *all().activations;
    array.data = NULL;
    assert_refused("grad-cam", &given, SSCAM_E_ARGUMENT, "activations: data is NULL");
    given = all();
    array = *given.gradients;
    given.gradients = &array;
    array.shape = other;
    assert_refused("grad-cam", &given, SSCAM_E_ARGUMENT, "gradients have another shape");
    given = all();
    weights.shape = fewer;
    given.class_weights = &weights;
    assert_refused("cam", &given, SSCAM_E_ARGUMENT, "4 class weights for 5 channels");
    given = all();
    gradients[POSITIONS + 1] = NAN;
    assert_refused("grad-cam", &given, SSCAM_E_ARGUMENT, "gradients: NaN");
    gradients[POSITIONS + 1] = 3e38f;
    activations[POSITIONS + 1] = 3e38f;
    given.layer = "conv5";
    assert_refused("hires-cam", &given, SSCAM_E_MODEL, "conv5");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("activations");
    TCase *results = add_tcase(suite, "results", set_up, tear_down);
    tcase_add_loop_test(results, maps_are_those_of_an_explainer, 0,
                        (int)sscam_method_count() * NETWORKS * OPTIONS);
    tcase_add_loop_test(results, the_peak_of_a_projection_is_positive, 0, 2);
    tcase_add_test(results, weights_are_those_of_the_formulas);
    tcase_add_test(results, what_is_not_known_says_so);
    tcase_add_test(results, without_sides_the_map_has_those_of_the_layer);
    TCase *forms = add_tcase(suite, "forms", set_up, tear_down);
    tcase_add_test(forms, batch_axis_strides_and_types_make_no_difference);
    tcase_add_test(forms, maps_have_one_to_three_sides);
    TCase *refusals = add_tcase(suite, "refusals", set_up, tear_down);
    tcase_add_loop_test(refusals, what_a_method_lacks_is_named, 0, (int)sscam_method_count());
    tcase_add_test(refusals, arguments_are_checked);
    tcase_add_test(refusals, arrays_are_checked);
    return run_suite(suite);
}
