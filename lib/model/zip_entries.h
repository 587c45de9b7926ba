/* The entries of a zip archive, by its central directory. Nothing is unpacked or allocated. */
#ifndef SSCAM_LIB_MODEL_ZIP_ENTRIES_H
#define SSCAM_LIB_MODEL_ZIP_ENTRIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/byte_source.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The longest name that is kept whole. */
enum { SSCAM_ZIP_NAME_LIMIT = 255 };

typedef struct sscam_zip_entry {
    char name[SSCAM_ZIP_NAME_LIMIT + 1]; /* ends with a zero byte; longer ones are cut */
    uint64_t header_offset;
    uint64_t size;  /* of the content in the archive */
    bool is_stored; /* not compressed */
} sscam_zip_entry;

/* A position in the directory. */
typedef struct sscam_zip_entries {
    const sscam_byte_source *source;
    uint64_t next, end; /* of what is left of the directory */
} sscam_zip_entries;

/* Whether the source starts as zip archives do. */
bool sscam_zip_is_archive(const uint8_t *start, size_t count);

/* False where the archive has no directory, or one that cannot be: it is damaged, or its end is
 * missing. Failures to read have set *status; it is SSCAM_OK otherwise. */
bool sscam_zip_open(const sscam_byte_source *source, sscam_zip_entries *out, sscam_status *status);

/* The next entry; false at the end, where the directory is damaged, and where reading fails, which
 * sets *status. */
bool sscam_zip_next(sscam_zip_entries *directory, sscam_zip_entry *out, sscam_status *status);

/* Reads the start of a stored entry's content, as much as is there and fits; *count is what was
 * read, 0 where the entry is damaged or compressed. */
sscam_status sscam_zip_read_start(const sscam_byte_source *source, const sscam_zip_entry *entry,
                                  uint8_t *buffer, size_t capacity, size_t *count);

#ifdef __cplusplus
}
#endif

#endif
