/* Masked inputs: upsampling, its range, normalising, noise and memory order, held against the
 * float64 reference. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "masks/masked_input.h"
#include "masks/noise.h"
#include "math/min_max.h"
#include "math/upsample.h"
#include "support/check_main.h"
#include "support/reference.h"

enum { GUARDS = 4 };
static const float GUARD = -777.5f;

/* A few bits of a multiplicative generator: plain numbers that are the same everywhere. */
static double next_number(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (double)(*state >> 8) / (double)(1 << 24) * 2.0 - 1.0;
}

static float *new_map(int64_t size, uint32_t state, double scale, double offset)
{
    float *map = malloc((size_t)size * sizeof *map);
    ck_assert_ptr_nonnull(map);
    for (int64_t i = 0; i < size; i++)
        map[i] = (float)(next_number(&state) * scale + offset);
    return map;
}

/* --- upsampling ------------------------------------------------------------------------------- */

typedef struct sizes {
    sscam_sides map, input;
} sizes;

static const sizes all_sizes[] = {
    {{1, 7, 7}, {1, 224, 224}}, {{1, 13, 13}, {1, 224, 224}}, {{1, 7, 9}, {1, 61, 50}},
    {{1, 1, 1}, {1, 5, 7}},     {{1, 1, 4}, {1, 6, 8}},       {{1, 5, 1}, {1, 9, 3}},
    {{1, 6, 8}, {1, 6, 8}},     {{1, 9, 11}, {1, 4, 5}},      {{1, 4, 4}, {1, 1, 1}},
    {{1, 3, 5}, {1, 1, 10}},    {{1, 2, 2}, {1, 3, 3}},       {{1, 14, 14}, {1, 299, 331}},
    {{1, 1, 63}, {1, 1, 4000}}, {{2, 7, 7}, {8, 56, 56}},     {{4, 3, 5}, {9, 20, 21}},
    {{5, 1, 1}, {16, 3, 2}},    {{3, 4, 5}, {3, 4, 5}},       {{6, 5, 4}, {4, 3, 2}},
    {{3, 2, 2}, {1, 7, 9}},     {{1, 4, 6}, {5, 8, 12}},
};
enum { SIZES = sizeof all_sizes / sizeof all_sizes[0] };

static void assert_upsampled(const sizes *of, int align_corners, double scale, double offset)
{
    const int64_t map_size = sscam_position_count(of->map), size = sscam_position_count(of->input);
    float *map = new_map(map_size, 7u, scale, offset);
    float *found = malloc((size_t)(size + GUARDS) * sizeof *found);
    double *exact_map = malloc((size_t)map_size * sizeof *exact_map);
    double *wanted = malloc((size_t)size * sizeof *wanted);
    for (int64_t i = 0; i < map_size; i++)
        exact_map[i] = map[i];
    for (int i = 0; i < GUARDS; i++)
        found[size + i] = GUARD;
    const int64_t map_sides[] = {of->map.depth, of->map.height, of->map.width};
    const int64_t sides[] = {of->input.depth, of->input.height, of->input.width};
    reference_upsample_volume(exact_map, map_sides, sides, align_corners, wanted);
    sscam_status status = sscam_upsample(map, of->map, of->input, align_corners, found);
    ck_assert_int_eq(status, SSCAM_OK);
    double furthest = 0.0;
    for (int64_t p = 0; p < size; p++)
        furthest = fmax(furthest, fabs(found[p] - wanted[p]));
    ck_assert_double_le(furthest, 1e-6 * (scale + fabs(offset)));
    for (int i = 0; i < GUARDS; i++)
        ck_assert_float_eq(found[size + i], GUARD);
    free(map);
    free(found);
    free(exact_map);
    free(wanted);
}

START_TEST(upsampling_follows_the_reference)
{
    for (int align_corners = 0; align_corners <= 1; align_corners++) {
        assert_upsampled(&all_sizes[_i], align_corners, 1.0, 0.0);
        assert_upsampled(&all_sizes[_i], align_corners, 0.25, 1000.0);
    }
}
END_TEST

/* Computable by hand: half-pixel centres, clamped at the borders. */
START_TEST(two_values_become_four)
{
    const float map[2] = {0.0f, 1.0f}, centres[4] = {0.0f, 0.25f, 0.75f, 1.0f};
    const sscam_sides two = {1, 1, 2}, four = {1, 1, 4};
    float found[4];
    ck_assert_int_eq(sscam_upsample(map, two, four, 0, found), SSCAM_OK);
    ck_assert_mem_eq(found, centres, sizeof centres);
    ck_assert_int_eq(sscam_upsample(map, two, four, 1, found), SSCAM_OK);
    for (int x = 0; x < 4; x++)
        ck_assert_float_eq_tol(found[x], (float)x / 3.0f, 1e-7f);
}
END_TEST

START_TEST(same_size_changes_nothing)
{
    float *map = new_map(6 * 8, 3u, 5.0, 1.0), found[6 * 8];
    for (int align_corners = 0; align_corners <= 1; align_corners++) {
        const sscam_sides image = {1, 6, 8}, volume = {3, 4, 4};
        ck_assert_int_eq(sscam_upsample(map, image, image, align_corners, found), SSCAM_OK);
        ck_assert_mem_eq(found, map, sizeof found);
        ck_assert_int_eq(sscam_upsample(map, volume, volume, align_corners, found), SSCAM_OK);
        ck_assert_mem_eq(found, map, sizeof found);
    }
    free(map);
}
END_TEST

/* Beyond 2^24 not every whole number is a float. */
START_TEST(very_wide_maps_keep_their_columns)
{
    const int64_t width = (INT64_C(1) << 24) + 5;
    float *map = malloc((size_t)width * sizeof *map),
          *found = malloc((size_t)width * sizeof *found);
    const sscam_sides line = {1, 1, width};
    ck_assert(map && found);
    for (int64_t x = 0; x < width; x++)
        map[x] = (float)(x % 8191);
    ck_assert_int_eq(sscam_upsample(map, line, line, 0, found), SSCAM_OK);
    ck_assert_int_eq(memcmp(found, map, (size_t)width * sizeof *map), 0);
    free(map);
    free(found);
}
END_TEST

static void find_range(const float *map, sscam_sides map_sides, sscam_sides sides,
                       int32_t align_corners, float *lowest, float *highest)
{
    sscam_min_max_plan *plan = sscam_min_max_plan_new(map_sides, sides, align_corners);
    ck_assert_ptr_nonnull(plan);
    sscam_upsampled_min_max(plan, map, lowest, highest);
    sscam_min_max_plan_free(plan);
}

START_TEST(constant_maps_stay_constant)
{
    static const float constants[] = {0.1f, -3.3e-7f, 1.0f / 3.0f, 3e38f, 1e-40f, 0.0f};
    const sizes *of = &all_sizes[_i];
    const int64_t map_size = sscam_position_count(of->map), size = sscam_position_count(of->input);
    float *map = malloc((size_t)map_size * sizeof *map),
          *found = malloc((size_t)size * sizeof *found);
    for (size_t c = 0; c < 2 * sizeof constants / sizeof constants[0]; c++) {
        float constant = constants[c / 2], lowest, highest;
        int align_corners = c % 2;
        for (int64_t i = 0; i < map_size; i++)
            map[i] = constant;
        sscam_upsample(map, of->map, of->input, align_corners, found);
        int64_t changed = 0;
        for (int64_t p = 0; p < size; p++)
            changed += found[p] != constant;
        ck_assert_int_eq(changed, 0);
        find_range(map, of->map, of->input, align_corners, &lowest, &highest);
        ck_assert_float_eq(lowest, constant);
        ck_assert_float_eq(highest, constant);
    }
    free(map);
    free(found);
}
END_TEST

/* --- range ------------------------------------------------------------------------------------ */

static void assert_range_exact(const float *map, const sizes *of, int align_corners)
{
    const int64_t size = sscam_position_count(of->input);
    float *found = malloc((size_t)size * sizeof *found), lowest, highest;
    sscam_upsample(map, of->map, of->input, align_corners, found);
    find_range(map, of->map, of->input, align_corners, &lowest, &highest);
    float true_lowest = found[0], true_highest = found[0];
    for (int64_t p = 1; p < size; p++) {
        true_lowest = fminf(true_lowest, found[p]);
        true_highest = fmaxf(true_highest, found[p]);
    }
    free(found);
    if (lowest != true_lowest || highest != true_highest)
        ck_abort_msg("range %.9g to %.9g, not %.9g to %.9g", lowest, highest, true_lowest,
                     true_highest);
}

START_TEST(range_is_exact)
{
    const sizes *of = &all_sizes[_i];
    for (uint32_t seed = 0; seed < 40; seed++) {
        double offset = seed % 4 == 3 ? 100.0 : 0.0;
        float *map = new_map(sscam_position_count(of->map), seed * 2654435761u, 1.0, offset);
        /* As after a ReLU: many zeros, so that extremes lie on plateaus. */
        for (int64_t i = 0; seed % 2 == 1 && i < sscam_position_count(of->map); i++)
            map[i] = fmaxf(map[i], (float)offset);
        assert_range_exact(map, of, 0);
        assert_range_exact(map, of, 1);
        free(map);
    }
}
END_TEST

/* As most maps are after a ReLU, of the size that images have. */
START_TEST(range_of_sparse_maps_is_exact)
{
    const sizes of = {{1, 7, 7}, {1, 224, 224}};
    uint32_t state = 7u;
    for (int trial = 0; trial < 60; trial++) {
        float map[49];
        for (int i = 0; i < 49; i++)
            map[i] = fmaxf(0.0f, (float)(next_number(&state) - 0.3 * (trial % 4)));
        assert_range_exact(map, &of, trial % 2);
    }
}
END_TEST

/* Where a map hardly changes, rounding of the blended rows carries values beyond those at the
 * positions of the map: of many maps with few levels some do so. */
START_TEST(range_is_exact_on_plateaus)
{
    uint32_t state = 2020u;
    for (int trial = 0; trial < 20000; trial++) {
        float map[16];
        sizes of = {{1, 4, 4}, {1, 23, 2}};
        for (int i = 0; i < 16; i++)
            map[i] = trial % 2 == 0 ? 0.1f * (float)(int)(1.5 + 1.49 * next_number(&state))
                                    : (float)(1000.0 + 5e-4 * next_number(&state));
        assert_range_exact(map, &of, 0);
    }
}
END_TEST

/* --- masked inputs ---------------------------------------------------------------------------- */

enum { COLORS = 3, HEIGHT = 7, WIDTH = 9, PLANE = HEIGHT * WIDTH, INPUT_SIZE = COLORS * PLANE };
enum { MAPS = 4, MAP_HEIGHT = 3, MAP_WIDTH = 5, MAP_SIZE = MAP_HEIGHT * MAP_WIDTH };
enum { SLOTS = 3, SAMPLES = 3, MASKED = SLOTS * SAMPLES };

typedef struct fixture {
    float input[INPUT_SIZE], activations[MAPS * MAP_SIZE];
    sscam_mask_channel channels[SLOTS];
    sscam_mask_plan plan;
} fixture;

static fixture shown;

/* The same memory as an image's, a sound's and a video's. */
static const struct shape {
    int32_t rank;
    sscam_sides input, map;
} image = {4, {1, HEIGHT, WIDTH}, {1, MAP_HEIGHT, MAP_WIDTH}},
  sound = {3, {1, 1, PLANE}, {1, 1, MAP_SIZE}}, video = {5, {HEIGHT, 3, 3}, {MAP_WIDTH, 3, 1}};

/* Normalising masks of channels 2, 0 and 3, the last one inverted. */
static void show(const struct shape *shape)
{
    static const int64_t channel_of_slot[SLOTS] = {2, 0, 3};
    uint32_t state = 99u;
    for (int i = 0; i < INPUT_SIZE; i++)
        shown.input[i] = (float)(2.0 * next_number(&state));
    for (int i = 0; i < MAPS * MAP_SIZE; i++)
        shown.activations[i] = (float)(3.0 * next_number(&state) + 1.0);
    for (int slot = 0; slot < SLOTS; slot++) {
        float lowest, highest;
        find_range(shown.activations + channel_of_slot[slot] * MAP_SIZE, shape->map, shape->input,
                   0, &lowest, &highest);
        shown.channels[slot] = (sscam_mask_channel){
            .channel = channel_of_slot[slot],
            .offset = slot < 2 ? lowest : highest,
            .gain = (slot < 2 ? 1.0f : -1.0f) / (highest - lowest),
        };
    }
    shown.plan = (sscam_mask_plan){
        .input = shown.input,
        .input_rank = shape->rank,
        .input_channels = COLORS,
        .input_sides = shape->input,
        .activations = shown.activations,
        .map_sides = shape->map,
        .channels = shown.channels,
        .channel_count = SLOTS,
        .samples = SAMPLES,
        .seed = INT64_C(-5000000000),
        .image_index = 2,
    };
}

static void show_image(void)
{
    show(&image);
}

static void show_sound(void)
{
    show(&sound);
}

static void show_video(void)
{
    show(&video);
}

static void add_noise(sscam_noise_target target, float stddev)
{
    shown.plan.noise_target = target;
    for (int slot = 0; slot < SLOTS; slot++)
        shown.channels[slot].noise_stddev = stddev * (float)(slot + 1);
}

static void write_masked(int64_t index, sscam_memory_format layout, float *out)
{
    const int64_t size = sscam_mask_scratch_size(&shown.plan);
    float *scratch = malloc((size_t)(size + GUARDS) * sizeof *scratch);
    ck_assert_ptr_nonnull(scratch);
    for (int64_t i = 0; i < size + GUARDS; i++)
        scratch[i] = GUARD;
    sscam_mask_write(&shown.plan, index, layout, scratch, out);
    for (int i = 0; i < GUARDS; i++)
        ck_assert_float_eq(scratch[size + i], GUARD);
    free(scratch);
}

/* The mask of a slot before noise, from the plan's numbers. */
static void reference_mask(int slot, double mask[PLANE])
{
    const sscam_mask_channel *channel = &shown.channels[slot];
    double map[MAP_SIZE];
    for (int i = 0; i < MAP_SIZE; i++)
        map[i] = shown.activations[channel->channel * MAP_SIZE + i];
    const sscam_sides from = shown.plan.map_sides, to = shown.plan.input_sides;
    reference_upsample_volume(map, (int64_t[]){from.depth, from.height, from.width},
                              (int64_t[]){to.depth, to.height, to.width}, shown.plan.align_corners,
                              mask);
    for (int p = 0; p < PLANE; p++)
        mask[p] = (mask[p] - (double)channel->offset) * (double)channel->gain;
}

static double reference_value(int index, const double mask[PLANE], int i)
{
    const sscam_mask_channel *channel = &shown.channels[index / SAMPLES];
    const sscam_mask_plan *plan = &shown.plan;
    int on_input = plan->noise_target == SSCAM_NOISE_ON_INPUT;
    double noise = channel->noise_stddev * reference_noise(plan->seed, (uint32_t)channel->channel,
                                                           (uint32_t)(index % SAMPLES),
                                                           (uint32_t)plan->image_index,
                                                           on_input ? i : i % PLANE);
    if (on_input)
        return shown.input[i] * mask[i % PLANE] + noise;
    return shown.input[i] * (mask[i % PLANE] + noise);
}

static void assert_masked_inputs_follow_reference(double allowed)
{
    float found[INPUT_SIZE];
    double mask[PLANE];
    for (int index = 0; index < MASKED; index++) {
        reference_mask(index / SAMPLES, mask);
        write_masked(index, SSCAM_MEMORY_FORMAT_NCHW, found);
        for (int i = 0; i < INPUT_SIZE; i++) {
            double wanted = reference_value(index, mask, i);
            if (!(fabs(found[i] - wanted) <= allowed))
                ck_abort_msg("masked input %d, value %d: %g, not %g", index, i, found[i], wanted);
        }
    }
}

START_TEST(masked_inputs_are_counted)
{
    ck_assert_int_eq(sscam_mask_count(&shown.plan), MASKED);
    ck_assert_int_ge(sscam_mask_scratch_size(&shown.plan), 1);
}
END_TEST

START_TEST(masked_inputs_follow_the_reference)
{
    for (int align_corners = 0; align_corners <= 1; align_corners++) {
        shown.plan.align_corners = align_corners;
        assert_masked_inputs_follow_reference(4e-6);
    }
}
END_TEST

static const sscam_noise_target targets[] = {SSCAM_NOISE_ON_MASK, SSCAM_NOISE_ON_INPUT,
                                             SSCAM_NOISE_ON_ACTIVATION};

START_TEST(noise_goes_where_the_plan_says)
{
    add_noise(targets[_i], 0.5f);
    assert_masked_inputs_follow_reference(5e-5);
}
END_TEST

/* Eq. 11: one draw a pixel on the mask. Algorithm 1: independent draws for the colours of a masked
 * input. */
START_TEST(colours_share_noise_on_the_mask_alone)
{
    float found[INPUT_SIZE];
    int shared = 1;
    for (int i = 0; i < INPUT_SIZE; i++)
        shown.input[i] = 1.0f;
    add_noise(targets[_i], 2.0f);
    write_masked(1, SSCAM_MEMORY_FORMAT_NCHW, found);
    for (int i = PLANE; i < INPUT_SIZE; i++)
        shared = shared && found[i] == found[i - PLANE];
    ck_assert_int_eq(shared, targets[_i] != SSCAM_NOISE_ON_INPUT);
}
END_TEST

START_TEST(masks_lie_between_0_and_1_and_reach_both)
{
    float found[INPUT_SIZE];
    for (int i = 0; i < INPUT_SIZE; i++)
        shown.input[i] = 1.0f;
    for (int slot = 0; slot < SLOTS; slot++) {
        float lowest = 2.0f, highest = -1.0f;
        write_masked(slot * SAMPLES, SSCAM_MEMORY_FORMAT_NCHW, found);
        for (int i = 0; i < INPUT_SIZE; i++) {
            lowest = fminf(lowest, found[i]);
            highest = fmaxf(highest, found[i]);
        }
        ck_assert_float_eq(lowest, 0.0f);
        ck_assert_float_le(highest, 1.0f);
        ck_assert_float_ge(highest, 1.0f - 0x1p-23f);
    }
}
END_TEST

START_TEST(samples_without_noise_are_the_same)
{
    float first[INPUT_SIZE], second[INPUT_SIZE];
    write_masked(0, SSCAM_MEMORY_FORMAT_NCHW, first);
    write_masked(1, SSCAM_MEMORY_FORMAT_NCHW, second);
    ck_assert_mem_eq(first, second, sizeof first);
    add_noise(SSCAM_NOISE_ON_MASK, 1.0f);
    write_masked(1, SSCAM_MEMORY_FORMAT_NCHW, second);
    ck_assert_mem_ne(first, second, sizeof first);
}
END_TEST

START_TEST(channels_last_is_the_transpose)
{
    float planes[INPUT_SIZE], pixels[INPUT_SIZE + GUARDS];
    add_noise(targets[_i], 0.75f);
    for (int index = 0; index < MASKED; index++) {
        for (int i = 0; i < GUARDS; i++)
            pixels[INPUT_SIZE + i] = GUARD;
        write_masked(index, SSCAM_MEMORY_FORMAT_NCHW, planes);
        write_masked(index, SSCAM_MEMORY_FORMAT_NHWC, pixels);
        int differing = 0;
        for (int i = 0; i < INPUT_SIZE; i++)
            differing += pixels[i % PLANE * COLORS + i / PLANE] != planes[i];
        ck_assert_int_eq(differing, 0);
        for (int i = 0; i < GUARDS; i++)
            ck_assert_float_eq(pixels[INPUT_SIZE + i], GUARD);
    }
}
END_TEST

/* Algorithm 1's second pass: the mask times the score of the first. */
START_TEST(gain_scales_the_mask)
{
    float once[INPUT_SIZE], scored[INPUT_SIZE];
    write_masked(0, SSCAM_MEMORY_FORMAT_NCHW, once);
    shown.channels[0].gain *= -2.5f;
    write_masked(0, SSCAM_MEMORY_FORMAT_NCHW, scored);
    for (int i = 0; i < INPUT_SIZE; i++)
        ck_assert_float_eq_tol(scored[i], -2.5f * once[i], 2e-6f);
}
END_TEST

START_TEST(masked_input_depends_on_plan_and_index_alone)
{
    static float in_order[MASKED][INPUT_SIZE], again[INPUT_SIZE];
    static const int order[MASKED] = {8, 0, 5, 1, 7, 3, 2, 6, 4};
    add_noise(targets[_i], 4.0f);
    for (int index = 0; index < MASKED; index++)
        write_masked(index, SSCAM_MEMORY_FORMAT_NCHW, in_order[index]);
    for (int i = 0; i < MASKED; i++) {
        write_masked(order[i], SSCAM_MEMORY_FORMAT_NCHW, again);
        ck_assert_mem_eq(again, in_order[order[i]], sizeof again);
    }
    for (int index = 1; index < MASKED; index++)
        ck_assert_mem_ne(in_order[index], in_order[index - 1], sizeof again);
}
END_TEST

START_TEST(seed_and_image_change_the_noise)
{
    float first[INPUT_SIZE], other[INPUT_SIZE];
    add_noise(SSCAM_NOISE_ON_MASK, 1.0f);
    write_masked(0, SSCAM_MEMORY_FORMAT_NCHW, first);
    shown.plan.seed++;
    write_masked(0, SSCAM_MEMORY_FORMAT_NCHW, other);
    ck_assert_mem_ne(first, other, sizeof first);
    shown.plan.seed--;
    shown.plan.image_index++;
    write_masked(0, SSCAM_MEMORY_FORMAT_NCHW, other);
    ck_assert_mem_ne(first, other, sizeof first);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mask");
    TCase *upsampling = tcase_create("upsampling"), *range = tcase_create("range");
    TCase *masked[] = {tcase_create("masked"), tcase_create("masked sound"),
                       tcase_create("masked video")};
    const SFun shows[] = {show_image, show_sound, show_video};
    tcase_add_loop_test(upsampling, upsampling_follows_the_reference, 0, SIZES);
    tcase_add_test(upsampling, two_values_become_four);
    tcase_add_test(upsampling, same_size_changes_nothing);
    tcase_add_test(upsampling, very_wide_maps_keep_their_columns);
    tcase_add_loop_test(upsampling, constant_maps_stay_constant, 0, SIZES);
    tcase_add_loop_test(range, range_is_exact, 0, SIZES);
    tcase_add_test(range, range_is_exact_on_plateaus);
    tcase_add_test(range, range_of_sparse_maps_is_exact);
    for (size_t i = 0; i < sizeof masked / sizeof masked[0]; i++) {
        tcase_add_checked_fixture(masked[i], shows[i], NULL);
        tcase_add_test(masked[i], masked_inputs_are_counted);
        tcase_add_test(masked[i], masked_inputs_follow_the_reference);
        tcase_add_loop_test(masked[i], noise_goes_where_the_plan_says, 0, 3);
        tcase_add_loop_test(masked[i], colours_share_noise_on_the_mask_alone, 0, 3);
        tcase_add_test(masked[i], masks_lie_between_0_and_1_and_reach_both);
        tcase_add_test(masked[i], samples_without_noise_are_the_same);
        tcase_add_loop_test(masked[i], channels_last_is_the_transpose, 0, 3);
        tcase_add_test(masked[i], gain_scales_the_mask);
        tcase_add_loop_test(masked[i], masked_input_depends_on_plan_and_index_alone, 0, 3);
        tcase_add_test(masked[i], seed_and_image_change_the_noise);
        suite_add_tcase(suite, masked[i]);
    }
    suite_add_tcase(suite, upsampling);
    suite_add_tcase(suite, range);
    return run_suite(suite);
}
