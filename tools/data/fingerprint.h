/* Fingerprints: 64-bit FNV-1a, to tell whether two runs are of the same things. Not a protection
 * against forgery. */
#ifndef SSCAM_TOOLS_DATA_FINGERPRINT_H
#define SSCAM_TOOLS_DATA_FINGERPRINT_H

#include <stdint.h>

#define FINGERPRINT_START UINT64_C(0xcbf29ce484222325)

/* Adds a text and its end; NULL counts as one. */
void fingerprint_text(uint64_t *fingerprint, const char *text);

/* Adds a file's content. EXIT_FAILED with a line when it cannot be read. */
int fingerprint_file(uint64_t *fingerprint, const char *path);

#endif
