/* Normalising: constant and nearly constant maps, also where the host flushes denormal numbers. */
#include <float.h>
#include <math.h>
#include <stdint.h>

#include "math/min_max.h"
#include "support/check_main.h"

#ifdef __SSE__
#include <xmmintrin.h>

/* The two bits of the control register: results flushed to zero, operands taken for zero. */
enum { FLUSH_TO_ZERO = 0x8000, DENORMALS_ARE_ZERO = 0x0040 };

static unsigned float_control(void)
{
    return _mm_getcsr();
}

static void set_float_control(unsigned bits)
{
    _mm_setcsr(bits);
}
#else
enum { FLUSH_TO_ZERO = 0, DENORMALS_ARE_ZERO = 0 };

static unsigned float_control(void)
{
    return 0;
}

static void set_float_control(unsigned bits)
{
    (void)bits;
}
#endif

static const unsigned modes[] = {0, FLUSH_TO_ZERO, DENORMALS_ARE_ZERO,
                                 FLUSH_TO_ZERO | DENORMALS_ARE_ZERO};
enum { MODES = sizeof modes / sizeof modes[0], COUNT = 3 };

/* Normalises under one of the modes and leaves it; comparisons of denormals come after that. */
static int32_t normalise_under(unsigned mode, float *values)
{
    const unsigned before = float_control();
    set_float_control(before | mode);
    const int32_t is_constant = sscam_normalise(values, COUNT);
    set_float_control(before);
    return is_constant;
}

/* Either the values are scaled or the map is marked constant and zero; never NaN. */
static void assert_scaled_or_constant(unsigned mode, const float *map)
{
    float values[COUNT] = {map[0], map[1], map[2]};
    const int32_t is_constant = normalise_under(mode, values);
    float least = INFINITY, greatest = -INFINITY;
    for (int i = 0; i < COUNT; i++) {
        ck_assert(isfinite(values[i]));
        least = fminf(least, values[i]);
        greatest = fmaxf(greatest, values[i]);
    }
    ck_assert_float_eq(least, 0.0f);
    ck_assert_float_eq(greatest, is_constant ? 0.0f : 1.0f);
    if (mode == 0)
        ck_assert(!is_constant);
}

START_TEST(denormal_values_are_scaled_or_constant)
{
    const float map[COUNT] = {0.0f, 0x1p-140f, 0x1p-139f};
    assert_scaled_or_constant(modes[_i], map);
}
END_TEST

/* The values are normal numbers, but their difference is not. */
START_TEST(denormal_differences_are_scaled_or_constant)
{
    const float map[COUNT] = {FLT_MIN, 1.25f * FLT_MIN, 1.5f * FLT_MIN};
    assert_scaled_or_constant(modes[_i], map);
}
END_TEST

START_TEST(constant_values_become_zeros)
{
    static const float constants[] = {0.0f, -2.0f, 3e38f, 0x1p-140f};
    for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++) {
        float values[COUNT] = {constants[i], constants[i], constants[i]};
        ck_assert(normalise_under(modes[_i], values));
        for (int p = 0; p < COUNT; p++)
            ck_assert_float_eq(values[p], 0.0f);
    }
}
END_TEST

START_TEST(values_reach_0_and_1)
{
    float values[COUNT] = {-1.0f, 3.0f, 0.0f};
    ck_assert(!normalise_under(modes[_i], values));
    ck_assert_float_eq(values[0], 0.0f);
    ck_assert_float_eq(values[1], 1.0f);
    ck_assert_float_eq(values[2], 0.25f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("min_max");
    TCase *normalising = tcase_create("normalising");
    tcase_add_loop_test(normalising, denormal_values_are_scaled_or_constant, 0, MODES);
    tcase_add_loop_test(normalising, denormal_differences_are_scaled_or_constant, 0, MODES);
    tcase_add_loop_test(normalising, constant_values_become_zeros, 0, MODES);
    tcase_add_loop_test(normalising, values_reach_0_and_1, 0, MODES);
    suite_add_tcase(suite, normalising);
    return run_suite(suite);
}
