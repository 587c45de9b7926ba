/* A file in memory with a path, for readers that take a path, and a check of what such a reader
 * writes to standard error. */
#ifndef SSCAM_TESTS_FUZZ_MEMORY_FILE_H
#define SSCAM_TESTS_FUZZ_MEMORY_FILE_H

#include <stddef.h>
#include <stdint.h>

/* Path of a file with that content, which replaces that of an earlier call. */
const char *memory_file(const uint8_t *data, size_t size);

/* Captures standard error. */
void stderr_check_begin(void);

/* Restores standard error. Aborts unless the captured text is one line `sscam: what: why` and notes
 * if `failed`, else notes alone. */
void stderr_check_end(int failed);

#endif
