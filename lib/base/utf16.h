/* Text in UTF-16, as some programs of Windows write it, made UTF-8. */
#ifndef SSCAM_LIB_BASE_UTF16_H
#define SSCAM_LIB_BASE_UTF16_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether bytes begin with the byte order mark of UTF-16. */
bool sscam_is_utf16(const uint8_t *bytes, size_t size);

/* Bytes that the text takes in UTF-8, without the mark and a zero byte at its end; SIZE_MAX when it
 * is not UTF-16: an odd number of bytes, half a surrogate pair, U+0000. */
size_t sscam_utf16_measure(const uint8_t *bytes, size_t size);

/* Writes the text, which sscam_utf16_measure() has accepted, and no zero byte. */
void sscam_utf16_convert(const uint8_t *bytes, size_t size, char *out);

#endif
