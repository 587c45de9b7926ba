/* DIRECT: points by hand, and functions whose minima are known. The test `more methods` compares
 * the series of points with SciPy's. */
#include <math.h>
#include <stdint.h>

#include "math/direct_search.h"
#include "support/check_main.h"

enum { MOST_POINTS = 20000 };

static const double PI = 3.14159265358979323846;

/* --- functions -------------------------------------------------------------------------------- */

/* (x - 0.2)^2 + (y - 0.7)^2 + ..., along each dimension. */
static double bowl(const double *point, int32_t dimensions)
{
    static const double center[] = {0.2, 0.7, 0.35};
    double sum = 0.0;
    for (int32_t d = 0; d < dimensions; d++)
        sum += (point[d] - center[d]) * (point[d] - center[d]);
    return sum;
}

/* Branin's function over [-5, 10] x [0, 15]: 0.397887 at three points. */
static double branin(const double *point, int32_t dimensions)
{
    (void)dimensions;
    const double x = 15.0 * point[0] - 5.0, y = 15.0 * point[1],
                 bend = y - 5.1 / (4.0 * PI * PI) * x * x + 5.0 / PI * x - 6.0;
    return bend * bend + 10.0 * (1.0 - 1.0 / (8.0 * PI)) * cos(x) + 10.0;
}

/* Two valleys, of which the narrow one is the deeper: -1 at (0.8, 0.3, ...). */
static double two_valleys(const double *point, int32_t dimensions)
{
    static const double deep[] = {0.8, 0.3, 0.6}, wide[] = {0.2, 0.6, 0.3};
    double to_deep = 0.0, to_wide = 0.0;
    for (int32_t d = 0; d < dimensions; d++) {
        to_deep += (point[d] - deep[d]) * (point[d] - deep[d]);
        to_wide += (point[d] - wide[d]) * (point[d] - wide[d]);
    }
    return -exp(-to_deep / 0.02) - 0.8 * exp(-to_wide / 0.1);
}

static double constant(const double *point, int32_t dimensions)
{
    (void)point;
    (void)dimensions;
    return -0.25;
}

/* The lowest value is 0, for which every improvement is large enough: boxes become ever smaller. */
static double corner(const double *point, int32_t dimensions)
{
    double sum = 0.0;
    for (int32_t d = 0; d < dimensions; d++)
        sum += point[d];
    return sum;
}

/* --- searches --------------------------------------------------------------------------------- */

typedef double (*function)(const double *point, int32_t dimensions);

/* Evaluates what is named until there is nothing more; returns the lowest value. */
static double search_all(sscam_direct_search *search, function value_at, int32_t dimensions)
{
    double lowest = INFINITY;
    for (int64_t i = 0; i < sscam_direct_search_count(search);) {
        for (; i < sscam_direct_search_count(search); i++) {
            const double value = value_at(sscam_direct_search_point(search, i), dimensions);
            sscam_direct_search_set_value(search, i, value);
            lowest = fmin(lowest, value);
        }
        sscam_direct_search_advance(search);
    }
    return lowest;
}

static double lowest_of(function value_at, int32_t dimensions, double epsilon, int64_t limit)
{
    sscam_direct_search *search = sscam_direct_search_new(dimensions, epsilon, limit);
    ck_assert_ptr_nonnull(search);
    const double lowest = search_all(search, value_at, dimensions);
    sscam_direct_search_free(search);
    return lowest;
}

/* The centre; a third to each side; then the largest boxes: what lies beside the lowest of these
 * points is as long as the square, so that it is the next to be divided. */
START_TEST(first_points_are_those_by_hand)
{
    static const double wanted[][2] = {{1 / 2.0, 1 / 2.0}, {5 / 6.0, 1 / 2.0}, {1 / 6.0, 1 / 2.0},
                                       {1 / 2.0, 5 / 6.0}, {1 / 2.0, 1 / 6.0}, {1 / 6.0, 5 / 6.0},
                                       {1 / 6.0, 1 / 6.0}, {5 / 6.0, 5 / 6.0}, {5 / 6.0, 1 / 6.0}};
    sscam_direct_search *search = sscam_direct_search_new(2, 0.1, 9);
    search_all(search, bowl, 2);
    ck_assert_int_eq(sscam_direct_search_count(search), 9);
    for (int i = 0; i < 9; i++)
        for (int d = 0; d < 2; d++)
            ck_assert_double_eq_tol(sscam_direct_search_point(search, i)[d], wanted[i][d], 1e-15);
    sscam_direct_search_free(search);
}
END_TEST

START_TEST(minima_that_are_known_are_found)
{
    ck_assert_double_eq_tol(lowest_of(branin, 2, 1e-4, 300), 0.397887, 1e-3);
    for (int32_t dimensions = 1; dimensions <= SSCAM_DIRECT_MOST_DIMENSIONS; dimensions++) {
        ck_assert_double_le(lowest_of(bowl, dimensions, 1e-4, 500), 1e-5);
        ck_assert_double_le(lowest_of(two_valleys, dimensions, 1e-4, 700), -0.99);
    }
}
END_TEST

START_TEST(the_limit_holds_for_any_number)
{
    for (int64_t limit = 1; limit < 60; limit++)
        for (int32_t dimensions = 1; dimensions <= SSCAM_DIRECT_MOST_DIMENSIONS; dimensions++) {
            sscam_direct_search *search = sscam_direct_search_new(dimensions, 0.1, limit);
            search_all(search, two_valleys, dimensions);
            ck_assert_int_eq(sscam_direct_search_count(search), limit);
            sscam_direct_search_free(search);
        }
}
END_TEST

/* Boxes of one value are all divided before smaller ones: a grid. */
START_TEST(equal_values_give_a_grid)
{
    sscam_direct_search *search = sscam_direct_search_new(2, 0.1, 81);
    int is_seen[9][9] = {{0}};
    search_all(search, constant, 2);
    for (int64_t i = 0; i < 81; i++) {
        const double *point = sscam_direct_search_point(search, i);
        is_seen[(int)(9.0 * point[1])][(int)(9.0 * point[0])]++;
    }
    for (int y = 0; y < 9; y++)
        for (int x = 0; x < 9; x++)
            ck_assert_int_eq(is_seen[y][x], 1);
    sscam_direct_search_free(search);
}
END_TEST

/* No point is named twice, however small the boxes become, and none lies outside. */
START_TEST(points_differ)
{
    sscam_direct_search *search = sscam_direct_search_new(1, 0.0, MOST_POINTS / 10);
    const double lowest = search_all(search, corner, 1);
    ck_assert_double_ge(lowest, 0.0);
    for (int64_t i = 0; i < sscam_direct_search_count(search); i++) {
        const double own = *sscam_direct_search_point(search, i);
        ck_assert(own > 0.0 && own < 1.0);
        for (int64_t j = 0; j < i; j++)
            ck_assert_double_ne(own, *sscam_direct_search_point(search, j));
    }
    sscam_direct_search_free(search);
    ck_assert_double_ge(lowest_of(corner, 3, 0.0, MOST_POINTS), 0.0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("direct search");
    TCase *searches = tcase_create("searches");
    tcase_add_test(searches, first_points_are_those_by_hand);
    tcase_add_test(searches, minima_that_are_known_are_found);
    tcase_add_test(searches, the_limit_holds_for_any_number);
    tcase_add_test(searches, equal_values_give_a_grid);
    tcase_add_test(searches, points_differ);
    suite_add_tcase(suite, searches);
    return run_suite(suite);
}
