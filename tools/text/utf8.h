/* Characters of UTF-8 text. The length of one: base/printable.h. */
#ifndef SSCAM_TOOLS_TEXT_UTF8_H
#define SSCAM_TOOLS_TEXT_UTF8_H

#include <stddef.h>

/* Replaces bytes that are not UTF-8: U+FFFD. */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/* Characters of a text, the width of its line on a terminal for most scripts. */
size_t utf8_character_count(const char *text);

/* A copy with every byte that is not part of a character replaced. The caller frees it. */
char *utf8_cleaned(const char *text);

#endif
