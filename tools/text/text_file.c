#include "text/text_file.h"

#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "common/checked_alloc.h"

char *text_file_failure(const char *path, sscam_status status)
{
    const char *message = sscam_error_message();
    size_t length = strlen(path);

    /* What could not be read for want of memory is not a file that cannot be read. */
    if (status == SSCAM_E_MEMORY)
        end_without_memory();
    if (!strncmp(message, path, length) && !strncmp(message + length, ": ", 2))
        message += length + 2;
    return format_text("%s", message);
}

char *text_file_read(const char *path, size_t limit, size_t *length, char **why)
{
    char *text;
    sscam_status status = sscam_file_read_text(path, limit, &text, length);

    *why = status ? text_file_failure(path, status) : NULL;
    return text;
}

void text_normalise_lines(char *text)
{
    char *to = text;

    for (const char *from = text; *from; from++) {
        if (*from != '\r' && *from != '\n') {
            *to++ = *from;
            continue;
        }
        from += *from == '\r' && from[1] == '\n';
        while (to > text && (to[-1] == ' ' || to[-1] == '\t'))
            to--;
        *to++ = '\n';
    }
    while (to > text && (to[-1] == ' ' || to[-1] == '\t'))
        to--;
    *to = '\0';
}
