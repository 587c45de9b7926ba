/* Convolutions by every algorithm and set of vector instructions, held against the direct sum in
 * float64. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "convolution/convolution.h"
#include "sscam/status.h"
#include "support/check_main.h"

enum { GUARDS = 16 };
static const float GUARD = -777.5f;

typedef struct problem {
    sscam_convolution_geometry geometry;
    int64_t images, height, width;
} problem;

#define SQUARE(inputs, outputs, kernel, stride, padding)                  \
    {                                                                     \
        inputs, outputs, kernel, kernel, stride, stride, padding, padding \
    }

/* Channels around the lengths of vectors and panels, sides around those of tiles, images that share
 * blocks. */
static const problem problems[] = {
    {SQUARE(1, 1, 3, 1, 1), 1, 1, 1},     {SQUARE(1, 1, 3, 1, 0), 1, 3, 3},
    {SQUARE(3, 5, 3, 1, 1), 2, 5, 7},     {SQUARE(4, 8, 3, 1, 1), 1, 4, 4},
    {SQUARE(7, 9, 3, 1, 0), 3, 6, 4},     {SQUARE(16, 16, 3, 1, 1), 1, 8, 8},
    {SQUARE(15, 17, 3, 1, 1), 2, 9, 13},  {SQUARE(17, 31, 3, 1, 2), 1, 7, 7},
    {SQUARE(16, 33, 3, 1, 1), 5, 7, 7},   {SQUARE(32, 32, 3, 1, 1), 1, 14, 14},
    {SQUARE(33, 47, 3, 1, 1), 1, 19, 29}, {SQUARE(64, 64, 3, 1, 1), 1, 30, 33},
    {SQUARE(129, 65, 3, 1, 1), 3, 9, 9},  {SQUARE(512, 40, 3, 1, 1), 2, 7, 7},
    {SQUARE(8, 8, 3, 1, 5), 1, 2, 2},     {SQUARE(3, 64, 7, 2, 3), 1, 41, 40},
    {SQUARE(3, 96, 7, 2, 0), 2, 31, 30},  {SQUARE(64, 16, 1, 1, 0), 3, 13, 13},
    {SQUARE(31, 33, 1, 2, 0), 2, 9, 8},   {SQUARE(24, 40, 3, 2, 1), 2, 14, 15},
    {SQUARE(5, 12, 5, 1, 2), 1, 11, 6},   {{6, 10, 1, 7, 1, 1, 0, 3}, 2, 9, 9},
    {{6, 10, 7, 1, 1, 2, 3, 0}, 2, 9, 9}, {{20, 3, 2, 4, 3, 2, 1, 2}, 1, 10, 11},
    {{9, 9, 3, 3, 1, 1, 0, 1}, 2, 6, 5},  {SQUARE(2, 2, 11, 4, 2), 1, 35, 35},
};
enum { PROBLEMS = sizeof problems / sizeof problems[0] };

typedef struct arrays {
    int64_t input_size, output_size, output_height, output_width;
    float *weights, *input, *bias, *residual, *output;
} arrays;

static double next_number(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (double)(*state >> 8) / (double)(1 << 24) * 2.0 - 1.0;
}

static float *new_numbers(int64_t count, uint32_t state)
{
    float *numbers = malloc((size_t)(count + GUARDS) * sizeof *numbers);
    ck_assert_ptr_nonnull(numbers);
    for (int64_t i = 0; i < count; i++)
        numbers[i] = (float)next_number(&state);
    for (int i = 0; i < GUARDS; i++)
        numbers[count + i] = GUARD;
    return numbers;
}

static arrays new_arrays(const problem *p)
{
    const sscam_convolution_geometry *g = &p->geometry;
    arrays made = {.output_height = sscam_convolution_output_height(g, p->height),
                   .output_width = sscam_convolution_output_width(g, p->width)};
    made.input_size = p->images * p->height * p->width * g->inputs;
    made.output_size = p->images * made.output_height * made.output_width * g->outputs;
    made.weights = new_numbers(g->outputs * g->inputs * g->kernel_height * g->kernel_width, 1u);
    made.input = new_numbers(made.input_size, 2u);
    made.bias = new_numbers(g->outputs, 3u);
    made.residual = new_numbers(made.output_size, 4u);
    made.output = new_numbers(made.output_size, 5u);
    return made;
}

static void free_arrays(arrays *of)
{
    free(of->weights);
    free(of->input);
    free(of->bias);
    free(of->residual);
    free(of->output);
}

/* One output by its definition. */
static double direct_sum(const problem *p, const arrays *of, int64_t image, int64_t y, int64_t x,
                         int64_t output)
{
    const sscam_convolution_geometry *g = &p->geometry;
    double sum = 0.0;
    for (int64_t input = 0; input < g->inputs; input++)
        for (int64_t i = 0; i < g->kernel_height; i++)
            for (int64_t j = 0; j < g->kernel_width; j++) {
                const int64_t row = y * g->stride_y - g->padding_y + i,
                              column = x * g->stride_x - g->padding_x + j;
                if (row < 0 || row >= p->height || column < 0 || column >= p->width)
                    continue;
                const int64_t weight =
                    ((output * g->inputs + input) * g->kernel_height + i) * g->kernel_width + j;
                const int64_t at = ((image * p->height + row) * p->width + column) * g->inputs +
                                   input;
                sum += (double)of->weights[weight] * (double)of->input[at];
            }
    return sum;
}

/* What follows the sums, in the order of the call's fields. */
typedef struct epilogue {
    int has_bias, has_residual, relu;
} epilogue;

static const epilogue epilogues[] = {{0, 0, 0}, {1, 0, 1}, {1, 1, 1}, {1, 1, 0}};
enum { EPILOGUES = sizeof epilogues / sizeof epilogues[0] };

static double *new_expected(const problem *p, const arrays *of)
{
    double *expected = malloc((size_t)of->output_size * sizeof *expected);
    ck_assert_ptr_nonnull(expected);
    int64_t i = 0;
    for (int64_t image = 0; image < p->images; image++)
        for (int64_t y = 0; y < of->output_height; y++)
            for (int64_t x = 0; x < of->output_width; x++)
                for (int64_t output = 0; output < p->geometry.outputs; output++)
                    expected[i++] = direct_sum(p, of, image, y, x, output);
    return expected;
}

static sscam_convolution *new_convolution(const problem *p, const arrays *of, int algorithm,
                                          int target)
{
    sscam_convolution *made = NULL;
    ck_assert_int_eq(sscam_convolution_create(&p->geometry, of->weights,
                                              (sscam_convolution_algorithm)algorithm,
                                              (sscam_convolution_target)target, &made),
                     SSCAM_OK);
    return made;
}

/* Whether what follows an array is untouched. One assertion for all: Check writes each to a file.
 * */
static int is_guarded(const float *after)
{
    int untouched = 0;
    for (int i = 0; i < GUARDS; i++)
        untouched += after[i] == GUARD;
    return untouched == GUARDS;
}

/* All blocks, `step` at a time, the last first, with scratch memory that holds NaN. */
static void run_blocks(const sscam_convolution *convolution, const sscam_convolution_call *call,
                       int64_t step)
{
    const int64_t size = sscam_convolution_scratch_size(convolution, call),
                  blocks = sscam_convolution_block_count(convolution, call);
    float *scratch = malloc((size_t)(size + GUARDS) * sizeof *scratch);
    ck_assert_ptr_nonnull(scratch);
    for (int64_t first = (blocks - 1) / step * step; first >= 0; first -= step) {
        for (int64_t i = 0; i < size; i++)
            scratch[i] = NAN;
        for (int i = 0; i < GUARDS; i++)
            scratch[size + i] = GUARD;
        sscam_convolution_run(convolution, call, first,
                              first + step < blocks ? first + step : blocks, scratch);
        ck_assert(is_guarded(scratch + size));
    }
    free(scratch);
}

static sscam_convolution_call call_of(const problem *p, const arrays *of, const epilogue *after)
{
    return (sscam_convolution_call){.images = p->images,
                                    .height = p->height,
                                    .width = p->width,
                                    .input = of->input,
                                    .bias = after->has_bias ? of->bias : NULL,
                                    .residual = after->has_residual ? of->residual : NULL,
                                    .relu = after->relu,
                                    .output = of->output};
}

/* The unit roundoff times the number of operations on the way to an output, of values up to 1,
 * which no error comes near; Winograd's transforms multiply it. */
static double error_bound(const sscam_convolution_geometry *g, int algorithm)
{
    static const double factors[SSCAM_CONVOLUTION_ALGORITHMS] = {2.0, 2.0, 4.0};
    const double products = (double)(g->inputs * g->kernel_height * g->kernel_width);
    return factors[algorithm] * ldexp(1.0, -24) * (16.0 + products);
}

static void assert_output(const problem *p, const arrays *of, const double *sums,
                          const epilogue *after, int algorithm)
{
    double furthest = 0.0;
    int64_t finite = 0;
    for (int64_t i = 0; i < of->output_size; i++) {
        double wanted = sums[i];
        if (after->has_bias)
            wanted += (double)of->bias[i % p->geometry.outputs];
        if (after->has_residual)
            wanted += (double)of->residual[i];
        if (after->relu)
            wanted = fmax(wanted, 0.0);
        finite += isfinite(of->output[i]) != 0;
        furthest = fmax(furthest, fabs((double)of->output[i] - wanted));
    }
    ck_assert_int_eq(finite, of->output_size);
    ck_assert_double_le(furthest, error_bound(&p->geometry, algorithm));
    ck_assert(is_guarded(of->output + of->output_size));
}

static int can_run(const problem *p, int algorithm, int target)
{
    return sscam_convolution_has_target((sscam_convolution_target)target) &&
           sscam_convolution_is_possible(&p->geometry, (sscam_convolution_algorithm)algorithm);
}

static void assert_sums(const problem *p, const arrays *of, const double *sums, int algorithm,
                        int target)
{
    sscam_convolution *convolution = new_convolution(p, of, algorithm, target);
    for (int i = 0; i < EPILOGUES; i++) {
        const sscam_convolution_call call = call_of(p, of, &epilogues[i]);
        run_blocks(convolution, &call, INT32_MAX);
        assert_output(p, of, sums, &epilogues[i], algorithm);
    }
    sscam_convolution_destroy(convolution);
}

START_TEST(outputs_are_the_direct_sums)
{
    const problem *p = &problems[_i];
    arrays of = new_arrays(p);
    double *sums = new_expected(p, &of);
    for (int algorithm = 0; algorithm < SSCAM_CONVOLUTION_ALGORITHMS; algorithm++)
        for (int target = 0; target < SSCAM_CONVOLUTION_TARGETS; target++)
            if (can_run(p, algorithm, target))
                assert_sums(p, &of, sums, algorithm, target);
    free(sums);
    free_arrays(&of);
}
END_TEST

/* Each image alone, its blocks one by one in reverse, with the residual in the output's memory. */
static void assert_same_alone(const problem *p, int algorithm, int target)
{
    const epilogue all = {1, 1, 1};
    arrays of = new_arrays(p);
    sscam_convolution *convolution = new_convolution(p, &of, algorithm, target);
    const sscam_convolution_call together = call_of(p, &of, &all);
    run_blocks(convolution, &together, INT32_MAX);

    for (int64_t image = 0; image < p->images; image++) {
        const int64_t from = image * (of.output_size / p->images);
        sscam_convolution_call alone = together;
        alone.images = 1;
        alone.input += image * (of.input_size / p->images);
        alone.residual = alone.output = of.residual + from;
        run_blocks(convolution, &alone, 1);
    }
    ck_assert_mem_eq(of.residual, of.output, (size_t)of.output_size * sizeof *of.output);
    sscam_convolution_destroy(convolution);
    free_arrays(&of);
}

START_TEST(outputs_depend_on_neither_batch_nor_division)
{
    for (int algorithm = 0; algorithm < SSCAM_CONVOLUTION_ALGORITHMS; algorithm++)
        for (int target = 0; target < SSCAM_CONVOLUTION_TARGETS; target++)
            if (can_run(&problems[_i], algorithm, target))
                assert_same_alone(&problems[_i], algorithm, target);
}
END_TEST

/* A product of infinity and a padded zero would be NaN. */
START_TEST(what_is_beside_an_input_is_not_read)
{
    const problem row = {SQUARE(3, 5, 7, 2, 3), 1, 9, 9};
    const epilogue none = {0, 0, 0};
    for (int target = 0; target < SSCAM_CONVOLUTION_TARGETS; target++) {
        if (!sscam_convolution_has_target((sscam_convolution_target)target))
            continue;
        arrays of = new_arrays(&row);
        sscam_convolution *convolution = new_convolution(&row, &of, SSCAM_CONVOLUTION_DIRECT,
                                                         target);
        const sscam_convolution_call call = call_of(&row, &of, &none);
        of.input[of.input_size - 1] = INFINITY; /* of the last row and column */
        run_blocks(convolution, &call, INT32_MAX);
        int64_t finite = 0;
        for (int64_t i = 0; i < of.output_size; i++)
            finite += isfinite(of.output[i]) != 0;
        /* The kernel at output rows and columns 3 and 4 covers the last position. */
        ck_assert_int_eq(finite, (5 * 5 - 2 * 2) * 5);
        sscam_convolution_destroy(convolution);
        free_arrays(&of);
    }
}
END_TEST

START_TEST(relu_keeps_nan)
{
    const problem one = {SQUARE(1, 1, 1, 1, 0), 1, 1, 1};
    const epilogue relu = {0, 0, 1};
    arrays of = new_arrays(&one);
    sscam_convolution *convolution = new_convolution(&one, &of, SSCAM_CONVOLUTION_DIRECT,
                                                     sscam_convolution_best_target());
    const sscam_convolution_call call = call_of(&one, &of, &relu);
    of.input[0] = NAN;
    run_blocks(convolution, &call, 1);
    ck_assert(isnan(of.output[0]));
    sscam_convolution_destroy(convolution);
    free_arrays(&of);
}
END_TEST

START_TEST(what_cannot_be_computed_is_refused)
{
    const sscam_convolution_geometry refused[] = {
        SQUARE(0, 1, 3, 1, 1),         SQUARE(1, -1, 3, 1, 1),        SQUARE(1, 1, 0, 1, 1),
        SQUARE(1, 1, 3, 0, 1),         SQUARE(1, 1, 3, 1, -1),        SQUARE(1, 1, 3, 2, 1),
        SQUARE(1, 1, 5, 1, 2),         SQUARE(INT64_MAX, 1, 3, 1, 1), SQUARE(1, INT64_MAX, 3, 1, 1),
        SQUARE(1, 1, INT64_MAX, 1, 1), SQUARE(1, 1, 3, 1, INT64_MAX),
    };
    const float weights[25] = {0};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        sscam_convolution *made = (sscam_convolution *)&made;
        ck_assert_int_eq(sscam_convolution_create(&refused[i], weights,
                                                  SSCAM_CONVOLUTION_WINOGRAD_4,
                                                  SSCAM_CONVOLUTION_PORTABLE, &made),
                         SSCAM_E_ARGUMENT);
        ck_assert_ptr_null(made);
    }
    const sscam_convolution_geometry possible = SQUARE(1, 1, 3, 1, 1);
    sscam_convolution *made = NULL;
    ck_assert_int_eq(sscam_convolution_create(&possible, weights, SSCAM_CONVOLUTION_ALGORITHMS,
                                              SSCAM_CONVOLUTION_PORTABLE, &made),
                     SSCAM_E_ARGUMENT);
    ck_assert_int_eq(sscam_convolution_create(&possible, weights, SSCAM_CONVOLUTION_DIRECT,
                                              SSCAM_CONVOLUTION_TARGETS, &made),
                     SSCAM_E_ARGUMENT);
    sscam_convolution_destroy(NULL);
}
END_TEST

START_TEST(kernel_that_does_not_fit_has_no_output)
{
    const sscam_convolution_geometry wide = SQUARE(1, 1, 7, 2, 1);
    ck_assert_int_eq(sscam_convolution_output_height(&wide, 4), 0);
    ck_assert_int_eq(sscam_convolution_output_width(&wide, 5), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("convolution");
    TCase *sums = add_tcase(suite, "sums", NULL, NULL);
    tcase_add_loop_test(sums, outputs_are_the_direct_sums, 0, PROBLEMS);
    tcase_add_loop_test(sums, outputs_depend_on_neither_batch_nor_division, 0, PROBLEMS);
    tcase_add_test(sums, what_is_beside_an_input_is_not_read);
    tcase_add_test(sums, relu_keeps_nan);
    TCase *limits = add_tcase(suite, "limits", NULL, NULL);
    tcase_add_test(limits, what_cannot_be_computed_is_refused);
    tcase_add_test(limits, kernel_that_does_not_fit_has_no_output);
    return run_suite(suite);
}
