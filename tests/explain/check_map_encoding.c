/* Maps as bytes: what comes back is equal in all that can be asked of it, and no bytes do harm. */
#include <math.h>
#include <stdlib.h>

#include "support/fixtures.h"

static sscam_image *image;

static void set_up(void)
{
    image = make_image(31, 23, 3);
    fake_reset();
}

static void tear_down(void)
{
    sscam_image_unref(image);
    assert_all_networks_freed();
}

static const struct way {
    const char *head, *method, *options;
} ways[] = {
    {"linear", "grad-cam", ""},
    {"linear", "layer-cam", "layer=stem,features"},
    {"linear", "ss-cam-mean", "samples=3 combine=upsampled"},
    {"linear", "score-cam", "resize=40 crop=24"},
    {"linear", "eigen-cam", "resize=off crop=off"},
    {"flat", "grad-cam", ""},
    {"dense", "grad-cam", ""},
};

static sscam_map *explained(const struct way *way)
{
    sscam_explainer *explainer = explainer_with(way->head, way->method, way->options);
    sscam_map *map = NULL;
    ASSERT_OK(sscam_explain_image(explainer, image, 1, &map));
    sscam_explainer_unref(explainer);
    return map;
}

static sscam_map *recoded(const sscam_map *map)
{
    void *data = NULL;
    size_t size = 0;
    sscam_map *found = NULL;
    ASSERT_OK(sscam_map_encode(map, &data, &size));
    ASSERT_OK(sscam_map_decode(data, size, &found));
    sscam_free(data);
    return found;
}

static void assert_same_overlays(const sscam_map *left, const sscam_map *right)
{
    sscam_image *one = NULL, *other = NULL;
    sscam_pixels own = SSCAM_PIXELS_INIT, its = SSCAM_PIXELS_INIT;
    ASSERT_OK(sscam_map_overlay(left, image, NULL, &one));
    ASSERT_OK(sscam_map_overlay(right, image, NULL, &other));
    ASSERT_OK(sscam_image_describe(one, &own));
    ASSERT_OK(sscam_image_describe(other, &its));
    ck_assert_mem_eq(own.data, its.data, (size_t)(own.stride * own.height));
    sscam_image_unref(one);
    sscam_image_unref(other);
}

START_TEST(a_map_comes_back_as_it_was)
{
    sscam_map *map = explained(&ways[_i]), *found = recoded(map);
    ck_assert(same_maps(map, found));
    ck_assert_int_eq(sscam_map_class_index(found), 1);
    ck_assert_double_eq(sscam_map_logit(found), sscam_map_logit(map));
    ck_assert_double_eq(sscam_map_probability(found), sscam_map_probability(map));
    ck_assert_int_eq(sscam_map_is_flat(found), sscam_map_is_flat(map));
    ck_assert_int_eq(sscam_map_passes(found), sscam_map_passes(map));
    ck_assert_int_eq(sscam_map_channel_count(found), sscam_map_channel_count(map));
    ck_assert_str_eq(sscam_map_method(found), ways[_i].method);
    ck_assert_str_eq(sscam_map_layer(found), sscam_map_layer(map));
    ck_assert_str_eq(sscam_map_diagnostics(found), sscam_map_diagnostics(map));
    assert_same_overlays(map, found);
    sscam_map_unref(map);
    sscam_map_unref(found);
}
END_TEST

START_TEST(maps_of_every_rank_come_back)
{
    static const int64_t shapes[3][3] = {{24}, {4, 6}, {2, 3, 4}};
    float values[24];
    for (int i = 0; i < 24; i++)
        values[i] = (float)(i * 7 % 11) - 3.0f;
    sscam_map *map = NULL;
    ASSERT_OK(sscam_map_create(ARRAY(values, shapes[_i], _i + 1), &map));
    sscam_map *found = recoded(map);
    ck_assert(same_maps(map, found));
    ck_assert_str_eq(sscam_map_method(found), "external");
    sscam_map_unref(map);
    sscam_map_unref(found);
}
END_TEST

/* --- other bytes ------------------------------------------------------------------------------ */

static uint8_t *bytes;
static size_t size;

static void encode_some_map(void)
{
    sscam_map *map = explained(&ways[3]);
    void *data = NULL;
    ASSERT_OK(sscam_map_encode(map, &data, &size));
    bytes = data;
    sscam_map_unref(map);
}

static void put_hash(uint8_t *at, size_t length)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001B3);
    for (int i = 0; i < 8; i++)
        at[length + (size_t)i] = (uint8_t)(hash >> 8 * i);
}

START_TEST(damaged_and_truncated_bytes_are_refused)
{
    sscam_map *map = STALE;
    encode_some_map();
    for (size_t i = 0; i < size; i += 1 + i / 64) {
        bytes[i] ^= 0x10;
        ASSERT_FAILS(sscam_map_decode(bytes, size, &map), SSCAM_E_FORMAT, "map");
        ck_assert_ptr_null(map);
        bytes[i] ^= 0x10;
        ASSERT_FAILS(sscam_map_decode(bytes, i, &map), SSCAM_E_FORMAT, "map");
    }
    sscam_free(bytes);
}
END_TEST

/* With a hash that fits: whatever the fields say, the map is usable or refused. */
START_TEST(no_bytes_do_harm)
{
    uint32_t random = 7u;
    encode_some_map();
    uint8_t *copy = malloc(size);
    ck_assert_ptr_nonnull(copy);
    for (int trial = 0; trial < 4000; trial++) {
        const size_t head = trial % 2 ? 320 : size;
        const size_t length = trial % 5 ? size : 20 + next_random(&random) % (size - 20);
        sscam_map *map = NULL;
        sscam_image *out = NULL;
        memcpy(copy, bytes, size);
        for (int i = 0; i < 1 + trial % 3; i++)
            copy[12 + next_random(&random) % ((head < length ? head : length) - 19)] ^=
                (uint8_t)(1u << (next_random(&random) >> 16) % 8);
        put_hash(copy, length - 8);
        if (sscam_map_decode(copy, length, &map) == SSCAM_OK) {
            sscam_map_overlay(map, image, NULL, &out);
            sscam_image_unref(out);
            sscam_map_unref(recoded(map));
        } else
            ck_assert_ptr_null(map);
        sscam_map_unref(map);
    }
    free(copy);
    sscam_free(bytes);
}
END_TEST

START_TEST(later_forms_are_named)
{
    sscam_map *map = STALE;
    encode_some_map();
    bytes[8] = 3;
    ASSERT_FAILS(sscam_map_decode(bytes, size, &map), SSCAM_E_FORMAT, "later release");
    sscam_free(bytes);
}
END_TEST

START_TEST(null_is_refused)
{
    sscam_map *map = explained(&ways[0]), *found = STALE;
    void *data = bytes;
    size_t length = 1;
    ASSERT_FAILS(sscam_map_encode(NULL, &data, &length), SSCAM_E_ARGUMENT, "map is NULL");
    ck_assert(!data && length == 0);
    ASSERT_FAILS(sscam_map_encode(map, NULL, &length), SSCAM_E_ARGUMENT, "data is NULL");
    ASSERT_FAILS(sscam_map_encode(map, &data, NULL), SSCAM_E_ARGUMENT, "size is NULL");
    ASSERT_FAILS(sscam_map_decode(NULL, 1, &found), SSCAM_E_ARGUMENT, "data is NULL");
    ck_assert_ptr_null(found);
    ASSERT_FAILS(sscam_map_decode("x", 1, NULL), SSCAM_E_ARGUMENT, "out is NULL");
    ASSERT_FAILS(sscam_map_decode("", 0, &found), SSCAM_E_FORMAT, "no map");
    sscam_map_unref(map);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("map encoding");
    TCase *tests = add_tcase(suite, "map encoding", set_up, tear_down);
    tcase_add_loop_test(tests, a_map_comes_back_as_it_was, 0, sizeof ways / sizeof ways[0]);
    tcase_add_loop_test(tests, maps_of_every_rank_come_back, 0, 3);
    tcase_add_test(tests, damaged_and_truncated_bytes_are_refused);
    tcase_add_test(tests, no_bytes_do_harm);
    tcase_add_test(tests, later_forms_are_named);
    tcase_add_test(tests, null_is_refused);
    return run_suite(suite);
}
