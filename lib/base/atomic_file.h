/* Files written whole or not at all. Messages start with the path.
 *
 * The bytes go to a temporary file beside the target, which then takes the target's name:
 * - Symbolic links are followed, dangling ones too: the file that a link names is written, and the
 *   link stays.
 * - A file that is replaced keeps its permissions (0777; no set-user-ID, set-group-ID or sticky
 *   bit); a new one gets those that open() gives under the umask.
 * - File and folder are synced, so that after a crash the target is the old file or the new one.
 * - A device, a pipe or a socket is written directly, as is a descriptor by its name (/dev/stdout,
 *   /dev/fd/N), which must not be replaced by a file.
 * - A failure leaves the target as it was and no temporary file. */
#ifndef SSCAM_LIB_BASE_ATOMIC_FILE_H
#define SSCAM_LIB_BASE_ATOMIC_FILE_H

#include <stddef.h>
#include <stdio.h>

#include "sscam/status.h"

/* A file that is being written. */
typedef struct sscam_atomic_file {
    const char *path; /* as the caller wrote it; the caller's */
    FILE *stream;     /* to write to; NULL when the file is not open */
    char *target;     /* the path with symbolic links followed; NULL when written directly */
    char *temporary;  /* NULL when written directly */
} sscam_atomic_file;

/* Opens a file, whose path must outlive the struct. After success, either commit or discard closes
 * it. SSCAM_E_IO or SSCAM_E_MEMORY. */
sscam_status sscam_atomic_file_open(sscam_atomic_file *file, const char *path);

sscam_status sscam_atomic_file_write(sscam_atomic_file *file, const void *data, size_t size);

/* Gives the file its name and closes it; fails, and discards it, when that or any earlier write
 * failed. */
sscam_status sscam_atomic_file_commit(sscam_atomic_file *file);

/* Closes the file and removes what was written. Does nothing for one that is not open. */
void sscam_atomic_file_discard(sscam_atomic_file *file);

/* Whether a file could be written at a path now, to be asked before long work. Writes nothing. */
sscam_status sscam_atomic_file_check(const char *path);

#endif
