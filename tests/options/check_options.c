/* The option table, the setters, and the presets of docs/methods.md. */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "masks/masked_input.h"
#include "model/activation_layout.h"
#include "model/backend.h"
#include "model/input_layout.h"
#include "options/options.h"
#include "support/assertions.h"
#include "support/check_main.h"
#include "support/shorthands.h"

static sscam_explainer *explainer;

static void set_up(void)
{
    explainer = make_explainer("fake linear", "ss-cam-mean");
}

static void tear_down(void)
{
    sscam_explainer_unref(explainer);
}

/* --- the table -------------------------------------------------------------------------------- */

typedef struct known_option {
    int32_t id, type;
    const char *name, *default_text, *choices;
} known_option;

/* Identifiers, names and defaults are promises: this is the list that must not change. */
static const known_option known[] = {
    {1, SSCAM_OPTION_TYPE_STRING, "layer", "", ""},
    {2, SSCAM_OPTION_TYPE_CHOICE, "score", "logit", "logit|probability"},
    {3, SSCAM_OPTION_TYPE_CHOICE, "channel_softmax", "on", "on|off"},
    {4, SSCAM_OPTION_TYPE_CHOICE, "baseline", "zeros", "zeros|none|input|black"},
    {5, SSCAM_OPTION_TYPE_CHOICE, "normalise", "after_upsample", "after_upsample|before_upsample"},
    {6, SSCAM_OPTION_TYPE_CHOICE, "align_corners", "off", "off|on"},
    {7, SSCAM_OPTION_TYPE_CHOICE, "flat_channels", "skip", "skip|score"},
    {8, SSCAM_OPTION_TYPE_INT, "samples", "10", ""},
    {9, SSCAM_OPTION_TYPE_REAL, "sigma", "4", ""},
    {10, SSCAM_OPTION_TYPE_CHOICE, "noise_target", "mask", "mask|input|activation"},
    {11, SSCAM_OPTION_TYPE_CHOICE, "noise_scale", "absolute", "absolute|range|authors-code"},
    {12, SSCAM_OPTION_TYPE_CHOICE, "mask_weights", "none", "none|gradient|fc"},
    {13, SSCAM_OPTION_TYPE_CHOICE, "rescore", "off", "off|on"},
    {14, SSCAM_OPTION_TYPE_CHOICE, "sample_count", "n", "n|n_minus_1"},
    {15, SSCAM_OPTION_TYPE_CHOICE, "combine", "low_resolution", "low_resolution|upsampled"},
    {16, SSCAM_OPTION_TYPE_INT, "max_channels", "0", ""},
    {17, SSCAM_OPTION_TYPE_INT, "seed", "0", ""},
    {18, SSCAM_OPTION_TYPE_INT, "batch_size", "0", ""},
    {19, SSCAM_OPTION_TYPE_CHOICE, "probability", "softmax", "softmax|sigmoid|none"},
    {20, SSCAM_OPTION_TYPE_CHOICE, "preset", "paper",
     "paper|algorithm-1|authors-code|torch-cam|pytorch-grad-cam"},
    {21, SSCAM_OPTION_TYPE_STRING, "resize", "256", ""},
    {22, SSCAM_OPTION_TYPE_STRING, "crop", "224", ""},
    {23, SSCAM_OPTION_TYPE_CHOICE, "interpolation", "bilinear", "bilinear|bicubic"},
    {24, SSCAM_OPTION_TYPE_STRING, "mean", "0.485,0.456,0.406", ""},
    {25, SSCAM_OPTION_TYPE_STRING, "std", "0.229,0.224,0.225", ""},
    {26, SSCAM_OPTION_TYPE_CHOICE, "channel_order", "rgb", "rgb|bgr|gray|rgba"},
    {27, SSCAM_OPTION_TYPE_STRING, "metrics",
     "average_drop,average_increase,energy_pointing,pointing", ""},
    {28, SSCAM_OPTION_TYPE_CHOICE, "metric_score", "probability", "probability|logit"},
    {29, SSCAM_OPTION_TYPE_CHOICE, "metric_mask", "full", "full|top50"},
    {30, SSCAM_OPTION_TYPE_INT, "metric_steps", "224", ""},
    {31, SSCAM_OPTION_TYPE_CHOICE, "fusion", "max", "max|mean|product"},
    {32, SSCAM_OPTION_TYPE_CHOICE, "aug_smooth", "off", "off|on"},
    {33, SSCAM_OPTION_TYPE_CHOICE, "eigen_smooth", "off", "off|on"},
    {34, SSCAM_OPTION_TYPE_CHOICE, "target", "class", "class|against|difference|weights|cosine"},
    {35, SSCAM_OPTION_TYPE_INT, "contrast", "-1", ""},
    {36, SSCAM_OPTION_TYPE_STRING, "output", "", ""},
    {37, SSCAM_OPTION_TYPE_CHOICE, "calibrate", "on", "on|off"},
    {38, SSCAM_OPTION_TYPE_INT, "workers", "0", ""},
    {39, SSCAM_OPTION_TYPE_CHOICE, "precision", "fp32", "fp32|bf16|fp16|tf32"},
    {40, SSCAM_OPTION_TYPE_STRING, "grid", "", ""},
    {41, SSCAM_OPTION_TYPE_CHOICE, "channel_axis", "auto", "auto|first|last"},
    {42, SSCAM_OPTION_TYPE_STRING, "region", "predicted", ""},
    {43, SSCAM_OPTION_TYPE_CHOICE, "reduction", "mean", "mean|sum"},
    {44, SSCAM_OPTION_TYPE_INT, "deadline", "0", ""},
    {45, SSCAM_OPTION_TYPE_CHOICE, "input_layout", "auto",
     "auto|nchw|nhwc|nhw|chw|hwc|hw|ncthw|ntchw|nthwc|nthw|cthw|tchw|thwc|ncdhw|ndhwc|cdhw|dhwc|"
     "nct|ntc|nt|ct|tc|t|ntf|nft|tf|ft"},
    {46, SSCAM_OPTION_TYPE_CHOICE, "input_type", "auto",
     "auto|float32|float64|float16|bfloat16|uint8|int32|int64"},
    {47, SSCAM_OPTION_TYPE_STRING, "image_input", "", ""},
    {48, SSCAM_OPTION_TYPE_REAL, "tolerance", "0", ""},
    {49, SSCAM_OPTION_TYPE_CHOICE, "noise", "independent", "independent|common"},
    {50, SSCAM_OPTION_TYPE_CHOICE, "channel_ranking", "deviation", "deviation|energy|contribution"},
    {51, SSCAM_OPTION_TYPE_REAL, "contrast_weight", "1", ""},
    {52, SSCAM_OPTION_TYPE_INT, "contrast_count", "1", ""},
    {53, SSCAM_OPTION_TYPE_REAL, "channel_share", "1", ""},
    {54, SSCAM_OPTION_TYPE_INT, "mask_cells", "7", ""},
    {55, SSCAM_OPTION_TYPE_REAL, "mask_probability", "0.5", ""},
    {56, SSCAM_OPTION_TYPE_INT, "groups", "32", ""},
    {57, SSCAM_OPTION_TYPE_REAL, "group_percentile", "70", ""},
    {58, SSCAM_OPTION_TYPE_CHOICE, "metric_insertion", "blur", "blur|zeros"},
    {59, SSCAM_OPTION_TYPE_REAL, "metric_threshold", "0", ""},
    {60, SSCAM_OPTION_TYPE_CHOICE, "rescale", "channel", "channel|layer|channel_epsilon"},
    {61, SSCAM_OPTION_TYPE_INT, "iterations", "100", ""},
    {62, SSCAM_OPTION_TYPE_REAL, "learning_rate", "0.1", ""},
    {63, SSCAM_OPTION_TYPE_CHOICE, "detector", "auto",
     "auto|off|yolov8|yolov8-transposed|yolov5|yolov10|rt-detr|rt-detr-transposed|detr|"
     "deformable-detr|boxes-scores|torchvision|rt-detr-labels"},
    {64, SSCAM_OPTION_TYPE_STRING, "box", "", ""},
    {65, SSCAM_OPTION_TYPE_INT, "detection", "0", ""},
    {66, SSCAM_OPTION_TYPE_CHOICE, "detection_score", "class", "class|d-rise"},
    {67, SSCAM_OPTION_TYPE_REAL, "detection_threshold", "0.25", ""},
    {68, SSCAM_OPTION_TYPE_REAL, "detection_overlap", "0.45", ""},
    {69, SSCAM_OPTION_TYPE_STRING, "padding", "0", ""},
    {70, SSCAM_OPTION_TYPE_STRING, "kernel_widths", "0.1,0.175,0.25", ""},
    {71, SSCAM_OPTION_TYPE_INT, "attention_blocks", "0", ""},
};
enum { KNOWN = sizeof known / sizeof known[0] };

static const sscam_option *find_option(int32_t id)
{
    for (int64_t i = 0; i < sscam_option_count(); i++)
        if (sscam_option_id(sscam_option_info(i)) == id)
            return sscam_option_info(i);
    return NULL;
}

START_TEST(the_table_keeps_its_promises)
{
    const sscam_option *option = find_option(known[_i].id);
    ck_assert_ptr_nonnull(option);
    ck_assert_str_eq(sscam_option_name(option), known[_i].name);
    ck_assert_int_eq(sscam_option_type(option), known[_i].type);
    ck_assert_str_eq(sscam_option_default(option, NULL), known[_i].default_text);
    char choices[512] = "";
    for (int64_t i = 0; i < sscam_option_choice_count(option); i++) {
        strcat(choices, i ? "|" : "");
        strcat(choices, sscam_option_choice(option, i));
    }
    ck_assert_str_eq(choices, known[_i].choices);
    ck_assert_ptr_null(sscam_option_choice(option, sscam_option_choice_count(option)));
    ck_assert_ptr_null(sscam_option_choice(option, -1));
    ck_assert_uint_gt(strlen(sscam_option_help(option)), 20);
}
END_TEST

START_TEST(rows_have_identifiers_and_names_of_their_own)
{
    ck_assert_int_ge(sscam_option_count(), KNOWN);
    for (int64_t i = 0; i < sscam_option_count(); i++) {
        const sscam_option *option = sscam_option_info(i);
        ck_assert_ptr_eq(find_option(sscam_option_id(option)), option);
        ck_assert_ptr_eq(sscam_option_find(sscam_option_name(option)), option);
        for (int64_t j = 0; j < i; j++)
            ck_assert_str_ne(sscam_option_name(sscam_option_info(j)), sscam_option_name(option));
    }
}
END_TEST

START_TEST(rows_that_are_not_there_are_null)
{
    ck_assert_ptr_null(sscam_option_info(sscam_option_count()));
    ck_assert_ptr_null(sscam_option_info(-1));
    ck_assert_ptr_null(sscam_option_info(INT64_MIN));
    ck_assert_ptr_null(sscam_option_info(INT64_MAX));
    ck_assert_ptr_null(sscam_option_find(NULL));
    ck_assert_ptr_null(sscam_option_find(""));
    ck_assert_ptr_null(sscam_option_find("sample"));
    ck_assert_int_eq(sscam_option_id(NULL), 0);
    ck_assert_int_eq(sscam_option_type(NULL), 0);
    ck_assert_ptr_null(sscam_option_name(NULL));
    ck_assert_ptr_null(sscam_option_default(NULL, NULL));
    ck_assert_int_eq(sscam_option_choice_count(NULL), 0);
    ck_assert_ptr_null(sscam_option_choice(NULL, 0));
    ck_assert_ptr_null(sscam_option_help(NULL));
    ck_assert_double_eq(sscam_option_minimum(NULL), 0.0);
    ck_assert_double_eq(sscam_option_maximum(NULL), 0.0);
}
END_TEST

/* --- values ----------------------------------------------------------------------------------- */

static void assert_value(const char *name, const char *value)
{
    ck_assert_str_eq(option_text(explainer, name), value);
}

static void assert_set(const char *name, const char *value, const char *reads_back)
{
    ASSERT_OK(sscam_explainer_set(explainer, name, value));
    assert_value(name, reads_back);
}

/* The text is refused, by a message that names the option, and the old value stays. */
static void assert_refused(const char *name, const char *value)
{
    char before[64];
    snprintf(before, sizeof before, "%s", option_text(explainer, name));
    ASSERT_FAILS(sscam_explainer_set(explainer, name, value), SSCAM_E_ARGUMENT, name);
    assert_value(name, before);
}

START_TEST(defaults_hold_and_can_be_set)
{
    assert_value(known[_i].name, known[_i].default_text);
    assert_set(known[_i].name, known[_i].default_text, known[_i].default_text);
}
END_TEST

START_TEST(choices_can_be_set_by_name_and_number)
{
    char choices[512], *rest = choices;
    if (known[_i].type != SSCAM_OPTION_TYPE_CHOICE || known[_i].id == SSCAM_OPTION_PRESET)
        return;
    strcpy(choices, known[_i].choices);
    for (char *choice = strtok_r(choices, "|", &rest); choice != NULL;
         choice = strtok_r(NULL, "|", &rest)) {
        assert_set(known[_i].name, choice, choice);
        ASSERT_OK(sscam_explainer_set(explainer, known[_i].name, known[_i].default_text));
        ASSERT_OK(sscam_explainer_set_string(explainer, known[_i].id, choice));
        assert_value(known[_i].name, choice);
    }
}
END_TEST

START_TEST(other_words_are_no_choices)
{
    if (known[_i].type != SSCAM_OPTION_TYPE_CHOICE)
        return;
    char shortened[32];
    snprintf(shortened, sizeof shortened, "%.*s", (int)strlen(known[_i].default_text) - 1,
             known[_i].default_text);
    assert_refused(known[_i].name, shortened[0] != '\0' ? shortened : "x");
    assert_refused(known[_i].name, "");
    assert_refused(known[_i].name, "|");
    assert_refused(known[_i].name, "0");
    assert_refused(known[_i].name, known[_i].choices);
    const sscam_option *option = sscam_option_find(known[_i].name);
    for (int64_t i = 0; i < sscam_option_choice_count(option); i++)
        ASSERT_FAILS(sscam_explainer_set_string(explainer, known[_i].id, "neither"),
                     SSCAM_E_ARGUMENT, sscam_option_choice(option, i));
    assert_value(known[_i].name, known[_i].default_text);
}
END_TEST

typedef struct bounds {
    int32_t id;
    const char *name;
    int64_t minimum, maximum;
} bounds;

static const bounds whole_numbers[] = {
    {SSCAM_OPTION_SAMPLES, "samples", 1, 1000000},
    {SSCAM_OPTION_MAX_CHANNELS, "max_channels", 0, 1000000000},
    {SSCAM_OPTION_BATCH_SIZE, "batch_size", 0, 65536},
};

START_TEST(whole_numbers_stay_in_their_range)
{
    const bounds *of = &whole_numbers[_i];
    char text[32];
    ck_assert_double_eq(sscam_option_minimum(find_option(of->id)), (double)of->minimum);
    ck_assert_double_eq(sscam_option_maximum(find_option(of->id)), (double)of->maximum);
    for (int64_t value = of->minimum; value <= of->maximum; value += of->maximum - of->minimum) {
        ASSERT_OK(sscam_explainer_set_int(explainer, of->id, value));
        snprintf(text, sizeof text, "%lld", (long long)value);
        assert_value(of->name, text);
        assert_set(of->name, text, text);
    }
    snprintf(text, sizeof text, "%lld", (long long)of->maximum);
    ASSERT_FAILS(sscam_explainer_set_int(explainer, of->id, of->minimum - 1), SSCAM_E_ARGUMENT,
                 of->name);
    ASSERT_FAILS(sscam_explainer_set_int(explainer, of->id, of->maximum + 1), SSCAM_E_ARGUMENT,
                 of->name);
    ASSERT_FAILS(sscam_explainer_set_int(explainer, of->id, INT64_MIN), SSCAM_E_ARGUMENT, of->name);
    assert_value(of->name, text);
    assert_refused(of->name, "-1");
    assert_refused(of->name, "99999999999");
}
END_TEST

START_TEST(seeds_have_all_64_bits)
{
    assert_set("seed", "9223372036854775807", "9223372036854775807");
    assert_set("seed", "-9223372036854775808", "-9223372036854775808");
    assert_set("seed", "9007199254740993", "9007199254740993"); /* no double is that number */
    ASSERT_OK(sscam_explainer_set_int(explainer, SSCAM_OPTION_SEED, INT64_MIN));
    assert_value("seed", "-9223372036854775808");
    assert_refused("seed", "9223372036854775808");
    assert_refused("seed", "-9223372036854775809");
}
END_TEST

START_TEST(sigma_stays_in_its_range)
{
    static const char *const wrong[] = {"-1", "-1e-300", "1000001", "1e999", "inf", "nan", "-inf"};
    assert_set("sigma", "0", "0");
    assert_set("sigma", "1e6", "1e+06");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_refused("sigma", wrong[i]);
    ASSERT_FAILS(sscam_explainer_set_real(explainer, SSCAM_OPTION_SIGMA, NAN), SSCAM_E_ARGUMENT,
                 "sigma");
    ASSERT_FAILS(sscam_explainer_set_real(explainer, SSCAM_OPTION_SIGMA, INFINITY),
                 SSCAM_E_ARGUMENT, "sigma");
    ASSERT_FAILS(sscam_explainer_set_real(explainer, SSCAM_OPTION_SIGMA, -0.5), SSCAM_E_ARGUMENT,
                 "sigma");
    assert_set("sigma", option_text(explainer, "sigma"), "1e+06");
}
END_TEST

START_TEST(real_numbers_read_back_as_themselves)
{
    static const double values[] = {0.1,    1.0 / 3.0,        1e-7, 123456.789, 2.5,
                                    5e-324, 999999.9999999999};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        ASSERT_OK(sscam_explainer_set_real(explainer, SSCAM_OPTION_SIGMA, values[i]));
        ck_assert_double_eq(strtod(option_text(explainer, "sigma"), NULL), values[i]);
    }
    assert_set("sigma", "0.1", "0.1");
    assert_set("sigma", "4.0", "4");
    assert_set("sigma", "25e-2", "0.25");
    assert_set("sigma", "+.5", "0.5");
}
END_TEST

START_TEST(numbers_have_no_other_form)
{
    static const char *const wrong[] = {"",     " ",   " 5",  "5 ",  "5x", "0x5",
                                        "five", "1,5", "--5", "5\n", "1 2"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_refused("samples", wrong[i]);
        assert_refused("sigma", wrong[i]);
        assert_refused("seed", wrong[i]);
    }
    assert_refused("samples", "5.0");
    assert_refused("samples", "1e3");
    assert_refused("sigma", "1e");
    assert_refused("sigma", ".");
    assert_refused("sigma", "0x1p3");
}
END_TEST

START_TEST(texts_are_copied)
{
    char layer[300];
    memset(layer, 'l', sizeof layer);
    layer[sizeof layer - 1] = '\0';
    ASSERT_OK(sscam_explainer_set(explainer, "layer", layer));
    ck_assert_str_eq(option_text(explainer, "layer"), layer);
    layer[0] = 'x';
    ck_assert_int_eq(option_text(explainer, "layer")[0], 'l');
    ASSERT_OK(sscam_explainer_set_string(explainer, SSCAM_OPTION_LAYER, "stem"));
    assert_value("layer", "stem");
    assert_set("layer", option_text(explainer, "layer"), "stem"); /* its own text */
}
END_TEST

START_TEST(preprocessing_has_its_forms)
{
    assert_set("resize", "off", "off");
    assert_set("resize", "240x320", "240x320");
    assert_set("crop", "off", "off");
    assert_set("crop", "96", "96");
    assert_set("mean", "0.5", "0.5");
    assert_set("std", "0.25,0.5,1", "0.25,0.5,1");
    assert_refused("resize", "0");
    assert_refused("resize", "240x");
    assert_refused("resize", "-5");
    assert_refused("crop", "x96");
    assert_refused("crop", "big");
    assert_refused("mean", "0.5,0.5");
    assert_refused("mean", "0.5;0.5;0.5");
    assert_refused("std", "0");
    assert_refused("std", "1,1,-1");
    ASSERT_FAILS(sscam_explainer_set_string(explainer, SSCAM_OPTION_STD, "nan"), SSCAM_E_ARGUMENT,
                 "std");
}
END_TEST

START_TEST(setters_refuse_other_types)
{
    const known_option *option = &known[_i];
    int is_text = option->type == SSCAM_OPTION_TYPE_STRING ||
                  option->type == SSCAM_OPTION_TYPE_CHOICE;
    if (option->type != SSCAM_OPTION_TYPE_INT)
        ASSERT_FAILS(sscam_explainer_set_int(explainer, option->id, 1), SSCAM_E_ARGUMENT,
                     option->name);
    if (option->type != SSCAM_OPTION_TYPE_REAL)
        ASSERT_FAILS(sscam_explainer_set_real(explainer, option->id, 1.0), SSCAM_E_ARGUMENT,
                     option->name);
    if (!is_text)
        ASSERT_FAILS(sscam_explainer_set_string(explainer, option->id, "1"), SSCAM_E_ARGUMENT,
                     option->name);
    assert_value(option->name, option->default_text);
}
END_TEST

START_TEST(options_that_are_not_there_are_refused)
{
    const int32_t ids[] = {0, -1, known[KNOWN - 1].id + 1, INT32_MAX, INT32_MIN};
    ASSERT_FAILS(sscam_explainer_set(explainer, "sample", "1"), SSCAM_E_ARGUMENT, "\"sample\"");
    ASSERT_FAILS(sscam_explainer_set(explainer, "", "1"), SSCAM_E_ARGUMENT, "no option");
    ASSERT_FAILS(sscam_explainer_set(explainer, "Samples", "1"), SSCAM_E_ARGUMENT, "Samples");
    ck_assert_ptr_null(option_text(explainer, "sample"));
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", (int)ids[i]);
        ASSERT_FAILS(sscam_explainer_set_int(explainer, ids[i], 1), SSCAM_E_ARGUMENT, number);
        ASSERT_FAILS(sscam_explainer_set_real(explainer, ids[i], 1.0), SSCAM_E_ARGUMENT, number);
        ASSERT_FAILS(sscam_explainer_set_string(explainer, ids[i], "1"), SSCAM_E_ARGUMENT, number);
    }
}
END_TEST

/* Every option can be read by the getter of its type, and by no other. */
START_TEST(getters_of_a_type_agree_with_the_text)
{
    for (int64_t i = 0; i < sscam_option_count(); i++) {
        const sscam_option *option = sscam_option_info(i);
        const int32_t id = sscam_option_id(option), type = sscam_option_type(option);
        const char *value = option_text(explainer, sscam_option_name(option));
        const int is_int = type == SSCAM_OPTION_TYPE_INT, is_real = type == SSCAM_OPTION_TYPE_REAL;
        int64_t integer = 77;
        double real = 77.0;
        char *text = (char *)"stale";
        ck_assert_str_eq(value, sscam_option_default(option, sscam_method_find("ss-cam-mean")));
        ck_assert_int_eq(sscam_explainer_get_int(explainer, id, &integer),
                         is_int ? SSCAM_OK : SSCAM_E_ARGUMENT);
        ck_assert_int_eq(integer, is_int ? strtoll(value, NULL, 10) : 0);
        ck_assert_int_eq(sscam_explainer_get_real(explainer, id, &real),
                         is_real ? SSCAM_OK : SSCAM_E_ARGUMENT);
        ck_assert_double_eq(real, is_real ? strtod(value, NULL) : 0.0);
        ck_assert_int_eq(sscam_explainer_get_string(explainer, id, &text),
                         is_int || is_real ? SSCAM_E_ARGUMENT : SSCAM_OK);
        if (is_int || is_real)
            ck_assert_ptr_null(text);
        else
            ck_assert_str_eq(text, value);
        sscam_free(text);
    }
}
END_TEST

START_TEST(a_text_outlives_the_explainer_and_its_value)
{
    char *first, *second;
    ASSERT_OK(sscam_explainer_get(explainer, "sigma", &first));
    ASSERT_OK(sscam_explainer_set(explainer, "sigma", "2.5"));
    ASSERT_OK(sscam_explainer_get(explainer, "sigma", &second));
    sscam_explainer_unref(explainer);
    explainer = NULL;
    ck_assert_str_eq(first, "4");
    ck_assert_str_eq(second, "2.5");
    sscam_free(first);
    sscam_free(second);
}
END_TEST

START_TEST(a_method_may_have_a_default_of_its_own)
{
    const sscam_option *sigma = sscam_option_find("sigma");
    ck_assert_str_eq(sscam_option_default(sigma, sscam_method_find("smooth-grad-cam++")), "0.3");
    ck_assert_str_eq(sscam_option_default(sigma, sscam_method_find("ss-cam-max")), "4");
    ck_assert_str_eq(sscam_option_default(sigma, NULL), "4");
}
END_TEST

START_TEST(null_arguments_are_refused)
{
    char *text = (char *)"stale";
    double real = 1.0;
    ASSERT_FAILS(sscam_explainer_set(NULL, "samples", "1"), SSCAM_E_ARGUMENT, "NULL");
    ASSERT_FAILS(sscam_explainer_set(explainer, NULL, "1"), SSCAM_E_ARGUMENT, "NULL");
    ASSERT_FAILS(sscam_explainer_set(explainer, "samples", NULL), SSCAM_E_ARGUMENT, "NULL");
    ASSERT_FAILS(sscam_explainer_set_int(NULL, SSCAM_OPTION_SAMPLES, 1), SSCAM_E_ARGUMENT, "NULL");
    ASSERT_FAILS(sscam_explainer_set_real(NULL, SSCAM_OPTION_SIGMA, 1), SSCAM_E_ARGUMENT, "NULL");
    ASSERT_FAILS(sscam_explainer_set_string(NULL, SSCAM_OPTION_LAYER, "x"), SSCAM_E_ARGUMENT,
                 "NULL");
    ASSERT_FAILS(sscam_explainer_set_string(explainer, SSCAM_OPTION_LAYER, NULL), SSCAM_E_ARGUMENT,
                 "NULL");
    ASSERT_FAILS(sscam_explainer_get(NULL, "samples", &text), SSCAM_E_ARGUMENT, "NULL");
    ck_assert_ptr_null(text);
    ASSERT_FAILS(sscam_explainer_get(explainer, NULL, &text), SSCAM_E_ARGUMENT, "NULL");
    ASSERT_FAILS(sscam_explainer_get(explainer, "samples", NULL), SSCAM_E_ARGUMENT, "NULL");
    ASSERT_FAILS(sscam_explainer_get_int(explainer, SSCAM_OPTION_SAMPLES, NULL), SSCAM_E_ARGUMENT,
                 "NULL");
    ASSERT_FAILS(sscam_explainer_get_real(NULL, SSCAM_OPTION_SIGMA, &real), SSCAM_E_ARGUMENT,
                 "NULL");
    ASSERT_FAILS(sscam_explainer_get_string(NULL, SSCAM_OPTION_LAYER, &text), SSCAM_E_ARGUMENT,
                 "NULL");
    assert_value("samples", "10");
}
END_TEST

/* --- presets ---------------------------------------------------------------------------------- */

/* Values that differ from the defaults, as name=value;... */
typedef struct preset_case {
    const char *method, *preset, *differing;
} preset_case;

#define AUTHORS                                                                                \
    "score=probability;channel_softmax=off;baseline=none;noise_scale=authors-code;samples=35;" \
    "sigma=2;"                                                                                 \
    "combine=upsampled;preset=authors-code;"
#define TORCH_CAM                                                                             \
    "normalise=before_upsample;samples=35;sigma=2;flat_channels=score;baseline=input;preset=" \
    "torch-cam;"
#define PYTORCH_GRAD_CAM                                              \
    "align_corners=on;flat_channels=score;baseline=none;fusion=mean;" \
    "reduction=sum;preset=pytorch-grad-cam;"

static const preset_case presets[] = {
    {"ss-cam-max", "paper", ""},
    {"cam", "paper", ""},
    {"ss-cam-max", "algorithm-1",
     "noise_target=input;mask_weights=gradient;rescore=on;sample_count=n_minus_1;preset=algorithm-"
     "1;"},
    {"ss-cam-mean", "authors-code", AUTHORS "noise_target=activation;"},
    {"ss-cam-max", "authors-code", AUTHORS "noise_target=input;"},
    {"score-cam", "authors-code", AUTHORS},
    {"ss-cam-mean", "torch-cam", TORCH_CAM},
    {"score-cam", "torch-cam", TORCH_CAM},
    {"score-cam", "pytorch-grad-cam", PYTORCH_GRAD_CAM},
    {"ss-cam-max", "pytorch-grad-cam", PYTORCH_GRAD_CAM},
};
enum { PRESETS = sizeof presets / sizeof presets[0] };

/* Counts that are a method's own, whatever the preset's are for others. */
static const struct {
    const char *method, *preset, *option, *value;
} preset_counts[] = {
    {"rise", "torch-cam", "samples", "4000"},
    {"rise", "authors-code", "samples", "4000"},
    {"aise", "torch-cam", "samples", "50"},
    {"aise", "authors-code", "samples", "50"},
    {"is-cam", "torch-cam", "samples", "10"},
    {"is-cam", "authors-code", "samples", "10"},
    {"smooth-grad-cam++", "torch-cam", "samples", "4"},
    {"smooth-grad-cam++", "authors-code", "samples", "10"},
    {"opti-cam", "torch-cam", "iterations", "100"},
    {"opti-cam", "authors-code", "iterations", "50"},
};
enum { PRESET_COUNTS = sizeof preset_counts / sizeof preset_counts[0] };

/* What option `name` should be: the value among `differing`, or its default. */
static const char *value_wanted(const char *differing, const known_option *option, char *value,
                                size_t size)
{
    char key[64];
    snprintf(key, sizeof key, ";%s=", option->name);
    char list[512];
    snprintf(list, sizeof list, ";%s", differing);
    const char *found = strstr(list, key);
    if (!found)
        return option->default_text;
    found += strlen(key);
    snprintf(value, size, "%.*s", (int)strcspn(found, ";"), found);
    return value;
}

static void assert_differ_only(const char *differing)
{
    char value[64];
    for (int i = 0; i < KNOWN; i++)
        ck_assert_msg(strcmp(option_text(explainer, known[i].name),
                             value_wanted(differing, &known[i], value, sizeof value)) == 0,
                      "%s is %s", known[i].name, option_text(explainer, known[i].name));
}

static void use_method(const char *method)
{
    sscam_explainer_unref(explainer);
    explainer = make_explainer("fake linear", method);
}

START_TEST(presets_keep_the_counts_of_a_method)
{
    use_method(preset_counts[_i].method);
    ASSERT_OK(sscam_explainer_set(explainer, "preset", preset_counts[_i].preset));
    ck_assert_str_eq(option_text(explainer, preset_counts[_i].option), preset_counts[_i].value);
}
END_TEST

START_TEST(presets_set_what_the_document_says_and_nothing_else)
{
    use_method(presets[_i].method);
    assert_set("preset", presets[_i].preset, presets[_i].preset);
    assert_differ_only(presets[_i].differing);
    ASSERT_OK(sscam_explainer_set(explainer, "preset", "paper"));
    assert_differ_only("");
    ASSERT_OK(sscam_explainer_set_string(explainer, SSCAM_OPTION_PRESET, presets[_i].preset));
    assert_differ_only(presets[_i].differing);
}
END_TEST

START_TEST(presets_replace_one_another)
{
    use_method("ss-cam-max");
    for (int i = 0; i < PRESETS; i++) {
        if (strcmp(presets[i].method, "ss-cam-max") != 0)
            continue;
        ASSERT_OK(sscam_explainer_set(explainer, "preset", presets[i].preset));
        assert_differ_only(presets[i].differing);
    }
}
END_TEST

START_TEST(options_set_later_win)
{
    ASSERT_OK(sscam_explainer_set(explainer, "preset", "torch-cam"));
    assert_set("samples", "7", "7");
    assert_value("sigma", "2");
    assert_value("preset", "torch-cam");
    ASSERT_OK(sscam_explainer_set(explainer, "preset", "torch-cam"));
    assert_value("samples", "35");
}
END_TEST

START_TEST(presets_leave_the_run_and_the_image_alone)
{
    static const char *const kept[][2] = {
        {"layer", "stem"},         {"seed", "-77"},
        {"batch_size", "3"},       {"probability", "sigmoid"},
        {"resize", "off"},         {"crop", "100x120"},
        {"mean", "0.5"},           {"std", "0.5"},
        {"channel_order", "gray"}, {"interpolation", "bicubic"},
    };
    static const char *const every_preset[] = {"authors-code", "torch-cam", "pytorch-grad-cam",
                                               "paper"};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        ASSERT_OK(sscam_explainer_set(explainer, kept[i][0], kept[i][1]));
    for (size_t p = 0; p < sizeof every_preset / sizeof every_preset[0]; p++) {
        ASSERT_OK(sscam_explainer_set(explainer, "preset", every_preset[p]));
        for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
            assert_value(kept[i][0], kept[i][1]);
    }
}
END_TEST

START_TEST(algorithm_1_describes_one_method)
{
    for (int64_t i = 0; i < sscam_method_count(); i++) {
        const char *other = sscam_method_name(sscam_method_info(i));
        if (strcmp(other, "ss-cam-max") == 0)
            continue;
        use_method(other);
        ASSERT_OK(sscam_explainer_set(explainer, "samples", "3"));
        ASSERT_FAILS(sscam_explainer_set(explainer, "preset", "algorithm-1"), SSCAM_E_ARGUMENT,
                     other);
        ck_assert_str_eq(option_text(explainer, "preset"), "paper");
        ck_assert_str_eq(option_text(explainer, "rescore"), "off");
        ck_assert_str_eq(option_text(explainer, "samples"), "3");
    }
}
END_TEST

/* Noise on inputs has a default of its own, to which presets go back. */
START_TEST(sigma_has_a_default_for_noise_on_inputs)
{
    use_method("smooth-grad-cam++");
    ck_assert_str_eq(option_text(explainer, "sigma"), "0.3");
    ASSERT_OK(sscam_explainer_set(explainer, "preset", "authors-code"));
    ck_assert_str_eq(option_text(explainer, "sigma"), "0.3");
    ck_assert_str_eq(option_text(explainer, "noise_scale"), "absolute");
    ASSERT_OK(sscam_explainer_set(explainer, "preset", "torch-cam"));
    ck_assert_str_eq(option_text(explainer, "samples"), "4");
    ASSERT_OK(sscam_explainer_set(explainer, "sigma", "2"));
    ASSERT_OK(sscam_explainer_set(explainer, "preset", "paper"));
    ck_assert_str_eq(option_text(explainer, "sigma"), "0.3");
    ck_assert_str_eq(option_text(explainer, "samples"), "10");
    use_method("is-cam");
    ASSERT_OK(sscam_explainer_set(explainer, "preset", "torch-cam"));
    ck_assert_str_eq(option_text(explainer, "samples"), "10");
}
END_TEST

START_TEST(unknown_presets_change_nothing)
{
    ASSERT_OK(sscam_explainer_set(explainer, "samples", "3"));
    ASSERT_FAILS(sscam_explainer_set(explainer, "preset", "torchcam"), SSCAM_E_ARGUMENT,
                 "torch-cam");
    assert_differ_only("samples=3;");
}
END_TEST

/* --- the enumerations of choices -------------------------------------------------------------- */

typedef struct choice_value {
    const char *option, *text;
    int64_t value;
} choice_value;

static const choice_value choice_values[] = {
    {"fusion", "max", SSCAM_FUSION_MAXIMUM},
    {"fusion", "mean", SSCAM_FUSION_MEAN},
    {"fusion", "product", SSCAM_FUSION_PRODUCT},
    {"channel_axis", "auto", SSCAM_CHANNEL_AXIS_AUTO},
    {"channel_axis", "first", SSCAM_CHANNEL_AXIS_FIRST},
    {"channel_axis", "last", SSCAM_CHANNEL_AXIS_LAST},
    {"aug_smooth", "off", SSCAM_AUG_SMOOTH_OFF},
    {"aug_smooth", "on", SSCAM_AUG_SMOOTH_ON},
    {"eigen_smooth", "off", SSCAM_EIGEN_SMOOTH_OFF},
    {"eigen_smooth", "on", SSCAM_EIGEN_SMOOTH_ON},
    {"target", "class", SSCAM_TARGET_CLASS},
    {"target", "against", SSCAM_TARGET_AGAINST},
    {"target", "difference", SSCAM_TARGET_DIFFERENCE},
    {"target", "weights", SSCAM_TARGET_WEIGHTS},
    {"target", "cosine", SSCAM_TARGET_COSINE},
    {"input_type", "auto", SSCAM_INPUT_TYPE_AUTO},
    {"input_type", "float32", SSCAM_INPUT_TYPE_FLOAT32},
    {"input_type", "float64", SSCAM_INPUT_TYPE_FLOAT64},
    {"input_type", "float16", SSCAM_INPUT_TYPE_FLOAT16},
    {"input_type", "bfloat16", SSCAM_INPUT_TYPE_BFLOAT16},
    {"input_type", "uint8", SSCAM_INPUT_TYPE_UINT8},
    {"input_type", "int32", SSCAM_INPUT_TYPE_INT32},
    {"input_type", "int64", SSCAM_INPUT_TYPE_INT64},
    {"reduction", "mean", SSCAM_REDUCTION_MEAN},
    {"reduction", "sum", SSCAM_REDUCTION_SUM},
    {"score", "logit", SSCAM_SCORE_CHOICE_LOGIT},
    {"score", "probability", SSCAM_SCORE_CHOICE_PROBABILITY},
    {"channel_softmax", "on", SSCAM_CHANNEL_SOFTMAX_ON},
    {"channel_softmax", "off", SSCAM_CHANNEL_SOFTMAX_OFF},
    {"baseline", "zeros", SSCAM_BASELINE_ZEROS},
    {"baseline", "none", SSCAM_BASELINE_NONE},
    {"baseline", "input", SSCAM_BASELINE_INPUT},
    {"baseline", "black", SSCAM_BASELINE_BLACK},
    {"normalise", "after_upsample", SSCAM_NORMALISE_AFTER_UPSAMPLE},
    {"normalise", "before_upsample", SSCAM_NORMALISE_BEFORE_UPSAMPLE},
    {"align_corners", "off", SSCAM_ALIGN_CORNERS_OFF},
    {"align_corners", "on", SSCAM_ALIGN_CORNERS_ON},
    {"flat_channels", "skip", SSCAM_FLAT_CHANNELS_SKIP},
    {"flat_channels", "score", SSCAM_FLAT_CHANNELS_SCORE},
    {"noise_target", "mask", SSCAM_NOISE_ON_MASK},
    {"noise_target", "input", SSCAM_NOISE_ON_INPUT},
    {"noise_target", "activation", SSCAM_NOISE_ON_ACTIVATION},
    {"noise_scale", "absolute", SSCAM_NOISE_SCALE_ABSOLUTE},
    {"noise_scale", "range", SSCAM_NOISE_SCALE_RANGE},
    {"noise_scale", "authors-code", SSCAM_NOISE_SCALE_AUTHORS_CODE},
    {"mask_weights", "none", SSCAM_MASK_WEIGHTS_NONE},
    {"mask_weights", "gradient", SSCAM_MASK_WEIGHTS_GRADIENT},
    {"mask_weights", "fc", SSCAM_MASK_WEIGHTS_FC},
    {"rescore", "off", SSCAM_RESCORE_OFF},
    {"rescore", "on", SSCAM_RESCORE_ON},
    {"sample_count", "n", SSCAM_SAMPLE_COUNT_N},
    {"sample_count", "n_minus_1", SSCAM_SAMPLE_COUNT_N_MINUS_1},
    {"combine", "low_resolution", SSCAM_COMBINE_LOW_RESOLUTION},
    {"combine", "upsampled", SSCAM_COMBINE_UPSAMPLED},
    {"probability", "softmax", SSCAM_PROBABILITY_SOFTMAX},
    {"probability", "sigmoid", SSCAM_PROBABILITY_SIGMOID},
    {"probability", "none", SSCAM_PROBABILITY_NONE},
    {"metric_score", "probability", SSCAM_METRIC_SCORE_PROBABILITY},
    {"metric_score", "logit", SSCAM_METRIC_SCORE_LOGIT},
    {"metric_mask", "full", SSCAM_METRIC_MASK_FULL},
    {"metric_mask", "top50", SSCAM_METRIC_MASK_TOP50},
    {"metric_insertion", "blur", SSCAM_METRIC_INSERTION_BLUR},
    {"metric_insertion", "zeros", SSCAM_METRIC_INSERTION_ZEROS},
    {"calibrate", "on", SSCAM_CALIBRATE_ON},
    {"calibrate", "off", SSCAM_CALIBRATE_OFF},
    {"noise", "independent", SSCAM_NOISE_INDEPENDENT},
    {"noise", "common", SSCAM_NOISE_COMMON},
    {"channel_ranking", "deviation", SSCAM_CHANNEL_RANKING_DEVIATION},
    {"channel_ranking", "energy", SSCAM_CHANNEL_RANKING_ENERGY},
    {"channel_ranking", "contribution", SSCAM_CHANNEL_RANKING_CONTRIBUTION},
    {"rescale", "channel", SSCAM_RESCALE_CHANNEL},
    {"rescale", "layer", SSCAM_RESCALE_LAYER},
    {"rescale", "channel_epsilon", SSCAM_RESCALE_CHANNEL_EPSILON},
    {"precision", "fp32", SSCAM_PRECISION_FP32},
    {"precision", "bf16", SSCAM_PRECISION_BF16},
    {"precision", "fp16", SSCAM_PRECISION_FP16},
    {"precision", "tf32", SSCAM_PRECISION_TF32},
    {"detector", "auto", SSCAM_DETECTOR_AUTO},
    {"detector", "off", SSCAM_DETECTOR_OFF},
    {"detector", "yolov8", SSCAM_DETECTOR_YOLOV8},
    {"detector", "yolov8-transposed", SSCAM_DETECTOR_YOLOV8_TRANSPOSED},
    {"detector", "yolov5", SSCAM_DETECTOR_YOLOV5},
    {"detector", "yolov10", SSCAM_DETECTOR_YOLOV10},
    {"detector", "rt-detr", SSCAM_DETECTOR_RT_DETR},
    {"detector", "rt-detr-transposed", SSCAM_DETECTOR_RT_DETR_TRANSPOSED},
    {"detector", "detr", SSCAM_DETECTOR_DETR},
    {"detector", "deformable-detr", SSCAM_DETECTOR_DEFORMABLE_DETR},
    {"detector", "boxes-scores", SSCAM_DETECTOR_BOXES_SCORES},
    {"detector", "torchvision", SSCAM_DETECTOR_TORCHVISION},
    {"detector", "rt-detr-labels", SSCAM_DETECTOR_RT_DETR_LABELS},
    {"detection_score", "class", SSCAM_DETECTION_SCORE_CLASS},
    {"detection_score", "d-rise", SSCAM_DETECTION_SCORE_D_RISE},
};
enum { CHOICE_VALUES = sizeof choice_values / sizeof choice_values[0] };

START_TEST(choices_are_stored_as_their_enumerations)
{
    const choice_value *choice = &choice_values[_i];
    sscam_settings settings;
    ASSERT_OK(sscam_settings_init(&settings, "ss-cam-mean"));
    ASSERT_OK(sscam_settings_set(&settings, "ss-cam-mean", choice->option, choice->text));
    for (int i = 0; i < KNOWN; i++)
        if (strcmp(known[i].name, choice->option) == 0)
            ck_assert_int_eq(settings.value[known[i].id].integer, choice->value);
    sscam_settings_release(&settings);
}
END_TEST

/* Their values are read as text, and so need no enumeration. */
static int is_read_as_text(int32_t id)
{
    return id == SSCAM_OPTION_PRESET || id == SSCAM_OPTION_INTERPOLATION ||
           id == SSCAM_OPTION_CHANNEL_ORDER || id == SSCAM_OPTION_INPUT_LAYOUT;
}

static int count_choices(const known_option *option)
{
    int count = 1;
    for (const char *c = option->choices; *c != '\0'; c++)
        count += *c == '|';
    return count;
}

START_TEST(no_choice_is_without_an_enumeration)
{
    for (int i = 0; i < KNOWN; i++) {
        int listed = 0;
        for (int j = 0; j < CHOICE_VALUES; j++)
            listed += strcmp(choice_values[j].option, known[i].name) == 0;
        if (known[i].type == SSCAM_OPTION_TYPE_CHOICE && !is_read_as_text(known[i].id))
            ck_assert_int_eq(listed, count_choices(&known[i]));
    }
}
END_TEST

/* --- locale ----------------------------------------------------------------------------------- */

/* Decimal signs of other locales: the comma of most, and the Arabic one of ps_AF. */
static const struct {
    const char *sign, *code_point;
} decimal_signs[] = {{",", "<U002C>"}, {"\u066B", "<U066B>"}};
enum { DECIMAL_SIGNS = sizeof decimal_signs / sizeof decimal_signs[0] };

static int has_sign(const char *locale, const char *sign)
{
    return setlocale(LC_NUMERIC, locale) && strcmp(localeconv()->decimal_point, sign) == 0;
}

/* Makes a locale of which only the numbers matter. */
static int compile_locale(const char *folder, int sign)
{
    char command[256];
    snprintf(command, sizeof command, "%s/source", folder);
    FILE *source = fopen(command, "w");
    ck_assert_ptr_nonnull(source);
    fprintf(source,
            "LC_NUMERIC\ndecimal_point \"%s\"\nthousands_sep \"\"\ngrouping -1\nEND LC_NUMERIC\n",
            decimal_signs[sign].code_point);
    fclose(source);
    snprintf(command, sizeof command, "localedef -c -i %s/source -f UTF-8 %s/made >/dev/null 2>&1",
             folder, folder);
    return system(command) != -1 && setenv("LOCPATH", folder, 1) == 0 &&
           has_sign("made", decimal_signs[sign].sign);
}

/* Changes to a locale with that decimal sign; one is made in `folder` where none is installed. */
static int enter_locale(const char *folder, int sign)
{
    static const char *const installed[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "es_ES.UTF-8",
                                            "ru_RU.UTF-8", "de_DE",       "ps_AF.UTF-8",
                                            "ps_AF"};
    for (size_t i = 0; i < sizeof installed / sizeof installed[0]; i++)
        if (has_sign(installed[i], decimal_signs[sign].sign))
            return 1;
    return compile_locale(folder, sign);
}

START_TEST(numbers_are_the_same_in_every_locale)
{
    char folder[] = "/tmp/sscam-locale-XXXXXX", command[64];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    int entered = enter_locale(folder, _i);
    if (entered) {
        assert_set("sigma", "0.25", "0.25");
        ASSERT_OK(sscam_explainer_set_real(explainer, SSCAM_OPTION_SIGMA, 1.5));
        assert_value("sigma", "1.5");
        ASSERT_OK(sscam_explainer_set(explainer, "sigma", option_text(explainer, "sigma")));
        assert_refused("sigma", "0,25");
        assert_set("mean", "0.5,0.25,0.125", "0.5,0.25,0.125");
        /* and it is the caller's still */
        ck_assert_str_eq(localeconv()->decimal_point, decimal_signs[_i].sign);
    } else {
        fprintf(stderr,
                "no locale with the decimal sign %s, and localedef cannot make one: not tested\n",
                decimal_signs[_i].sign);
    }
    setlocale(LC_NUMERIC, "C");
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

static void add_values(TCase *values)
{
    tcase_add_loop_test(values, defaults_hold_and_can_be_set, 0, KNOWN);
    tcase_add_loop_test(values, choices_can_be_set_by_name_and_number, 0, KNOWN);
    tcase_add_loop_test(values, other_words_are_no_choices, 0, KNOWN);
    tcase_add_loop_test(values, whole_numbers_stay_in_their_range, 0, 3);
    tcase_add_test(values, seeds_have_all_64_bits);
    tcase_add_test(values, sigma_stays_in_its_range);
    tcase_add_test(values, real_numbers_read_back_as_themselves);
    tcase_add_test(values, numbers_have_no_other_form);
    tcase_add_test(values, texts_are_copied);
    tcase_add_test(values, preprocessing_has_its_forms);
    tcase_add_loop_test(values, setters_refuse_other_types, 0, KNOWN);
    tcase_add_test(values, options_that_are_not_there_are_refused);
    tcase_add_test(values, null_arguments_are_refused);
    tcase_add_test(values, getters_of_a_type_agree_with_the_text);
    tcase_add_test(values, a_text_outlives_the_explainer_and_its_value);
    tcase_add_test(values, a_method_may_have_a_default_of_its_own);
    tcase_add_loop_test(values, numbers_are_the_same_in_every_locale, 0, DECIMAL_SIGNS);
    tcase_add_loop_test(values, choices_are_stored_as_their_enumerations, 0, CHOICE_VALUES);
    tcase_add_test(values, no_choice_is_without_an_enumeration);
}

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *table = tcase_create("table"), *values = tcase_create("values"),
          *preset = tcase_create("presets");
    tcase_add_checked_fixture(values, set_up, tear_down);
    tcase_set_timeout(values, 0); /* making a locale takes what it takes */
    tcase_add_checked_fixture(preset, set_up, tear_down);
    tcase_add_loop_test(table, the_table_keeps_its_promises, 0, KNOWN);
    tcase_add_test(table, rows_have_identifiers_and_names_of_their_own);
    tcase_add_test(table, rows_that_are_not_there_are_null);
    add_values(values);
    tcase_add_loop_test(preset, presets_set_what_the_document_says_and_nothing_else, 0, PRESETS);
    tcase_add_loop_test(preset, presets_keep_the_counts_of_a_method, 0, PRESET_COUNTS);
    tcase_add_test(preset, presets_replace_one_another);
    tcase_add_test(preset, options_set_later_win);
    tcase_add_test(preset, presets_leave_the_run_and_the_image_alone);
    tcase_add_test(preset, algorithm_1_describes_one_method);
    tcase_add_test(preset, sigma_has_a_default_for_noise_on_inputs);
    tcase_add_test(preset, unknown_presets_change_nothing);
    suite_add_tcase(suite, table);
    suite_add_tcase(suite, values);
    suite_add_tcase(suite, preset);
    return run_suite(suite);
}
