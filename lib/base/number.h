/* Numbers from text: the whole string or nothing, decimal notation only, the same in every locale.
 */
#ifndef SSCAM_LIB_BASE_NUMBER_H
#define SSCAM_LIB_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each returns false, and leaves its results alone, unless all of the text is what is wanted: no
 * blanks, no hexadecimal, no infinities, nothing out of the type's range. */
bool sscam_parse_int(const char *text, int64_t *value);
bool sscam_parse_real(const char *text, double *value);

/* 1 to `capacity` numbers separated by commas. */
bool sscam_parse_reals(const char *text, double *values, size_t capacity, size_t *count);

#endif
