/* The metrics as functions of numbers, on cases that can be worked out by hand. */
#include <math.h>
#include <stdlib.h>

#include "base/statistics.h"
#include "evaluation/bootstrap.h"
#include "evaluation/metrics.h"
#include "math/blur.h"
#include "math/imputation.h"
#include "options/metric_table.h"
#include "support/assertions.h"
#include "support/check_main.h"
#include "support/reference.h"

#define ASSERT_NEAR(found, wanted) ck_assert_double_eq_tol(found, wanted, 1e-12)

/* --- drop and increase ------------------------------------------------------------------------ */

START_TEST(a_drop_is_a_share_of_the_score)
{
    ASSERT_NEAR(sscam_average_drop(0.8, 0.2), 75.0);
    ASSERT_NEAR(sscam_average_drop(0.8, 0.8), 0.0);
    ASSERT_NEAR(sscam_average_drop(2.0, -1.0), 150.0); /* of logits, a drop may pass 0 */
}
END_TEST

START_TEST(a_rise_is_no_drop)
{
    ASSERT_NEAR(sscam_average_drop(0.2, 0.8), 0.0);
    ASSERT_NEAR(sscam_average_increase(0.2, 0.8), 100.0);
    ASSERT_NEAR(sscam_average_increase(0.8, 0.2), 0.0);
    ASSERT_NEAR(sscam_average_increase(0.5, 0.5), 0.0);
}
END_TEST

START_TEST(a_share_of_nothing_is_undefined)
{
    ck_assert_double_nan(sscam_average_drop(0.0, 0.1));
    ck_assert_double_nan(sscam_average_drop(-1.0, -2.0));
    ASSERT_NEAR(sscam_average_increase(0.0, 0.1), 100.0);
}
END_TEST

/* --- boxes ------------------------------------------------------------------------------------ */

enum { SIDE = 4, PIXELS = SIDE * SIDE };

/* An image of 12 x 8, halved to 6 x 4, of which the middle 4 x 4 is seen. */
static const sscam_geometry geometry = {.source_width = 12,
                                        .source_height = 8,
                                        .resized_width = 6,
                                        .resized_height = 4,
                                        .crop_left = 1,
                                        .crop_top = 0,
                                        .input_width = SIDE,
                                        .input_height = SIDE};

static void assert_marked(const float *boxes, size_t count, const char *wanted)
{
    uint8_t inside[PIXELS];
    ck_assert_uint_eq(sscam_mark_boxes(&geometry, boxes, NULL, count, 0, inside), count);
    for (int p = 0; p < PIXELS; p++)
        ck_assert_msg(inside[p] == (wanted[p] == '#'), "pixel %d is %d", p, inside[p]);
}

START_TEST(boxes_go_through_resize_and_crop)
{
    const float box[] = {4, 2, 8, 6}; /* 2..4 by 1..3 resized, 1..3 by 1..3 cropped */
    assert_marked(box, 1, ".....##..##.....");
}
END_TEST

START_TEST(pixels_belong_by_their_centres)
{
    /* Edges at 1.5 and 2.5, where centres lie: the left one takes its pixel in, the right one does
     * not. */
    const float on_centres[] = {5, 2, 7, 4}, just_past[] = {5.1f, 2, 7.1f, 4};
    assert_marked(on_centres, 1, ".....#..........");
    assert_marked(just_past, 1, "......#.........");
}
END_TEST

START_TEST(boxes_are_united_and_cut_at_the_crop)
{
    const float boxes[] = {-3, -3, 6, 4, 4, 2, 30, 4};
    assert_marked(boxes, 2, "##..####........");
}
END_TEST

START_TEST(boxes_outside_the_crop_mark_nothing)
{
    const float boxes[] = {0,   0,   2,     8,     10,    0,     12, 8, -50, -50,
                           -40, -40, 1e30f, 1e30f, 2e30f, 2e30f, 4,  4, 4,   6};
    assert_marked(boxes, 5, "................");
}
END_TEST

START_TEST(only_the_owners_boxes_count)
{
    const float boxes[] = {2, 0, 4, 2, 4, 0, 6, 2, 6, 0, 8, 2};
    const int64_t owners[] = {1, 0, 1};
    uint8_t inside[PIXELS];
    ck_assert_uint_eq(sscam_mark_boxes(&geometry, boxes, owners, 3, 1, inside), 2);
    ck_assert(inside[0] && !inside[1] && inside[2] && !inside[3]);
    ck_assert_uint_eq(sscam_mark_boxes(&geometry, boxes, owners, 3, 2, inside), 0);
    for (int p = 0; p < PIXELS; p++)
        ck_assert_int_eq(inside[p], 0);
}
END_TEST

/* --- pointing --------------------------------------------------------------------------------- */

START_TEST(energy_is_the_share_inside)
{
    const float map[] = {0.5f, 0.25f, 1.0f, 0.25f}, zeros[4] = {0};
    const uint8_t first_and_last[] = {1, 0, 0, 1}, none[4] = {0};
    ASSERT_NEAR(sscam_energy_pointing(map, first_and_last, 4), 37.5);
    ASSERT_NEAR(sscam_energy_pointing(map, none, 4), 0.0);
    ck_assert_double_nan(sscam_energy_pointing(zeros, first_and_last, 4));
}
END_TEST

START_TEST(of_equal_maxima_the_first_points)
{
    const float map[] = {0.5f, 1.0f, 1.0f, 0.0f}, flat[] = {0.25f, 0.25f, 0.25f, 0.25f};
    const uint8_t second[] = {0, 1, 0, 0}, third[] = {0, 0, 1, 0};
    ASSERT_NEAR(sscam_pointing(map, second, 4), 100.0);
    ASSERT_NEAR(sscam_pointing(map, third, 4), 0.0);
    ck_assert_double_nan(sscam_pointing(flat, second, 4));
}
END_TEST

/* --- order and area --------------------------------------------------------------------------- */

START_TEST(order_is_stable)
{
    const float map[] = {0.0f, 1.0f, 0.5f, 1.0f, 0.5f, -0.0f};
    const int32_t wanted[] = {1, 3, 2, 4, 0, 5};
    int32_t order[6];
    ASSERT_OK(sscam_salience_order(map, 6, order));
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(order[i], wanted[i]);
}
END_TEST

START_TEST(the_upper_half_keeps_its_values)
{
    const float map[] = {0.1f, 0.9f, 0.5f, 0.9f, 0.5f};
    const float wanted[] = {0.0f, 0.9f, 0.5f, 0.9f, 0.0f}; /* 3 of 5, the first of the equal ones */
    float half[5];
    int32_t order[5];
    ASSERT_OK(sscam_salience_order(map, 5, order));
    sscam_keep_top_half(map, order, 5, half);
    for (int i = 0; i < 5; i++)
        ck_assert_float_eq(half[i], wanted[i]);
}
END_TEST

START_TEST(area_is_over_the_share_of_pixels)
{
    const double line[] = {0.0, 0.25, 0.5, 0.75, 1.0}, ones[] = {1, 1, 1, 1, 1},
                 spike[] = {0, 1, 0};
    ASSERT_NEAR(sscam_area_under(line, 4, 100), 0.5);
    ASSERT_NEAR(sscam_area_under(ones, 4, 7), 1.0); /* steps of unequal size: 1, 2, 2, 2 pixels */
    ASSERT_NEAR(sscam_area_under(spike, 2, 10), 0.5);
    const double rise[] = {0, 0, 1}; /* 3 pixels in 2 steps: 1, then 2 */
    ASSERT_NEAR(sscam_area_under(rise, 2, 3), 1.0 / 3);
    ck_assert_int_eq(sscam_pixels_after_step(1, 2, 3), 1);
    ck_assert_int_eq(sscam_pixels_after_step(2, 2, 3), 3);
    ASSERT_NEAR(sscam_area_under(ones, 4, 2), 1.0); /* more steps than pixels */
}
END_TEST

START_TEST(correlation_is_pearsons)
{
    const float a[] = {0.0f, 0.5f, 1.0f, 0.5f}, twice[] = {1, 2, 3, 2},
                opposite[] = {1, 0.5f, 0, 0.5f};
    const float across[] = {0, 1, 0, -1}, flat[4] = {0};
    ASSERT_NEAR(sscam_correlation(a, twice, 4), 1.0);
    ASSERT_NEAR(sscam_correlation(a, opposite, 4), -1.0);
    ASSERT_NEAR(sscam_correlation(a, across, 4), 0.0);
    ck_assert_double_nan(sscam_correlation(a, flat, 4));
    ck_assert_double_nan(sscam_correlation(flat, a, 4));
}
END_TEST

/* --- blur ------------------------------------------------------------------------------------- */

START_TEST(blur_keeps_the_sum_of_a_point_and_is_symmetric)
{
    enum { LARGE = 21 };
    static float point[LARGE * LARGE], blurred[LARGE * LARGE];
    double sum = 0.0;
    point[10 * LARGE + 10] = 1.0f;
    ASSERT_OK(sscam_blur(point, 1, LARGE, LARGE, blurred));
    for (int p = 0; p < LARGE * LARGE; p++) {
        int y = p / LARGE, x = p % LARGE;
        sum += blurred[p];
        ck_assert_float_eq(blurred[p], blurred[x * LARGE + y]);
        ck_assert_float_eq(blurred[p], blurred[(LARGE - 1 - y) * LARGE + x]);
        ck_assert((blurred[p] > 0.0f) == (abs(y - 10) <= 5 && abs(x - 10) <= 5));
    }
    ck_assert_double_eq_tol(sum, 1.0, 1e-6);
}
END_TEST

START_TEST(blur_sees_zeros_around_the_input)
{
    static float ones[2 * 3 * 40], blurred[2 * 3 * 40];
    for (int i = 0; i < 2 * 3 * 40; i++)
        ones[i] = i < 3 * 40 ? 1.0f : 2.0f;
    ASSERT_OK(sscam_blur(ones, 2, 3, 40, blurred));
    ck_assert_float_lt(blurred[0],
                       blurred[20]); /* the corner has more zeros near than the middle */
    ck_assert_float_lt(blurred[20], 1.0f);
    for (int i = 0; i < 3 * 40; i++)
        ck_assert_float_eq_tol(blurred[3 * 40 + i], 2 * blurred[i], 1e-6); /* channels apart */
}
END_TEST

/* --- totals ----------------------------------------------------------------------------------- */

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Mean of a resample, straight from the definition. */
static double resample(const double *sorted, int64_t count, uint32_t number)
{
    double sum = 0.0;
    for (int64_t j = 0; j < count; j++) {
        const uint32_t counter[4] = {(uint32_t)(j / 4), number, 0, 0}, key[2] = {0, 0};
        uint32_t words[4];
        reference_philox(counter, key, words);
        sum += sorted[(int64_t)floor((double)words[j % 4] * (double)count / 4294967296.0)];
    }
    return sum / (double)count;
}

START_TEST(totals_are_mean_and_percentiles_of_resamples)
{
    enum { COUNT = 2500, RESAMPLES = 1000 };
    static double values[COUNT], means[RESAMPLES];
    double sum = 0.0;
    for (int i = 0; i < COUNT; i++)
        sum += values[i] = fmod(i * 37.7, 100.0);
    sscam_mean_interval total = sscam_bootstrap_mean(values, COUNT);
    ck_assert_double_eq_tol(total.mean, sum / COUNT, 1e-9);
    for (int i = 1; i < COUNT; i++)
        ck_assert_double_ge(values[i], values[i - 1]);
    for (uint32_t r = 0; r < RESAMPLES; r++)
        means[r] = resample(values, COUNT, r);
    qsort(means, RESAMPLES, sizeof *means, compare);
    ck_assert_double_eq_tol(total.lower, means[24] + 0.975 * (means[25] - means[24]), 1e-9);
    ck_assert_double_eq_tol(total.upper, means[974] + 0.025 * (means[975] - means[974]), 1e-9);
    ck_assert_double_lt(total.lower, total.mean);
    ck_assert_double_gt(total.upper, total.mean);
}
END_TEST

START_TEST(totals_of_few_values)
{
    double one[] = {42.0}, none[1];
    sscam_mean_interval total = sscam_bootstrap_mean(one, 1);
    ck_assert(total.mean == 42.0 && total.lower == 42.0 && total.upper == 42.0);
    total = sscam_bootstrap_mean(none, 0);
    ck_assert(isnan(total.mean) && isnan(total.lower) && isnan(total.upper));
}
END_TEST

/* --- the table -------------------------------------------------------------------------------- */

START_TEST(adcc_is_a_harmonic_mean)
{
    const float map[] = {0.0f, 0.25f, 0.75f, 1.0f}, same[] = {0.0f, 0.5f, 1.5f, 2.0f},
                opposite[] = {1.0f, 0.75f, 0.25f, 0.0f}, flat[] = {0.0f, 0.0f, 0.0f, 0.0f};
    ck_assert_double_eq(sscam_complexity(map, 4), 50.0);
    ck_assert_double_nan(sscam_complexity(flat, 4));
    ck_assert_double_eq_tol(sscam_coherency(map, same, 4), 100.0, 1e-12);
    ck_assert_double_eq_tol(sscam_coherency(map, opposite, 4), 0.0, 1e-12);
    ck_assert_double_nan(sscam_coherency(map, flat, 4));
    ck_assert_double_eq_tol(sscam_adcc(60.0, 80.0, 50.0), 3.0 / (1 / 40.0 + 1 / 80.0 + 1 / 50.0),
                            1e-12);
    ck_assert_double_eq(sscam_adcc(100.0, 80.0, 50.0), 0.0);
    ck_assert_double_eq(sscam_adcc(60.0, 0.0, 50.0), 0.0);
    ck_assert_double_eq(sscam_adcc(60.0, 80.0, 100.0), 0.0);
    ck_assert_double_nan(sscam_adcc(NAN, 80.0, 50.0));
    ck_assert_double_nan(sscam_adcc(60.0, NAN, 50.0));
    ck_assert_double_nan(sscam_adcc(100.0, 80.0, NAN));
}
END_TEST

START_TEST(arcc_is_a_harmonic_mean)
{
    ck_assert_double_eq_tol(sscam_arcc(20.0, 80.0, 50.0), 3.0 / (1 / 40.0 + 1 / 80.0 + 1 / 50.0),
                            1e-12);
    ck_assert_double_eq_tol(sscam_arcc(70.0, 80.0, 50.0), 3.0 / (1 / 100.0 + 1 / 80.0 + 1 / 50.0),
                            1e-12);
    ck_assert_double_eq(sscam_arcc(-5.0, 80.0, 50.0), 0.0);
    ck_assert_double_nan(sscam_arcc(NAN, 80.0, 50.0));
    ck_assert_double_nan(sscam_arcc(20.0, NAN, 50.0));
}
END_TEST

START_TEST(infidelity_is_what_the_best_factor_leaves)
{
    const double predicted[] = {1.0, 2.0, -1.0}, twice[] = {2.0, 4.0, -2.0},
                 other[] = {1.0, 0.0, 1.0}, nothing[] = {0.0, 0.0, 0.0};
    ck_assert_double_eq_tol(sscam_infidelity(predicted, twice, 3), 0.0, 1e-15);
    /* b = (1 - 1) / 6 = 0 */
    ck_assert_double_eq_tol(sscam_infidelity(predicted, other, 3), 2.0 / 3.0, 1e-15);
    ck_assert_double_eq_tol(sscam_infidelity(nothing, other, 3), 2.0 / 3.0, 1e-15);
}
END_TEST

START_TEST(distances_are_relative)
{
    const float map[] = {0.0f, 3.0f, 4.0f}, moved[] = {0.0f, 0.0f, 4.0f},
                flat[] = {0.0f, 0.0f, 0.0f};
    ck_assert_double_eq_tol(sscam_relative_distance(map, moved, 3), 0.6, 1e-7);
    ck_assert_double_eq(sscam_relative_distance(map, map, 3), 0.0);
    ck_assert_double_nan(sscam_relative_distance(flat, map, 3));
}
END_TEST

START_TEST(maps_are_cut_at_a_share_of_their_maximum)
{
    const float map[] = {0.0f, 0.25f, 0.5f, 1.0f};
    float cut[4];
    sscam_cut_below(map, 4, 0.5, cut);
    ck_assert(cut[0] == 0.0f && cut[1] == 0.0f && cut[2] == 0.5f && cut[3] == 1.0f);
    sscam_cut_below(map, 4, 0.0, cut);
    ck_assert_mem_eq(map, cut, sizeof map);
}
END_TEST

/* Known values on a plane are continued by it, and a removed pixel is the weighted mean of what is
 * beside it. */
START_TEST(removed_pixels_are_means_of_their_neighbours)
{
    enum { SIDE = 9 };
    float image[2 * SIDE * SIDE];
    uint8_t removed[SIDE * SIDE] = {0};
    for (int p = 0; p < SIDE * SIDE; p++) {
        image[p] = (float)(p % SIDE) - 2.0f * (float)(p / SIDE);
        image[SIDE * SIDE + p] = 3.0f;
        removed[p] = p % SIDE > 1 && p % SIDE < 7 && p / SIDE > 2 && p / SIDE < 7;
    }
    for (int p = 0; p < SIDE * SIDE; p++)
        if (removed[p])
            image[p] = 100.0f, image[SIDE * SIDE + p] = -50.0f;
    ASSERT_OK(sscam_impute(removed, 2, SIDE, SIDE, image));
    for (int p = 0; p < SIDE * SIDE; p++) {
        ck_assert_float_eq_tol(image[p], (float)(p % SIDE) - 2.0f * (float)(p / SIDE), 2e-3f);
        ck_assert_float_eq_tol(image[SIDE * SIDE + p], 3.0f, 2e-3f);
    }
    float corner[4] = {100.0f, 1.0f, 2.0f, 4.0f};
    const uint8_t first[4] = {1, 0, 0, 0};
    ASSERT_OK(sscam_impute(first, 1, 2, 2, corner));
    ck_assert_float_eq_tol(corner[0], (1.0f / 6 + 2.0f / 6 + 4.0f / 12) / (5.0f / 12), 1e-5f);
}
END_TEST

static const struct {
    int32_t id, direction;
    const char *name;
} known[] = {{1, -1, "average_drop"},
             {2, 1, "average_increase"},
             {3, 1, "energy_pointing"},
             {4, 1, "pointing"},
             {5, 1, "insertion"},
             {6, -1, "deletion"},
             {7, -1, "class_sensitivity"},
             {8, -1, "complexity"},
             {9, 1, "coherency"},
             {10, 1, "adcc"},
             {11, 1, "road"},
             {12, 1, "arcc"},
             {13, -1, "infidelity"},
             {14, -1, "max_sensitivity"},
             {15, -1, "passes"},
             {16, -1, "seconds"},
             {17, -1, "peak_memory"}};
enum { KNOWN = sizeof known / sizeof known[0] };

START_TEST(the_table_keeps_its_promises)
{
    const sscam_metric *metric = sscam_metric_info(_i);
    ck_assert_int_eq(sscam_metric_id(metric), known[_i].id);
    ck_assert_int_eq(sscam_metric_direction(metric), known[_i].direction);
    ck_assert_str_eq(sscam_metric_name(metric), known[_i].name);
    ck_assert_ptr_eq(sscam_metric_find(known[_i].name), metric);
    ck_assert_str_eq(sscam_metric_unit(metric), _i < 4 || (_i >= 7 && _i < 12)             ? "%"
                                                : known[_i].id == SSCAM_METRIC_PEAK_MEMORY ? "MiB"
                                                                                           : "");
    ck_assert_int_eq(sscam_metric_is_reproducible(metric),
                     strcmp(known[_i].name, "seconds") && strcmp(known[_i].name, "peak_memory"));
    ck_assert_uint_ge(strlen(sscam_metric_title(metric)), 4);
    ck_assert_uint_gt(strlen(sscam_metric_summary(metric)), 20);
    ck_assert_uint_gt(strlen(sscam_metric_citation(metric)), 20);
    ck_assert_int_lt(sscam_metric_id(metric), SSCAM_METRIC_LIMIT);
}
END_TEST

START_TEST(what_is_not_in_the_table_tells_nothing)
{
    ck_assert_int_eq(sscam_metric_count(), KNOWN);
    ck_assert_ptr_null(sscam_metric_info(-1));
    ck_assert_ptr_null(sscam_metric_find(NULL));
    ck_assert_ptr_null(sscam_metric_find("drop"));
    ck_assert_ptr_null(sscam_metric_info(KNOWN));
    ck_assert_int_eq(sscam_metric_id(NULL), 0);
    ck_assert_int_eq(sscam_metric_direction(NULL), 0);
    ck_assert_int_eq(sscam_metric_is_reproducible(NULL), 0);
    ck_assert_ptr_null(sscam_metric_name(NULL));
    ck_assert_ptr_null(sscam_metric_title(NULL));
    ck_assert_ptr_null(sscam_metric_unit(NULL));
    ck_assert_ptr_null(sscam_metric_summary(NULL));
    ck_assert_ptr_null(sscam_metric_citation(NULL));
}
END_TEST

START_TEST(lists_of_metrics)
{
    uint32_t metrics = 0;
    ASSERT_OK(sscam_metrics_parse("deletion", &metrics));
    ck_assert_uint_eq(metrics, SSCAM_METRIC_BIT(SSCAM_METRIC_DELETION));
    ASSERT_OK(sscam_metrics_parse("pointing,average_drop,pointing", &metrics));
    ck_assert_uint_eq(metrics, SSCAM_METRIC_BIT(SSCAM_METRIC_POINTING) |
                                   SSCAM_METRIC_BIT(SSCAM_METRIC_AVERAGE_DROP));
    ASSERT_OK(sscam_metrics_parse("all", &metrics));
    ck_assert_uint_eq(metrics, 0xFFFEu);
    static const char *const wrong[] = {
        "", ",", "pointing,", "drop", "pointing, deletion", "ALL", "average_dro"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ASSERT_FAILS(sscam_metrics_parse(wrong[i], &metrics), SSCAM_E_ARGUMENT,
                     "class_sensitivity");
        ck_assert_uint_eq(metrics, 0xFFFEu);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics");
    TCase *numbers = tcase_create("numbers"), *table = tcase_create("table");
    tcase_add_test(numbers, a_drop_is_a_share_of_the_score);
    tcase_add_test(numbers, a_rise_is_no_drop);
    tcase_add_test(numbers, a_share_of_nothing_is_undefined);
    tcase_add_test(numbers, boxes_go_through_resize_and_crop);
    tcase_add_test(numbers, pixels_belong_by_their_centres);
    tcase_add_test(numbers, boxes_are_united_and_cut_at_the_crop);
    tcase_add_test(numbers, boxes_outside_the_crop_mark_nothing);
    tcase_add_test(numbers, only_the_owners_boxes_count);
    tcase_add_test(numbers, energy_is_the_share_inside);
    tcase_add_test(numbers, of_equal_maxima_the_first_points);
    tcase_add_test(numbers, order_is_stable);
    tcase_add_test(numbers, the_upper_half_keeps_its_values);
    tcase_add_test(numbers, area_is_over_the_share_of_pixels);
    tcase_add_test(numbers, correlation_is_pearsons);
    tcase_add_test(numbers, blur_keeps_the_sum_of_a_point_and_is_symmetric);
    tcase_add_test(numbers, blur_sees_zeros_around_the_input);
    tcase_add_test(numbers, totals_are_mean_and_percentiles_of_resamples);
    tcase_add_test(numbers, totals_of_few_values);
    tcase_add_test(table, adcc_is_a_harmonic_mean);
    tcase_add_test(numbers, arcc_is_a_harmonic_mean);
    tcase_add_test(numbers, infidelity_is_what_the_best_factor_leaves);
    tcase_add_test(numbers, distances_are_relative);
    tcase_add_test(numbers, maps_are_cut_at_a_share_of_their_maximum);
    tcase_add_test(numbers, removed_pixels_are_means_of_their_neighbours);
    tcase_add_loop_test(table, the_table_keeps_its_promises, 0, KNOWN);
    tcase_add_test(table, what_is_not_in_the_table_tells_nothing);
    tcase_add_test(table, lists_of_metrics);
    suite_add_tcase(suite, numbers);
    suite_add_tcase(suite, table);
    return run_suite(suite);
}
