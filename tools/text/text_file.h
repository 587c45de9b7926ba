/* Text files, read whole. */
#ifndef SSCAM_TOOLS_TEXT_TEXT_FILE_H
#define SSCAM_TOOLS_TEXT_TEXT_FILE_H

#include <stddef.h>

#include <sscam/sscam.h>

/* The content of a file of at most `limit` bytes with a zero byte after it; a byte order mark is
 * left out, UTF-16 becomes UTF-8, and a file that holds zero bytes is refused. NULL, with the
 * reason in `why`, where it cannot be used. The caller frees both. */
char *text_file_read(const char *path, size_t limit, size_t *length, char **why);

/* Makes every end of a line, CR, LF or both, one LF, and drops the blanks before it. */
void text_normalise_lines(char *text);

/* Why a function of base/file.h failed, without the path at the start of its message. The caller
 * frees it. Ends the program when memory ran out. */
char *text_file_failure(const char *path, sscam_status status);

#endif
