/* The option `target`, whose weights the program reads from an array. */
#ifndef SSCAM_TOOLS_COMMANDS_TARGET_WEIGHTS_H
#define SSCAM_TOOLS_COMMANDS_TARGET_WEIGHTS_H

#include <stdbool.h>

#include <sscam/sscam.h>

/* Whether a value of the option names an array: *.npy. */
bool target_is_file(const char *value);

/* Sets an array [classes] or [1,classes] as the weights. EXIT_FAILED with a line. */
int target_set_file(sscam_explainer *explainer, const char *path);

#endif
