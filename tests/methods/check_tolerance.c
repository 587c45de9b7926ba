/* The options tolerance and noise: the error that a map states holds against the map of all
 * samples, samples are spent where they change the map, and batches change nothing. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/arrays.h"
#include "support/assertions.h"
#include "support/check_main.h"
#include "support/shorthands.h"

enum {
    SIDE = 16,
    PIXELS = SIDE * SIDE,
    CHANNELS = 40,
    MAP_SIDE = 4,
    POSITIONS = MAP_SIDE * MAP_SIDE,
    CLASSES = 4,
    HIDDEN = 12
};

/* A network of random weights: patches of 4 x 4 pixels, CHANNELS rectified features of each, the
 * mean of each, and two layers. */
static float patch_weight[PIXELS / POSITIONS][CHANNELS], hidden_weight[HIDDEN][CHANNELS],
    class_weight[CLASSES][HIDDEN];
static long evaluated;    /* inputs that the network was run on */
static float output_gain; /* with more, the scores of few channels decide the map */

static uint32_t state;

static float uniform(void)
{
    state = state * 1664525u + 1013904223u;
    return (float)(state >> 8) / 8388608.0f - 1.0f;
}

static void fill(float *values, int count, float scale)
{
    for (int i = 0; i < count; i++)
        values[i] = scale * uniform();
}

static float input[PIXELS];

static void set_up(void)
{
    state = 31415u;
    for (int k = 0; k < CHANNELS; k++)
        for (int i = 0; i < PIXELS / POSITIONS; i++)
            patch_weight[i][k] = 0.6f * uniform();
    fill(&hidden_weight[0][0], HIDDEN * CHANNELS, 0.8f);
    fill(&class_weight[0][0], CLASSES * HIDDEN, 1.2f);
    evaluated = 0;
    output_gain = 1.0f;
}

static void show_scene(uint32_t scene)
{
    state = 7u + 1000u * scene;
    fill(input, PIXELS, 1.0f);
}

/* Channels in the inner loop, so that they are summed by vector instructions. */
static void write_features(const float *image, float *feature)
{
    for (int p = 0; p < POSITIONS; p++) {
        const float *patch = image + p / MAP_SIDE * 4 * SIDE + p % MAP_SIDE * 4;
        float sum[CHANNELS];
        for (int k = 0; k < CHANNELS; k++)
            sum[k] = 0.05f * (float)(k % 5);
        for (int i = 0; i < PIXELS / POSITIONS; i++)
            for (int k = 0; k < CHANNELS; k++)
                sum[k] += patch_weight[i][k] * patch[i / 4 * SIDE + i % 4];
        for (int k = 0; k < CHANNELS; k++)
            feature[k * POSITIONS + p] = sum[k] > 0.0f ? sum[k] : 0.0f;
    }
}

static void write_outputs(const float *feature, float *output)
{
    float pooled[CHANNELS] = {0}, hidden[HIDDEN] = {0};
    for (int i = 0; i < CHANNELS * POSITIONS; i++)
        pooled[i / POSITIONS] += feature[i] / POSITIONS;
    for (int i = 0; i < HIDDEN * CHANNELS; i++)
        hidden[i / CHANNELS] += hidden_weight[i / CHANNELS][i % CHANNELS] * pooled[i % CHANNELS];
    for (int j = 0; j < CLASSES; j++) {
        output[j] = 0.0f;
        for (int i = 0; i < HIDDEN; i++)
            output[j] += output_gain * class_weight[j][i] * tanhf(hidden[i]);
    }
}

static sscam_status describe(void *user, const sscam_engine_request *request,
                             sscam_engine_reply *reply)
{
    static const int64_t shape[] = {1, CHANNELS, MAP_SIDE, MAP_SIDE};
    (void)user;
    (void)request;
    return sscam_engine_reply_add_layer(reply, "features", "Relu", shape, 4);
}

static sscam_status run(void *user, const sscam_engine_request *request, sscam_engine_reply *reply)
{
    static const int64_t features[] = {1, CHANNELS, MAP_SIDE, MAP_SIDE};
    const int64_t rows = request->shape[0], outputs[] = {rows, CLASSES};
    float feature[CHANNELS * POSITIONS] = {0};
    float *output = malloc((size_t)(rows * CLASSES) * sizeof *output);
    (void)user;
    ck_assert_ptr_nonnull(output);
    for (int64_t i = 0; i < rows; i++) {
        write_features(request->input + i * PIXELS, feature);
        write_outputs(feature, output + i * CLASSES);
    }
    evaluated += (long)rows;
    if (request->layer)
        sscam_engine_reply_set_activations(reply, feature, features, 4);
    sscam_status status = sscam_engine_reply_set_outputs(reply, output, outputs, 2);
    free(output);
    return status;
}

static sscam_explainer *explainer_of(const char *method, const char *options)
{
    sscam_engine engine = SSCAM_ENGINE_INIT;
    sscam_model *model = NULL;
    sscam_explainer *explainer = NULL;
    engine.describe = describe;
    engine.run = run;
    engine.preferred_batch = 64; /* a batch costs more than so small a network */
    ASSERT_OK(sscam_model_create_from_engine(&engine, &model));
    ASSERT_OK(sscam_explainer_create(model, method, &explainer));
    set_options(explainer, options);
    sscam_model_unref(model);
    return explainer;
}

static const int64_t shape[] = {1, 1, SIDE, SIDE};

static sscam_map *explain(const char *method, const char *options, int64_t class_index)
{
    sscam_explainer *explainer = explainer_of(method, options);
    sscam_map *map = NULL;
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(input, shape, 4), &class_index, &map));
    sscam_explainer_unref(explainer);
    return map;
}

static void assert_refused(const char *method, const char *options, const char *thing)
{
    const int64_t class_index = 0;
    sscam_explainer *explainer = explainer_of(method, options);
    sscam_map *map = NULL;
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(input, shape, 4), &class_index, &map),
                 SSCAM_E_ARGUMENT, thing);
    ck_assert_ptr_null(map);
    sscam_explainer_unref(explainer);
}

/* The maps of all classes, which share their masked inputs. */
static void explain_classes(const char *method, const char *options, sscam_map *maps[CLASSES])
{
    static const int64_t classes[CLASSES] = {0, 1, 2, 3};
    sscam_explainer *explainer = explainer_of(method, options);
    ASSERT_OK(
        sscam_explain_array_all(&explainer, 1, ARRAY(input, shape, 4), classes, CLASSES, maps));
    sscam_explainer_unref(explainer);
}

static double largest_difference(const sscam_map *a, const sscam_map *b)
{
    double largest = 0.0;
    for (int p = 0; p < PIXELS; p++)
        largest = fmax(largest, fabs((double)sscam_map_data(a)[p] - sscam_map_data(b)[p]));
    return largest;
}

/* --- the stated error ------------------------------------------------------------------------- */

enum { SCENES = 12, MAPS = SCENES * CLASSES };

typedef struct setting {
    const char *method, *options;
    double tolerance;
    int saved;  /* passes, per cent at least */
    float gain; /* of the outputs */
} setting;

static const setting settings[] = {
    {"ss-cam-mean", "samples=200 sigma=0.25", 0.02, 40, 1},
    {"ss-cam-mean", "samples=200 sigma=1", 0.05, 30, 1},
    {"ss-cam-mean", "samples=200 sigma=4", 0.1, 30, 1},
    {"ss-cam-mean", "samples=200 sigma=1 channel_softmax=off", 0.05, 30, 1},
    {"ss-cam-mean", "samples=200 sigma=1 score=probability channel_softmax=off", 0.05, 90, 1},
    {"ss-cam-mean", "samples=200 sigma=1 noise_target=input combine=upsampled", 0.1, 30, 1},
    {"ss-cam-mean", "samples=20 sigma=1", 0.1, 10, 1},
    {"ss-cam-mean", "samples=200 sigma=0.25 noise=common", 0.02, 30, 1},
    {"ss-cam-mean", "samples=200 sigma=1 noise=common", 0.05, 30, 1},
    {"ss-cam-mean", "samples=200 sigma=4 noise=common", 0.1, 60, 1},
    {"ss-cam-mean", "samples=200 sigma=1 noise=common channel_softmax=off", 0.1, 30, 1},
    {"ss-cam-max", "samples=200 sigma=0.25", 0.1, 5, 1},
    {"ss-cam-mean", "samples=200 sigma=0.25", 0.05, 50, 8},
    {"ss-cam-mean", "samples=200 sigma=1", 0.05, 10, 8},
    {"ss-cam-mean", "samples=200 sigma=1 noise=common", 0.05, 1, 8},
    {"ss-cam-max", "samples=200 sigma=0.25", 0.2, 1, 4},
};

START_TEST(the_stated_error_holds)
{
    const setting *setting = &settings[_i];
    char options[128];
    int held = 0;
    int64_t passes = 0, all = 0;
    output_gain = setting->gain;
    snprintf(options, sizeof options, "%s tolerance=%g", setting->options, setting->tolerance);
    for (int i = 0; i < MAPS; i++) {
        static sscam_map *whole[CLASSES];
        show_scene((uint32_t)(i / CLASSES));
        if (i % CLASSES == 0)
            explain_classes(setting->method, setting->options, whole);
        sscam_map *map = explain(setting->method, options, i % CLASSES);
        const double error = sscam_map_estimated_error(map),
                     found = largest_difference(whole[i % CLASSES], map);
        ck_assert_double_le(error, setting->tolerance);
        ck_assert_double_ge(error, 0.0);
        ck_assert_double_eq(sscam_map_estimated_error(whole[i % CLASSES]), 0.0);
        held += found <= error + 1e-6;
        passes += sscam_map_passes(map);
        all += sscam_map_passes(whole[0]);
        sscam_map_unref(map);
        for (int j = 0; j < CLASSES && i % CLASSES == CLASSES - 1; j++)
            sscam_map_unref(whole[j]);
    }
    ck_assert_msg(held * 100 >= 95 * MAPS, "%s: the error holds in %d of %d maps, %lld of %lld",
                  options, held, MAPS, (long long)passes, (long long)all);
    ck_assert_msg(passes * 100 <= all * (100 - setting->saved), "%s: %lld of %lld passes", options,
                  (long long)passes, (long long)all);
}
END_TEST

/* --- which samples ---------------------------------------------------------------------------- */

static void assert_same_map(const sscam_map *a, const sscam_map *b)
{
    ck_assert_mem_eq(sscam_map_data(a), sscam_map_data(b), PIXELS * sizeof(float));
    ck_assert_mem_eq(sscam_map_weights(a), sscam_map_weights(b), CHANNELS * sizeof(float));
    ck_assert_int_eq(sscam_map_passes(a), sscam_map_passes(b));
    ck_assert_double_eq(sscam_map_estimated_error(a), sscam_map_estimated_error(b));
}

START_TEST(batches_change_nothing)
{
    static const char *const noises[] = {"independent", "common"};
    char options[128];
    show_scene(1);
    for (int i = 0; i < 2; i++) {
        sscam_map *maps[3];
        for (int j = 0; j < 3; j++) {
            snprintf(options, sizeof options,
                     "samples=50 sigma=0.5 tolerance=0.05 noise=%s batch_size=%d", noises[i],
                     j == 0   ? 1
                     : j == 1 ? 7
                              : 64);
            maps[j] = explain("ss-cam-mean", options, 1);
        }
        assert_same_map(maps[0], maps[1]);
        assert_same_map(maps[0], maps[2]);
        for (int j = 0; j < 3; j++)
            sscam_map_unref(maps[j]);
    }
}
END_TEST

/* Where no error is small enough, all samples are scored, and the map is that of tolerance=0. */
START_TEST(all_samples_give_the_exact_map)
{
    static const char *const cases[][2] = {
        {"ss-cam-mean", "samples=11 sigma=0.5"},
        {"ss-cam-mean", "samples=11 sigma=0.5 noise=common"},
        {"ss-cam-mean", "samples=2 sigma=0.5 noise=common"},
        {"ss-cam-max", "samples=11 sigma=0.5"},
        {"ss-cam-mean", "samples=11 sigma=0.5 channel_softmax=off baseline=none target=against"},
    };
    char options[128];
    show_scene(2);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(options, sizeof options, "%s tolerance=1e-9", cases[i][1]);
        sscam_map *whole = explain(cases[i][0], cases[i][1], 2),
                  *map = explain(cases[i][0], options, 2);
        ck_assert_double_eq(sscam_map_estimated_error(map), 0.0);
        ck_assert_int_eq(sscam_map_is_flat(whole), 0);
        ck_assert_int_eq(sscam_map_passes(map), sscam_map_passes(whole));
        ck_assert_double_le(largest_difference(whole, map), 1e-5);
        sscam_map_unref(whole);
        sscam_map_unref(map);
    }
}
END_TEST

START_TEST(passes_are_those_that_were_run)
{
    show_scene(3);
    evaluated = 0;
    sscam_map *map = explain("ss-cam-mean", "samples=50 sigma=0.5 tolerance=0.1", 0);
    ck_assert_int_eq(sscam_map_passes(map), evaluated);
    ck_assert_int_lt(evaluated, 50 * CHANNELS);
    ck_assert_ptr_nonnull(strstr(sscam_map_diagnostics(map), "\"estimated_error\": 0.0"));
    sscam_map_unref(map);
}
END_TEST

START_TEST(maps_whose_error_is_unknown_are_refused)
{
    show_scene(4);
    assert_refused("ss-cam-mean", "tolerance=0.1 eigen_smooth=on", "eigen_smooth");
    assert_refused("ss-cam-max", "tolerance=0.1 rescore=on", "rescore");
    assert_refused("ss-cam-max", "tolerance=0.1 noise=common", "noise=independent");
}
END_TEST

/* Samples of common noise are those of channel 0, so that two samples differ in nothing else. */
START_TEST(common_noise_changes_the_noise_alone)
{
    show_scene(5);
    sscam_map *without = explain("ss-cam-mean", "samples=4 sigma=0", 0),
              *with = explain("ss-cam-mean", "samples=4 sigma=1e-4 noise=common", 0),
              *own = explain("ss-cam-mean", "samples=4 sigma=1e-4", 0);
    ck_assert_double_le(largest_difference(without, with), 1e-2);
    ck_assert_double_gt(largest_difference(with, own), 0.0);
    sscam_map_unref(without);
    sscam_map_unref(with);
    sscam_map_unref(own);
}
END_TEST

START_TEST(the_share_of_energy_is_told)
{
    static const char *const rankings[] = {"deviation", "energy"};
    char options[128];
    double shares[2];
    show_scene(6);
    for (int i = 0; i < 2; i++) {
        snprintf(options, sizeof options, "max_channels=5 channel_ranking=%s", rankings[i]);
        sscam_map *map = explain("score-cam", options, 0);
        const char *text = strstr(sscam_map_diagnostics(map), "\"energy_share\": ");
        ck_assert_ptr_nonnull(text);
        shares[i] = atof(text + strlen("\"energy_share\": "));
        ck_assert_double_gt(shares[i], 0.0);
        ck_assert_double_lt(shares[i], 1.0);
        sscam_map_unref(map);
    }
    ck_assert_double_ge(shares[1], shares[0]);
}
END_TEST

static Suite *tolerance_suite(void)
{
    Suite *suite = suite_create("tolerance");
    TCase *errors = add_tcase(suite, "errors", set_up, NULL);
    tcase_set_timeout(errors, 600);
    tcase_add_loop_test(errors, the_stated_error_holds, 0, sizeof settings / sizeof settings[0]);
    TCase *samples = add_tcase(suite, "samples", set_up, NULL);
    tcase_add_test(samples, batches_change_nothing);
    tcase_add_test(samples, all_samples_give_the_exact_map);
    tcase_add_test(samples, passes_are_those_that_were_run);
    tcase_add_test(samples, maps_whose_error_is_unknown_are_refused);
    tcase_add_test(samples, common_noise_changes_the_noise_alone);
    tcase_add_test(samples, the_share_of_energy_is_told);
    return suite;
}

int main(void)
{
    return run_suite(tolerance_suite());
}
