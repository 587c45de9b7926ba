/* Every value of every option: it changes the maps of the methods that it is about, leaves those of
 * all others as they were, to the last bit, and can be combined with every value of every
 * other option or is refused by name. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/assertions.h"
#include "support/check_main.h"
#include "support/fake_backend.h"
#include "support/pixels.h"

enum { HEIGHT = 8, WIDTH = 10, PLANE = HEIGHT * WIDTH, SIZE = FAKE_COLORS * PLANE };

static sscam_image *image;

static void set_up(void)
{
    uint8_t pixels[SIZE];
    uint32_t state = 2718u;
    for (int i = 0; i < SIZE; i++) {
        state = state * 1664525u + 1013904223u;
        pixels[i] = (uint8_t)(state >> 24);
    }
    ASSERT_OK(create_packed(WIDTH, HEIGHT, 3, pixels, &image));
    fake_reset();
}

static void tear_down(void)
{
    sscam_image_unref(image);
    image = NULL;
}

/* --- who is concerned ------------------------------------------------------------------------- */

/* Sets of methods, as words between blanks. */
#define SS_CAM " ss-cam-mean ss-cam-max"
#define NOISY SS_CAM " smooth-grad-cam++"
#define SCORING SS_CAM " score-cam is-cam"
#define ABLATION " ablation-cam"
#define GRAD_CAM " grad-cam shapley-cam" /* the same where the network is linear */
#define OTHER_SUMS \
    " grad-cam++ smooth-grad-cam++ xgrad-cam hires-cam layer-cam grad-cam-elementwise"
#define SUMS GRAD_CAM OTHER_SUMS
#define CAM " cam"
#define SIGNED_EIGEN_GRAD " eigen-grad-cam"
#define EIGEN_GRAD SIGNED_EIGEN_GRAD " seg-eigen-cam" /* of magnitudes */
#define RANDOM " random-cam"
#define EIGEN " eigen-cam" RANDOM
#define ACTIVATION_MAPS " fem kpca-cam activation-map"
#define POSITIONS " recipro-cam vit-recipro-cam"
#define GROUP " group-cam"
#define RANDOM_MASKS " rise"
#define AISE " aise"
#define RISE RANDOM_MASKS AISE /* scores of masked inputs, without a layer */
#define FULL_GRAD " full-grad"
#define OPTI_CAM " opti-cam"
#define LEGRAD " legrad"
#define WITHOUT_TERMS ACTIVATION_MAPS POSITIONS GROUP RISE FULL_GRAD OPTI_CAM LEGRAD
#define SUMMED_LATER ACTIVATION_MAPS POSITIONS GROUP OPTI_CAM /* maps of a layer without terms */
#define OF_GRADIENTS SUMS CAM EIGEN_GRAD
#define OF_SIGNS SUMS CAM SIGNED_EIGEN_GRAD SCORING ABLATION POSITIONS GROUP RISE OPTI_CAM LEGRAD
#define OF_CLASSES OF_SIGNS EIGEN_GRAD FULL_GRAD
#define OF_LAYERS OF_GRADIENTS SCORING ABLATION EIGEN SUMMED_LATER
#define ALL OF_LAYERS RISE FULL_GRAD LEGRAD
#define NOBODY ""

/* The image as it is, a class whose weights have both signs, and noise small enough for structure
 * to remain. */
#define PASSES "samples=3 iterations=2"
#define AS_IT_IS "resize=off crop=off sigma=0.5 " PASSES
enum { CLASS = 0 };

typedef struct effect {
    const char *option, *value;
    const char *concerned; /* methods whose maps change */
    const char *refused;   /* methods that refuse it; NULL: none */
    const char *context;   /* options that are set in both; NULL: none */
    const char *head;      /* NULL: linear */
} effect;

static const effect effects[] = {
    {"layer", "stem", SUMS EIGEN_GRAD SCORING ABLATION EIGEN SUMMED_LATER, CAM, NULL, NULL},
    {"layer", "features", NOBODY, NULL, NULL, NULL}, /* the default one */
    {"grid", "2x10", OF_LAYERS LEGRAD, NULL, NULL, "linear tokens"},
    {"grid", "2x10", LEGRAD, NULL, NULL, NULL},
    /* So small a map looks as if its channels came first; with these, CAM refuses. */
    {"channel_axis", "last", SUMS EIGEN_GRAD SCORING ABLATION EIGEN SUMMED_LATER, CAM, NULL,
     "linear places-first"},
    {"channel_axis", "first", NOBODY, NULL, NULL, NULL},
    /* Single positions of these two layers have the same scores. */
    {"fusion", "mean",
     SUMS EIGEN_GRAD SCORING ABLATION EIGEN ACTIVATION_MAPS " vit-recipro-cam" GROUP OPTI_CAM, CAM,
     "layer=stem,features", NULL},
    {"fusion", "mean", NOBODY, NULL, NULL, NULL},
    {"fusion", "product", SUMS EIGEN_GRAD SCORING ABLATION EIGEN SUMMED_LATER, CAM,
     "layer=stem,features", NULL},
    {"fusion", "product", NOBODY, NULL, NULL, NULL},
    {"aug_smooth", "on", ALL, NULL, NULL, NULL},
    {"eigen_smooth", "on", SUMS CAM SCORING ABLATION RANDOM, WITHOUT_TERMS, NULL, NULL},
    {"target", "against", OF_SIGNS, NULL, NULL, NULL},
    {"target", "difference", OF_CLASSES, NULL, NULL, NULL},
    {"target", "weights", NOBODY, ALL, NULL, NULL}, /* none were given */
    {"target", "cosine", NOBODY, ALL, NULL, NULL},
    {"contrast", "2", OF_CLASSES, NULL, "target=difference", NULL},
    {"contrast", "2", NOBODY, NULL, NULL, NULL},
    {"contrast_count", "2", OF_CLASSES, NULL, "target=difference", NULL},
    {"contrast_count", "2", NOBODY, NULL, NULL, NULL},
    {"contrast_weight", "0.5", OF_CLASSES, NULL, "target=difference", NULL},
    {"contrast_weight", "0.5", NOBODY, NULL, NULL, NULL},
    {"output", "half", OF_GRADIENTS SCORING POSITIONS GROUP RISE OPTI_CAM LEGRAD, NULL, NULL,
     NULL}, /* of an ablation's share, a factor cancels */
    {"output", "0", NOBODY, NULL, NULL, NULL},
    /* The dense network is linear: its mean gradients, which Grad-CAM takes, are the same over any
     * positions. CAM is refused where not all positions count. */
    /* The fake networks classify; oracles/test_detectors.py has detectors. */
    {"detector", "off", NOBODY, NULL, NULL, NULL},
    {"detector", "yolov8", NOBODY, ALL, NULL, NULL},
    {"detector", "yolov8-transposed", NOBODY, ALL, NULL, NULL},
    {"detector", "yolov5", NOBODY, ALL, NULL, NULL},
    {"detector", "yolov10", NOBODY, ALL, NULL, NULL},
    {"detector", "rt-detr", NOBODY, ALL, NULL, NULL},
    {"detector", "rt-detr-transposed", NOBODY, ALL, NULL, NULL},
    {"detector", "detr", NOBODY, ALL, NULL, NULL},
    {"detector", "deformable-detr", NOBODY, ALL, NULL, NULL},
    {"detector", "boxes-scores", NOBODY, ALL, NULL, NULL},
    {"detector", "torchvision", NOBODY, ALL, NULL, NULL},
    {"detector", "rt-detr-labels", NOBODY, ALL, NULL, NULL},
    {"box", "1,1,4,4", NOBODY, ALL, NULL, NULL},
    {"detection", "1", NOBODY, ALL, NULL, NULL},
    {"detection_score", "d-rise", NOBODY, NULL, NULL, NULL},
    {"detection_threshold", "0.5", NOBODY, NULL, NULL, NULL},
    {"detection_overlap", "0.5", NOBODY, NULL, NULL, NULL},
    {"region", "all",
     OTHER_SUMS EIGEN_GRAD SCORING ABLATION POSITIONS GROUP RISE FULL_GRAD OPTI_CAM, CAM LEGRAD,
     NULL, "dense"},
    {"region", "2,0,9,6",
     OTHER_SUMS EIGEN_GRAD SCORING ABLATION POSITIONS GROUP RISE FULL_GRAD OPTI_CAM, CAM LEGRAD,
     NULL, "dense"},
    {"region", "all", NOBODY, NULL, NULL, NULL},
    {"reduction", "sum", SUMS EIGEN_GRAD SCORING POSITIONS GROUP RISE OPTI_CAM, CAM LEGRAD,
     "region=2,0,10,4", "dense"}, /* eight positions: an exact factor */
    {"reduction", "sum", NOBODY, NULL, NULL, NULL},
    {"score", "probability", SCORING ABLATION POSITIONS, NULL, NULL, NULL},
    {"score", "logit", GROUP RISE, NULL, NULL, NULL},
    {"channel_softmax", "off", SCORING, NULL, NULL, NULL},
    {"baseline", "none", SCORING, NULL, "channel_softmax=off", NULL},
    {"baseline", "input", SCORING, NULL, "channel_softmax=off", NULL},
    {"baseline", "black", SCORING, NULL, "channel_softmax=off", NULL},
    {"baseline", "none", NOBODY, NULL, NULL, NULL},
    {"baseline", "input", NOBODY, NULL, NULL, NULL},
    {"baseline", "black", NOBODY, NULL, NULL, NULL},
    {"normalise", "before_upsample", SCORING, NULL, NULL, NULL},
    {"align_corners", "on", SCORING, NULL, NULL, NULL},
    {"rescale", "layer", FULL_GRAD, NULL, NULL, NULL},
    {"rescale", "channel_epsilon", FULL_GRAD, NULL, NULL, NULL}, /* by a rounding */
    {"iterations", "3", OPTI_CAM, NULL, NULL, NULL},
    {"learning_rate", "0.5", OPTI_CAM, NULL, NULL, NULL},
    {"attention_blocks", "1", LEGRAD, NULL, NULL, NULL},
    {"attention_blocks", "2", NOBODY, NULL, NULL, NULL}, /* as many as there are */
    {"flat_channels", "score", SCORING, NULL, NULL, NULL},
    /* Gradients feel noise on the input where the network is not linear; CAM is refused there. */
    {"samples", "2", NOISY " is-cam" RISE, CAM, NULL, "quadratic"},
    {"sigma", "1", NOISY, CAM, NULL, "quadratic"},
    {"tolerance", "1", SS_CAM, NULL, "samples=9", NULL},
    {"tolerance", "1", NOBODY, NULL, NULL, NULL}, /* the first round has three samples */
    {"noise", "common", SS_CAM, NULL, NULL, NULL},
    {"noise_target", "input", SS_CAM, NULL, NULL, NULL},
    {"noise_target", "activation", SS_CAM, NULL, NULL, NULL},
    {"noise_scale", "range", " smooth-grad-cam++", CAM, NULL,
     "quadratic"}, /* a normalised mask's range is 1 */
    {"noise_scale", "range", NOISY, CAM, "noise_target=activation", "quadratic"},
    {"noise_scale", "authors-code", NOISY, CAM, NULL, "quadratic"},
    {"mask_weights", "gradient", SCORING, NULL, NULL, NULL},
    {"mask_weights", "fc", SCORING, NULL, NULL, NULL},
    {"rescore", "on", SS_CAM, NULL, NULL, NULL},
    {"sample_count", "n_minus_1", SS_CAM, NULL, NULL, NULL},
    {"combine", "upsampled", OF_LAYERS, NULL, NULL, NULL},
    {"max_channels", "2", SCORING ABLATION, NULL, NULL, NULL},
    {"channel_share", "0.4", SCORING ABLATION, NULL, NULL, NULL},
    {"mask_cells", "3", RANDOM_MASKS, NULL, NULL, NULL},
    {"mask_probability", "0.3", RANDOM_MASKS, NULL, NULL, NULL},
    {"kernel_widths", "0.2", AISE, NULL, NULL, NULL},
    {"groups", "2", GROUP, NULL, NULL, NULL},
    {"group_percentile", "20", GROUP, NULL, NULL, NULL},
    {"seed", "7", NOISY RANDOM RANDOM_MASKS, CAM, NULL, "quadratic"},
    {"channel_ranking", "energy", SCORING ABLATION, NULL, "max_channels=2", NULL},
    {"channel_ranking", "contribution", SCORING ABLATION, NULL, "max_channels=2", NULL},
    {"channel_ranking", "contribution", NOBODY, NULL, NULL, NULL},
    {"batch_size", "2", NOBODY, NULL, NULL, NULL},
    {"probability", "sigmoid", SCORING ABLATION POSITIONS GROUP RISE, NULL, "score=probability",
     NULL},
    {"probability", "sigmoid", GROUP RISE, NULL, NULL, NULL}, /* by probability by default */
    {"probability", "none", NOBODY, ALL, NULL, NULL},         /* its outputs are no probabilities */
    {"resize", "6x6", ALL, NULL, NULL, NULL},
    {"crop", "6", ALL, NULL, NULL, NULL},
    {"padding", "114", ALL, NULL, "crop=20", NULL},
    {"padding", "114", NOBODY, NULL, NULL, NULL},
    {"interpolation", "bicubic", ALL, NULL, "resize=12x14", NULL},
    {"interpolation", "bicubic", NOBODY, NULL, NULL, NULL},
    {"mean", "0.5,0.3,0.1", ALL, NULL, NULL, NULL},
    {"std", "0.5,0.3,0.1", ALL, NULL, NULL, NULL},
    {"channel_order", "bgr", ALL, NULL, NULL, NULL},
    {"channel_order", "gray", NOBODY, ALL, NULL, NULL}, /* the fake networks see colours */
    {"channel_order", "rgba", NOBODY, ALL, NULL, NULL},
    {"metrics", "all", NOBODY, NULL, NULL, NULL},
    {"metric_score", "logit", NOBODY, NULL, NULL, NULL},
    {"metric_mask", "top50", NOBODY, NULL, NULL, NULL},
    {"metric_steps", "3", NOBODY, NULL, NULL, NULL},
    {"metric_insertion", "zeros", NOBODY, NULL, NULL, NULL},
    {"metric_threshold", "0.5", NOBODY, NULL, NULL, NULL},
    {"calibrate", "off", NOBODY, NULL, NULL, NULL},
    {"precision", "bf16", NOBODY, NULL, NULL, NULL}, /* the fake networks have one precision */
    {"precision", "fp16", NOBODY, NULL, NULL, NULL},
    {"precision", "tf32", NOBODY, NULL, NULL, NULL},
    {"workers", "2", NOBODY, NULL, NULL, NULL},
    {"deadline", "3600000", NOBODY, NULL, NULL, NULL},
    /* Engines of the host take [N,C,sides] of float32, and one input. */
    {"input_layout", "nchw", NOBODY, NULL, NULL, NULL},
    {"input_layout", "nct", NOBODY, NULL, NULL, NULL},
    {"input_layout", "ncthw", NOBODY, NULL, NULL, NULL},
    {"input_layout", "ncdhw", NOBODY, NULL, NULL, NULL},
    {"input_layout", "nhwc", NOBODY, ALL, NULL, NULL},
    {"input_layout", "nhw", NOBODY, ALL, NULL, NULL},
    {"input_layout", "chw", NOBODY, ALL, NULL, NULL},
    {"input_layout", "hwc", NOBODY, ALL, NULL, NULL},
    {"input_layout", "hw", NOBODY, ALL, NULL, NULL},
    {"input_layout", "ntchw", NOBODY, ALL, NULL, NULL},
    {"input_layout", "nthwc", NOBODY, ALL, NULL, NULL},
    {"input_layout", "nthw", NOBODY, ALL, NULL, NULL},
    {"input_layout", "cthw", NOBODY, ALL, NULL, NULL},
    {"input_layout", "tchw", NOBODY, ALL, NULL, NULL},
    {"input_layout", "thwc", NOBODY, ALL, NULL, NULL},
    {"input_layout", "ndhwc", NOBODY, ALL, NULL, NULL},
    {"input_layout", "cdhw", NOBODY, ALL, NULL, NULL},
    {"input_layout", "dhwc", NOBODY, ALL, NULL, NULL},
    {"input_layout", "ntc", NOBODY, ALL, NULL, NULL},
    {"input_layout", "nt", NOBODY, ALL, NULL, NULL},
    {"input_layout", "ct", NOBODY, ALL, NULL, NULL},
    {"input_layout", "tc", NOBODY, ALL, NULL, NULL},
    {"input_layout", "t", NOBODY, ALL, NULL, NULL},
    {"input_layout", "ntf", NOBODY, ALL, NULL, NULL},
    {"input_layout", "nft", NOBODY, ALL, NULL, NULL},
    {"input_layout", "tf", NOBODY, ALL, NULL, NULL},
    {"input_layout", "ft", NOBODY, ALL, NULL, NULL},
    {"input_type", "float32", NOBODY, NULL, NULL, NULL},
    {"input_type", "float64", NOBODY, ALL, NULL, NULL},
    {"input_type", "float16", NOBODY, ALL, NULL, NULL},
    {"input_type", "bfloat16", NOBODY, ALL, NULL, NULL},
    {"input_type", "uint8", NOBODY, ALL, NULL, NULL},
    {"input_type", "int32", NOBODY, ALL, NULL, NULL},
    {"input_type", "int64", NOBODY, ALL, NULL, NULL},
    {"image_input", "x", NOBODY, ALL, NULL, NULL},
};
enum { EFFECTS = sizeof effects / sizeof effects[0] };

static int is_among(const char *methods, const char *method)
{
    const size_t length = strlen(method);
    for (const char *found = methods; (found = strstr(found, method)) != NULL; found += length)
        if (found[-1] == ' ' && (found[length] == ' ' || found[length] == '\0'))
            return 1;
    return 0;
}

static int same_floats(const float *left, const float *right, int64_t count)
{
    if (!left || !right)
        return left == right;
    return memcmp(left, right, (size_t)count * sizeof *left) == 0;
}

static int are_same(const sscam_map *left, const sscam_map *right)
{
    const int64_t positions = raw_size(left);
    const int64_t pixels = data_size(left);
    return sscam_map_channel_count(left) == sscam_map_channel_count(right) &&
           raw_height(left) == raw_height(right) && raw_width(left) == raw_width(right) &&
           sscam_map_height(left) == sscam_map_height(right) &&
           sscam_map_width(left) == sscam_map_width(right) &&
           same_floats(sscam_map_weights(left), sscam_map_weights(right),
                       sscam_map_channel_count(left)) &&
           same_floats(sscam_map_raw(left), sscam_map_raw(right), positions) &&
           same_floats(sscam_map_data(left), sscam_map_data(right), pixels);
}

/* NULL where the method refuses, with a message. */
static sscam_map *explain(sscam_explainer *explainer)
{
    sscam_map *map = NULL;
    sscam_status status = sscam_explain_image(explainer, image, CLASS, &map);
    ck_assert_int_eq(status == SSCAM_OK, map != NULL);
    ck_assert_int_eq(status == SSCAM_OK, sscam_last_error()[0] == '\0');
    return map;
}

static void check_effect(const effect *effect, const char *method)
{
    sscam_explainer *explainer = explainer_with(effect->head ? effect->head : "linear", method,
                                                AS_IT_IS);
    if (effect->context)
        set_options(explainer, effect->context);
    sscam_map *before = explain(explainer);
    ASSERT_OK(sscam_explainer_set(explainer, effect->option, effect->value));
    sscam_map *after = explain(explainer);
    if (effect->refused && is_among(effect->refused, method)) {
        ck_assert_msg(!before || !after, "%s takes %s=%s", method, effect->option, effect->value);
    } else {
        ck_assert_msg(before && after, "%s refuses %s=%s: %s", method, effect->option,
                      effect->value, sscam_last_error());
        ck_assert_msg(are_same(before, after) != is_among(effect->concerned, method),
                      "%s=%s %s the map of %s", effect->option, effect->value,
                      are_same(before, after) ? "leaves" : "changes", method);
    }
    sscam_map_unref(before);
    sscam_map_unref(after);
    sscam_explainer_unref(explainer);
}

START_TEST(options_change_what_they_are_about_and_nothing_else)
{
    for (int64_t i = 0; i < sscam_method_count(); i++)
        check_effect(&effects[_i], sscam_method_name(sscam_method_info(i)));
}
END_TEST

/* --- the table above has everything ----------------------------------------------------------- */

static int has_effect(const char *option, const char *value)
{
    for (int i = 0; i < EFFECTS; i++)
        if (strcmp(effects[i].option, option) == 0 &&
            (!value || strcmp(effects[i].value, value) == 0))
            return 1;
    return 0;
}

START_TEST(no_option_and_no_choice_is_left_out)
{
    for (int64_t i = 0; i < sscam_option_count(); i++) {
        const sscam_option *option = sscam_option_info(i);
        if (sscam_option_id(option) == SSCAM_OPTION_PRESET)
            continue; /* sets others, which check_options reads back */
        ck_assert_msg(has_effect(sscam_option_name(option), NULL), "option %s is not tried",
                      sscam_option_name(option));
        for (int64_t j = 1; j < sscam_option_choice_count(option); j++)
            ck_assert_msg(has_effect(sscam_option_name(option), sscam_option_choice(option, j)),
                          "%s=%s is not tried", sscam_option_name(option),
                          sscam_option_choice(option, j));
    }
}
END_TEST

/* --- pairs ------------------------------------------------------------------------------------ */

typedef struct value {
    const char *option, *text;
} value;

static const value more_values[] = {
    {"layer", "stem,features"},
    {"preset", "paper"},
    {"preset", "algorithm-1"},
    {"preset", "authors-code"},
    {"preset", "torch-cam"},
    {"preset", "pytorch-grad-cam"},
    {"sigma", "0"},
    {"samples", "1"},
    {"region", "mask"},
    {"max_channels", "1"},
};
enum {
    MORE_VALUES = sizeof more_values / sizeof more_values[0],
    MOST_VALUES = EFFECTS + MORE_VALUES
};

/* Of layers in another order, which the networks of the pairs have not: explaining theirs so would
 * mean nothing. */
static int is_of_an_order(const effect *effect)
{
    return effect->head && strchr(effect->head, ' ');
}

/* Every value once. */
static int collect_values(value values[MOST_VALUES])
{
    int count = 0;
    for (int i = 0; i < MOST_VALUES; i++) {
        value next = i < EFFECTS ? (value){effects[i].option, effects[i].value}
                                 : more_values[i - EFFECTS];
        int known = i < EFFECTS && is_of_an_order(&effects[i]);
        for (int j = 0; j < count && !known; j++)
            known = strcmp(values[j].option, next.option) == 0 &&
                    strcmp(values[j].text, next.text) == 0;
        if (!known)
            values[count++] = next;
    }
    return count;
}

static int message_names(const value *value)
{
    return strstr(sscam_last_error(), value->option) || strstr(sscam_last_error(), value->text);
}

static void assert_is_a_map(const sscam_map *map)
{
    const int64_t pixels = data_size(map);
    int64_t inside = 0; /* not one assertion a value: Check writes each to a file */
    for (int64_t p = 0; p < pixels; p++)
        inside += sscam_map_data(map)[p] >= 0.0f && sscam_map_data(map)[p] <= 1.0f;
    ck_assert_int_eq(inside, pixels);
    ck_assert(isfinite(sscam_map_logit(map)) && sscam_map_probability(map) >= 0.0 &&
              sscam_map_probability(map) <= 1.0);
}

/* A preset is set first, so that the other option overrides it. Of the numbers of passes that
 * presets set, which takes nothing but time, those of AS_IT_IS are kept. */
static sscam_status set_first(sscam_explainer *explainer, const value *first)
{
    sscam_status status = sscam_explainer_set(explainer, first->option, first->text);
    if (status == SSCAM_OK && strcmp(first->option, "preset") == 0)
        set_options(explainer, PASSES);
    return status;
}

static void check_pair(sscam_model *model, const char *method, const value *left,
                       const value *right)
{
    const value *first = strcmp(right->option, "preset") == 0 ? right : left;
    const value *second = first == left ? right : left;
    sscam_explainer *explainer = NULL;
    sscam_map *map = NULL;
    ASSERT_OK(sscam_explainer_create(model, method, &explainer));
    set_options(explainer, AS_IT_IS);
    sscam_status status = set_first(explainer, first);
    if (status == SSCAM_OK)
        status = sscam_explainer_set(explainer, second->option, second->text);
    if (status == SSCAM_OK)
        status = sscam_explain_image(explainer, image, CLASS, &map);
    if (status == SSCAM_OK)
        assert_is_a_map(map);
    else
        ck_assert_msg(message_names(left) || message_names(right),
                      "%s with %s=%s and %s=%s: \"%s\" names neither", method, left->option,
                      left->text, right->option, right->text, sscam_last_error());
    sscam_map_unref(map);
    sscam_explainer_unref(explainer);
}

/* CAM requires pooling, and LeGrad explains no dense outputs, whatever the options. */
static int may_refuse_the_network(const char *network, const char *method)
{
    return strcmp(network, "fake dense") == 0 && is_among(CAM LEGRAD, method);
}

START_TEST(every_two_values_go_together_or_are_refused_by_name)
{
    static const char *const networks[] = {"fake linear", "fake dense"};
    const char *const network = networks[_i % 2];
    const char *const method = sscam_method_name(sscam_method_info((size_t)_i / 2));
    sscam_model *model = load_fake(network);
    value values[MOST_VALUES];
    const int count = collect_values(values);
    for (int i = 0; i < count && !may_refuse_the_network(network, method); i++)
        for (int j = i + 1; j < count; j++)
            if (strcmp(values[i].option, values[j].option) != 0)
                check_pair(model, method, &values[i], &values[j]);
    sscam_model_unref(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("option effects");
    TCase *alone = tcase_create("alone"), *pairs = tcase_create("pairs");
    tcase_add_checked_fixture(alone, set_up, tear_down);
    tcase_add_checked_fixture(pairs, set_up, tear_down);
    tcase_add_loop_test(alone, options_change_what_they_are_about_and_nothing_else, 0, EFFECTS);
    tcase_add_test(alone, no_option_and_no_choice_is_left_out);
    tcase_add_loop_test(pairs, every_two_values_go_together_or_are_refused_by_name, 0,
                        2 * (int)sscam_method_count());
    suite_add_tcase(suite, alone);
    suite_add_tcase(suite, pairs);
    return run_suite(suite);
}
