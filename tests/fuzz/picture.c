#include "picture.h"

#include <string.h>

#include "sscam/sscam.h"
#include "target.h"

/* What a fuzzer may decode in reasonable time; larger sizes are a matter of patience, not of safety. */
enum { MOST_PIXELS = 1 << 22 };

/* The sides that a header states, so that decompression bombs do not stop the search. */
static int is_small_enough(const char *start, const uint8_t *data, size_t size)
{
    if (start[0] != '\x89') {
        for (size_t i = 2; i + 9 < size; i++)
            if (data[i] == 0xff && data[i + 1] >= 0xc0 && data[i + 1] <= 0xcf &&
                (data[i + 5] << 8 | data[i + 6]) * (int64_t)(data[i + 7] << 8 | data[i + 8]) > MOST_PIXELS)
                return 0;
        return 1;
    }
    if (size < 24)
        return 1;
    uint32_t width = (uint32_t)data[16] << 24 | (uint32_t)data[17] << 16 | (uint32_t)data[18] << 8 | data[19];
    uint32_t height = (uint32_t)data[20] << 24 | (uint32_t)data[21] << 16 | (uint32_t)data[22] << 8 | data[23];
    return (uint64_t)width * height <= MOST_PIXELS || (uint64_t)width * height > SSCAM_IMAGE_MAX_PIXELS;
}

static void look_at(const sscam_image *image)
{
    const uint8_t *pixels = sscam_image_pixels(image);
    int64_t width = sscam_image_width(image), height = sscam_image_height(image);
    int64_t channels = sscam_image_channels(image);
    volatile uint8_t sum = 0;

    PROMISE(width > 0 && height > 0 && width * height <= SSCAM_IMAGE_MAX_PIXELS);
    PROMISE(channels == 1 || channels == 3 || channels == 4);
    for (int64_t i = 0; i < width * height * channels; i++)
        sum = (uint8_t)(sum + pixels[i]);
}

void decode_picture(const char *start, size_t start_size, const uint8_t *data, size_t size)
{
    sscam_image *image = NULL;

    if (size < start_size || memcmp(data, start, start_size) != 0 || !is_small_enough(start, data, size))
        return;
    sscam_status status = sscam_image_read_memory(data, size, &image);
    PROMISE((status == SSCAM_OK) == (image != NULL));
    PROMISE((status == SSCAM_OK) == (sscam_last_error()[0] == '\0'));
    PROMISE(status == SSCAM_OK || status == SSCAM_E_FORMAT || status == SSCAM_E_MEMORY);
    if (image)
        look_at(image);
    sscam_image_destroy(image);
}
