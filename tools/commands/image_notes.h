/* What the library remarks on an image that it reads, as a note of the program. */
#ifndef SSCAM_TOOLS_COMMANDS_IMAGE_NOTES_H
#define SSCAM_TOOLS_COMMANDS_IMAGE_NOTES_H

#include <sscam/sscam.h>

/* Reads as sscam_image_read() and sscam_image_read_memory(). The first warning is printed, for the
 * images of a data set are alike. */
sscam_status read_image_file(const char *path, const sscam_read_options *reading,
                             sscam_image **out);
sscam_status read_image_bytes(const void *bytes, size_t size, const sscam_read_options *reading,
                              sscam_image **out);

#endif
