/* Loading what the command line names, with the program's own one-line errors. */
#ifndef SSCAM_TOOLS_COMMANDS_LOAD_H
#define SSCAM_TOOLS_COMMANDS_LOAD_H

#include <stdint.h>

#include <sscam/sscam.h>

int load_model(const char *path, const char *device, sscam_model **out);

/* An image of at most max_pixels. */
int load_image(const char *path, int64_t max_pixels, sscam_image **out);

/* Whether an explainer can explain a class of the image of a file. Prints nothing. */
sscam_status try_image(sscam_explainer *explainer, const char *path, int64_t max_pixels,
                       int64_t class_index);

#endif
