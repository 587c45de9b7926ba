/* Text laid out for reading on a terminal. */
#ifndef SSCAM_TOOLS_TEXT_TERMINAL_TEXT_H
#define SSCAM_TOOLS_TEXT_TERMINAL_TEXT_H

#include <stdio.h>

#define LAYOUT_COLUMNS 100

/* Prints a text broken at blanks into lines of at most LAYOUT_COLUMNS, ending with a newline. The
 * cursor is in `column` now; later lines begin after `indent` blanks. */
void put_wrapped(FILE *out, const char *text, size_t column, size_t indent);

/* Prints a text and blanks up to `width` characters. */
void put_padded(FILE *out, const char *text, size_t width);

void put_blanks(FILE *out, size_t count);

#endif
