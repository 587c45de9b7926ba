#include "text/text_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/checked_alloc.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* Reads at most limit + 1 bytes, so that one byte too many shows. */
static char *read_bytes(FILE *file, size_t limit, size_t *length)
{
    size_t capacity = 4096;
    char *text = allocate(capacity, 1);

    *length = 0;
    for (size_t got;
         *length <= limit && (got = fread(text + *length, 1, capacity - *length - 1, file)) > 0;) {
        *length += got;
        if (*length == capacity - 1)
            text = reallocate(text, capacity *= 2, 1);
    }
    text[*length] = '\0';
    return text;
}

/* A file for which there is no memory is no file that cannot be read. */
static char *reason_of(int error)
{
    if (error == ENOMEM)
        end_without_memory();
    return format_text("%s", strerror(error));
}

char *text_file_read(const char *path, size_t limit, size_t *length, char **why)
{
    FILE *file = fopen(path, "rb");

    *why = NULL;
    if (!file) {
        *why = reason_of(errno);
        return NULL;
    }
    errno = 0;
    char *text = read_bytes(file, limit, length);
    if (ferror(file))
        *why = reason_of(errno ? errno : EIO);
    else if (*length > limit)
        *why = format_text("has more than %zu bytes", limit);
    else if (memchr(text, '\0', *length))
        *why = format_text("is not a text file");
    fclose(file);
    if (*why) {
        free(text);
        return NULL;
    }
    size_t mark = strlen(BYTE_ORDER_MARK);
    if (!strncmp(text, BYTE_ORDER_MARK, mark)) {
        *length -= mark;
        memmove(text, text + mark, *length + 1);
    }
    return text;
}
