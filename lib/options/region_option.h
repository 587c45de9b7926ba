/* The options `region` and `reduction`: which pixels of dense outputs are explained, and how their
 * scores become one. */
#ifndef SSCAM_LIB_OPTIONS_REGION_OPTION_H
#define SSCAM_LIB_OPTIONS_REGION_OPTION_H

#include "model/target_pixels.h"
#include "options/options.h"

/* The region that a text describes, without its mask. SSCAM_E_ARGUMENT for any other text. */
sscam_status sscam_region_parse(const char *text, sscam_region *region);

/* The region that the settings describe; the mask remains the caller's. */
sscam_status sscam_region_of(const sscam_settings *settings, const uint8_t *mask,
                             int64_t mask_height, int64_t mask_width, sscam_region *region);

#endif
