/* Loading what the command line names, with the program's own one-line errors. */
#ifndef SSCAM_TOOLS_COMMANDS_LOAD_H
#define SSCAM_TOOLS_COMMANDS_LOAD_H

#include <sscam/sscam.h>

#include "text/string_list.h"

#define LIBRARY_HELP                                                                         \
    "Load a shared library first that registers operators which the network needs, such as " \
    "libtorchvision.so. It is a program: load only files whose origin you trust."

/* Loads the libraries, then the network. "-" stands for standard input. */
int load_model(const char *path, const char *device, const struct text_list *libraries,
               sscam_model **out);

int load_libraries(const struct text_list *libraries);

/* EXIT_USAGE with a line where the model is an image and the image may be a model: they are in the
 * wrong order. */
int check_order(const char *command, const char *model_path, const char *image_path);

/* Whether an explainer can explain a class of the image of a file. Prints nothing. */
sscam_status try_image(sscam_explainer *explainer, const char *path,
                       const sscam_read_options *reading, int64_t class_index);

#endif
