/* Evaluations of maps that the caller gives: values must be those of the same maps computed by the
 * explainers. */
#include <math.h>

#include "support/fixtures.h"
#include "support/shorthands.h"

enum { WIDTH = 8, HEIGHT = 6, METHODS = 2, MOST_CLASSES = FAKE_CLASSES };

static sscam_explainer *explainers[METHODS];
static sscam_image *image;
static sscam_evaluation *explained, *evaluation;
static sscam_map *kept[METHODS * MOST_CLASSES];
static const int64_t classes[MOST_CLASSES] = {2, 0, 1};
static const float boxes[] = {1, 1, 5, 4, 0, 0, 8, 3};
static const int64_t owners[] = {0, 1};

static void use(const char *words, const char *options)
{
    static const char *const methods[METHODS] = {"grad-cam", "eigen-cam"};
    sscam_model *model = load_fake(words);
    for (int i = 0; i < METHODS; i++) {
        ASSERT_OK(sscam_explainer_create(model, methods[i], &explainers[i]));
        skip_resizing(explainers[i]);
        set_options(explainers[i], "metrics=all metric_steps=5");
        set_options(explainers[i], options);
    }
    sscam_model_unref(model);
    ASSERT_OK(sscam_evaluation_create(explainers, METHODS, &explained));
    ASSERT_OK(sscam_evaluation_create(explainers, METHODS, &evaluation));
    image = make_image(WIDTH, HEIGHT, 3);
}

static void tear_down(void)
{
    for (int i = 0; i < METHODS * MOST_CLASSES; i++) {
        sscam_map_unref(kept[i]);
        kept[i] = NULL;
    }
    for (int i = 0; i < METHODS; i++)
        sscam_explainer_unref(explainers[i]);
    sscam_evaluation_unref(explained);
    sscam_evaluation_unref(evaluation);
    sscam_image_unref(image);
    assert_all_networks_freed();
}

/* Evaluates the first classes, and keeps their maps, [METHODS][class_count]. */
static void explain(int64_t class_count)
{
    ASSERT_OK(
        sscam_evaluation_add(explained, image, CASES(classes, class_count, boxes, owners, 2)));
    for (int64_t i = 0; i < METHODS * class_count; i++)
        kept[i] = sscam_map_ref(
            (sscam_map *)sscam_evaluation_map(explained, i / class_count, i % class_count));
    fake_reset();
}

static sscam_status add_given(int64_t class_count)
{
    sscam_evaluation_case cases = *CASES(classes, class_count, boxes, owners, 2);
    cases.maps = (const sscam_map *const *)kept;
    return sscam_evaluation_add(evaluation, image, &cases);
}

/* Measured by the clock and the allocator: not the same twice. */
static int is_measured(int32_t metric)
{
    return metric == SSCAM_METRIC_SECONDS || metric == SSCAM_METRIC_PEAK_MEMORY;
}

/* Other inputs have no map from outside, and maps from outside cost nothing. */
static int needs_explainer(int32_t metric)
{
    return metric == SSCAM_METRIC_COHERENCY || metric == SSCAM_METRIC_ADCC ||
           metric == SSCAM_METRIC_ARCC || metric == SSCAM_METRIC_MAX_SENSITIVITY ||
           metric == SSCAM_METRIC_PASSES || is_measured(metric);
}

static void assert_values_are_equal(int64_t class_count)
{
    for (int64_t i = 0; i < METHODS * class_count * sscam_metric_count(); i++) {
        const int32_t metric = sscam_metric_id(sscam_metric_info(i / METHODS / class_count));
        const int64_t method = i % METHODS, position = i / METHODS % class_count;
        double wanted, value;
        const int32_t state = sscam_evaluation_value(explained, method, position, metric, &wanted);
        const int32_t found = sscam_evaluation_value(evaluation, method, position, metric, &value);
        if (kept[method * class_count] && needs_explainer(metric)) {
            ck_assert_int_eq(found, SSCAM_VALUE_ABSENT);
            continue;
        }
        ck_assert_int_eq(found, state);
        if (state == SSCAM_VALUE_DEFINED && !is_measured(metric))
            ck_assert_double_eq_tol(value, wanted, 1e-4 * fabs(wanted) + 1e-9);
        ck_assert_int_eq(sscam_evaluation_class_index(evaluation, position), classes[position]);
    }
}

static const char *const networks[][2] = {
    {"fake positional", ""},
    {"fake positional", "probability=sigmoid metric_score=logit"},
    {"fake dense", "region=all"},
    {"fake dense", "region=0,0,6,4 reduction=sum metric_score=logit"}};
enum { NETWORKS = sizeof networks / sizeof *networks };

START_TEST(maps_have_the_values_that_they_have_when_computed)
{
    use(networks[_i][0], networks[_i][1]);
    explain(MOST_CLASSES);
    ASSERT_OK(add_given(MOST_CLASSES));
    assert_values_are_equal(MOST_CLASSES);
    const int is_dense = _i >=
                         2; /* then the pixels of each class, and the top class, have to be found */
    ck_assert_int_eq(atomic_load(&fake_counted.calls[FAKE_CAPTURE]),
                     is_dense ? MOST_CLASSES + 1 : 0);
    for (int64_t i = 0; i < METHODS * MOST_CLASSES; i++)
        ck_assert_ptr_eq(sscam_evaluation_map(evaluation, i / MOST_CLASSES, i % MOST_CLASSES),
                         kept[i]);
}
END_TEST

START_TEST(the_other_methods_are_explained)
{
    use(networks[_i][0], networks[_i][1]);
    explain(MOST_CLASSES);
    for (int i = 0; i < MOST_CLASSES; i++) {
        sscam_map_unref(kept[i]);
        kept[i] = NULL;
    }
    ASSERT_OK(add_given(MOST_CLASSES));
    assert_values_are_equal(MOST_CLASSES);
}
END_TEST

START_TEST(the_top_class_needs_no_list)
{
    use("fake positional", "");
    ASSERT_OK(sscam_evaluation_add(explained, image, NULL));
    const sscam_map *maps[METHODS] = {sscam_evaluation_map(explained, 0, 0),
                                      sscam_evaluation_map(explained, 1, 0)};
    sscam_evaluation_case cases = SSCAM_EVALUATION_CASE_INIT;
    cases.maps = maps;
    ASSERT_OK(sscam_evaluation_add(evaluation, image, &cases));
    ck_assert_int_eq(sscam_evaluation_class_index(evaluation, 0),
                     sscam_evaluation_class_index(explained, 0));
    double wanted, value;
    ck_assert_int_eq(sscam_evaluation_value(explained, 0, 0, SSCAM_METRIC_AVERAGE_DROP, &wanted),
                     sscam_evaluation_value(evaluation, 0, 0, SSCAM_METRIC_AVERAGE_DROP, &value));
    ck_assert_double_eq(value, wanted);
    /* There is no map of the least likely class. */
    ck_assert_int_eq(sscam_evaluation_value(evaluation, 0, 0, SSCAM_METRIC_CLASS_SENSITIVITY, NULL),
                     SSCAM_VALUE_ABSENT);
    ck_assert_int_eq(sscam_evaluation_value(explained, 0, 0, SSCAM_METRIC_CLASS_SENSITIVITY, NULL),
                     SSCAM_VALUE_DEFINED);
}
END_TEST

START_TEST(maps_that_do_not_fit_are_refused)
{
    sscam_map *other = NULL;
    sscam_image *larger = make_image(WIDTH + 2, HEIGHT, 3);
    use("fake positional", "");
    explain(2);
    sscam_map *const second = kept[1];
    kept[1] = NULL;
    ASSERT_FAILS(add_given(2), SSCAM_E_ARGUMENT, "maps of method 0: that of class 1 is NULL");
    ASSERT_OK(sscam_explain_image(explainers[0], larger, 0, &other));
    kept[1] = other;
    ASSERT_FAILS(add_given(2), SSCAM_E_ARGUMENT, "it has 10x6 pixels, the network's input 8x6");
    ck_assert_int_eq(sscam_evaluation_case_count(evaluation), 0);
    ck_assert_ptr_null(sscam_evaluation_map(evaluation, 0, 0));
    kept[1] = second;
    ASSERT_OK(add_given(2));
    ck_assert_int_eq(sscam_evaluation_case_count(evaluation), 2);
    sscam_map_unref(other);
    sscam_image_unref(larger);
}
END_TEST

START_TEST(a_failing_network_adds_nothing)
{
    use(_i ? "fake dense" : "fake positional", _i ? "region=all" : "");
    explain(2);
    fake_fail_at(_i ? FAKE_CAPTURE : FAKE_CLASSIFY, 1, SSCAM_E_MODEL);
    ck_assert_int_eq(add_given(2), SSCAM_E_MODEL);
    ck_assert_int_eq(sscam_evaluation_case_count(evaluation), 0);
    ASSERT_OK(add_given(2));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("given_maps");
    TCase *maps = add_tcase(suite, "maps", NULL, tear_down);
    tcase_add_loop_test(maps, maps_have_the_values_that_they_have_when_computed, 0, NETWORKS);
    tcase_add_loop_test(maps, the_other_methods_are_explained, 0, NETWORKS);
    tcase_add_test(maps, the_top_class_needs_no_list);
    tcase_add_test(maps, maps_that_do_not_fit_are_refused);
    tcase_add_loop_test(maps, a_failing_network_adds_nothing, 0, 2);
    return run_suite(suite);
}
