/* UTF-8, checked. */
#ifndef SSCAM_TOOLS_TEXT_UTF8_H
#define SSCAM_TOOLS_TEXT_UTF8_H

#include <stddef.h>

/* What stands for bytes that are no character. */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/* Length in bytes of the character at the start of a text; 0 when the bytes there are none. */
size_t utf8_character_length(const char *text);

/* Characters of a text, the width of its line on a terminal for most scripts. */
size_t utf8_character_count(const char *text);

/* A copy with every byte that is not part of a character replaced. The caller frees it. */
char *utf8_cleaned(const char *text);

#endif
