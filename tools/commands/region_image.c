#include "commands/region_image.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/checked_alloc.h"
#include "data/folder.h"

bool region_is_file(const char *value)
{
    return is_image_name(value);
}

/* Pixels that are not black, by the bytes of their colours: images that were read have no padding,
 * and colours come before alpha. */
static sscam_status set_mask(sscam_explainer *explainer, const sscam_image *image)
{
    sscam_pixels view = SSCAM_PIXELS_INIT;
    sscam_status status = sscam_image_describe(image, &view);

    if (status)
        return status;
    const int32_t channels = sscam_image_channels(image), colors = channels < 3 ? 1 : 3;
    const int64_t count = view.width * view.height, pixel_size = view.stride / view.width;
    const int64_t color_size = pixel_size / channels * colors;
    const uint8_t *pixel = view.data;
    uint8_t *mask = allocate((size_t)count, 1);

    for (int64_t i = 0; i < count; i++, pixel += pixel_size)
        for (int64_t byte = 0; byte < color_size; byte++)
            mask[i] |= pixel[byte];
    status = sscam_explainer_set_region(explainer, mask, (int32_t)view.height, (int32_t)view.width);
    free(mask);
    return status;
}

sscam_status region_set_file(sscam_explainer *explainer, const char *path)
{
    sscam_image *image = NULL;

    sscam_status status = sscam_image_read(path, NULL, &image);
    if (!status)
        status = set_mask(explainer, image);
    sscam_image_unref(image);
    return status;
}
