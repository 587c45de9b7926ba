/* Numbers from text and to text, the same in every locale. */
#ifndef SSCAM_LIB_BASE_NUMBER_H
#define SSCAM_LIB_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each returns false, and leaves its results alone, unless the whole text is a decimal number: no
 * blanks, no hexadecimal, no infinities, nothing outside the type's range. */
bool sscam_parse_int(const char *text, int64_t *value);
bool sscam_parse_real(const char *text, double *value);

/* 1 to `capacity` numbers separated by commas. */
bool sscam_parse_reals(const char *text, double *values, size_t capacity, size_t *count);

/* Room for every text of sscam_format_real(). */
enum { SSCAM_REAL_SIZE = 32 };

/* A number with 1 to 17 significant digits, as printf's %g in the C locale; returns `text`. 9
 * digits give a float back, 17 a double. */
const char *sscam_format_real(double value, int digits, char text[SSCAM_REAL_SIZE]);

#endif
