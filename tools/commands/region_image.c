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

static sscam_status set_mask(sscam_explainer *explainer, const sscam_image *image)
{
    const size_t channels = (size_t)sscam_image_channels(image), colors = channels < 3 ? 1 : 3;
    const size_t count = (size_t)sscam_image_width(image) * (size_t)sscam_image_height(image);
    const uint8_t *pixel = sscam_image_pixels(image);
    uint8_t *mask = allocate(count, 1);

    for (size_t i = 0; i < count; i++, pixel += channels)
        for (size_t color = 0; color < colors; color++)
            mask[i] |= pixel[color];
    sscam_status status = sscam_explainer_set_region(explainer, mask, sscam_image_height(image),
                                                     sscam_image_width(image));
    free(mask);
    return status;
}

sscam_status region_set_file(sscam_explainer *explainer, const char *path)
{
    sscam_image *image = NULL;

    sscam_status status = sscam_image_read(path, &image);
    if (!status)
        status = set_mask(explainer, image);
    sscam_image_unref(image);
    return status;
}
