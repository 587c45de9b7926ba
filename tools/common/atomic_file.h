/* A file that appears whole or not at all: written under a temporary name beside its place, then
 * renamed. */
#ifndef SSCAM_TOOLS_COMMON_ATOMIC_FILE_H
#define SSCAM_TOOLS_COMMON_ATOMIC_FILE_H

#include <stdio.h>

struct whole_file {
    FILE *stream;
    const char *path;
    char *temporary;
};

/* Opens a temporary file beside `path`, which must outlive the struct. */
int whole_file_open(struct whole_file *file, const char *path);

/* Puts the file in its place. On failure nothing is left behind. */
int whole_file_commit(struct whole_file *file);

/* Removes what was written so far. */
void whole_file_abandon(struct whole_file *file);

/* Whether a file could be put at `path` now, to be asked before long work: names what is in the
 * way. */
int output_path_check(const char *path);

#endif
