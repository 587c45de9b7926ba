/* The noise is a public function: held against Random123's known answers and a float64
 * reference. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "masks/noise.h"
#include "support/check_main.h"
#include "support/reference.h"

/* The error that docs/methods.md allows. */
static const double ALLOWED = 1e-5;

/* philox4x32-10 of Random123's kat_vectors. */
typedef struct known_answer {
    uint32_t counter[4], key[2], word[4];
} known_answer;

static const known_answer known_answers[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

START_TEST(reference_gives_the_known_answers)
{
    const known_answer *known = &known_answers[_i];
    uint32_t word[4];
    reference_philox(known->counter, known->key, word);
    for (int j = 0; j < 4; j++)
        ck_assert_uint_eq(word[j], known->word[j]);
}
END_TEST

START_TEST(known_answers_become_their_normal_values)
{
    const known_answer *known = &known_answers[_i];
    const sscam_noise_plane plane = {
        .seed = (int64_t)((uint64_t)known->key[1] << 32 | known->key[0]),
        .channel = known->counter[1],
        .sample = known->counter[2],
        .image = known->counter[3],
    };
    double normal[4];
    float value[4];
    reference_box_muller(known->word, normal);
    sscam_noise_fill(&plane, (int64_t)known->counter[0] * 4, 4, value);
    for (int j = 0; j < 4; j++)
        ck_assert_double_eq_tol(value[j], normal[j], ALLOWED);
}
END_TEST

/* Worked out apart from this program, from the words of the all-zero counter. */
START_TEST(first_values_are_these)
{
    static const double first[4] = {0.99113768, -0.92466259, -0.61760896, -0.48206859};
    const sscam_noise_plane plane = {0, 0, 0, 0};
    float value[4];
    sscam_noise_fill(&plane, 0, 4, value);
    for (int j = 0; j < 4; j++)
        ck_assert_double_eq_tol(value[j], first[j], ALLOWED);
}
END_TEST

static const sscam_noise_plane planes[] = {
    {0, 0, 0, 0},
    {1, 511, 9, 3},
    {-1, 7, 0, 1},
    {INT64_MIN, 1, 2, 3},
    {INT64_MAX, 2047, 34, 0},
    {INT64_C(0x123456789), 0xFFFFFFFFu, 0xFFFFFFFFu, 0xFFFFFFFFu},
};
enum { PLANES = sizeof planes / sizeof planes[0] };

static void assert_follows_reference(const sscam_noise_plane *plane, int64_t first, int64_t count)
{
    float *value = malloc((size_t)count * sizeof *value);
    ck_assert_ptr_nonnull(value);
    sscam_noise_fill(plane, first, count, value);
    for (int64_t j = 0; j < count; j++) {
        double wanted = reference_noise(plane->seed, plane->channel, plane->sample, plane->image,
                                        first + j);
        if (!(fabs(value[j] - wanted) <= ALLOWED))
            ck_abort_msg("value %lld is %.9g, not %.9g", (long long)(first + j), value[j], wanted);
    }
    free(value);
}

START_TEST(values_follow_the_reference)
{
    assert_follows_reference(&planes[_i], 0, 40000);
}
END_TEST

/* q runs over C x H x W of large inputs: beyond 2^31 the counter's word is still exact. */
START_TEST(far_values_follow_the_reference)
{
    static const int64_t far[] = {(INT64_C(1) << 31) - 37, (INT64_C(1) << 32) - 50,
                                  (INT64_C(1) << 34) - 129};
    assert_follows_reference(&planes[1], far[_i], 128);
}
END_TEST

/* The period that noise.h and docs/methods.md name, across its end. */
START_TEST(values_repeat_after_the_period)
{
    enum { AROUND = 70 };
    float late[2 * AROUND], early[AROUND];
    sscam_noise_fill(&planes[1], SSCAM_NOISE_PERIOD - AROUND, 2 * AROUND, late);
    sscam_noise_fill(&planes[1], 0, AROUND, early);
    for (int i = 0; i < AROUND; i++)
        ck_assert_float_eq(late[AROUND + i], early[i]);
    ck_assert_float_ne(late[0], early[0]);
}
END_TEST

/* A uniform value next to 0 or 1 is where a float32 logarithm goes wrong: searches for such
 * counters. */
START_TEST(values_at_the_ends_follow_the_reference)
{
    const uint32_t near = 1u << 14, key[2] = {77, 0};
    const sscam_noise_plane plane = {77, 1, 2, 3};
    int low = 0, high = 0;
    for (uint32_t block = 0; block < 4000000; block++) {
        const uint32_t counter[4] = {block, 1, 2, 3};
        uint32_t word[4];
        reference_philox(counter, key, word);
        const int is_low = word[0] < near || word[2] < near;
        const int is_high = word[0] > ~near || word[2] > ~near;
        if (is_low || is_high)
            assert_follows_reference(&plane, 4 * (int64_t)block, 4);
        low += is_low;
        high += is_high;
    }
    ck_assert_int_ge(low, 15); /* 30 expected */
    ck_assert_int_ge(high, 15);
}
END_TEST

START_TEST(any_first_and_count_cut_the_same_plane)
{
    enum { SIZE = 200 };
    const sscam_noise_plane plane = {42, 5, 6, 7};
    float whole[SIZE], untouched[SIZE], part[SIZE];
    sscam_noise_fill(&plane, 0, SIZE, whole);
    for (int j = 0; j < SIZE; j++)
        untouched[j] = 1234.5f;
    for (int64_t first = 0; first < 70; first++) {
        for (int64_t count = 0; count <= 100; count++) {
            memcpy(part, untouched, sizeof part);
            sscam_noise_fill(&plane, first, count, part);
            ck_assert_mem_eq(part, whole + first, (size_t)count * sizeof *part);
            ck_assert_mem_eq(part + count, untouched, (size_t)(SIZE - count) * sizeof *part);
        }
    }
}
END_TEST

START_TEST(every_part_of_the_address_counts)
{
    static const sscam_noise_plane neighbours[] = {
        {10, 20, 30, 40},  {11, 20, 30, 40}, {10 + (INT64_C(1) << 32), 20, 30, 40},
        {-10, 20, 30, 40}, {10, 21, 30, 40}, {10, 20, 31, 40},
        {10, 20, 30, 41},
    };
    enum { COUNT = sizeof neighbours / sizeof neighbours[0], SIZE = 4096 };
    static float value[COUNT][SIZE];
    for (int n = 0; n < COUNT; n++)
        sscam_noise_fill(&neighbours[n], 0, SIZE, value[n]);
    for (int n = 0; n < COUNT; n++) {
        for (int m = 0; m < n; m++) {
            double product = 0.0;
            for (int j = 0; j < SIZE; j++)
                product += (double)value[n][j] * value[m][j];
            /* The correlation of independent planes has a deviation of 1 / sqrt(SIZE): this is 5 of
             * them. */
            ck_assert_double_le(fabs(product / SIZE), 5.0 / 64.0);
        }
    }
}
END_TEST

/* Power sums of many values, and how many lie in the tails. */
typedef struct moments {
    double mean, variance, third, fourth, neighbours;
    int64_t beyond_3, beyond_5;
    double largest;
} moments;

static moments measure(const float *value, int64_t count)
{
    moments found = {0};
    for (int64_t j = 0; j < count; j++) {
        double z = value[j];
        found.mean += z;
        found.variance += z * z;
        found.third += z * z * z;
        found.fourth += z * z * z * z;
        found.neighbours += j > 0 ? z * value[j - 1] : 0.0;
        found.beyond_3 += fabs(z) > 3.0;
        found.beyond_5 += fabs(z) > 5.0;
        found.largest = fmax(found.largest, fabs(z));
    }
    found.mean /= (double)count;
    found.variance /= (double)count;
    found.third /= (double)count;
    found.fourth /= (double)count;
    found.neighbours /= (double)count;
    return found;
}

/* Bounds are 5 standard deviations of each figure over a million standard normal values. */
START_TEST(values_are_standard_normal)
{
    enum { COUNT = 1000000 };
    const sscam_noise_plane plane = {2020, 6, 25, 0};
    float *value = malloc(COUNT * sizeof *value);
    ck_assert_ptr_nonnull(value);
    sscam_noise_fill(&plane, 0, COUNT, value);
    moments found = measure(value, COUNT);
    free(value);
    ck_assert_double_le(fabs(found.mean), 0.005);
    ck_assert_double_eq_tol(found.variance, 1.0, 0.0071);
    ck_assert_double_le(fabs(found.third), 0.0194);
    ck_assert_double_eq_tol(found.fourth, 3.0, 0.049);
    ck_assert_double_le(fabs(found.neighbours), 0.005);
    ck_assert_int_ge(found.beyond_3, 2440); /* 2700 expected */
    ck_assert_int_le(found.beyond_3, 2960);
    ck_assert_int_le(found.beyond_5, 5);      /* 0.57 expected */
    ck_assert_double_le(found.largest, 6.77); /* sqrt(-2 ln 2^-33) is the most that there can be */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("noise");
    TCase *formula = tcase_create("formula"), *planes_case = tcase_create("planes");
    TCase *statistics = tcase_create("statistics");
    tcase_add_loop_test(formula, reference_gives_the_known_answers, 0, 3);
    tcase_add_loop_test(formula, known_answers_become_their_normal_values, 0, 3);
    tcase_add_test(formula, first_values_are_these);
    tcase_add_loop_test(formula, values_follow_the_reference, 0, PLANES);
    tcase_add_loop_test(formula, far_values_follow_the_reference, 0, 3);
    tcase_add_test(formula, values_repeat_after_the_period);
    tcase_add_test(formula, values_at_the_ends_follow_the_reference);
    tcase_add_test(planes_case, any_first_and_count_cut_the_same_plane);
    tcase_add_test(planes_case, every_part_of_the_address_counts);
    tcase_add_test(statistics, values_are_standard_normal);
    suite_add_tcase(suite, formula);
    suite_add_tcase(suite, planes_case);
    suite_add_tcase(suite, statistics);
    return run_suite(suite);
}
