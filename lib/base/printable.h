/* Text for messages: one line, no control characters, no character of UTF-8 cut in two; the same in
 * every locale. */
#ifndef SSCAM_LIB_BASE_PRINTABLE_H
#define SSCAM_LIB_BASE_PRINTABLE_H

#include <stddef.h>

/* Length in bytes of the UTF-8 character at the start of a text; 0 when the bytes there are not a
 * valid one. */
size_t sscam_utf8_length(const char *text);

/* Copies as many whole characters of `text` as fit into `size` bytes with the zero byte at the end.
 * Control characters (of ASCII, and U+0080 to U+009F) become blanks; bytes that are not UTF-8 are
 * kept, since a path may hold them. The two must not overlap. Returns how many bytes of `text` were
 * taken; size is at least 5, or nothing may be. */
size_t sscam_copy_printable(char *out, size_t size, const char *text);

#endif
