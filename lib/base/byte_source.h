/* Bytes that are read on demand, of a file (in file.c) or in memory. */
#ifndef SSCAM_LIB_BASE_BYTE_SOURCE_H
#define SSCAM_LIB_BASE_BYTE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "sscam/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Those of an open file, or, where `data` is not NULL, in memory. */
typedef struct sscam_byte_source {
    const char *name; /* that messages start with; not copied */
    size_t size;
    const uint8_t *data;
    uint8_t *owned; /* `data` where closing frees it */
    int descriptor; /* -1: none */
} sscam_byte_source;

/* Opens a file; `path` must stay valid. Only what cannot be read at any position, such as a pipe,
 * is read at once. SSCAM_E_IO when it cannot be read, SSCAM_E_FORMAT when it is empty or has more
 * than `limit` bytes, SSCAM_E_MEMORY; *out then need not be closed. */
sscam_status sscam_byte_source_open(const char *path, size_t limit, sscam_byte_source *out);

/* Not copied. */
sscam_byte_source sscam_byte_source_in_memory(const char *name, const void *data, size_t size);

/* Reads `count` bytes, all within the size. SSCAM_E_IO also when the file has become shorter. */
sscam_status sscam_byte_source_read(const sscam_byte_source *source, size_t offset, void *buffer,
                                    size_t count);

void sscam_byte_source_close(sscam_byte_source *source);

#ifdef __cplusplus
}
#endif

#endif
