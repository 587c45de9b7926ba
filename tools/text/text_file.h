/* Text files, read whole. */
#ifndef SSCAM_TOOLS_TEXT_TEXT_FILE_H
#define SSCAM_TOOLS_TEXT_TEXT_FILE_H

#include <stddef.h>

/* The content of a file of at most `limit` bytes with a zero byte after it, or NULL with why not in
 * `why`, to be freed as the text is. A byte order mark is left out; a file that holds zero bytes is
 * no text. */
char *text_file_read(const char *path, size_t limit, size_t *length, char **why);

#endif
