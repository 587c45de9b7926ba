/* Writes what the library makes of an image file, for test_preprocess.py to compare with PIL and
 * torchvision.
 *
 * usage: preprocess_probe pixels IMAGE OUTPUT [stored] [truncated] [bits=N]
 *        preprocess_probe input IMAGE OUTPUT [OPTION=VALUE]...
 * OUTPUT receives the decoded 8-bit pixels, or the network's float32 input; standard output their
 * shape, "H W C" or "C H W". A failure's message goes to standard error. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/preprocess.h"
#include "sscam/image.h"

static int fail(void)
{
    fprintf(stderr, "%s\n", sscam_last_error());
    return 1;
}

static int write_output(const char *path, const void *data, size_t size)
{
    FILE *output = fopen(path, "wb");
    if (!output || fwrite(data, 1, size, output) != size || fclose(output) != 0) {
        perror(path);
        return 1;
    }
    return 0;
}

static int write_pixels(const sscam_image *image, const char *path)
{
    sscam_pixels pixels = SSCAM_PIXELS_INIT;
    if (sscam_image_describe(image, &pixels) != SSCAM_OK)
        return fail();
    printf("%" PRId64 " %" PRId64 " %" PRId32 "\n", pixels.height, pixels.width,
           sscam_image_channels(image));
    return write_output(path, pixels.data, (size_t)pixels.stride * (size_t)pixels.height);
}

static int read_options(char **options, int count, sscam_transform *transform)
{
    sscam_transform_init(transform);
    for (int i = 0; i < count; i++) {
        char *value = strchr(options[i], '=');
        if (!value) {
            fprintf(stderr, "%s: want OPTION=VALUE\n", options[i]);
            return 1;
        }
        *value++ = '\0';
        if (sscam_transform_set(transform, options[i], value) != SSCAM_OK)
            return fail();
    }
    return 0;
}

static void read_reading(char **words, int count, sscam_read_options *reading)
{
    for (int i = 0; i < count; i++) {
        reading->ignore_orientation |= strcmp(words[i], "stored") == 0;
        reading->allow_truncated |= strcmp(words[i], "truncated") == 0;
        if (strncmp(words[i], "bits=", 5) == 0)
            reading->significant_bits = atoi(words[i] + 5);
    }
}

static int write_input(const sscam_image *image, const sscam_transform *transform, const char *path)
{
    sscam_geometry geometry;
    if (sscam_geometry_compute(transform, sscam_image_width(image), sscam_image_height(image),
                               &geometry) != SSCAM_OK)
        return fail();
    int32_t channels = sscam_transform_channels(transform);
    size_t count = (size_t)channels * (size_t)geometry.input_height * (size_t)geometry.input_width;
    float *input = malloc(count * sizeof *input);
    if (!input) {
        perror("preprocess_probe");
        return 1;
    }
    int result;
    if (sscam_preprocess(image, transform, &geometry, input) == SSCAM_OK) {
        printf("%" PRId32 " %" PRId32 " %" PRId32 "\n", channels, geometry.input_height,
               geometry.input_width);
        result = write_output(path, input, count * sizeof *input);
    } else {
        result = fail();
    }
    free(input);
    return result;
}

int main(int argc, char **argv)
{
    int pixels = argc >= 4 && strcmp(argv[1], "pixels") == 0;
    if (argc < 4 || (!pixels && strcmp(argv[1], "input") != 0)) {
        fprintf(stderr, "usage: preprocess_probe pixels|input IMAGE OUTPUT [OPTION=VALUE]...\n");
        return 2;
    }
    sscam_transform transform;
    sscam_read_options reading = SSCAM_READ_OPTIONS_INIT;
    if (pixels)
        read_reading(argv + 4, argc - 4, &reading);
    else if (read_options(argv + 4, argc - 4, &transform) != 0)
        return 1;
    sscam_image *image = NULL;
    if (sscam_image_read(argv[2], &reading, &image) != SSCAM_OK)
        return fail();
    int result = pixels ? write_pixels(image, argv[3]) : write_input(image, &transform, argv[3]);
    sscam_image_unref(image);
    return result;
}
