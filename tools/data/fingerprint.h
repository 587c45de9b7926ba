/* Fingerprints (64-bit FNV-1a) tell whether two runs have the same inputs. They are no protection
 * against forgery. */
#ifndef SSCAM_TOOLS_DATA_FINGERPRINT_H
#define SSCAM_TOOLS_DATA_FINGERPRINT_H

#include <stdint.h>

#define FINGERPRINT_START UINT64_C(0xcbf29ce484222325)

/* Adds a text with its zero byte; NULL is unlike any text. */
void fingerprint_text(uint64_t *fingerprint, const char *text);

/* Adds the content of a file. EXIT_FAILED with a line when it cannot be read. */
int fingerprint_file(uint64_t *fingerprint, const char *path);

#endif
