/* The option `region`, whose mask the program reads from an image. */
#ifndef SSCAM_TOOLS_COMMANDS_REGION_IMAGE_H
#define SSCAM_TOOLS_COMMANDS_REGION_IMAGE_H

#include <stdbool.h>

#include <sscam/sscam.h>

/* Whether a value of the option names an image: *.png, *.jpg or *.jpeg. */
bool region_is_file(const char *value);

/* Sets an image as the mask: what is not black is inside. */
sscam_status region_set_file(sscam_explainer *explainer, const char *path);

#endif
