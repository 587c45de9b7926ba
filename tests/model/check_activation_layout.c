/* Layers whose output has its axes in another order, and tokens on a grid. */
#include <stdio.h>
#include <stdlib.h>

#include "model/activation_layout.h"
#include "support/arrays.h"
#include "support/assertions.h"
#include "support/check_main.h"
#include "support/fake_backend.h"
#include "support/shorthands.h"

enum { HEIGHT = 16, WIDTH = 28, SIZE = FAKE_COLORS * HEIGHT * WIDTH };
static const int64_t one[4] = {1, FAKE_COLORS, HEIGHT, WIDTH};
static float input[SIZE];

static void set_up(void)
{
    uint32_t state = 4711u;
    for (int i = 0; i < SIZE; i++) {
        state = state * 1664525u + 1013904223u;
        input[i] = (float)((double)(state >> 8) / (double)(1 << 24) * 2.0 - 0.5);
    }
    fake_reset();
}

/* --- finding it ------------------------------------------------------------------------------- */

static const struct {
    int32_t rank;
    int64_t shape[4], input[2];
    int32_t channel_axis; /* -1: there is no layout */
    int32_t batch_axis;
    int64_t height, width, extra;
} found[] = {
    /* convolutions */
    {4, {1, 512, 7, 7}, {224, 224}, 1, 0, 7, 7, 0},
    {4, {1, 512, 7, 10}, {224, 320}, 1, 0, 7, 10, 0},
    {4, {1, 7, 7, 7}, {224, 224}, 1, 0, 7, 7, 0},
    {4, {1, 8, 11, 14}, {41, 56}, 1, 0, 11, 14, 0},  /* [8, 11] has the proportions too */
    {4, {1, 2048, 8, 3}, {299, 150}, 1, 0, 8, 3, 0}, /* without padding */
    {4, {1, 512, 1, 25}, {32, 100}, 1, 0, 1, 25, 0}, /* pooled one way, as for lines of text */
    {4, {1, 64, 64, 64}, {64, 64}, 1, 0, 64, 64, 0},
    {4, {1, 96, 96, 96}, {384, 384}, 1, 0, 96, 96, 0}, /* cannot be told */
    /* channels last */
    {4, {1, 7, 7, 768}, {224, 224}, 3, 0, 7, 7, 0},
    {4, {1, 56, 56, 96}, {224, 224}, 3, 0, 56, 56, 0},
    {4, {1, 7, 5, 768}, {224, 160}, 3, 0, 7, 5, 0},
    {4, {1, 8, 8, 12}, {32, 32}, 3, 0, 8, 8, 0},
    {4, {1, 1, 1, 768}, {224, 224}, 3, 0, 1, 1, 0},
    /* tokens */
    {3, {1, 196, 768}, {224, 224}, 2, 0, 14, 14, 0},
    {3, {1, 197, 768}, {224, 224}, 2, 0, 14, 14, 1},
    {3, {1, 198, 192}, {224, 224}, 2, 0, 14, 14, 2},
    {3, {1, 261, 1024}, {224, 224}, 2, 0, 16, 16, 5},
    {3, {1, 197, 64}, {224, 224}, 2, 0, 14, 14, 1}, /* 64 is a square too */
    {3, {1, 337, 768}, {384, 224}, 2, 0, 24, 14, 1},
    {3, {1, 26, 32}, {64, 96}, 2, 0, 4, 6, 2},
    {3, {1, 35, 32}, {80, 113}, 2, 0, 5, 7, 0},      /* the last column of patches is cut off */
    {3, {1, 40, 32}, {80, 113}, 2, 0, 5, 8, 0},      /* or filled up */
    {3, {1, 768, 196}, {224, 224}, 1, 0, 14, 14, 0}, /* flattened, not yet transposed */
    {3, {197, 1, 768}, {224, 224}, 2, 1, 14, 14, 1}, /* the batch comes second */
    {3, {768, 1, 196}, {224, 224}, 0, 1, 14, 14, 0},
    /* neither */
    {3, {1, 90, 768}, {224, 224}, -1, 0, 0, 0, 0},
    {3, {1, 206, 264}, {224, 224}, -1, 0, 0, 0, 0}, /* with 8 tokens too many, channels are none */
    {3, {1, 206, 768}, {224, 224}, -1, 0, 0, 0, 0}, /* nine tokens too many */
    {3, {1, 1, 768}, {224, 224}, -1, 0, 0, 0, 0},
    {3, {12, 197, 197}, {224, 224}, -1, 0, 0, 0, 0},
    {4, {64, 7, 7, 96}, {224, 224}, -1, 0, 0, 0, 0},
    {2, {1, 1000}, {224, 224}, -1, 0, 0, 0, 0},
    {4, {1, 0, 7, 7}, {224, 224}, -1, 0, 0, 0, 0},
};

static const sscam_shape square = {4, 1, 3, {1, 224, 224}}, upright = {4, 1, 3, {1, 224, 160}};

START_TEST(order_and_grid_are_found)
{
    const sscam_layout_hint nothing = {0};
    sscam_activation_layout is;
    const sscam_shape image = {4, 1, 3, {1, found[_i].input[0], found[_i].input[1]}};
    int32_t has_one = sscam_find_activation_layout(found[_i].shape, found[_i].rank, &image,
                                                   &nothing, &is);
    ck_assert_int_eq(has_one, found[_i].channel_axis >= 0);
    if (!has_one)
        return;
    ck_assert_int_eq(is.channel_axis, found[_i].channel_axis);
    ck_assert_int_eq(is.batch_axis, found[_i].batch_axis);
    ck_assert_int_eq(is.channels, found[_i].shape[is.channel_axis]);
    ck_assert_int_eq(is.sides.height, found[_i].height);
    ck_assert_int_eq(is.sides.width, found[_i].width);
    ck_assert_int_eq(is.extra, found[_i].extra);
}
END_TEST

static const struct {
    int32_t rank;
    int64_t shape[4];
    sscam_layout_hint hint;
    int32_t channel_axis;
    int64_t height, width, extra;
} hinted[] = {
    {4, {1, 96, 96, 96}, {SSCAM_CHANNEL_AXIS_LAST, 0, 0, 0}, 3, 96, 96, 0},
    {4, {1, 7, 7, 768}, {SSCAM_CHANNEL_AXIS_FIRST, 0, 0, 0}, 1, 7, 768, 0},
    {4, {1, 512, 7, 7}, {SSCAM_CHANNEL_AXIS_AUTO, 14, 14, 0}, 1, 7, 7, 0}, /* a map needs no grid */
    {3, {1, 197, 64}, {SSCAM_CHANNEL_AXIS_FIRST, 0, 0, 0}, 1, 8, 8, 0},
    {3, {1, 99, 768}, {SSCAM_CHANNEL_AXIS_AUTO, 7, 14, 0}, 2, 7, 14, 1},
    {3, {1, 768, 98}, {SSCAM_CHANNEL_AXIS_AUTO, 7, 14, 0}, 1, 7, 14, 0},
    {3, {1, 120, 768}, {SSCAM_CHANNEL_AXIS_AUTO, 7, 14, 0}, 2, 7, 14, 22},
    {3, {1, 5, 98}, {SSCAM_CHANNEL_AXIS_AUTO, 7, 14, 0}, 1, 7, 14, 0},
    {3, {1, 97, 261}, {SSCAM_CHANNEL_AXIS_FIRST, 0, 0, 0}, 1, 16, 16, 5},
    {3, {1, 97, 90}, {SSCAM_CHANNEL_AXIS_AUTO, 7, 14, 0}, -1, 0, 0, 0},
    {3, {1, 97, 98}, {SSCAM_CHANNEL_AXIS_LAST, 7, 14, 0}, -1, 0, 0, 0},
    {3, {1, 97, 98}, {SSCAM_CHANNEL_AXIS_AUTO, INT32_MAX, INT32_MAX, 0}, -1, 0, 0, 0},
};

START_TEST(order_and_grid_can_be_given)
{
    sscam_activation_layout is;
    int32_t has_one = sscam_find_activation_layout(hinted[_i].shape, hinted[_i].rank, &square,
                                                   &hinted[_i].hint, &is);
    ck_assert_int_eq(has_one, hinted[_i].channel_axis >= 0);
    if (!has_one)
        return;
    ck_assert_int_eq(is.channel_axis, hinted[_i].channel_axis);
    ck_assert_int_eq(is.sides.height, hinted[_i].height);
    ck_assert_int_eq(is.sides.width, hinted[_i].width);
    ck_assert_int_eq(is.extra, hinted[_i].extra);
}
END_TEST

static const struct {
    int64_t input[3], tokens;
    int64_t sides[3], extra; /* sides[0] 0: there is no grid */
} volumes[] = {
    {{16, 224, 224}, 1568, {8, 14, 14}, 0}, /* 2x28x28 would fit as well */
    {{16, 224, 224}, 393, {8, 7, 7}, 1},     {{8, 224, 224}, 1569, {8, 14, 14}, 1},
    {{16, 224, 224}, 3136, {16, 14, 14}, 0}, {{16, 112, 168}, 432, {8, 6, 9}, 0},
    {{96, 96, 96}, 216, {6, 6, 6}, 0},       {{96, 96, 96}, 217, {6, 6, 6}, 1},
    {{64, 128, 128}, 256, {4, 8, 8}, 0},     {{8, 56, 72}, 196, {0, 0, 0}, 0},
};

START_TEST(tokens_of_volumes_have_grids)
{
    const sscam_layout_hint nothing = {0}, by_slice = {.grid_height = 7, .grid_width = 7};
    const int64_t shape[] = {1, volumes[_i].tokens, 10}, *input_sides = volumes[_i].input;
    const sscam_shape seen = {5, 1, 3, {input_sides[0], input_sides[1], input_sides[2]}};
    const sscam_sides sides = {volumes[_i].sides[0], volumes[_i].sides[1], volumes[_i].sides[2]};
    sscam_activation_layout is;
    const int32_t has_one = sscam_find_activation_layout(shape, 3, &seen, &nothing, &is);
    ck_assert_int_eq(has_one, sides.depth > 0);
    if (has_one) {
        ck_assert(is.channel_axis == 2 && sscam_same_sides(is.sides, sides));
        ck_assert_int_eq(is.extra, volumes[_i].extra);
    }
    ck_assert(sscam_find_activation_layout(shape, 3, &seen, &by_slice, &is));
    ck_assert(sscam_same_sides(is.sides, (sscam_sides){volumes[_i].tokens / 49, 7, 7}));
}
END_TEST

/* Of sound the order cannot be found, and of video only by the proportions; it can be given. */
START_TEST(sound_and_video_have_orders_too)
{
    const int64_t sound[] = {1, 24, 2000}, video[] = {1, 16, 4, 7, 9},
                  last_video[] = {1, 4, 7, 9, 16}, tokens[] = {1, 196, 768};
    const sscam_shape heard = {3, 1, 2, {1, 1, 16000}}, seen = {5, 1, 3, {8, 56, 72}};
    const sscam_layout_hint nothing = {0}, last = {SSCAM_CHANNEL_AXIS_LAST, 0, 0, 0};
    sscam_activation_layout is;
    ck_assert(sscam_find_activation_layout(sound, 3, &heard, &nothing, &is));
    ck_assert(is.channel_axis == 1 && is.channels == 24 &&
              sscam_same_sides(is.sides, (sscam_sides){1, 1, 2000}));
    ck_assert(sscam_find_activation_layout(sound, 3, &heard, &last, &is));
    ck_assert(is.channel_axis == 2 && is.channels == 2000 &&
              sscam_same_sides(is.sides, (sscam_sides){1, 1, 24}));
    ck_assert(sscam_find_activation_layout(video, 5, &seen, &nothing, &is));
    ck_assert(is.channel_axis == 1 && is.channels == 16 &&
              sscam_same_sides(is.sides, (sscam_sides){4, 7, 9}));
    ck_assert(sscam_find_activation_layout(video, 5, &seen, &last, &is));
    ck_assert(is.channel_axis == 4 && is.channels == 9 &&
              sscam_same_sides(is.sides, (sscam_sides){16, 4, 7}));
    ck_assert(sscam_find_activation_layout(last_video, 5, &seen, &nothing, &is));
    ck_assert(is.channel_axis == 4 && is.channels == 16 &&
              sscam_same_sides(is.sides, (sscam_sides){4, 7, 9}));
    ck_assert(!sscam_find_activation_layout(tokens, 3, &seen, &nothing, &is));
    ASSERT_FAILS(sscam_require_activation_layout("norm", tokens, 3, &seen, &nothing, &is),
                 SSCAM_E_LAYER, "no grid of the input's proportions (8x56x72)");
    ASSERT_FAILS(sscam_require_activation_layout("conv", video, 5, &heard, &nothing, &is),
                 SSCAM_E_LAYER, "[1, K, w]");
}
END_TEST

START_TEST(refusals_name_tokens_input_and_option)
{
    const int64_t tokens[] = {1, 79, 768}, heads[] = {12, 197, 197}, vector[] = {1, 1000};
    const sscam_layout_hint nothing = {0}, grid = {SSCAM_CHANNEL_AXIS_LAST, 14, 14, 0};
    sscam_activation_layout is;
    ASSERT_FAILS(sscam_require_activation_layout("norm", tokens, 3, &upright, &nothing, &is),
                 SSCAM_E_LAYER, "\"norm\" gives 79 tokens");
    ASSERT_MESSAGE_NAMES("224x160");
    ASSERT_MESSAGE_NAMES("option grid");
    ASSERT_FAILS(sscam_require_activation_layout("norm", tokens, 3, &upright, &grid, &is),
                 SSCAM_E_LAYER, "grid=14x14");
    ASSERT_FAILS(sscam_require_activation_layout("attend", heads, 3, &square, &nothing, &is),
                 SSCAM_E_LAYER, "[12, 197, 197]");
    ASSERT_FAILS(sscam_require_activation_layout("fc", vector, 2, &square, &nothing, &is),
                 SSCAM_E_LAYER, "[1, 1000]");
}
END_TEST

START_TEST(grids_are_read)
{
    static const char *const wrong[] = {"14",   "14x",           "x14",           "0x14",
                                        "14x0", "-1x14",         "14x14x14x14",   "14 x 14",
                                        "ax14", "99999999999x1", "1x99999999999", "1.5x2"};
    sscam_layout_hint hint;
    ck_assert(sscam_parse_grid("", &hint));
    ck_assert_int_eq(hint.grid_width, 0);
    ck_assert(sscam_parse_grid("12x7", &hint));
    ck_assert_int_eq(hint.grid_depth, 0);
    ck_assert_int_eq(hint.grid_height, 12);
    ck_assert_int_eq(hint.grid_width, 7);
    ck_assert(sscam_parse_grid("8x12x7", &hint));
    ck_assert_int_eq(hint.grid_depth, 8);
    ck_assert_int_eq(hint.grid_height, 12);
    sscam_explainer *explainer = make_explainer("fake linear", "grad-cam");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert(!sscam_parse_grid(wrong[i], &hint));
        ASSERT_FAILS(sscam_explainer_set(explainer, "grid", wrong[i]), SSCAM_E_ARGUMENT,
                     "option grid");
    }
    ck_assert_str_eq(option_text(explainer, "grid"), "");
    sscam_explainer_unref(explainer);
}
END_TEST

START_TEST(channels_come_first)
{
    static const float tokens[] = {9, 9, 1, 4, 2, 5, 3, 6}, flattened[] = {9, 1, 2, 3, 9, 4, 5, 6};
    static const float wanted[] = {1, 2, 3, 4, 5, 6};
    const sscam_activation_layout last = {0, 2, 2, {1, 1, 3}, 1}, first = {0, 1, 2, {1, 1, 3}, 1};
    float out[6];
    sscam_put_channels_first(&last, tokens, out);
    ck_assert_mem_eq(out, wanted, sizeof wanted);
    sscam_put_channels_first(&first, flattened, out);
    ck_assert_mem_eq(out, wanted, sizeof wanted);
}
END_TEST

/* --- explaining ------------------------------------------------------------------------------- */

static const char *const orders[] = {"places-first", "tokens"};

static sscam_map *explain(const char *words, const char *method, const char *const (*options)[2],
                          size_t count)
{
    sscam_explainer *explainer = make_explainer(words, method);
    sscam_map *map = NULL;
    int64_t class_index = 1;
    for (size_t i = 0; i < count; i++)
        ASSERT_OK(sscam_explainer_set(explainer, options[i][0], options[i][1]));
    ASSERT_OK(sscam_explain_array(explainer, ARRAY(input, one, 4), &class_index, &map));
    sscam_explainer_unref(explainer);
    return map;
}

static void assert_same_with(const char *order, const char *method, const char *const (*options)[2],
                             size_t count)
{
    char words[64];
    const char *head = strcmp(method, "cam") == 0 ? "linear" : "positional";
    snprintf(words, sizeof words, "fake %s", head);
    sscam_map *wanted = explain(words, method, options, count);
    snprintf(words, sizeof words, "fake %s %s", head, order);
    sscam_map *map = explain(words, method, options, count);
    ck_assert_msg(same_maps(map, wanted), "%s differs with %s", method, order);
    ck_assert(!sscam_map_is_flat(map));
    sscam_map_unref(map);
    sscam_map_unref(wanted);
}

/* The same network with its axes in another order has the same maps, whatever the method. */
START_TEST(methods_do_not_mind_the_order)
{
    const char *const options[][2] = {{"samples", "3"}, {"iterations", "2"}}; /* as good as more */
    const char *method = sscam_method_name(sscam_method_info((size_t)_i / 2));
    assert_same_with(orders[_i % 2], method, options, 2);
}
END_TEST

START_TEST(fused_layers_do_not_mind_the_order)
{
    const char *const options[][2] = {{"layer", "stem,features"}, {"aug_smooth", "on"}};
    assert_same_with(orders[_i], "ablation-cam", options, 2);
    assert_same_with(orders[_i], "grad-cam++", options, 2);
}
END_TEST

/* Explainers of one call that read a layer in different layouts have separate captures and
 * ablations. */
START_TEST(hinted_orders_are_kept_apart)
{
    sscam_model *model = load_fake("fake positional places-first");
    sscam_explainer *explainers[2];
    sscam_map *together[2] = {NULL}, *alone[2] = {NULL};
    static const char *const axes[] = {"last", "first"};
    int64_t class_index = 0;
    for (int i = 0; i < 2; i++) {
        ASSERT_OK(sscam_explainer_create(model, "grad-cam", &explainers[i]));
        ASSERT_OK(sscam_explainer_set(explainers[i], "channel_axis", axes[i]));
        ASSERT_OK(
            sscam_explain_array(explainers[i], ARRAY(input, one, 4), &class_index, &alone[i]));
    }
    ASSERT_OK(
        sscam_explain_array_all(explainers, 2, ARRAY(input, one, 4), &class_index, 1, together));
    ck_assert_int_eq(sscam_map_channel_count(together[0]), FAKE_CHANNELS);
    ck_assert_int_eq(sscam_map_channel_count(together[1]), HEIGHT / 2);
    for (int i = 0; i < 2; i++) {
        ck_assert(same_maps(together[i], alone[i]));
        sscam_map_unref(together[i]);
        sscam_map_unref(alone[i]);
        sscam_explainer_unref(explainers[i]);
    }
    sscam_model_unref(model);
}
END_TEST

static void assert_refused(const char *words, const char *method, const char *grid,
                           const char *part)
{
    sscam_explainer *explainer = make_explainer(words, method);
    sscam_map *map = (sscam_map *)words;
    ASSERT_OK(sscam_explainer_set(explainer, "grid", grid));
    ASSERT_FAILS(sscam_explain_array(explainer, ARRAY(input, one, 4), NULL, &map), SSCAM_E_LAYER,
                 part);
    ck_assert_ptr_null(map);
    sscam_explainer_unref(explainer);
}

START_TEST(layers_without_positions_are_refused)
{
    assert_refused("fake linear torn", "grad-cam", "", "[2, 112, 5]");
    assert_refused("fake linear tokens", "score-cam", "20x20", "113 tokens");
    assert_refused("fake linear first-token", "grad-cam", "", "class token");
    assert_refused("fake linear first-token", "cam", "", "class token");
}
END_TEST

/* A given grid divides the tokens differently: into rows of 16 rather than of 14. */
START_TEST(a_given_grid_cuts_the_tokens)
{
    const char *const options[][2] = {{"grid", "7x16"}};
    sscam_map *wanted = explain("fake linear", "grad-cam", NULL, 0);
    sscam_map *map = explain("fake linear tokens", "grad-cam", options, 1);
    ck_assert_int_eq(raw_height(map), 7);
    ck_assert_int_eq(raw_width(map), 16);
    ck_assert_mem_eq(sscam_map_raw(map), sscam_map_raw(wanted), 7 * 16 * sizeof(float));
    sscam_map_unref(map);
    sscam_map_unref(wanted);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("activation layout");
    TCase *finding = tcase_create("finding"), *explaining = tcase_create("explaining");
    tcase_add_loop_test(finding, order_and_grid_are_found, 0, sizeof found / sizeof found[0]);
    tcase_add_loop_test(finding, order_and_grid_can_be_given, 0, sizeof hinted / sizeof hinted[0]);
    tcase_add_loop_test(finding, tokens_of_volumes_have_grids, 0,
                        sizeof volumes / sizeof volumes[0]);
    tcase_add_test(finding, sound_and_video_have_orders_too);
    tcase_add_test(finding, refusals_name_tokens_input_and_option);
    tcase_add_test(finding, grids_are_read);
    tcase_add_test(finding, channels_come_first);
    suite_add_tcase(suite, finding);
    tcase_add_checked_fixture(explaining, set_up, NULL);
    tcase_add_loop_test(explaining, methods_do_not_mind_the_order, 0,
                        (int)(2 * sscam_method_count()));
    tcase_add_loop_test(explaining, fused_layers_do_not_mind_the_order, 0, 2);
    tcase_add_test(explaining, hinted_orders_are_kept_apart);
    tcase_add_test(explaining, layers_without_positions_are_refused);
    tcase_add_test(explaining, a_given_grid_cuts_the_tokens);
    suite_add_tcase(suite, explaining);
    return run_suite(suite);
}
