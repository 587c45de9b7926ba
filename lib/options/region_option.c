#include "options/region_option.h"

#include <string.h>

#include "base/error.h"
#include "base/number.h"

sscam_status sscam_region_parse(const char *text, sscam_region *region)
{
    static const struct {
        const char *text;
        sscam_region_kind kind;
    } words[] = {{"predicted", SSCAM_REGION_PREDICTED},
                 {"all", SSCAM_REGION_ALL},
                 {"mask", SSCAM_REGION_MASK}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(text, words[i].text) == 0) {
            *region = (sscam_region){.kind = words[i].kind};
            return SSCAM_OK;
        }
    }
    sscam_region box = {.kind = SSCAM_REGION_BOX};
    size_t count = 0;
    if (!sscam_parse_reals(text, box.box, 4, &count) || count != 4)
        return sscam_fail(
            SSCAM_E_ARGUMENT,
            "option region: \"%s\" is none of predicted, all, mask and LEFT,TOP,RIGHT,BOTTOM",
            text);
    if (!(box.box[0] >= 0.0 && box.box[1] >= 0.0 && box.box[2] > box.box[0] &&
          box.box[3] > box.box[1]))
        return sscam_fail(
            SSCAM_E_ARGUMENT,
            "option region: the box %s is empty, or begins left of or above the input", text);
    *region = box;
    return SSCAM_OK;
}

sscam_status sscam_region_of(const sscam_settings *settings, const uint8_t *mask,
                             int64_t mask_height, int64_t mask_width, sscam_region *region)
{
    sscam_status status = sscam_region_parse(settings->value[SSCAM_OPTION_REGION].text, region);
    if (status != SSCAM_OK)
        return status;
    if (region->kind == SSCAM_REGION_MASK && !mask)
        return sscam_fail(SSCAM_E_ARGUMENT, "option region: mask, but no mask was given with it");
    region->by_sign = settings->value[SSCAM_OPTION_PROBABILITY].integer ==
                      SSCAM_PROBABILITY_SIGMOID;
    region->takes_sum = settings->value[SSCAM_OPTION_REDUCTION].integer == SSCAM_REDUCTION_SUM;
    region->mask = mask;
    region->mask_height = mask_height;
    region->mask_width = mask_width;
    return SSCAM_OK;
}
