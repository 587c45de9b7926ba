/* Files that the program writes: base/atomic_file.h with the program's messages, and safe from its
 * ends. A second Ctrl-C waits until the file is complete; when memory runs out, the temporary file
 * is removed. */
#ifndef SSCAM_TOOLS_COMMON_OUTPUT_FILE_H
#define SSCAM_TOOLS_COMMON_OUTPUT_FILE_H

#include <sscam/sscam.h>

#include "base/atomic_file.h"

/* Opens a file, whose path must outlive the struct; write to file->stream. One at a time. */
int output_file_open(sscam_atomic_file *file, const char *path);

/* Gives the file its name. On failure nothing is left behind. */
int output_file_commit(sscam_atomic_file *file);

/* Removes what was written so far. */
void output_file_discard(sscam_atomic_file *file);

/* Writes an image by the library, which replaces files in the same manner. */
int output_png_write(const sscam_image *image, const char *path);

/* Whether a file could be written at `path` now, to be asked before long work. */
int output_path_check(const char *path);

#endif
