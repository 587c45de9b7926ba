/* Files read whole, and files written whole or not at all. Messages start with the path. */
#ifndef SSCAM_LIB_BASE_FILE_H
#define SSCAM_LIB_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sscam/status.h"

/* Reads all of a file into new memory (*data, to be given to free()). SSCAM_E_IO when it cannot be
 * read, SSCAM_E_FORMAT when it is empty or has more than `limit` bytes. On failure *data is NULL
 * and *size 0. */
sscam_status sscam_file_read(const char *path, size_t limit, uint8_t **data, size_t *size);

/* A file in the making: bytes go to a temporary name beside the target, which takes their place
 * when they are all there. A target that is no regular file (a device, a pipe) is written directly.
 */
typedef struct sscam_atomic_file {
    char *target;    /* with symbolic links followed */
    char *temporary; /* NULL: `stream` writes to the target itself */
    FILE *stream;
    const char *path; /* as the caller wrote it, for messages; the caller's */
} sscam_atomic_file;

/* After a successful open, either commit or discard releases the draft; commit does so on failure
 * too. */
sscam_status sscam_atomic_file_open(sscam_atomic_file *draft, const char *path);
sscam_status sscam_atomic_file_write(sscam_atomic_file *draft, const void *data, size_t size);
sscam_status sscam_atomic_file_commit(sscam_atomic_file *draft);
void sscam_atomic_file_discard(sscam_atomic_file *draft);

#endif
