/* Loading what the command line names, with the program's own one-line errors. */
#ifndef SSCAM_TOOLS_LOAD_H
#define SSCAM_TOOLS_LOAD_H

#include <sscam/sscam.h>

int load_model(const char *path, const char *device, sscam_model **out);

int load_image(const char *path, sscam_image **out);

#endif
