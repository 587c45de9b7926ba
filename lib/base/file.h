/* Files read whole. Messages start with the path. On demand: base/byte_source.h. Writing:
 * base/atomic_file.h. */
#ifndef SSCAM_LIB_BASE_FILE_H
#define SSCAM_LIB_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "sscam/status.h"

/* Reads all of a file into new memory (*data, to be given to free()). SSCAM_E_IO when it cannot be
 * read, SSCAM_E_FORMAT when it is empty or has more than `limit` bytes, SSCAM_E_MEMORY. On failure
 * *data is NULL and *size 0. */
sscam_status sscam_file_read(const char *path, size_t limit, uint8_t **data, size_t *size);

/* Reads a text file, which may be empty, and puts a zero byte after its `length` bytes. A byte
 * order mark at its start is left out. SSCAM_E_FORMAT also when it holds zero bytes. */
sscam_status sscam_file_read_text(const char *path, size_t limit, char **text, size_t *length);

/* The same of an open file, from where its descriptor stands, without UTF-16: offsets in the text
 * are those in the file. `path` is for messages. */
sscam_status sscam_file_read_open_text(const char *path, int descriptor, size_t limit, char **text,
                                       size_t *length);

#endif
