#include "base/printable.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

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

size_t sscam_utf8_length(const char *text)
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

/* Not iscntrl(): what it calls a control character depends on the locale. */
static bool is_control(const char *character, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)character;
    return length == 2 ? bytes[0] == 0xc2 && bytes[1] < 0xa0
                       : length == 1 && (bytes[0] < 0x20 || bytes[0] == 0x7f);
}

size_t sscam_copy_printable(char *out, size_t size, const char *text)
{
    const char *start = text, *end = out + size - 1;
    while (*text) {
        size_t length = sscam_utf8_length(text), step = length > 0 ? length : 1;
        bool is_blank = is_control(text, length);
        size_t written = is_blank ? 1 : step;
        if (written > (size_t)(end - out))
            break;
        memcpy(out, is_blank ? " " : text, written);
        out += written;
        text += step;
    }
    *out = '\0';
    return (size_t)(text - start);
}
