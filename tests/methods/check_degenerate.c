/* Every method on networks and inputs at the edge of arithmetic: a defined map, or a status and a
 * message. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/fixtures.h"
#include "support/reference.h"
#include "support/reference_methods.h"

enum {
    HEIGHT = 6,
    WIDTH = 8,
    PLANE = HEIGHT * WIDTH,
    SIZE = FAKE_COLORS * PLANE,
    POSITIONS = PLANE / 4
};
static const int64_t one[4] = {1, FAKE_COLORS, HEIGHT, WIDTH}, first = 0;

static float input[SIZE];

static void set_up(void)
{
    fill_random(input, SIZE, 31337u, -0.5, 2.0);
    fake_reset();
}

static void tear_down(void)
{
    assert_all_networks_freed();
}

static int32_t needs(size_t method, int32_t need)
{
    return (sscam_method_needs(sscam_method_info(method)) & need) != 0;
}

static const char *name_of(size_t method)
{
    return sscam_method_name(sscam_method_info(method));
}

static int is_named(size_t method, const char *name)
{
    return strcmp(name_of(method), name) == 0;
}

static sscam_status explain(const char *words, size_t method, const int64_t *shape, sscam_map **map)
{
    sscam_explainer *explainer = make_explainer(words, name_of(method));
    ASSERT_OK(sscam_explainer_set(explainer, "samples", "3"));
    *map = (sscam_map *)explainer;
    sscam_status status = sscam_explain_array(explainer, ARRAY(input, shape, 4), &first, map);
    sscam_explainer_unref(explainer);
    return status;
}

static sscam_map *explained(const char *words, size_t method, const int64_t *shape)
{
    sscam_map *map = NULL;
    ASSERT_OK(explain(words, method, shape, &map));
    return map;
}

static void assert_refused(const char *words, size_t method, const char *thing)
{
    sscam_map *map = NULL;
    ASSERT_FAILS(explain(words, method, one, &map), SSCAM_E_MODEL, thing);
    ck_assert_ptr_null(map);
}

static void assert_finite(const float *values, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        ck_assert_msg(isfinite(values[i]), "value %lld is %g", (long long)i, (double)values[i]);
}

/* What holds of every map. */
static void assert_defined(const sscam_map *map)
{
    assert_finite(sscam_map_raw(map), raw_size(map));
    if (sscam_map_weights(map))
        assert_finite(sscam_map_weights(map), sscam_map_channel_count(map));
    ck_assert(isfinite(sscam_map_logit(map)));
    ck_assert(sscam_map_probability(map) >= 0.0 && sscam_map_probability(map) <= 1.0);
    float highest = 0.0f;
    for (int64_t p = 0; p < data_size(map); p++) {
        ck_assert(sscam_map_data(map)[p] >= 0.0f && sscam_map_data(map)[p] <= 1.0f);
        highest = fmaxf(highest, sscam_map_data(map)[p]);
    }
    ck_assert_float_eq(highest, sscam_map_is_flat(map) ? 0.0f : 1.0f);
}

/* --- what is no number ------------------------------------------------------------------------ */

static const char *const kinds[] = {"nan", "infinite"};

static void words_of(char words[64], int kind, const char *thing)
{
    snprintf(words, 64, "fake %s-%s", kinds[kind], thing);
}

/* The map is that of the network whose values are all finite. */
static void assert_unaffected(const char *words, size_t method)
{
    sscam_map *map = explained(words, method, one), *sound = explained("fake linear", method, one);
    ck_assert_msg(same_maps(map, sound), "%s", name_of(method));
    sscam_map_unref(map);
    sscam_map_unref(sound);
}

START_TEST(activations_that_are_not_finite_are_reported)
{
    char words[64];
    words_of(words, _i, "activations");
    for (int64_t method = 0; method < sscam_method_count(); method++) {
        if (needs(method, SSCAM_NEEDS_NO_LAYER))
            assert_unaffected(words, method);
        else
            assert_refused(words, method, "layer features: NaN or infinity among its activations");
    }
}
END_TEST

START_TEST(outputs_that_are_not_finite_are_reported)
{
    char words[64];
    words_of(words, _i, "logits");
    for (int64_t method = 0; method < sscam_method_count(); method++)
        if (!needs(method, SSCAM_NEEDS_NO_LAYER)) /* these are the outputs beside a layer */
            assert_refused(words, method, "output 2 is NaN or infinity");
}
END_TEST

/* Told by those that use them, and of no harm to the others. */
START_TEST(gradients_that_are_not_finite_are_reported)
{
    char words[64];
    words_of(words, _i, "gradients");
    for (int64_t method = 0; method < sscam_method_count(); method++) {
        if (needs(method, SSCAM_NEEDS_GRADIENTS)) {
            assert_refused(words, method, "layer features: NaN or infinity among its gradients");
            continue;
        }
        assert_unaffected(words, method);
    }
}
END_TEST

START_TEST(scores_that_are_not_finite_are_reported)
{
    char words[64];
    words_of(words, _i, "scores");
    for (int64_t method = 0; method < sscam_method_count(); method++) {
        if (is_named(method, "rise")) {
            assert_refused(words, method, "score of the input with random mask 0");
        } else if (is_named(method, "aise")) {
            assert_refused(words, method, "scores of the input within and beyond mask 0");
        } else if (is_named(method, "group-cam")) {
            assert_refused(words, method, "score of the input masked by group 0");
        } else if (needs(method, SSCAM_NEEDS_SCORING)) {
            assert_refused(words, method, "score of the input masked by channel 0");
        } else if (needs(method, SSCAM_NEEDS_POSITIONS)) {
            assert_refused(words, method, "score of position 0 alone");
        } else if (needs(method, SSCAM_NEEDS_ABLATION)) {
            assert_refused(words, method, "score without channel 0");
        } else {
            assert_unaffected(words, method);
        }
    }
}
END_TEST

/* --- nothing to see --------------------------------------------------------------------------- */

START_TEST(flat_channels_give_a_flat_map)
{
    for (int64_t method = 0; method < sscam_method_count(); method++) {
        sscam_map *map = explained("fake flat", method, one);
        assert_defined(map);
        /* At the border, a Gaussian reaches fewer positions; a few random masks do not cover the
         * input evenly. */
        ck_assert_msg(sscam_map_is_flat(map) !=
                          (is_named(method, "vit-recipro-cam") || is_named(method, "rise")),
                      "%s", name_of(method));
        sscam_map_unref(map);
    }
}
END_TEST

START_TEST(one_pixel_gives_a_flat_map)
{
    static const int64_t smallest[4] = {1, FAKE_COLORS, 2, 2};
    for (int64_t method = 0; method < sscam_method_count(); method++) {
        sscam_map *map = explained("fake linear", method, smallest);
        assert_defined(map);
        const int has_layer = !needs(method, SSCAM_NEEDS_NO_LAYER);
        ck_assert_msg(sscam_map_is_flat(map) || !has_layer, "%s", name_of(method));
        ck_assert_int_eq(raw_width(map), has_layer ? 1 : 2);
        ck_assert_int_eq(raw_height(map), has_layer ? 1 : 2);
        sscam_map_unref(map);
    }
}
END_TEST

/* Where the class's output does not depend on the input, gradients are zero and all scores are
 * equal: then no channel weighs anything, or under a softmax all that have structure weigh the
 * same. */
START_TEST(zero_gradients_and_equal_scores_weigh_nothing)
{
    for (int64_t method = 0; method < sscam_method_count(); method++) {
        sscam_map *map = explained("fake deaf", method, one);
        const float *weights = sscam_map_weights(map);
        const float wanted = needs(method, SSCAM_NEEDS_SCORING) ? 0.25f : 0.0f;
        assert_defined(map);
        for (int k = 0; k < FAKE_CHANNELS && weights && !is_named(method, "random-cam"); k++)
            ck_assert_float_eq_tol(weights[k], k == FAKE_FLAT_CHANNEL ? 0.0f : wanted, 1e-6f);
        ck_assert_msg(sscam_map_is_flat(map) ==
                          (needs(method, SSCAM_NEEDS_GRADIENTS | SSCAM_NEEDS_ABLATION |
                                             SSCAM_NEEDS_POSITIONS) ||
                           is_named(method, "full-grad") || is_named(method, "aise") ||
                           is_named(method, "legrad")),
                      "%s", name_of(method));
        sscam_map_unref(map);
    }
}
END_TEST

/* --- one channel ------------------------------------------------------------------------------ */

/* A_0 in float64. */
static void find_only_channel(double channel[POSITIONS])
{
    const reference_input of = {
        .classes = FAKE_CLASSES, .height = HEIGHT, .width = WIDTH, .input = input};
    double exact[SIZE], features[FAKE_CHANNELS * POSITIONS];
    for (int i = 0; i < SIZE; i++)
        exact[i] = input[i];
    reference_features(&of, exact, features);
    for (int p = 0; p < POSITIONS; p++)
        channel[p] = features[p];
}

/* Methods whose map is no sum over channels, or one with weights of any sign. */
static int is_no_sum(size_t method)
{
    static const char *const names[] = {"random-cam", "fem",  "kpca-cam", "vit-recipro-cam",
                                        "group-cam",  "rise", "aise",     "full-grad",
                                        "legrad"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (is_named(method, names[i]))
            return 1;
    return 0;
}

/* Seg-Eigen-CAM's: the other sign where the channel lies further below its mean than above it. */
static void make_peak_positive(const double *channel, double mean, double *wanted)
{
    double lowest, highest;
    reference_range(channel, POSITIONS, &lowest, &highest);
    for (int p = 0; p < POSITIONS && mean - lowest > highest - mean; p++)
        wanted[p] = fmax(mean - channel[p], 0.0);
}

/* The one channel has a positive weight for class 0, so every map is the channel itself, stretched;
 * the principal component of activations is the channel minus its mean, of which what is negative
 * is cut off. */
START_TEST(the_only_channel_is_the_map)
{
    double channel[POSITIONS], mean = 0.0, least = INFINITY, lowest = INFINITY, highest = -INFINITY;
    find_only_channel(channel);
    for (int p = 0; p < POSITIONS; p++) {
        mean += channel[p] / POSITIONS;
        least = fmin(least, channel[p]);
    }
    for (int64_t method = 0; method < sscam_method_count(); method++) {
        if (is_no_sum(method))
            continue;
        sscam_map *map = explained("fake one-channel", method, one);
        const int is_principal = strstr(name_of(method), "eigen") != NULL;
        const float *raw = sscam_map_raw(map);
        double wanted[POSITIONS];
        assert_defined(map);
        ck_assert_int_eq(sscam_map_channel_count(map), 1);
        ck_assert_int_eq(sscam_map_is_flat(map), 0);
        for (int p = 0; p < POSITIONS; p++)
            wanted[p] = is_principal ? fmax(channel[p] - mean, 0.0)
                        : needs(method, SSCAM_NEEDS_POSITIONS | SSCAM_NEEDS_BACKPROPAGATION) ||
                                is_named(method, "activation-map")
                            ? channel[p] - least
                            : channel[p];
        if (is_named(method, "seg-eigen-cam"))
            make_peak_positive(channel, mean, wanted);
        reference_range(wanted, POSITIONS, &lowest, &highest);
        for (int p = 0; p < POSITIONS; p++) {
            double largest_raw = 0.0;
            for (int q = 0; q < POSITIONS; q++)
                largest_raw = fmax(largest_raw, raw[q]);
            ck_assert_msg(fabs(raw[p] / largest_raw - wanted[p] / highest) <= 1e-6,
                          "%s at %d: %g, not %g", name_of(method), p, raw[p] / largest_raw,
                          wanted[p] / highest);
        }
        if (needs(method, SSCAM_NEEDS_SCORING)) /* a softmax of one */
            ck_assert_float_eq(sscam_map_weights(map)[0], 1.0f);
        sscam_map_unref(map);
    }
}
END_TEST

/* --- large numbers ---------------------------------------------------------------------------- */

/* exp() of these outputs overflows: softmax and weights must not. The outputs are those of the
 * plain network times a factor, so the predicted class is certain and every map but those of scores
 * has the same form. */
START_TEST(huge_outputs_are_no_overflow)
{
    static const char *const words[] = {"fake large", "fake enormous"};
    static const double factors[] = {1e4, 1e35};
    for (int64_t method = 0; method < sscam_method_count(); method++) {
        sscam_map *map = explained(words[_i], method, one),
                  *plain = explained("fake linear", method, one);
        assert_defined(map);
        ck_assert_double_eq_tol(sscam_map_logit(map) / factors[_i], sscam_map_logit(plain), 1e-5);
        ck_assert_double_eq(sscam_map_probability(map),
                            sscam_map_probability(plain) > 1.0 / 2 ? 1.0 : 0.0);
        for (int p = 0;
             p < PLANE && !needs(method, SSCAM_NEEDS_SCORING) && !strstr(name_of(method), "++") &&
             !is_named(method, "opti-cam"); /* whose steps depend on the output's size */
             p++)
            ck_assert_float_eq_tol(sscam_map_data(map)[p], sscam_map_data(plain)[p],
                                   is_named(method, "legrad") ? 1e-4f /* differences of outputs */
                                                              : 1e-5f);
        sscam_map_unref(map);
        sscam_map_unref(plain);
    }
}
END_TEST

/* Activations near the largest float, times weights of order 10^3: infinities of both signs meet in
 * the sum, which is then no number, and ReLU must not make a zero of it. */
START_TEST(sums_that_are_not_finite_are_reported)
{
    sscam_explainer *explainer = make_explainer("fake huge-steep", "score-cam");
    sscam_map *map = (sscam_map *)explainer;
    ASSERT_OK(sscam_explainer_set(explainer, "channel_softmax", "off"));
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(input, one, 4), &first, &map), SSCAM_E_MODEL,
                 "layer features: the weighted activations overflow");
    ck_assert_ptr_null(map);
    ASSERT_OK(sscam_explainer_set(explainer, "combine", "upsampled"));
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(input, one, 4), &first, &map), SSCAM_E_MODEL,
                 "layer features: the weighted activations overflow");
    sscam_explainer_unref(explainer);
}
END_TEST

/* Whatever the method, activations of that size give a defined map, or the message. */
START_TEST(huge_activations_are_defined_or_reported)
{
    static const char *const words[] = {"fake huge", "fake huge-steep", "fake tiny"};
    int defined = 0;
    for (int64_t method = 0; method < sscam_method_count(); method++) {
        sscam_map *map = NULL;
        if (explain(words[_i], method, one, &map) == SSCAM_OK) {
            assert_defined(map);
            defined++;
        } else {
            ASSERT_MESSAGE_NAMES("layer features");
            ck_assert_ptr_null(map);
        }
        sscam_map_unref(map);
    }
    ck_assert_int_gt(defined, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("degenerate");
    TCase *numbers = add_tcase(suite, "numbers", set_up, tear_down),
          *structure = add_tcase(suite, "structure", set_up, tear_down);
    tcase_add_loop_test(numbers, activations_that_are_not_finite_are_reported, 0, 2);
    tcase_add_loop_test(numbers, outputs_that_are_not_finite_are_reported, 0, 2);
    tcase_add_loop_test(numbers, gradients_that_are_not_finite_are_reported, 0, 2);
    tcase_add_loop_test(numbers, scores_that_are_not_finite_are_reported, 0, 2);
    tcase_add_loop_test(numbers, huge_outputs_are_no_overflow, 0, 2);
    tcase_add_test(numbers, sums_that_are_not_finite_are_reported);
    tcase_add_loop_test(numbers, huge_activations_are_defined_or_reported, 0, 3);
    tcase_add_test(structure, flat_channels_give_a_flat_map);
    tcase_add_test(structure, one_pixel_gives_a_flat_map);
    tcase_add_test(structure, zero_gradients_and_equal_scores_weigh_nothing);
    tcase_add_test(structure, the_only_channel_is_the_map);
    return run_suite(suite);
}
