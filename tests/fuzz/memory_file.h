/* A file in memory with a path, for readers that take a path; and what such a reader complains
 * of. */
#ifndef SSCAM_TESTS_FUZZ_MEMORY_FILE_H
#define SSCAM_TESTS_FUZZ_MEMORY_FILE_H

#include <stddef.h>
#include <stdint.h>

/* Path of a file with that content; the file before is gone. The path stays the same. */
const char *memory_file(const uint8_t *data, size_t size);

/* Catches standard error from now on. */
void complaints_begin(void);

/* Gives standard error back. Promises that what was caught is one line `sscam: what: why` when
 * `failed`; otherwise only notes may have been printed. */
void complaints_end(int failed);

#endif
