/* Decompression bombs and absurd sizes: small files that ask for much memory are refused before it
 * is allocated. What a call allocates is measured as the growth of the peak memory of a process of
 * its own. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* mkdtemp */
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "support/assertions.h"
#include "support/check_main.h"
#include "support/jpeg_samples.h"
#include "support/pixels.h"
#include "support/png_builder.h"

enum {
    SIDE = 4096,
    PIXELS = SIDE * SIDE,
    KILOBYTE = 1024,
    NOTHING = 6 * KILOBYTE /* kB: less than any bomb */
};

/* --- files ------------------------------------------------------------------------------------ */

static unsigned black(uint32_t x, uint32_t y, int channel)
{
    (void)x;
    (void)y;
    (void)channel;
    return 0;
}

/* Zeros, deflated a thousandfold. */
static size_t deflate_zeros(size_t count, uint8_t *out, size_t room)
{
    static uint8_t zeros[1 << 16];
    z_stream stream = {.next_out = out, .avail_out = (uInt)room};
    int state = Z_OK;

    ck_assert_int_eq(deflateInit(&stream, 9), Z_OK);
    while (state == Z_OK) {
        stream.next_in = zeros;
        stream.avail_in = (uInt)(count < sizeof zeros ? count : sizeof zeros);
        count -= stream.avail_in;
        state = deflate(&stream, count ? Z_NO_FLUSH : Z_FINISH);
        ck_assert_uint_eq(stream.avail_in, 0);
    }
    ck_assert_int_eq(state, Z_STREAM_END);
    deflateEnd(&stream);
    return stream.total_out;
}

/* A whole image of SIDE x SIDE black pixels in 16 kB. */
static const png_builder *png_bomb(void)
{
    static png_builder png;
    static uint8_t content[PNG_BUILDER_CAPACITY];
    const png_description of = {SIDE, SIDE, 8, PNG_GRAY, 0, black};
    png_begin(&png, &of);
    png_append_chunk(&png, "IDAT", content,
                     deflate_zeros((size_t)SIDE * (SIDE + 1), content, sizeof content));
    png_append_chunk(&png, "IEND", NULL, 0);
    return &png;
}

/* A small image with 8 texts of 7 MB. */
static const png_builder *text_bomb(void)
{
    enum { TEXTS = 8, TEXT_SIZE = 7000000 };
    static const char head[] = "Comment\0"; /* the name, its end, and how it is compressed: zlib */
    static png_builder png;
    static uint8_t chunk[PNG_BUILDER_CAPACITY];
    const png_description of = {2, 2, 8, PNG_RGB, 0, black};
    memcpy(chunk, head, sizeof head);
    size_t size = sizeof head +
                  deflate_zeros(TEXT_SIZE, chunk + sizeof head, sizeof chunk - sizeof head);
    png_begin(&png, &of);
    for (int i = 0; i < TEXTS; i++)
        png_append_chunk(&png, "zTXt", chunk, size);
    png_finish(&png, &of);
    return &png;
}

/* A PNG that claims sides and has no pixels. */
static const png_builder *png_claiming(uint32_t width, uint32_t height, int colour_type)
{
    static png_builder png;
    const png_description of = {width, height, 8, colour_type, 0, black};
    png_begin(&png, &of);
    png_append_chunk(&png, "IDAT", NULL, 0);
    png_append_chunk(&png, "IEND", NULL, 0);
    return &png;
}

/* The sample, baseline or progressive, with other sides in its header. */
static void claim_jpeg_sides(uint8_t *jpeg, size_t size, uint8_t marker, uint16_t side)
{
    for (size_t i = 0; i + 8 < size; i++)
        if (jpeg[i] == 0xFF && jpeg[i + 1] == marker) {
            jpeg[i + 5] = jpeg[i + 7] = (uint8_t)(side >> 8);
            jpeg[i + 6] = jpeg[i + 8] = (uint8_t)side;
            return;
        }
    ck_abort_msg("no such marker");
}

/* --- memory ----------------------------------------------------------------------------------- */

typedef struct reading {
    const void *data;
    size_t size;
    int64_t max_pixels;
    sscam_status wanted;
} reading;

static sscam_read_options at_most(int64_t max_pixels)
{
    sscam_read_options options = SSCAM_READ_OPTIONS_INIT;
    options.max_pixels = max_pixels;
    return options;
}

static sscam_status read_limited(const char *path, int64_t max_pixels, sscam_image **out)
{
    const sscam_read_options options = at_most(max_pixels);
    return sscam_image_read(path, &options, out);
}

static sscam_status read_memory_limited(const void *data, size_t size, int64_t max_pixels,
                                        sscam_image **out)
{
    const sscam_read_options options = at_most(max_pixels);
    return sscam_image_read_memory(data, size, &options, out);
}

static long most_memory(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* In the child: fails when the status is another; else what reading took goes up through the
 * pipe. */
static void read_and_tell(const reading *of, int pipe_end)
{
    sscam_image *image = NULL;
    long before = most_memory();
    sscam_status status = read_memory_limited(of->data, of->size, of->max_pixels, &image);
    long growth = most_memory() - before;
    int is_right = status == of->wanted && (status == SSCAM_OK) == (image != NULL);
    if (!is_right)
        fprintf(stderr, "%s: %s\n", sscam_status_name(status), sscam_last_error());
    sscam_image_unref(image);
    _exit(is_right && write(pipe_end, &growth, sizeof growth) == (ssize_t)sizeof growth ? 0 : 1);
}

/* kB that reading took at most. */
static long memory_of(reading of)
{
    int ends[2], state = 0;
    long growth = -1;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        read_and_tell(&of, ends[1]);
    close(ends[1]);
    ssize_t count = read(ends[0], &growth, sizeof growth);
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &state, 0), child);
    ck_assert_int_eq(state, 0);
    ck_assert_int_eq(count, sizeof growth);
    return growth;
}

/* --- tests ------------------------------------------------------------------------------------ */

START_TEST(png_bomb_takes_memory_only_where_it_is_let_in)
{
    const png_builder *png = png_bomb();
    ck_assert_uint_lt(png->size, PIXELS / 900);
    ck_assert_int_ge(memory_of((reading){png->bytes, png->size, PIXELS, SSCAM_OK}),
                     PIXELS / KILOBYTE);
    ck_assert_int_le(memory_of((reading){png->bytes, png->size, PIXELS - 1, SSCAM_E_FORMAT}),
                     NOTHING);
}
END_TEST

START_TEST(texts_of_a_png_are_not_unpacked)
{
    const png_builder *png = text_bomb();
    reading of = {png->bytes, png->size, SSCAM_IMAGE_MAX_PIXELS, SSCAM_OK};
    ck_assert_int_le(memory_of(of), NOTHING);
}
END_TEST

START_TEST(claimed_sides_take_no_memory)
{
    const png_builder *png = png_claiming(60000, 60000, PNG_RGBA);
    reading of = {png->bytes, png->size, SSCAM_IMAGE_MAX_PIXELS, SSCAM_E_FORMAT};
    ck_assert_int_le(memory_of(of), NOTHING);

    uint8_t baseline[sizeof jpeg_rgb], progressive[sizeof jpeg_progressive];
    memcpy(baseline, jpeg_rgb, sizeof baseline);
    memcpy(progressive, jpeg_progressive, sizeof progressive);
    claim_jpeg_sides(baseline, sizeof baseline, 0xC0, 60000);
    claim_jpeg_sides(progressive, sizeof progressive, 0xC2, 60000);
    ck_assert_int_le(
        memory_of((reading){baseline, sizeof baseline, SSCAM_IMAGE_MAX_PIXELS, SSCAM_E_FORMAT}),
        NOTHING);
    ck_assert_int_le(memory_of((reading){progressive, sizeof progressive, SSCAM_IMAGE_MAX_PIXELS,
                                         SSCAM_E_FORMAT}),
                     NOTHING);
}
END_TEST

/* Without a limit of pixels, the address space is the limit. */
START_TEST(sizes_beyond_all_memory_are_told_as_such)
{
    const png_builder *png = png_claiming(INT32_MAX, INT32_MAX, PNG_RGBA);
    sscam_image *image = NULL;
    ASSERT_FAILS(read_memory_limited(png->bytes, png->size, INT64_MAX, &image), SSCAM_E_MEMORY,
                 "PNG");
    ck_assert_ptr_null(image);
}
END_TEST

START_TEST(a_limit_is_kept_to_the_pixel)
{
    enum { JPEG_PIXELS = 8 * 8 };
    sscam_image *image = NULL;
    ASSERT_OK(read_memory_limited(jpeg_gray, sizeof jpeg_gray, JPEG_PIXELS, &image));
    ck_assert_int_eq(sscam_image_width(image) * sscam_image_height(image), JPEG_PIXELS);
    sscam_image_unref(image);
    ASSERT_FAILS(read_memory_limited(jpeg_gray, sizeof jpeg_gray, JPEG_PIXELS - 1, &image),
                 SSCAM_E_FORMAT, "more than the 63 allowed");
    ck_assert_ptr_null(image);
}
END_TEST

static const int64_t no_limits[] = {-1, -2, INT64_MIN};

START_TEST(a_limit_below_zero_is_an_error)
{
    sscam_image *image = (sscam_image *)(uintptr_t)16;
    ASSERT_FAILS(read_memory_limited(jpeg_gray, sizeof jpeg_gray, no_limits[_i], &image),
                 SSCAM_E_ARGUMENT, "max_pixels");
    ck_assert_ptr_null(image);
    image = (sscam_image *)(uintptr_t)16;
    ASSERT_FAILS(read_limited("any.png", no_limits[_i], &image), SSCAM_E_ARGUMENT, "max_pixels");
    ck_assert_ptr_null(image);
    ASSERT_FAILS(read_limited(NULL, 1, &image), SSCAM_E_ARGUMENT, "path");
    ASSERT_FAILS(read_memory_limited(NULL, 1, 1, &image), SSCAM_E_ARGUMENT, "data");
    ASSERT_FAILS(read_limited("any.png", 1, NULL), SSCAM_E_ARGUMENT, "out");
    ASSERT_FAILS(read_memory_limited(jpeg_gray, sizeof jpeg_gray, 1, NULL), SSCAM_E_ARGUMENT,
                 "out");
}
END_TEST

/* The size of the file itself is limited, too: 8 bytes a pixel and 16 MiB. */
START_TEST(a_large_file_is_not_read)
{
    char folder[] = "/tmp/sscam-limits-XXXXXX", path[sizeof folder + sizeof "/a.png"];
    const png_builder *png = png_bomb();
    sscam_image *image = NULL;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.png", folder);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(png->bytes, 1, png->size, file), png->size);
    fclose(file);
    ASSERT_OK(read_limited(path, PIXELS, &image));
    sscam_image_unref(image);
    ASSERT_FAILS(read_limited(path, PIXELS - 1, &image), SSCAM_E_FORMAT, path);

    off_t most = (off_t)1000 * 8 + (1 << 24);
    ck_assert_int_eq(truncate(path, most + 1), 0);
    ASSERT_FAILS(read_limited(path, 1000, &image), SSCAM_E_FORMAT, "bytes allowed");
    ck_assert_int_eq(truncate(path, most), 0);
    ASSERT_FAILS(read_limited(path, 1000, &image), SSCAM_E_FORMAT, "1000 allowed");
    ck_assert_ptr_null(image);
    unlink(path);
    rmdir(folder);
}
END_TEST

/* A narrow image that is resized by its shorter side becomes a vast one. */
START_TEST(resizing_is_limited)
{
    sscam_explainer *explainer = make_explainer("fake linear", "grad-cam");
    sscam_image *image = NULL;
    static const uint8_t pixels[20000];
    int64_t shape[4];
    ASSERT_OK(create_packed(1, 20000, 1, pixels, &image));
    ASSERT_OK(sscam_explainer_set(explainer, "resize", "256"));
    ASSERT_FAILS(sscam_explainer_preprocess(explainer, image, shape, NULL, 0), SSCAM_E_ARGUMENT,
                 "268435456");
    ASSERT_OK(sscam_explainer_set(explainer, "resize", "10"));
    ASSERT_OK(sscam_explainer_preprocess(explainer, image, shape, NULL, 0));
    sscam_image_unref(image);
    sscam_explainer_unref(explainer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("limits");
    TCase *tests = tcase_create("limits");
    tcase_add_test(tests, png_bomb_takes_memory_only_where_it_is_let_in);
    tcase_add_test(tests, texts_of_a_png_are_not_unpacked);
    tcase_add_test(tests, claimed_sides_take_no_memory);
    tcase_add_test(tests, sizes_beyond_all_memory_are_told_as_such);
    tcase_add_test(tests, a_limit_is_kept_to_the_pixel);
    tcase_add_loop_test(tests, a_limit_below_zero_is_an_error, 0, 3);
    tcase_add_test(tests, a_large_file_is_not_read);
    tcase_add_test(tests, resizing_is_limited);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
