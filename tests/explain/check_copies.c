/* What the headers promise not to copy: bytes that each call allocates are counted, on images so
 * large that a copy of one would show. */
#include <stdlib.h>

#include "support/fixtures.h"

enum { WIDTH = 1600, HEIGHT = 1200, PIXELS = WIDTH * HEIGHT, SMALL = 4096 };
enum { FEW_ROWS = 32 * WIDTH * 4 };

/* --- counting --------------------------------------------------------------------------------- */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);

static size_t allocated;

void *malloc(size_t size)
{
    allocated += size;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocated += count * size;
    return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    allocated += size;
    return __libc_realloc(block, size);
}

/* Bytes that a call, which has to succeed, allocates. */
#define ALLOCATED(call) (allocated = 0, check_ok(call), allocated)

static void check_ok(sscam_status status)
{
    const size_t counted = allocated;
    ck_assert_msg(status == SSCAM_OK, "%s", sscam_last_error());
    allocated = counted;
}

static void assert_at_most(size_t found, size_t most)
{
    ck_assert_msg(found <= most, "%zu bytes are allocated, not at most %zu", found, most);
}

START_TEST(allocations_are_counted)
{
    void *(*volatile grow)(void *, size_t) = realloc; /* not turned into malloc() */
    allocated = 0;
    free(malloc(100));
    free(calloc(3, 100));
    free(grow(NULL, 10));
    ck_assert_uint_eq(allocated, 410);
}
END_TEST

/* --- images ----------------------------------------------------------------------------------- */

static uint8_t memory[8 * PIXELS + PIXELS];

static const struct layout {
    int32_t format;
    int64_t pixel_bytes, padding;
} layouts[] = {
    {SSCAM_PIXELS_GRAY8, 1, 0}, {SSCAM_PIXELS_GRAY16, 2, 5}, {SSCAM_PIXELS_RGB8, 3, 64},
    {SSCAM_PIXELS_RGB16, 6, 0}, {SSCAM_PIXELS_RGBA8, 4, 16}, {SSCAM_PIXELS_RGBA16, 8, 0},
    {SSCAM_PIXELS_BGR8, 3, 13}, {SSCAM_PIXELS_BGRA8, 4, 0},  {SSCAM_PIXELS_NV12, 1, 0},
};
enum { LAYOUTS = sizeof layouts / sizeof layouts[0] };

/* Rows from below upwards where there is padding. */
static sscam_pixels layout_pixels(const struct layout *layout)
{
    sscam_pixels pixels = SSCAM_PIXELS_INIT;
    const int64_t row = WIDTH * layout->pixel_bytes + layout->padding;
    pixels.width = WIDTH;
    pixels.height = HEIGHT;
    pixels.format = layout->format;
    pixels.stride = layout->padding ? -row : row;
    pixels.data = memory + (layout->padding ? (HEIGHT - 1) * row : 0);
    if (layout->format == SSCAM_PIXELS_NV12) {
        pixels.second_data = memory + PIXELS;
        pixels.second_stride = WIDTH;
    }
    return pixels;
}

static sscam_image *wrap(const struct layout *layout)
{
    const sscam_pixels pixels = layout_pixels(layout);
    sscam_image *image = NULL;
    assert_at_most(ALLOCATED(sscam_image_wrap(&pixels, NULL, NULL, &image)), SMALL);
    return image;
}

static sscam_canvas canvas_of(int64_t width, int64_t height, int32_t format, void *data)
{
    sscam_canvas canvas = SSCAM_CANVAS_INIT;
    canvas.data = data;
    canvas.width = width;
    canvas.height = height;
    canvas.format = format;
    return canvas;
}

static uint8_t drawn[4 * PIXELS];

/* Nor is it copied when it is looked at, preprocessed, or copied out. */
START_TEST(a_wrapped_image_is_not_copied)
{
    sscam_image *image = wrap(&layouts[_i]);
    sscam_pixels described = SSCAM_PIXELS_INIT;
    const sscam_canvas canvas = canvas_of(WIDTH, HEIGHT, SSCAM_PIXELS_BGRA8, drawn);
    ck_assert_uint_eq(ALLOCATED(sscam_image_describe(image, &described)), 0);
    ck_assert_ptr_eq(described.data, layout_pixels(&layouts[_i]).data);
    assert_at_most(ALLOCATED(sscam_image_copy_pixels(image, &canvas)), FEW_ROWS);
    sscam_image_unref(image);
}
END_TEST

/* 224 x 224 of the image reach the network. */
START_TEST(an_explained_image_is_not_copied)
{
    sscam_image *image = wrap(&layouts[_i]);
    sscam_explainer *explainer = make_explainer("fake linear", "grad-cam");
    sscam_map *map = NULL;
    ASSERT_OK(sscam_explain_image(explainer, image, 0, &map)); /* what is made once */
    sscam_map_unref(map);
    const size_t explaining = ALLOCATED(sscam_explain_image(explainer, image, 0, &map));
    sscam_map_unref(map);
    sscam_image *small = make_image(224, 224, 3);
    const size_t least = ALLOCATED(sscam_explain_image(explainer, small, 0, &map));
    sscam_map_unref(map);
    /* Besides: columns of 256 rows that the filter has met, and its weights. */
    assert_at_most(explaining, least + 256 * WIDTH * (size_t)(layouts[_i].pixel_bytes + 2));
    sscam_image_unref(small);
    sscam_image_unref(image);
    sscam_explainer_unref(explainer);
}
END_TEST

/* --- drawings --------------------------------------------------------------------------------- */

static float values[PIXELS];

static sscam_map *make_map(int64_t height, int64_t width)
{
    const int64_t shape[2] = {height, width};
    sscam_map *map = NULL;
    for (int64_t i = 0; i < height * width; i++)
        values[i] = (float)(i % 97);
    ASSERT_OK(sscam_map_create(ARRAY(values, shape, 2), &map));
    return map;
}

/* The raw values and the data. */
START_TEST(values_become_a_map_by_one_copy)
{
    const int64_t shape[2] = {HEIGHT, WIDTH};
    sscam_map *map = NULL;
    assert_at_most(ALLOCATED(sscam_map_create(ARRAY(values, shape, 2), &map)),
                   2 * PIXELS * sizeof(float) + SMALL);
    sscam_map_unref(map);
}
END_TEST

START_TEST(data_is_copied_out_without_memory)
{
    static float copy[PIXELS];
    const int64_t shape[2] = {HEIGHT, WIDTH};
    sscam_map *map = make_map(HEIGHT, WIDTH);
    ck_assert_uint_eq(ALLOCATED(sscam_map_copy_data(map, shape, 2, NULL, copy)), 0);
    sscam_map_unref(map);
}
END_TEST

static const int32_t canvas_formats[] = {SSCAM_PIXELS_RGB8, SSCAM_PIXELS_BGR8, SSCAM_PIXELS_RGBA8,
                                         SSCAM_PIXELS_BGRA8};
enum { FORMATS = sizeof canvas_formats / sizeof canvas_formats[0] };

/* Whatever the format of image and canvas, and however often. */
START_TEST(drawing_into_the_hosts_memory_takes_a_few_rows)
{
    sscam_image *image = wrap(&layouts[_i % LAYOUTS]);
    sscam_map *map = make_map(224, 224), *large = make_map(HEIGHT, WIDTH);
    for (int format = 0; format < FORMATS; format++) {
        const sscam_canvas canvas = canvas_of(WIDTH, HEIGHT, canvas_formats[format], drawn);
        assert_at_most(ALLOCATED(sscam_map_overlay_into(map, image, NULL, &canvas)), FEW_ROWS);
        assert_at_most(ALLOCATED(sscam_map_heatmap_into(large, NULL, &canvas)), FEW_ROWS);
    }
    sscam_map_unref(map);
    sscam_map_unref(large);
    sscam_image_unref(image);
}
END_TEST

/* --- inputs ----------------------------------------------------------------------------------- */

static sscam_status describe(void *user, const sscam_engine_request *request,
                             sscam_engine_reply *reply)
{
    (void)user;
    (void)request;
    return sscam_engine_reply_add_layer(reply, "layer", NULL, NULL, 0);
}

static sscam_status run(void *user, const sscam_engine_request *request, sscam_engine_reply *reply)
{
    static const float logits[2] = {1.0f, 2.0f};
    static const int64_t shape[2] = {1, 2};
    (void)user;
    (void)request;
    return sscam_engine_reply_set_outputs(reply, logits, shape, 2);
}

/* The memory in which an engine gets its inputs is kept between calls. */
START_TEST(a_further_input_for_an_engine_takes_no_memory)
{
    const int64_t shape[4] = {1, 1, HEIGHT, WIDTH};
    sscam_engine engine = SSCAM_ENGINE_INIT;
    sscam_model *model = NULL;
    float logits[2];
    int64_t count = 0;
    engine.describe = describe;
    engine.run = run;
    ASSERT_OK(sscam_model_create_from_engine(&engine, &model));
    ASSERT_OK(sscam_model_classify(model, ARRAY(values, shape, 4), logits, 2, &count));
    assert_at_most(
        ALLOCATED(sscam_model_classify(model, ARRAY(values, shape, 4), logits, 2, &count)), SMALL);
    sscam_model_unref(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("copies");
    TCase *tests = add_tcase(suite, "copies", NULL, NULL);
    tcase_add_test(tests, allocations_are_counted);
    tcase_add_loop_test(tests, a_wrapped_image_is_not_copied, 0, LAYOUTS);
    tcase_add_loop_test(tests, an_explained_image_is_not_copied, 0, LAYOUTS);
    tcase_add_test(tests, values_become_a_map_by_one_copy);
    tcase_add_test(tests, data_is_copied_out_without_memory);
    tcase_add_loop_test(tests, drawing_into_the_hosts_memory_takes_a_few_rows, 0, LAYOUTS);
    tcase_add_test(tests, a_further_input_for_an_engine_takes_no_memory);
    return run_suite(suite);
}
