#include "text/utf8.h"

#include <string.h>

#include "base/printable.h"
#include "common/checked_alloc.h"

size_t utf8_character_count(const char *text)
{
    size_t count = 0;

    while (*text) {
        size_t length = sscam_utf8_length(text);
        text += length ? length : 1;
        count++;
    }
    return count;
}

char *utf8_cleaned(const char *text)
{
    char *clean = allocate(strlen(text) * strlen(UTF8_REPLACEMENT) + 1, 1);
    char *end = clean;

    while (*text) {
        size_t length = sscam_utf8_length(text);
        const char *source = length ? text : UTF8_REPLACEMENT;
        size_t written = length ? length : strlen(UTF8_REPLACEMENT);

        memcpy(end, source, written);
        end += written;
        text += length ? length : 1;
    }
    return clean;
}
