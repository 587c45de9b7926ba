/* Loading what the command line names, with the program's own one-line errors. */
#ifndef SSCAM_TOOLS_COMMANDS_LOAD_H
#define SSCAM_TOOLS_COMMANDS_LOAD_H

#include <sscam/sscam.h>

/* "-" stands for standard input. */
int load_model(const char *path, const char *device, sscam_model **out);

/* EXIT_USAGE with a line where the model is an image and the image may be a model: they are in the
 * wrong order. */
int check_order(const char *command, const char *model_path, const char *image_path);

/* Whether an explainer can explain a class of the image of a file. Prints nothing. */
sscam_status try_image(sscam_explainer *explainer, const char *path,
                       const sscam_read_options *reading, int64_t class_index);

#endif
