/* The distribution of residuals: what was seen of it, and the tail beyond. */
#include <math.h>

#include "methods/score_residuals.h"
#include "support/check_main.h"

enum { COUNT = 400 };

static double value[COUNT];
static sscam_score_residuals residuals;

static void set_up(void)
{
    residuals = (sscam_score_residuals){.value = value, .count = COUNT};
}

/* Values of an exponential distribution at equal shares, in any order: its tail is exact. */
START_TEST(an_exponential_tail_is_found)
{
    for (int i = 0; i < COUNT; i++)
        value[(i * 7) % COUNT] = -log((i + 0.5) / COUNT);
    sscam_score_residuals_fit(&residuals);
    ck_assert_double_eq_tol(sscam_score_residual(&residuals, 0.5), log(2.0), 0.01);
    ck_assert_double_eq_tol(sscam_score_residual(&residuals, 0.01), log(100.0), 0.15);
    ck_assert_double_eq_tol(sscam_score_residual(&residuals, 1e-4), log(1e4), 0.3);
}
END_TEST

/* A smaller probability never has a smaller residual. */
START_TEST(residuals_rise_as_the_probability_falls)
{
    double last = -INFINITY;
    for (int i = 0; i < COUNT; i++)
        value[i] = sin(i * 12.9898) * cos(i * 0.37);
    sscam_score_residuals_fit(&residuals);
    for (double probability = 1.0; probability > 1e-12; probability *= 0.9) {
        const double own = sscam_score_residual(&residuals, probability);
        ck_assert_double_ge(own, last - 1e-12);
        last = own;
    }
    ck_assert_double_gt(last, value[COUNT - 1]);
    ck_assert_double_eq(sscam_score_residual(&residuals, 1.0), value[0]);
}
END_TEST

/* Equal values have no tail, and a single one is all. */
START_TEST(few_or_equal_values_have_no_tail)
{
    for (int i = 0; i < COUNT; i++)
        value[i] = 3.0;
    for (int count = 1; count < COUNT; count += 57) {
        residuals.count = count;
        sscam_score_residuals_fit(&residuals);
        ck_assert_double_eq(sscam_score_residual(&residuals, 1.0), 3.0);
        ck_assert_double_eq(sscam_score_residual(&residuals, 1e-9), 3.0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("score residuals");
    TCase *tail = add_tcase(suite, "tail", set_up, NULL);
    tcase_add_test(tail, an_exponential_tail_is_found);
    tcase_add_test(tail, residuals_rise_as_the_probability_falls);
    tcase_add_test(tail, few_or_equal_values_have_no_tail);
    return run_suite(suite);
}
