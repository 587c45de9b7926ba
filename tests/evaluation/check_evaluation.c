/* Evaluations on the fake networks: every value against what the public calls give, and how callers
 * misuse them. */
#include <math.h>
#include <stdlib.h>

#include "math/blur.h"
#include "support/fixtures.h"
#include "support/shorthands.h"

enum { WIDTH = 8, HEIGHT = 6, PIXELS = WIDTH * HEIGHT, SIZE = FAKE_COLORS * PIXELS, METHODS = 2 };

static sscam_explainer *explainers[METHODS];
static sscam_image *image;
static sscam_evaluation *evaluation;
static float input[SIZE];

static void set_all(const char *option, const char *value)
{
    for (int i = 0; i < METHODS; i++)
        ASSERT_OK(sscam_explainer_set(explainers[i], option, value));
}

/* Two methods on one fake network, and an image that reaches it as it is. */
static void use(const char *words)
{
    static const char *const methods[METHODS] = {"grad-cam", "ss-cam-mean"};
    sscam_model *model = load_fake(words);
    sscam_evaluation_unref(evaluation);
    for (int i = 0; i < METHODS; i++) {
        sscam_explainer_unref(explainers[i]);
        ASSERT_OK(sscam_explainer_create(model, methods[i], &explainers[i]));
    }
    sscam_model_unref(model);
    set_all("resize", "off");
    set_all("crop", "off");
    set_all("samples", "2");
    set_all("metrics", "all");
    set_all("metric_steps", "5");
    ASSERT_OK(sscam_evaluation_create(explainers, METHODS, &evaluation));
    fake_reset();
}

static void set_up(void)
{
    uint8_t pixels[SIZE];
    int64_t shape[4];
    uint32_t state = 99u;
    for (int i = 0; i < SIZE; i++) {
        pixels[i] = (uint8_t)(next_random(&state) >> 24);
    }
    ASSERT_OK(create_packed(WIDTH, HEIGHT, 3, pixels, &image));
    use("fake positional");
    ASSERT_OK(sscam_explainer_preprocess(explainers[0], image, shape, input, SIZE));
    fake_reset();
}

static void tear_down(void)
{
    sscam_evaluation_unref(evaluation);
    evaluation = NULL;
    for (int i = 0; i < METHODS; i++) {
        sscam_explainer_unref(explainers[i]);
        explainers[i] = NULL;
    }
    sscam_image_unref(image);
    assert_all_networks_freed();
}

static double value_of(int64_t method, int64_t position, int32_t metric)
{
    double value = -1.0;
    ck_assert_int_eq(sscam_evaluation_value(evaluation, method, position, metric, &value),
                     SSCAM_VALUE_DEFINED);
    return value;
}

static void assert_state(int64_t method, int64_t position, int32_t metric, int32_t wanted)
{
    double value = -1.0;
    ck_assert_int_eq(sscam_evaluation_value(evaluation, method, position, metric, &value), wanted);
    ck_assert_double_nan(value);
    ck_assert_int_eq(sscam_evaluation_value(evaluation, method, position, metric, NULL), wanted);
}

/* --- what the values are ---------------------------------------------------------------------- */

static void logits_of(const char *words, const float *values, float logits[FAKE_CLASSES])
{
    const int64_t shape[4] = {1, FAKE_COLORS, HEIGHT, WIDTH};
    int64_t classes;
    sscam_model *model = load_fake(words);
    ASSERT_OK(sscam_model_classify(model, ARRAY(values, shape, 4), logits, FAKE_CLASSES, &classes));
    sscam_model_unref(model);
}

static double probability_of(const float *values, int64_t class_index)
{
    float logits[FAKE_CLASSES];
    double sum = 0.0;
    logits_of("fake positional", values, logits);
    for (int j = 0; j < FAKE_CLASSES; j++)
        sum += exp((double)logits[j]);
    return exp((double)logits[class_index]) / sum;
}

static double logit_of(const float *values, int64_t class_index)
{
    float logits[FAKE_CLASSES];
    logits_of("fake positional", values, logits);
    return logits[class_index];
}

static void mask_input(const float *mask, float *out)
{
    for (int i = 0; i < SIZE; i++)
        out[i] = input[i] * mask[i % PIXELS];
}

/* Pixels by falling value, the first of equal ones first: by selection, the plainest way. */
static void order_of(const float *map, int order[PIXELS])
{
    int taken[PIXELS] = {0};
    for (int i = 0; i < PIXELS; i++) {
        int best = -1;
        for (int p = 0; p < PIXELS; p++)
            if (!taken[p] && (best < 0 || map[p] > map[best]))
                best = p;
        taken[best] = 1;
        order[i] = best;
    }
}

static void assert_drop(int64_t method, int64_t position, double whole, double masked)
{
    ck_assert_double_eq_tol(value_of(method, position, SSCAM_METRIC_AVERAGE_DROP),
                            100.0 * fmax(0.0, whole - masked) / whole, 1e-3);
    ck_assert_double_eq(value_of(method, position, SSCAM_METRIC_AVERAGE_INCREASE),
                        whole < masked ? 100.0 : 0.0);
}

START_TEST(drop_and_increase_compare_probabilities)
{
    const int64_t classes[] = {2, 0, 1};
    int rises = 0;
    ASSERT_OK(sscam_evaluation_add(evaluation, image, CASES(classes, 3, NULL, NULL, 0)));
    ck_assert_int_eq(sscam_evaluation_case_count(evaluation), 3);
    for (int64_t i = 0; i < 3 * METHODS; i++) {
        float masked[SIZE];
        int64_t position = i / METHODS, method = i % METHODS;
        mask_input(sscam_map_data(sscam_evaluation_map(evaluation, method, position)), masked);
        double whole = probability_of(input, classes[position]),
               left = probability_of(masked, classes[position]);
        assert_drop(method, position, whole, left);
        rises += whole < left;
    }
    ck_assert(rises > 0 && rises < 3 * METHODS); /* both were seen */
}
END_TEST

START_TEST(drop_and_increase_may_compare_logits_under_half_the_map)
{
    set_all("metric_score", "logit");
    set_all("metric_mask", "top50");
    ASSERT_OK(sscam_evaluation_add(evaluation, image, NULL));
    int64_t top = sscam_evaluation_class_index(evaluation, 0);
    for (int64_t method = 0; method < METHODS; method++) {
        float half[PIXELS], masked[SIZE];
        int order[PIXELS];
        const float *map = sscam_map_data(sscam_evaluation_map(evaluation, method, 0));
        order_of(map, order);
        for (int i = 0; i < PIXELS; i++)
            half[order[i]] = i < PIXELS / 2 ? map[order[i]] : 0.0f;
        mask_input(half, masked);
        assert_drop(method, 0, logit_of(input, top), logit_of(masked, top));
    }
}
END_TEST

START_TEST(curves_are_probabilities_of_what_is_left)
{
    enum { STEPS = 5 };
    float blurred[SIZE], seen[SIZE];
    const int64_t class_index = 1;
    ASSERT_OK(sscam_blur(input, FAKE_COLORS, HEIGHT, WIDTH, blurred));
    ASSERT_OK(sscam_evaluation_add(evaluation, image, CASES(&class_index, 1, NULL, NULL, 0)));
    for (int insertion = 0; insertion < 2; insertion++) {
        int32_t metric = insertion ? SSCAM_METRIC_INSERTION : SSCAM_METRIC_DELETION;
        double points[STEPS + 1], area = 0.0;
        int order[PIXELS];
        int64_t count = 0;
        order_of(sscam_map_data(sscam_evaluation_map(evaluation, 1, 0)), order);
        ASSERT_OK(sscam_evaluation_curve(evaluation, 1, metric, points, STEPS + 1, &count));
        ck_assert_int_eq(count, STEPS + 1);
        for (int step = 0; step <= STEPS; step++) {
            int changed = step * PIXELS / STEPS, before = (step - 1) * PIXELS / STEPS;
            for (int i = 0; i < PIXELS; i++)
                for (int color = 0; color < FAKE_COLORS; color++) {
                    int at = color * PIXELS + order[i];
                    float background = insertion ? blurred[at] : 0.0f;
                    seen[at] = (i < changed) == insertion ? input[at] : background;
                }
            ck_assert_double_eq_tol(points[step], probability_of(seen, class_index), 1e-5);
            if (step > 0)
                area += (changed - before) / (double)PIXELS * (points[step] + points[step - 1]) /
                        2.0;
        }
        ck_assert_double_eq_tol(value_of(1, 0, metric), area, 1e-9);
    }
}
END_TEST

START_TEST(curves_are_means_over_cases)
{
    const int64_t classes[] = {0, 2};
    double alone[2][6], together[6];
    int64_t count;
    for (int i = 0; i < 2; i++) {
        sscam_evaluation *one = NULL;
        ASSERT_OK(sscam_evaluation_create(explainers, METHODS, &one));
        ASSERT_OK(sscam_evaluation_curve(one, 0, SSCAM_METRIC_DELETION, NULL, 0, &count));
        ck_assert_int_eq(count, 0);
        ASSERT_OK(sscam_evaluation_add(one, image, CASES(&classes[i], 1, NULL, NULL, 0)));
        ASSERT_OK(sscam_evaluation_curve(one, 0, SSCAM_METRIC_DELETION, alone[i], 6, &count));
        sscam_evaluation_unref(one);
    }
    ASSERT_OK(sscam_evaluation_add(evaluation, image, CASES(&classes[0], 1, NULL, NULL, 0)));
    ASSERT_OK(sscam_evaluation_add(evaluation, image, CASES(&classes[1], 1, NULL, NULL, 0)));
    ASSERT_OK(sscam_evaluation_curve(evaluation, 0, SSCAM_METRIC_DELETION, together, 6, &count));
    for (int i = 0; i < 6; i++)
        ck_assert_double_eq_tol(together[i], (alone[0][i] + alone[1][i]) / 2, 1e-12);
    set_all("metric_steps", "6");
    ASSERT_FAILS(sscam_evaluation_add(evaluation, image, NULL), SSCAM_E_ARGUMENT, "metric_steps");
    ck_assert_int_eq(sscam_evaluation_case_count(evaluation), 2);
}
END_TEST

START_TEST(pointing_looks_into_the_boxes)
{
    const int64_t classes[] = {0, 1};
    const float boxes[] = {2, 1, 5, 4, 0, 0, 8, 6};
    const int64_t owners[] = {1, 0};
    ASSERT_OK(sscam_evaluation_add(evaluation, image, CASES(classes, 2, boxes, owners, 2)));
    for (int64_t method = 0; method < METHODS; method++) {
        const float *map = sscam_map_data(sscam_evaluation_map(evaluation, method, 1));
        double sum = 0.0, inside = 0.0;
        int order[PIXELS];
        for (int p = 0; p < PIXELS; p++) {
            int x = p % WIDTH, y = p / WIDTH, is_inside = x >= 2 && x < 5 && y >= 1 && y < 4;
            sum += map[p];
            inside += is_inside ? map[p] : 0.0;
        }
        order_of(map, order);
        int hits = order[0] % WIDTH >= 2 && order[0] % WIDTH < 5 && order[0] / WIDTH >= 1 &&
                   order[0] / WIDTH < 4;
        ck_assert_double_eq_tol(value_of(method, 1, SSCAM_METRIC_ENERGY_POINTING),
                                100.0 * inside / sum, 1e-9);
        ck_assert_double_eq(value_of(method, 1, SSCAM_METRIC_POINTING), hits ? 100.0 : 0.0);
        ck_assert_double_eq_tol(value_of(method, 0, SSCAM_METRIC_ENERGY_POINTING), 100.0, 1e-9);
        ck_assert_double_eq(value_of(method, 0, SSCAM_METRIC_POINTING), 100.0);
    }
}
END_TEST

START_TEST(classes_without_boxes_have_no_pointing)
{
    const int64_t classes[] = {0, 1};
    const float boxes[] = {100, 100, 120, 120}; /* far outside */
    ASSERT_OK(sscam_evaluation_add(evaluation, image, CASES(classes, 2, boxes, NULL, 1)));
    ck_assert_double_eq(value_of(0, 0, SSCAM_METRIC_ENERGY_POINTING), 0.0);
    ck_assert_double_eq(value_of(0, 0, SSCAM_METRIC_POINTING), 0.0);
    assert_state(0, 1, SSCAM_METRIC_ENERGY_POINTING, SSCAM_VALUE_ABSENT);
    assert_state(0, 1, SSCAM_METRIC_POINTING, SSCAM_VALUE_ABSENT);
    ck_assert_int_eq(sscam_evaluation_value(evaluation, 0, 1, SSCAM_METRIC_AVERAGE_DROP, NULL),
                     SSCAM_VALUE_DEFINED);
}
END_TEST

START_TEST(sensitivity_correlates_the_extreme_classes)
{
    const int64_t one_class = 1;
    float logits[FAKE_CLASSES];
    int64_t extremes[2] = {0, 0};
    logits_of("fake positional", input, logits);
    for (int j = 1; j < FAKE_CLASSES; j++) {
        extremes[0] = logits[j] > logits[extremes[0]] ? j : extremes[0];
        extremes[1] = logits[j] < logits[extremes[1]] ? j : extremes[1];
    }
    ASSERT_OK(sscam_evaluation_add(evaluation, image, CASES(&one_class, 1, NULL, NULL, 0)));
    for (int64_t method = 0; method < METHODS; method++) {
        sscam_map *maps[2];
        double mean[2] = {0}, square[2] = {0}, product = 0.0;
        ASSERT_OK(sscam_explain_image_all(&explainers[method], 1, image, extremes, 2, maps));
        for (int p = 0; p < PIXELS; p++)
            for (int j = 0; j < 2; j++)
                mean[j] += sscam_map_data(maps[j])[p] / (double)PIXELS;
        for (int p = 0; p < PIXELS; p++) {
            double first = sscam_map_data(maps[0])[p] - mean[0],
                   second = sscam_map_data(maps[1])[p] - mean[1];
            square[0] += first * first;
            square[1] += second * second;
            product += first * second;
        }
        ck_assert_double_eq_tol(value_of(method, 0, SSCAM_METRIC_CLASS_SENSITIVITY),
                                product / sqrt(square[0] * square[1]), 1e-6);
        sscam_map_unref(maps[0]);
        sscam_map_unref(maps[1]);
    }
    ck_assert_ptr_null(
        sscam_evaluation_map(evaluation, 0, 1)); /* nobody asked for that class's map */
}
END_TEST

START_TEST(flat_maps_point_nowhere)
{
    const float whole[] = {0, 0, WIDTH, HEIGHT};
    use("fake flat");
    ASSERT_OK(sscam_evaluation_add(evaluation, image, CASES(NULL, 0, whole, NULL, 1)));
    assert_state(0, 0, SSCAM_METRIC_ENERGY_POINTING, SSCAM_VALUE_UNDEFINED);
    assert_state(0, 0, SSCAM_METRIC_POINTING, SSCAM_VALUE_UNDEFINED);
    assert_state(0, 0, SSCAM_METRIC_CLASS_SENSITIVITY, SSCAM_VALUE_UNDEFINED);
    ck_assert_double_eq(value_of(0, 0, SSCAM_METRIC_AVERAGE_DROP),
                        0.0); /* nothing matters to this network */
    sscam_metric_total total = SSCAM_METRIC_TOTAL_INIT;
    ASSERT_OK(sscam_evaluation_total(evaluation, 0, SSCAM_METRIC_POINTING, &total));
    ck_assert(isnan(total.mean) && isnan(total.lower) && isnan(total.upper));
    ck_assert(total.defined_count == 0 && total.undefined_count == 1);
}
END_TEST

START_TEST(one_output_has_no_second_class)
{
    use("fake one-output");
    ASSERT_OK(sscam_evaluation_add(evaluation, image, NULL));
    assert_state(0, 0, SSCAM_METRIC_CLASS_SENSITIVITY, SSCAM_VALUE_UNDEFINED);
    ck_assert_double_ge(value_of(0, 0, SSCAM_METRIC_AVERAGE_DROP), 0.0);
}
END_TEST

START_TEST(only_wanted_metrics_are_computed)
{
    const float whole[] = {0, 0, WIDTH, HEIGHT};
    set_all("metrics", "pointing");
    ASSERT_OK(sscam_evaluation_add(evaluation, image, CASES(NULL, 0, whole, NULL, 1)));
    for (int32_t metric = 1; metric <= (int32_t)sscam_metric_count(); metric++)
        if (metric != SSCAM_METRIC_POINTING)
            assert_state(0, 0, metric, SSCAM_VALUE_ABSENT);
    ck_assert_double_eq(value_of(0, 0, SSCAM_METRIC_POINTING), 100.0);
    long long inputs = atomic_load(&fake_counted.inputs);
    set_all("metrics", "pointing,average_drop");
    fake_reset();
    ASSERT_OK(sscam_evaluation_add(evaluation, image, CASES(NULL, 0, whole, NULL, 1)));
    ck_assert_int_eq(atomic_load(&fake_counted.inputs),
                     inputs + METHODS); /* a masked input for each method */
}
END_TEST

/* With costs wanted, each method is explained by itself; without, methods share the capture. */
START_TEST(each_method_costs_what_it_takes_alone)
{
    for (int is_measured = 0; is_measured < 2; is_measured++) {
        use("fake positional");
        set_all("metrics", is_measured ? "seconds,peak_memory,passes" : "passes");
        ASSERT_OK(sscam_evaluation_add(evaluation, image, NULL));
        ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_CAPTURE]), is_measured ? 2 : 1);
        for (int64_t method = 0; method < METHODS; method++) {
            ck_assert_double_ge(value_of(method, 0, SSCAM_METRIC_PASSES), is_measured);
            if (is_measured)
                continue;
            assert_state(method, 0, SSCAM_METRIC_SECONDS, SSCAM_VALUE_ABSENT);
            assert_state(method, 0, SSCAM_METRIC_PEAK_MEMORY, SSCAM_VALUE_ABSENT);
        }
        for (int64_t method = 0; method < METHODS && is_measured; method++) {
            ck_assert_double_gt(value_of(method, 0, SSCAM_METRIC_SECONDS), 0.0);
            ck_assert_double_gt(value_of(method, 0, SSCAM_METRIC_PEAK_MEMORY), 0.0);
        }
    }
}
END_TEST

START_TEST(classes_share_passes)
{
    const int64_t both[] = {0, 1};
    set_all("metrics", "pointing");
    ASSERT_OK(sscam_evaluation_add(evaluation, image, CASES(both, 1, NULL, NULL, 0)));
    long long one = atomic_load(&fake_counted.inputs);
    fake_reset();
    ASSERT_OK(sscam_evaluation_add(evaluation, image, CASES(both, 2, NULL, NULL, 0)));
    ck_assert_int_eq(atomic_load(&fake_counted.inputs),
                     one + 1); /* one more capture of gradients */
}
END_TEST

/* The masked input is explained as any other: here, by a call of its own. */
START_TEST(coherency_is_of_the_map_of_the_masked_input)
{
    const int64_t classes[] = {1, 2}, shape[4] = {1, FAKE_COLORS, HEIGHT, WIDTH};
    float masked[SIZE];
    ASSERT_OK(sscam_evaluation_add(evaluation, image, CASES(classes, 2, NULL, NULL, 0)));
    for (int64_t i = 0; i < 2 * METHODS; i++) {
        const int64_t method = i / 2, position = i % 2;
        const float *map = sscam_map_data(sscam_evaluation_map(evaluation, method, position));
        sscam_map *again = NULL;
        double mean = 0.0, means = 0.0, products = 0.0, squares = 0.0, others = 0.0;
        mask_input(map, masked);
        ASSERT_OK(sscam_explain_array(explainers[method], ARRAY(masked, shape, 4),
                                      &classes[position], &again));
        const float *other = sscam_map_data(again);
        for (int p = 0; p < PIXELS; p++) {
            mean += (double)map[p] / PIXELS;
            means += (double)other[p] / PIXELS;
        }
        for (int p = 0; p < PIXELS; p++) {
            products += ((double)map[p] - mean) * ((double)other[p] - means);
            squares += pow((double)map[p] - mean, 2.0);
            others += pow((double)other[p] - means, 2.0);
        }
        const double coherency = 50.0 * (1.0 + products / sqrt(squares * others));
        const double drop = value_of(method, position, SSCAM_METRIC_AVERAGE_DROP);
        ck_assert_double_eq_tol(value_of(method, position, SSCAM_METRIC_COHERENCY), coherency,
                                1e-3);
        ck_assert_double_eq_tol(value_of(method, position, SSCAM_METRIC_COMPLEXITY), 100.0 * mean,
                                1e-4);
        ck_assert_double_eq_tol(
            value_of(method, position, SSCAM_METRIC_ADCC),
            drop >= 100.0
                ? 0.0
                : 3.0 / (1.0 / coherency + 1.0 / (100.0 - 100.0 * mean) + 1.0 / (100.0 - drop)),
            1e-3);
        sscam_map_unref(again);
    }
}
END_TEST

/* --- known values and totals ------------------------------------------------------------------ */

START_TEST(known_values_make_the_same_totals)
{
    const int64_t classes[] = {0, 1, 2};
    const float box[] = {1, 1, 5, 5};
    const int64_t owners[] = {1};
    sscam_evaluation *known = NULL;
    ASSERT_OK(sscam_evaluation_add(evaluation, image, CASES(classes, 3, box, owners, 1)));
    ASSERT_OK(sscam_evaluation_create(NULL, METHODS, &known));
    for (int64_t i = 3; i-- > 0;) { /* in another order */
        ASSERT_OK(sscam_evaluation_add_known(known, classes[i]));
        for (int64_t j = 0; j < METHODS * sscam_metric_count(); j++) {
            double value;
            int32_t metric = sscam_metric_id(sscam_metric_info(j / METHODS));
            if (sscam_evaluation_value(evaluation, j % METHODS, i, metric, &value) !=
                SSCAM_VALUE_ABSENT)
                ASSERT_OK(sscam_evaluation_set_value(known, j % METHODS, 2 - i, metric, value));
        }
    }
    for (int64_t j = 0; j < METHODS * sscam_metric_count(); j++) {
        sscam_metric_total total = SSCAM_METRIC_TOTAL_INIT, other = SSCAM_METRIC_TOTAL_INIT;
        int32_t metric = sscam_metric_id(sscam_metric_info(j / METHODS));
        ASSERT_OK(sscam_evaluation_total(evaluation, j % METHODS, metric, &total));
        ASSERT_OK(sscam_evaluation_total(known, j % METHODS, metric, &other));
        ck_assert_mem_eq(&total, &other, sizeof total);
        const int32_t needs_boxes = metric == SSCAM_METRIC_POINTING ||
                                    metric == SSCAM_METRIC_ENERGY_POINTING,
                      is_in_all = metric != SSCAM_METRIC_SECONDS &&
                                  metric != SSCAM_METRIC_PEAK_MEMORY;
        ck_assert_int_eq(total.defined_count + total.undefined_count, !is_in_all    ? 0
                                                                      : needs_boxes ? 1
                                                                                    : 3);
    }
    ck_assert_int_eq(sscam_evaluation_class_index(known, 0), 2);
    sscam_evaluation_unref(known);
}
END_TEST

START_TEST(undefined_values_are_counted_and_left_out)
{
    const double values[] = {10.0, NAN, 30.0};
    double value = 0.0;
    sscam_metric_total total = SSCAM_METRIC_TOTAL_INIT;
    for (int64_t i = 0; i < 4; i++) {
        ASSERT_OK(sscam_evaluation_add_known(evaluation, 0));
        if (i < 3)
            ASSERT_OK(
                sscam_evaluation_set_value(evaluation, 1, i, SSCAM_METRIC_INSERTION, values[i]));
    }
    ASSERT_OK(sscam_evaluation_total(evaluation, 1, SSCAM_METRIC_INSERTION, &total));
    ck_assert(total.mean == 20.0 && total.defined_count == 2 && total.undefined_count == 1);
    ck_assert_int_eq(sscam_evaluation_value(evaluation, 1, 1, SSCAM_METRIC_INSERTION, &value),
                     SSCAM_VALUE_UNDEFINED);
    ASSERT_OK(sscam_evaluation_total(evaluation, 0, SSCAM_METRIC_INSERTION, &total));
    ck_assert_int_eq(total.defined_count, 0);
}
END_TEST

/* --- misuse and failure ----------------------------------------------------------------------- */

START_TEST(creation_is_checked)
{
    sscam_evaluation *made = evaluation;
    sscam_explainer *with_null[METHODS] = {explainers[0], NULL},
                    *foreign[METHODS] = {explainers[0]};
    ASSERT_FAILS(sscam_evaluation_create(explainers, METHODS, NULL), SSCAM_E_ARGUMENT, "out");
    ASSERT_FAILS(sscam_evaluation_create(explainers, 0, &made), SSCAM_E_ARGUMENT, "0 methods");
    ck_assert_ptr_null(made);
    ASSERT_FAILS(sscam_evaluation_create(NULL, INT64_MAX, &made), SSCAM_E_ARGUMENT, "methods");
    ASSERT_FAILS(sscam_evaluation_create(with_null, METHODS, &made), SSCAM_E_ARGUMENT,
                 "explainer 1 is NULL");
    foreign[1] = make_explainer("fake linear", "cam");
    ASSERT_FAILS(sscam_evaluation_create(foreign, METHODS, &made), SSCAM_E_ARGUMENT,
                 "another model");
    ck_assert_ptr_null(made);
    sscam_explainer_unref(foreign[1]);
    sscam_evaluation_unref(NULL);
}
END_TEST

static void assert_refused(const sscam_image *image, const int64_t *classes, int64_t class_count,
                           const float *boxes, const int64_t *owners, int64_t count,
                           const char *thing)
{
    ASSERT_FAILS(
        sscam_evaluation_add(evaluation, image, CASES(classes, class_count, boxes, owners, count)),
        SSCAM_E_ARGUMENT, thing);
    ck_assert_int_eq(sscam_evaluation_case_count(evaluation), 0);
}

START_TEST(arguments_are_checked)
{
    const int64_t class_index = 0;
    const float reversed[] = {5, 0, 4, 1}, upside_down[] = {0, 3, 1, 2},
                infinite[] = {0, 0, INFINITY, 1};
    const float whole[] = {0, 0, WIDTH, HEIGHT};
    const int64_t owner = 1, before = -1;
    assert_refused(NULL, NULL, 0, NULL, NULL, 0, "image");
    assert_refused(image, &class_index, 0, NULL, NULL, 0, "class_count is 0");
    assert_refused(image, &class_index, -3, NULL, NULL, 0, "class_count is -3");
    assert_refused(image, NULL, 0, whole, NULL, -1, "box_count is -1");
    assert_refused(image, &class_index, 1, whole, &before, 1, "class -1 of 1");
    assert_refused(image, NULL, 0, NULL, NULL, 1, "boxes");
    assert_refused(image, NULL, 0, reversed, NULL, 1, "5,0,4,1");
    assert_refused(image, NULL, 0, upside_down, NULL, 1, "box 0");
    assert_refused(image, NULL, 0, infinite, NULL, 1, "infinity");
    assert_refused(image, &class_index, 1, whole, &owner, 1, "class 1 of 1");
    ASSERT_OK(sscam_explainer_set(explainers[1], "metric_mask", "top50"));
    assert_refused(image, NULL, 0, NULL, NULL, 0, "metric_mask");
    ASSERT_FAILS(sscam_explainer_set(explainers[0], "metrics", "drop"), SSCAM_E_ARGUMENT,
                 "\"drop\"");
    ck_assert_str_eq(option_text(explainers[0], "metrics"), "all");
    ASSERT_FAILS(sscam_evaluation_add(NULL, image, NULL), SSCAM_E_ARGUMENT, "evaluation");
    ASSERT_FAILS(sscam_evaluation_add_known(NULL, 0), SSCAM_E_ARGUMENT, "evaluation");
    ASSERT_FAILS(sscam_evaluation_add_known(evaluation, -1), SSCAM_E_ARGUMENT, "-1");
    ck_assert_int_eq(atomic_load(&fake_counted.inputs), 0);
}
END_TEST

START_TEST(positions_are_checked)
{
    double points[6];
    int64_t count;
    sscam_metric_total total = SSCAM_METRIC_TOTAL_INIT;
    ASSERT_OK(sscam_evaluation_add_known(evaluation, 7));
    ASSERT_FAILS(sscam_evaluation_set_value(evaluation, METHODS, 0, 1, 0.0), SSCAM_E_ARGUMENT,
                 "method 2 of 2");
    ASSERT_FAILS(sscam_evaluation_set_value(evaluation, 0, 1, 1, 0.0), SSCAM_E_ARGUMENT,
                 "case 1 of 1");
    ASSERT_FAILS(sscam_evaluation_set_value(evaluation, 0, 0, 99, 0.0), SSCAM_E_ARGUMENT, "99");
    ASSERT_FAILS(sscam_evaluation_set_value(evaluation, 0, 0, 1, INFINITY), SSCAM_E_ARGUMENT,
                 "infinite");
    ASSERT_FAILS(sscam_evaluation_set_value(NULL, 0, 0, 1, 0.0), SSCAM_E_ARGUMENT, "NULL");
    ASSERT_FAILS(sscam_evaluation_total(evaluation, 0, 0, &total), SSCAM_E_ARGUMENT, "0");
    ASSERT_FAILS(sscam_evaluation_total(evaluation, -1, 1, &total), SSCAM_E_ARGUMENT,
                 "method -1 of 2");
    ASSERT_FAILS(sscam_evaluation_total(evaluation, 0, 1, NULL), SSCAM_E_ARGUMENT,
                 "sscam_metric_total");
    total.struct_size = 8;
    ASSERT_FAILS(sscam_evaluation_total(evaluation, 0, 1, &total), SSCAM_E_ARGUMENT,
                 "struct_size is 8");
    ASSERT_FAILS(sscam_evaluation_set_value(evaluation, 0, -1, 1, 0.0), SSCAM_E_ARGUMENT,
                 "case -1 of 1");
    ASSERT_FAILS(sscam_evaluation_curve(evaluation, 0, SSCAM_METRIC_POINTING, points, 6, &count),
                 SSCAM_E_ARGUMENT, "no curve");
    ASSERT_FAILS(sscam_evaluation_curve(evaluation, 0, SSCAM_METRIC_DELETION, NULL, 6, &count),
                 SSCAM_E_ARGUMENT, "points");
    ASSERT_FAILS(sscam_evaluation_curve(evaluation, 0, SSCAM_METRIC_DELETION, points, 6, NULL),
                 SSCAM_E_ARGUMENT, "point_count");
    ck_assert_int_eq(sscam_evaluation_class_index(evaluation, 1), -1);
    ck_assert_int_eq(sscam_evaluation_class_index(evaluation, -1), -1);
    ck_assert_ptr_null(sscam_evaluation_map(evaluation, -1, 0));
    ck_assert_ptr_null(sscam_evaluation_map(evaluation, 0, -1));
    ck_assert_int_eq(sscam_evaluation_value(evaluation, 0, -1, 1, NULL), SSCAM_VALUE_ABSENT);
    ck_assert_int_eq(sscam_evaluation_value(evaluation, -1, 0, 1, NULL), SSCAM_VALUE_ABSENT);
    ck_assert_int_eq(sscam_evaluation_class_index(NULL, 0), -1);
    ck_assert_int_eq(sscam_evaluation_case_count(NULL), 0);
    ck_assert_int_eq(sscam_evaluation_method_count(NULL), 0);
    ck_assert_int_eq(sscam_evaluation_method_count(evaluation), METHODS);
    ck_assert_ptr_null(sscam_evaluation_map(evaluation, 0, 0));
    ck_assert_ptr_null(sscam_evaluation_map(NULL, 0, 0));
    ck_assert_int_eq(sscam_evaluation_value(NULL, 0, 0, 1, NULL), SSCAM_VALUE_ABSENT);
    ck_assert_int_eq(sscam_evaluation_value(evaluation, 0, 0, -5, NULL), SSCAM_VALUE_ABSENT);
}
END_TEST

START_TEST(without_explainers_nothing_is_explained)
{
    sscam_evaluation *known = NULL;
    ASSERT_OK(sscam_evaluation_create(NULL, 1, &known));
    ASSERT_FAILS(sscam_evaluation_add(known, image, NULL), SSCAM_E_ARGUMENT, "without explainers");
    sscam_evaluation_unref(known);
}
END_TEST

/* Fails each call of the backend in turn: the status comes through, nothing is added, and the next
 * try succeeds. */
START_TEST(failures_add_nothing)
{
    static const fake_call calls[] = {FAKE_CLASSIFY, FAKE_CAPTURE, FAKE_SCORE, FAKE_BATCH};
    static const sscam_status statuses[] = {SSCAM_E_DEVICE, SSCAM_E_MODEL, SSCAM_E_LAYER};
    const fake_call call = calls[_i];
    for (long long nth = 1; nth <= 3; nth++) {
        fake_reset();
        ASSERT_OK(sscam_evaluation_add(evaluation, image, NULL));
        int64_t before = sscam_evaluation_case_count(evaluation);
        if (atomic_load(&fake_counted.calls[call]) < nth)
            break;
        fake_reset();
        fake_fail_at(call, nth, statuses[nth - 1]);
        ASSERT_FAILS(sscam_evaluation_add(evaluation, image, NULL), statuses[nth - 1],
                     fake_call_name(call));
        ck_assert_int_eq(sscam_evaluation_case_count(evaluation), before);
    }
}
END_TEST

START_TEST(classes_and_networks_that_cannot_be_used)
{
    const int64_t classes[] = {0, FAKE_CLASSES};
    ASSERT_FAILS(sscam_evaluation_add(evaluation, image, CASES(classes, 2, NULL, NULL, 0)),
                 SSCAM_E_CLASS, "class 3");
    use("fake nan-scores");
    ASSERT_FAILS(sscam_evaluation_add(evaluation, image, NULL), SSCAM_E_MODEL, "score");
    ck_assert_int_eq(sscam_evaluation_case_count(evaluation), 0);
}
END_TEST

/* Also of a method that scores nothing itself: a drop to infinity would be none, a curve
 * infinite. */
START_TEST(scores_that_are_not_finite_are_no_metrics)
{
    static const char *const networks[] = {"fake nan-scores", "fake infinite-scores"};
    static const char *const metrics[] = {"average_drop", "insertion"};
    for (int i = 0; i < 4; i++) {
        sscam_evaluation *gradients_alone;
        use(networks[i % 2]);
        set_all("metrics", metrics[i / 2]);
        ASSERT_OK(sscam_evaluation_create(explainers, 1, &gradients_alone));
        ASSERT_FAILS(sscam_evaluation_add(gradients_alone, image, NULL), SSCAM_E_MODEL,
                     "score of a masked input is");
        ck_assert_int_eq(sscam_evaluation_case_count(gradients_alone), 0);
        sscam_evaluation_unref(gradients_alone);
    }
}
END_TEST

typedef struct heard {
    double last;
    int reports, stop_at;
} heard;

static int32_t hear(void *user, double fraction)
{
    heard *heard = user;
    ck_assert_double_ge(fraction, heard->last);
    ck_assert_double_le(fraction, 1.0);
    heard->last = fraction;
    return ++heard->reports == heard->stop_at;
}

START_TEST(progress_rises_to_the_end_and_cancels_anywhere)
{
    heard heard = {0};
    ASSERT_OK(sscam_explainer_set_progress(explainers[1], hear, &heard));
    ASSERT_OK(sscam_evaluation_add(evaluation, image, NULL));
    ck_assert_double_eq(heard.last, 1.0);
    int reports = heard.reports;
    for (int stop = 1; stop <= reports; stop++) {
        heard = (struct heard){.stop_at = stop};
        ASSERT_FAILS(sscam_evaluation_add(evaluation, image, NULL), SSCAM_E_CANCELLED, "cancelled");
        ck_assert_int_eq(sscam_evaluation_case_count(evaluation), 1);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("evaluation");
    TCase *values = add_tcase(suite, "values", set_up, tear_down),
          *use_and_misuse = add_tcase(suite, "use", set_up, tear_down);
    tcase_add_test(values, drop_and_increase_compare_probabilities);
    tcase_add_test(values, drop_and_increase_may_compare_logits_under_half_the_map);
    tcase_add_test(values, curves_are_probabilities_of_what_is_left);
    tcase_add_test(values, curves_are_means_over_cases);
    tcase_add_test(values, pointing_looks_into_the_boxes);
    tcase_add_test(values, classes_without_boxes_have_no_pointing);
    tcase_add_test(values, sensitivity_correlates_the_extreme_classes);
    tcase_add_test(values, flat_maps_point_nowhere);
    tcase_add_test(values, one_output_has_no_second_class);
    tcase_add_test(values, only_wanted_metrics_are_computed);
    tcase_add_test(values, each_method_costs_what_it_takes_alone);
    tcase_add_test(values, classes_share_passes);
    tcase_add_test(values, coherency_is_of_the_map_of_the_masked_input);
    tcase_add_test(values, known_values_make_the_same_totals);
    tcase_add_test(values, undefined_values_are_counted_and_left_out);
    tcase_add_test(use_and_misuse, creation_is_checked);
    tcase_add_test(use_and_misuse, arguments_are_checked);
    tcase_add_test(use_and_misuse, positions_are_checked);
    tcase_add_test(use_and_misuse, without_explainers_nothing_is_explained);
    tcase_add_loop_test(use_and_misuse, failures_add_nothing, 0, 4);
    tcase_add_test(use_and_misuse, classes_and_networks_that_cannot_be_used);
    tcase_add_test(use_and_misuse, scores_that_are_not_finite_are_no_metrics);
    tcase_add_test(use_and_misuse, progress_rises_to_the_end_and_cancels_anywhere);
    return run_suite(suite);
}
