/* Principal components whose answer is known: maps that are multiples of orthogonal patterns. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "math/linalg.h"
#include "sscam/status.h"
#include "support/check_main.h"

enum { LARGEST_COUNT = 40, LARGEST_SIZE = 64 };

static const double PI = 3.14159265358979323846;

/* Number `which` of `size` orthogonal patterns of unit length and, but for number 0, mean zero: the
 * discrete cosine transform's. */
static double pattern(int which, int p, int size)
{
    const double scale = sqrt((which == 0 ? 1.0 : 2.0) / size);
    return scale * cos(PI * which * (p + 0.5) / size);
}

/* Maps count > k: map k is strength[k] times pattern k + 1, where there are strengths, else zero.
 */
static void fill_maps(float *maps, int count, int size, const double *strength, int strengths)
{
    for (int k = 0; k < count; k++)
        for (int p = 0; p < size; p++)
            maps[k * size + p] = k < strengths ? (float)(strength[k] * pattern(k + 1, p, size))
                                               : 0.0f;
}

static void assert_projection(const float *maps, int count, int size, const float *wanted,
                              float tolerance)
{
    float out[LARGEST_SIZE];
    ck_assert_int_eq(sscam_project_on_principal_component(maps, NULL, count, size, out), SSCAM_OK);
    for (int p = 0; p < size; p++)
        ck_assert_float_eq_tol(out[p], wanted[p], tolerance);
}

/* Counts of maps below and above the number of positions. */
static const int shapes[][2] = {{3, 16}, {3, 3}, {40, 9}, {40, 64}};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

START_TEST(the_strongest_pattern_is_found)
{
    const int count = shapes[_i][0], size = shapes[_i][1];
    const double strength[] = {1.0, 3.0};
    float maps[LARGEST_COUNT * LARGEST_SIZE];
    fill_maps(maps, count, size, strength, 2);
    assert_projection(maps, count, size, maps + size, 1e-5f);
}
END_TEST

/* Eigenvalues one part in a thousand, and in a million, apart. The maps are floats, which mixes the
 * patterns by their rounding over the distance of the eigenvalues. */
START_TEST(close_strengths_are_told_apart)
{
    const int count = shapes[_i][0], size = shapes[_i][1];
    const double closest[] = {1e-3, 1e-6};
    float maps[LARGEST_COUNT * LARGEST_SIZE];
    for (int i = 0; i < 2; i++) {
        const double strength[] = {1.0, 1.0 - 0.5 * closest[i]};
        fill_maps(maps, count, size, strength, 2);
        assert_projection(maps, count, size, maps, (float)(1e-6 / closest[i] * 0.5 + 1e-5));
    }
}
END_TEST

/* Any vector of the space of equal eigenvalues will do: its projection has their strength. */
START_TEST(equal_strengths_give_one_of_their_vectors)
{
    const int count = shapes[_i][0], size = shapes[_i][1];
    const double strength[] = {2.0, 2.0, 1.0};
    float maps[LARGEST_COUNT * LARGEST_SIZE], out[LARGEST_SIZE];
    fill_maps(maps, count, size, strength, size > 3 ? 3 : 2);
    ck_assert_int_eq(sscam_project_on_principal_component(maps, NULL, count, size, out), SSCAM_OK);
    double squares = 0.0;
    for (int p = 0; p < size; p++)
        squares += (double)out[p] * out[p];
    ck_assert_double_eq_tol(sqrt(squares), 2.0, 1e-5);
}
END_TEST

START_TEST(strengths_do_not_overflow_or_vanish)
{
    static const double scales[] = {1e-30, 1e37};
    float maps[2 * 16], out[16];
    for (int i = 0; i < 2; i++) {
        const double strength[] = {scales[i], 0.25 * scales[i]};
        fill_maps(maps, 2, 16, strength, 2);
        ck_assert_int_eq(sscam_project_on_principal_component(maps, NULL, 2, 16, out), SSCAM_OK);
        for (int p = 0; p < 16; p++)
            ck_assert_float_eq_tol((float)(out[p] / scales[i]), (float)pattern(1, p, 16), 1e-5f);
    }
}
END_TEST

START_TEST(constant_maps_have_none)
{
    float maps[2 * 4] = {3, 3, 3, 3, -1, -1, -1, -1}, out[4] = {9, 9, 9, 9};
    ck_assert_int_eq(sscam_project_on_principal_component(maps, NULL, 2, 4, out), SSCAM_OK);
    for (int p = 0; p < 4; p++)
        ck_assert_float_eq(out[p], 0.0f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("linalg");
    TCase *component = tcase_create("principal component");
    tcase_add_loop_test(component, the_strongest_pattern_is_found, 0, SHAPES);
    tcase_add_loop_test(component, close_strengths_are_told_apart, 0, SHAPES);
    tcase_add_loop_test(component, equal_strengths_give_one_of_their_vectors, 0, SHAPES);
    tcase_add_test(component, strengths_do_not_overflow_or_vanish);
    tcase_add_test(component, constant_maps_have_none);
    suite_add_tcase(suite, component);
    return run_suite(suite);
}
