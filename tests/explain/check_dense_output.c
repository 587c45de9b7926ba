/* Dense outputs, as of segmentation: positions, regions, and what is explained of them, against
 * sums over positions in float64 on the fake network "dense", Y_c(p) = b_c + sum_k w_ck A_k(p). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/fixtures.h"
#include "support/reference.h"
#include "support/reference_methods.h"
#include "support/shorthands.h"

enum { HEIGHT = 8, WIDTH = 10, PLANE = HEIGHT * WIDTH, SIZE = FAKE_COLORS * PLANE };
enum { MAP_HEIGHT = HEIGHT / 2, MAP_WIDTH = WIDTH / 2, POSITIONS = MAP_HEIGHT * MAP_WIDTH };

static const int64_t one[4] = {1, FAKE_COLORS, HEIGHT, WIDTH};
static float input[SIZE];
static double features[FAKE_CHANNELS * POSITIONS]; /* of the input */

/* As fine as the image, and with a hole. */
static uint8_t mask[PLANE];

static void set_up(void)
{
    fill_random(input, SIZE, 4711u, -3.0, 6.0);
    for (int p = 0; p < PLANE; p++)
        mask[p] = p / WIDTH >= 2 && p % WIDTH < 7 && p / WIDTH / 2 != 2 ? 200 : 0;
    const reference_input of = {
        .classes = FAKE_CLASSES, .depth = 1, .height = HEIGHT, .width = WIDTH, .input = input};
    double whole[SIZE];
    for (int i = 0; i < SIZE; i++)
        whole[i] = input[i];
    reference_features(&of, whole, features);
    fake_reset();
}

/* --- the outputs, and what counts of them ----------------------------------------------------- */

static double output_at(const double *of, int64_t c, int p)
{
    double sum = fake_head_bias[c];
    for (int k = 0; k < FAKE_CHANNELS; k++)
        sum += fake_weight[c][k] * of[k * POSITIONS + p];
    return sum;
}

static double probability_at(const double *of, int64_t c, int p)
{
    double sum = 0.0;
    for (int j = 0; j < FAKE_CLASSES; j++)
        sum += exp(output_at(of, j, p));
    return exp(output_at(of, c, p)) / sum;
}

static int is_highest(int64_t c, int p)
{
    for (int j = 0; j < FAKE_CLASSES; j++)
        if (output_at(features, j, p) > output_at(features, c, p))
            return 0;
    return 1;
}

typedef enum region { PREDICTED, ALL, BOX, MASK, REGIONS } region;
static const char *const region_options[REGIONS] = {"region=predicted", "region=all",
                                                    "region=1.5,2,8,7", ""};

/* Centres of positions lie at odd pixels: 1, 3, 5 ... */
static int is_inside(region region, int64_t c, int p)
{
    int x = p % MAP_WIDTH * 2 + 1, y = p / MAP_WIDTH * 2 + 1;
    switch (region) {
    case PREDICTED: return is_highest(c, p);
    case BOX: return x >= 2 && x < 8 && y >= 2 && y < 7;
    case MASK: return mask[y * WIDTH + x] != 0;
    default: return 1;
    }
}

static int count_inside(region region, int64_t c)
{
    int count = 0;
    for (int p = 0; p < POSITIONS; p++)
        count += is_inside(region, c, p);
    return count;
}

/* Means over the positions of a region, of what the network makes of `of`. */
static double mean_over(region region, int64_t own, const double *of, int64_t c,
                        double (*value)(const double *, int64_t, int))
{
    double sum = 0.0;
    for (int p = 0; p < POSITIONS; p++)
        sum += is_inside(region, own, p) ? value(of, c, p) : 0.0;
    return sum / count_inside(region, own);
}

/* --- explaining ------------------------------------------------------------------------------- */

static sscam_explainer *explainer_of(const char *method, region region, const char *options)
{
    sscam_explainer *explainer = explainer_with("dense", method, options);
    if (region == MASK)
        ASSERT_OK(sscam_explainer_set_region(explainer, mask, HEIGHT, WIDTH));
    else
        set_options(explainer, region_options[region]);
    return explainer;
}

static sscam_map *explain(const char *method, region region, const char *options,
                          int64_t class_index)
{
    sscam_explainer *explainer = explainer_of(method, region, options);
    sscam_map *map = NULL;
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(input, one, 4), &class_index, &map));
    sscam_explainer_unref(explainer);
    return map;
}

START_TEST(every_region_holds_some_positions_and_leaves_some_out)
{
    int seen = 0;
    for (int64_t c = 0; c < FAKE_CLASSES; c++)
        seen += count_inside(PREDICTED, c) > 0;
    ck_assert_int_ge(seen, 2);
    ck_assert_int_eq(count_inside(ALL, 0), POSITIONS);
    ck_assert_int_eq(count_inside(BOX, 0), 6);
    ck_assert_int_eq(count_inside(MASK, 0), 6);
}
END_TEST

/* g_k(p) = w_ck / M inside: HiResCAM shows it position by position. */
static void check_region(region region, int64_t c, int takes_sum)
{
    const int count = count_inside(region, c);
    sscam_map *map = explain("hires-cam", region, takes_sum ? "reduction=sum" : "reduction=mean",
                             c);
    ck_assert_int_eq(sscam_map_class_index(map), c);
    ck_assert_double_eq_tol(sscam_map_logit(map), mean_over(region, c, features, c, output_at),
                            1e-5);
    ck_assert_double_eq_tol(sscam_map_probability(map),
                            mean_over(region, c, features, c, probability_at), 1e-6);
    for (int p = 0; p < POSITIONS; p++) {
        double wanted = (output_at(features, c, p) - fake_head_bias[c]) *
                        (takes_sum ? 1.0 : 1.0 / count);
        ck_assert_double_eq_tol(sscam_map_raw(map)[p],
                                is_inside(region, c, p) ? fmax(wanted, 0.0) : 0.0, 1e-5);
    }
    sscam_map_unref(map);
}

START_TEST(gradients_are_those_of_the_mean_over_the_region)
{
    for (int64_t c = 0; c < FAKE_CLASSES; c++)
        if (count_inside(_i / 2, c) > 0)
            check_region(_i / 2, c, _i % 2);
}
END_TEST

/* Over all positions the outputs' mean is what pooling and one linear layer give. */
START_TEST(cam_takes_all_positions)
{
    const int64_t c = 1;
    sscam_explainer *explainer = explainer_of("cam", ALL, "");
    sscam_map *map = NULL;
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(input, one, 4), &c, &map));
    for (int k = 0; k < FAKE_CHANNELS; k++)
        ck_assert_double_eq_tol(sscam_map_weights(map)[k], fake_weight[c][k], 1e-6);
    sscam_map_unref(map);
    ASSERT_OK(sscam_explainer_set(explainer, "region", region_options[BOX] + strlen("region=")));
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(input, one, 4), &c, &map),
                 SSCAM_E_UNSUPPORTED, "position of an activation");
    sscam_explainer_unref(explainer);
}
END_TEST

/* X0 * s(U(A_k)) through the network, up to its features. */
static void mask_by(int k, double *masked_features)
{
    double masked[SIZE], upsampled[PLANE], lowest, highest;
    const reference_input of = {
        .classes = FAKE_CLASSES, .depth = 1, .height = HEIGHT, .width = WIDTH, .input = input};
    reference_upsample(features + k * POSITIONS, MAP_HEIGHT, MAP_WIDTH, HEIGHT, WIDTH, 0,
                       upsampled);
    reference_range(upsampled, PLANE, &lowest, &highest);
    for (int i = 0; i < SIZE; i++)
        masked[i] = input[i] * (upsampled[i % PLANE] - lowest) / (highest - lowest);
    reference_features(&of, masked, masked_features);
}

START_TEST(masked_inputs_are_scored_over_the_positions_of_the_unmasked_one)
{
    static const char *const scores[] = {"score=logit", "score=probability",
                                         "score=logit reduction=sum",
                                         "score=probability reduction=sum"};
    double (*const value)(const double *, int64_t, int) = _i % 2 ? probability_at : output_at;
    char options[128];
    snprintf(options, sizeof options, "channel_softmax=off baseline=input %s", scores[_i]);
    for (int region = 0; region < REGIONS; region++) {
        const int64_t c = is_highest(0, 0) ? 0 : is_highest(1, 0) ? 1 : 2;
        const double factor = _i / 2 ? count_inside(region, c) : 1.0;
        sscam_map *map = explain("score-cam", region, options, c);
        for (int k = 0; k < FAKE_CHANNELS; k++) {
            double masked[FAKE_CHANNELS * POSITIONS], wanted = 0.0;
            if (k != FAKE_FLAT_CHANNEL) {
                mask_by(k, masked);
                wanted = factor * (mean_over(region, c, masked, c, value) -
                                   mean_over(region, c, features, c, value));
            }
            ck_assert_double_eq_tol(sscam_map_weights(map)[k], wanted, 1e-5 * factor);
        }
        sscam_map_unref(map);
    }
}
END_TEST

/* The zero input's features are the rectified biases, everywhere the same. */
START_TEST(baselines_are_scored_over_the_positions_too)
{
    double zeros[FAKE_CHANNELS * POSITIONS];
    for (int i = 0; i < FAKE_CHANNELS * POSITIONS; i++)
        zeros[i] = fmax(fake_bias[i / POSITIONS], 0.0);
    double (*const value)(const double *, int64_t, int) = _i ? probability_at : output_at;
    sscam_map *none = explain(
        "score-cam", BOX,
        _i ? "channel_softmax=off score=probability baseline=none reduction=sum"
           : "channel_softmax=off baseline=none reduction=sum",
        1);
    sscam_map *zero = explain("score-cam", BOX,
                              _i ? "channel_softmax=off score=probability reduction=sum"
                                 : "channel_softmax=off reduction=sum",
                              1);
    const double baseline = count_inside(BOX, 1) * mean_over(BOX, 1, zeros, 1, value);
    ck_assert_double_eq_tol(sscam_map_weights(none)[0] - sscam_map_weights(zero)[0], baseline,
                            1e-4);
    sscam_map_unref(none);
    sscam_map_unref(zero);
}
END_TEST

START_TEST(ablations_are_scored_over_the_positions)
{
    double (*const value)(const double *, int64_t, int) = _i % 2 ? probability_at : output_at;
    const char *const options = _i % 2 ? "score=probability reduction=sum"
                                       : "reduction=sum"; /* which cancels */
    const region region = _i / 2;
    const int64_t c = is_highest(0, 0) ? 0 : is_highest(1, 0) ? 1 : 2;
    const double whole = mean_over(region, c, features, c, value);
    sscam_map *map = explain("ablation-cam", region, options, c);
    for (int k = 0; k < FAKE_CHANNELS; k++) {
        double without[FAKE_CHANNELS * POSITIONS];
        memcpy(without, features, sizeof without);
        for (int p = 0; p < POSITIONS; p++)
            without[k * POSITIONS + p] = 0.0;
        ck_assert_double_eq_tol(sscam_map_weights(map)[k],
                                (whole - mean_over(region, c, without, c, value)) / fabs(whole),
                                1e-5);
    }
    sscam_map_unref(map);
}
END_TEST

/* --- classes ---------------------------------------------------------------------------------- */

/* Number of the class's positions among those of all classes in the region. */
static int seen_in(region region, int64_t c)
{
    int count = 0;
    for (int p = 0; p < POSITIONS; p++)
        count += is_inside(region == PREDICTED ? ALL : region, c, p) && is_highest(c, p);
    return count;
}

START_TEST(classes_rank_by_their_positions)
{
    const region region = _i;
    sscam_map *first = explain("grad-cam", region, "", SSCAM_CLASS_TOP);
    const int64_t top = sscam_map_class_index(first);
    for (int64_t c = 0; c < FAKE_CLASSES; c++)
        ck_assert_int_le(seen_in(region, c), seen_in(region, top));
    sscam_map *second = explain("grad-cam", region, "", SSCAM_CLASS_RANKED(2));
    const int64_t next = sscam_map_class_index(second);
    ck_assert_int_ne(next, top);
    for (int64_t c = 0; c < FAKE_CLASSES; c++)
        ck_assert(c == top || seen_in(region, c) <= seen_in(region, next));
    sscam_map_unref(first);
    sscam_map_unref(second);
}
END_TEST

/* HiResCAM's terms before ReLU are linear in the target; of a difference the positions are the
 * class's own. */
START_TEST(targets_are_of_the_classes_positions)
{
    sscam_map *top = explain("grad-cam", PREDICTED, "", SSCAM_CLASS_TOP);
    const int64_t c = sscam_map_class_index(top);
    int64_t other = -1;
    for (int64_t j = 0; j < FAKE_CLASSES; j++)
        if (j != c && (other < 0 || mean_over(PREDICTED, c, features, j, output_at) >
                                        mean_over(PREDICTED, c, features, other, output_at)))
            other = j;
    sscam_map *against = explain("hires-cam", PREDICTED, "target=against", c);
    sscam_map *difference = explain("hires-cam", PREDICTED, "target=difference", c);
    for (int p = 0; p < POSITIONS; p++) {
        double own = output_at(features, c, p) - fake_head_bias[c];
        double rest = own - (output_at(features, other, p) - fake_head_bias[other]);
        double share = is_highest(c, p) ? 1.0 / count_inside(PREDICTED, c) : 0.0;
        ck_assert_double_eq_tol(sscam_map_raw(against)[p], fmax(-own * share, 0.0), 1e-5);
        ck_assert_double_eq_tol(sscam_map_raw(difference)[p], fmax(rest * share, 0.0), 1e-5);
    }
    sscam_map_unref(top);
    sscam_map_unref(against);
    sscam_map_unref(difference);
}
END_TEST

/* What a class is seen by is the sign where classes do not compete. */
START_TEST(classes_by_themselves_are_seen_where_they_are_positive)
{
    const char *const head = _i ? "dense-one" : "dense";
    const int64_t c = 0;
    sscam_explainer *explainer = explainer_with(head, "hires-cam", _i ? "" : "probability=sigmoid");
    sscam_map *map = NULL;
    double logit = 0.0, probability = 0.0;
    int count = 0;
    for (int p = 0; p < POSITIONS; p++) {
        double output = output_at(features, c, p);
        count += output > 0.0;
        logit += output > 0.0 ? output : 0.0;
        probability += output > 0.0 ? 1.0 / (1.0 + exp(-output)) : 0.0;
    }
    ck_assert_int_gt(count, 0);
    ck_assert_int_lt(count, POSITIONS);
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(input, one, 4), &c, &map));
    ck_assert_double_eq_tol(sscam_map_logit(map), logit / count, 1e-5);
    ck_assert_double_eq_tol(sscam_map_probability(map), probability / count, 1e-6);
    sscam_map_unref(map);
    sscam_explainer_unref(explainer);
}
END_TEST

/* --- together --------------------------------------------------------------------------------- */

/* Explained together, methods share captures, and scores where their classes do; maps stay what
 * they are. */
START_TEST(together_is_as_alone)
{
    static const char *const methods[] = {"grad-cam", "ss-cam-mean", "ss-cam-max", "ablation-cam",
                                          "eigen-cam"};
    enum { METHODS = sizeof methods / sizeof methods[0], CLASSES = 2 };
    const int64_t classes[CLASSES] = {SSCAM_CLASS_TOP, SSCAM_CLASS_RANKED(2)};
    sscam_model *model = load_fake("fake dense");
    sscam_explainer *explainers[METHODS];
    sscam_map *maps[METHODS * CLASSES];
    for (int i = 0; i < METHODS; i++) {
        ASSERT_OK(sscam_explainer_create(model, methods[i], &explainers[i]));
        set_options(explainers[i], "samples=2");
    }
    fake_reset();
    ASSERT_OK(
        sscam_explain_array_all(explainers, METHODS, ARRAY(input, one, 4), classes, CLASSES, maps));
    ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_CAPTURE]), CLASSES);
    for (int i = 0; i < METHODS * CLASSES; i++) {
        sscam_map *alone = NULL;
        ASSERT_OK(sscam_explain_array(explainers[i / CLASSES], ARRAY(input, one, 4),
                                      &classes[i % CLASSES], &alone));
        ck_assert_int_eq(same_maps(alone, maps[i]), 1);
        ck_assert_double_eq(sscam_map_logit(alone), sscam_map_logit(maps[i]));
        sscam_map_unref(alone);
        sscam_map_unref(maps[i]);
    }
    for (int i = 0; i < METHODS; i++)
        sscam_explainer_unref(explainers[i]);
    sscam_model_unref(model);
}
END_TEST

static void normalise(double *values)
{
    double lowest, highest;
    reference_range(values, PLANE, &lowest, &highest);
    for (int p = 0; p < PLANE; p++)
        values[p] = highest > lowest ? (values[p] - lowest) / (highest - lowest) : 0.0;
}

/* One augmented input by itself, with the positions of the original one as its mask. */
static void add_augmented(const char *method, int64_t c, int mirrors, float factor, double *sum)
{
    float augmented[SIZE];
    uint8_t positions[POSITIONS];
    for (int i = 0; i < SIZE; i++)
        augmented[i] = factor * input[mirrors ? i - i % WIDTH + WIDTH - 1 - i % WIDTH : i];
    for (int p = 0; p < POSITIONS; p++)
        positions[p] = (uint8_t)is_highest(
            c, mirrors ? p - p % MAP_WIDTH + MAP_WIDTH - 1 - p % MAP_WIDTH : p);
    sscam_explainer *explainer = explainer_with("dense", method, "channel_softmax=off");
    sscam_map *map = NULL;
    ASSERT_OK(sscam_explainer_set_region(explainer, positions, MAP_HEIGHT, MAP_WIDTH));
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(augmented, one, 4), &c, &map));
    for (int p = 0; p < PLANE; p++)
        sum[p] += sscam_map_data(map)[mirrors ? p - p % WIDTH + WIDTH - 1 - p % WIDTH : p] / 6.0;
    sscam_map_unref(map);
    sscam_explainer_unref(explainer);
}

START_TEST(augmented_inputs_keep_the_positions_of_the_original_one)
{
    static const char *const methods[] = {"hires-cam", "score-cam", "ablation-cam"};
    static const float factors[] = {1.0f, 0.9f, 1.1f};
    sscam_map *map = explain(methods[_i], PREDICTED, "aug_smooth=on channel_softmax=off",
                             SSCAM_CLASS_TOP);
    double wanted[PLANE] = {0.0};
    for (int i = 0; i < 6; i++)
        add_augmented(methods[_i], sscam_map_class_index(map), i / 3, factors[i % 3], wanted);
    normalise(wanted);
    for (int p = 0; p < PLANE; p++)
        ck_assert_double_eq_tol(sscam_map_data(map)[p], wanted[p], 1e-5);
    sscam_map_unref(map);
}
END_TEST

/* --- refusals --------------------------------------------------------------------------------- */

static void assert_refused(const char *head, const char *options, int64_t class_index,
                           sscam_status status, const char *thing)
{
    sscam_explainer *explainer = explainer_with(head, "grad-cam", options);
    sscam_map *map = NULL;
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(input, one, 4), &class_index, &map), status,
                 thing);
    ck_assert_ptr_null(map);
    ASSERT_OK(sscam_explainer_set(explainer, "region", "all"));
    class_index = 0;
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(input, one, 4), &class_index,
                                  &map)); /* it can be used again */
    sscam_map_unref(map);
    sscam_explainer_unref(explainer);
}

START_TEST(regions_without_positions_are_refused)
{
    int64_t unseen = 0;
    for (int i = 0; i < SIZE; i++)
        input[i] = 0.0f; /* whose outputs are the same everywhere */
    for (int c = 0; c < FAKE_CLASSES; c++) {
        double outputs[FAKE_CLASSES],
            features_of_zeros[FAKE_CHANNELS] = {0.0, 0.25, 0.125, 0.5, 0.0};
        for (int j = 0; j < FAKE_CLASSES; j++) {
            outputs[j] = fake_head_bias[j];
            for (int k = 0; k < FAKE_CHANNELS; k++)
                outputs[j] += fake_weight[j][k] * features_of_zeros[k];
        }
        for (int j = 0; j < FAKE_CLASSES; j++)
            unseen = outputs[j] > outputs[c] ? c : unseen;
    }
    char name[32];
    snprintf(name, sizeof name, "class %d", (int)unseen);
    assert_refused("dense", "", unseen, SSCAM_E_CLASS, name);
    assert_refused("dense", "region=0,0,0.5,8", 0, SSCAM_E_ARGUMENT,
                   "none of the output's 5x4 pixels");
    assert_refused("dense", "region=0,0,10.5,8", 0, SSCAM_E_ARGUMENT,
                   "0,0,10.5,8 goes beyond the input of 10x8");
    assert_refused("dense", "region=0,0,10,9", 0, SSCAM_E_ARGUMENT, "0,0,10,9 goes beyond");
    assert_refused("dense", "region=mask", 0, SSCAM_E_ARGUMENT, "no mask was given");
    assert_refused("dense", "", 3, SSCAM_E_CLASS, "class 3");
    assert_refused("linear", "region=0,0,4,4", 0, SSCAM_E_UNSUPPORTED, "box");
}
END_TEST

START_TEST(regions_have_their_forms)
{
    static const char *const refused[] = {"",          "everything", "1,2,3",    "1,2,3,4,5",
                                          "3,0,3,4",   "0,4,2,4",    "-1,0,2,2", "0,-1,2,2",
                                          "nan,0,1,1", "1,2,3,4 "};
    sscam_explainer *explainer = make_explainer("fake dense", "grad-cam");
    ASSERT_OK(sscam_explainer_set(explainer, "region", "0.5,0,2,1e1"));
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        ASSERT_FAILS(sscam_explainer_set(explainer, "region", refused[i]), SSCAM_E_ARGUMENT,
                     "region");
        ck_assert_str_eq(option_text(explainer, "region"), "0.5,0,2,1e1");
    }
    sscam_explainer_unref(explainer);
}
END_TEST

START_TEST(masks_are_copied_and_removed)
{
    static const uint8_t nothing[4] = {0};
    uint8_t changing[4] = {0, 1, 0, 1};
    const int64_t c = 0;
    sscam_explainer *explainer = make_explainer("fake dense", "hires-cam");
    sscam_map *map = NULL, *again = NULL;
    ASSERT_OK(sscam_explainer_set_region(explainer, changing, 2, 2));
    ck_assert_str_eq(option_text(explainer, "region"), "mask");
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(input, one, 4), &c, &map));
    memset(changing, 1, sizeof changing);
    ASSERT_FAILS(sscam_explainer_set_region(explainer, nothing, 2, 2), SSCAM_E_ARGUMENT,
                 "zero everywhere");
    ASSERT_FAILS(sscam_explainer_set_region(explainer, changing, 0, 2), SSCAM_E_ARGUMENT, "2x0");
    ASSERT_FAILS(sscam_explainer_set_region(explainer, changing, INT64_MAX, 2), SSCAM_E_ARGUMENT,
                 "mask");
    ASSERT_FAILS(sscam_explainer_set_region(NULL, changing, 2, 2), SSCAM_E_ARGUMENT, "explainer");
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(input, one, 4), &c, &again));
    ck_assert_int_eq(same_maps(map, again), 1);
    for (int p = 0; p < POSITIONS;
         p++) /* the right half: columns 3 and 4, and 2 whose centre is on the edge */
        ck_assert(p % MAP_WIDTH >= 2 || sscam_map_raw(map)[p] == 0.0f);
    ASSERT_OK(sscam_explainer_set_region(explainer, NULL, 0, 0));
    ck_assert_str_eq(option_text(explainer, "region"), "predicted");
    ASSERT_OK(sscam_explainer_set(explainer, "region", "mask"));
    sscam_map_unref(again);
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(input, one, 4), &c, &again), SSCAM_E_ARGUMENT,
                 "no mask");
    sscam_map_unref(map);
    sscam_explainer_unref(explainer);
}
END_TEST

/* --- without explanations --------------------------------------------------------------------- */

START_TEST(classifying_gives_means_over_all_positions)
{
    float logits[FAKE_CLASSES];
    int64_t count = 0;
    sscam_model *model = load_fake("fake dense");
    ASSERT_OK(sscam_model_classify(model, ARRAY(input, one, 4), logits, FAKE_CLASSES, &count));
    ck_assert_int_eq(count, FAKE_CLASSES);
    for (int64_t c = 0; c < FAKE_CLASSES; c++)
        ck_assert_double_eq_tol(logits[c], mean_over(ALL, 0, features, c, output_at), 1e-5);
    sscam_model_unref(model);
}
END_TEST

/* An evaluation of the class with the most positions, on an image that reaches the network as it
 * is.
 */
static void evaluate(sscam_explainer *explainer, const char *metrics, sscam_evaluation **evaluation,
                     sscam_image **image, sscam_status wanted)
{
    uint8_t pixels[SIZE];
    for (int i = 0; i < SIZE; i++)
        pixels[i] = (uint8_t)(input[i] * 40.0f + 128.0f);
    set_options(explainer, "resize=off crop=off");
    ASSERT_OK(sscam_explainer_set(explainer, "metrics", metrics));
    ASSERT_OK(create_packed(WIDTH, HEIGHT, 3, pixels, image));
    ASSERT_OK(sscam_evaluation_create(&explainer, 1, evaluation));
    const int64_t top = SSCAM_CLASS_TOP;
    if (wanted == SSCAM_OK)
        ASSERT_OK(sscam_evaluation_add(*evaluation, *image, CASES(&top, 1, NULL, NULL, 0)));
    else
        ASSERT_FAILS(sscam_evaluation_add(*evaluation, *image, CASES(&top, 1, NULL, NULL, 0)),
                     wanted, metrics);
}

START_TEST(drops_are_of_the_positions_of_the_unmasked_input)
{
    sscam_explainer *explainer = make_explainer("fake dense", "layer-cam");
    sscam_evaluation *evaluation = NULL;
    sscam_image *image = NULL;
    sscam_map *map = NULL, *masked_map = NULL;
    int64_t shape[4];
    float whole[SIZE], masked[SIZE];
    double drop = -1.0;
    evaluate(explainer, "average_drop,insertion", &evaluation, &image, SSCAM_OK);
    ASSERT_OK(sscam_explainer_preprocess(explainer, image, shape, whole, SIZE));
    ASSERT_OK(sscam_explain_image(explainer, image, SSCAM_CLASS_TOP, &map));
    const int64_t c = sscam_map_class_index(map);
    for (int i = 0; i < SIZE; i++)
        masked[i] = whole[i] * sscam_map_data(map)[i % PLANE];
    memcpy(input, whole, sizeof whole);
    const reference_input of = {
        .classes = FAKE_CLASSES, .depth = 1, .height = HEIGHT, .width = WIDTH, .input = input};
    double values[SIZE];
    uint8_t positions[POSITIONS];
    for (int i = 0; i < SIZE; i++)
        values[i] = input[i];
    reference_features(&of, values, features);
    for (int p = 0; p < POSITIONS; p++)
        positions[p] = (uint8_t)is_highest(c, p);
    ASSERT_OK(sscam_explainer_set_region(explainer, positions, MAP_HEIGHT, MAP_WIDTH));
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(masked, one, 4), &c, &masked_map));
    const double before = sscam_map_probability(map), after = sscam_map_probability(masked_map);
    ck_assert_int_eq(sscam_evaluation_value(evaluation, 0, 0, SSCAM_METRIC_AVERAGE_DROP, &drop),
                     SSCAM_VALUE_DEFINED);
    ck_assert_double_eq_tol(drop, 100.0 * fmax(0.0, before - after) / before, 1e-3);
    sscam_map_unref(map);
    sscam_map_unref(masked_map);
    sscam_evaluation_unref(evaluation);
    sscam_image_unref(image);
    sscam_explainer_unref(explainer);
}
END_TEST

START_TEST(sensitivity_needs_positions_of_the_least_likely_class)
{
    sscam_explainer *explainer = explainer_with("dense", "layer-cam", _i ? "region=all" : "");
    sscam_evaluation *evaluation = NULL;
    sscam_image *image = NULL;
    evaluate(explainer, "class_sensitivity", &evaluation, &image,
             _i ? SSCAM_OK : SSCAM_E_UNSUPPORTED);
    sscam_evaluation_unref(evaluation);
    sscam_image_unref(image);
    sscam_explainer_unref(explainer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dense");
    TCase *positions = add_tcase(suite, "positions", set_up, NULL),
          *classes = add_tcase(suite, "classes", set_up, NULL),
          *refusals = add_tcase(suite, "refusals", set_up, NULL);
    tcase_add_test(positions, every_region_holds_some_positions_and_leaves_some_out);
    tcase_add_loop_test(positions, gradients_are_those_of_the_mean_over_the_region, 0, 2 * REGIONS);
    tcase_add_test(positions, cam_takes_all_positions);
    tcase_add_loop_test(positions, masked_inputs_are_scored_over_the_positions_of_the_unmasked_one,
                        0, 4);
    tcase_add_loop_test(positions, baselines_are_scored_over_the_positions_too, 0, 2);
    tcase_add_loop_test(positions, ablations_are_scored_over_the_positions, 0, 2 * REGIONS);
    tcase_add_loop_test(positions, augmented_inputs_keep_the_positions_of_the_original_one, 0, 3);
    tcase_add_test(positions, classifying_gives_means_over_all_positions);
    tcase_add_test(positions, drops_are_of_the_positions_of_the_unmasked_input);
    tcase_add_loop_test(classes, classes_rank_by_their_positions, 0, REGIONS);
    tcase_add_test(classes, targets_are_of_the_classes_positions);
    tcase_add_loop_test(classes, classes_by_themselves_are_seen_where_they_are_positive, 0, 2);
    tcase_add_test(classes, together_is_as_alone);
    tcase_add_loop_test(classes, sensitivity_needs_positions_of_the_least_likely_class, 0, 2);
    tcase_add_test(refusals, regions_without_positions_are_refused);
    tcase_add_test(refusals, regions_have_their_forms);
    tcase_add_test(refusals, masks_are_copied_and_removed);
    return run_suite(suite);
}
