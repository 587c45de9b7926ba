/* Loading what the command line names, with the program's own one-line errors. */
#ifndef SSCAM_TOOLS_COMMANDS_LOAD_H
#define SSCAM_TOOLS_COMMANDS_LOAD_H

#include <sscam/sscam.h>

int load_model(const char *path, const char *device, sscam_model **out);

int load_image(const char *path, const sscam_read_options *reading, sscam_image **out);

/* Whether an explainer can explain a class of the image of a file. Prints nothing. */
sscam_status try_image(sscam_explainer *explainer, const char *path,
                       const sscam_read_options *reading, int64_t class_index);

#endif
