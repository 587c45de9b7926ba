#include "text/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/checked_alloc.h"

static bool is_valid_code(uint32_t code, size_t length)
{
    static const uint32_t smallest_of_length[] = {0, 0, 0x80, 0x800, 0x10000};

    return code >= smallest_of_length[length] && code <= 0x10ffff &&
           (code < 0xd800 || code > 0xdfff);
}

static size_t announced_length(unsigned char first)
{
    if (first < 0x80)
        return 1;
    return first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
}

size_t utf8_character_length(const char *text)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t length = announced_length(bytes[0]);

    if (length <= 1)
        return length;
    uint32_t code = bytes[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (bytes[i] >> 6 != 2)
            return 0;
        code = code << 6 | (bytes[i] & 0x3f);
    }
    return is_valid_code(code, length) ? length : 0;
}

size_t utf8_character_count(const char *text)
{
    size_t count = 0;

    while (*text) {
        size_t length = utf8_character_length(text);
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
        size_t length = utf8_character_length(text);
        const char *source = length ? text : UTF8_REPLACEMENT;
        size_t written = length ? length : strlen(UTF8_REPLACEMENT);

        memcpy(end, source, written);
        end += written;
        text += length ? length : 1;
    }
    return clean;
}
