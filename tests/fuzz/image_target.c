#include "image_target.h"

#include <string.h>

#include "sscam/sscam.h"
#include "target.h"

/* What can be decoded in reasonable time. */
static const int64_t MOST_PIXELS = 1 << 22;

static void look_at(const sscam_image *image)
{
    sscam_pixels view = SSCAM_PIXELS_INIT;
    int64_t width = sscam_image_width(image), height = sscam_image_height(image);
    int64_t channels = sscam_image_channels(image);
    volatile uint8_t sum = 0;

    PROMISE(width > 0 && height > 0 && width * height <= MOST_PIXELS);
    PROMISE(channels == 1 || channels == 3 || channels == 4);
    PROMISE(sscam_image_describe(image, &view) == SSCAM_OK);
    for (int64_t i = 0; i < height * view.stride; i++)
        sum = (uint8_t)(sum + ((const uint8_t *)view.data)[i]);
}

void decode_image(const char *start, size_t start_size, const uint8_t *data, size_t size)
{
    sscam_image *image = NULL;

    if (size < start_size || memcmp(data, start, start_size) != 0)
        return;
    sscam_read_options options = SSCAM_READ_OPTIONS_INIT;

    options.max_pixels = MOST_PIXELS;
    options.allow_truncated = size % 2;
    sscam_status status = sscam_image_read_memory(data, size, &options, &image);
    PROMISE((status == SSCAM_OK) == (image != NULL));
    PROMISE((status == SSCAM_OK) == (sscam_last_error()[0] == '\0'));
    PROMISE(status == SSCAM_OK || status == SSCAM_E_FORMAT || status == SSCAM_E_MEMORY);
    if (image)
        look_at(image);
    sscam_image_unref(image);
}
