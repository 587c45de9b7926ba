#include "base/utf16.h"

enum { MARK_SIZE = 2, UNIT_SIZE = 2 };

static bool is_big_endian(const uint8_t *bytes)
{
    return bytes[0] == 0xfe && bytes[1] == 0xff;
}

bool sscam_is_utf16(const uint8_t *bytes, size_t size)
{
    return size >= MARK_SIZE && (is_big_endian(bytes) || (bytes[0] == 0xff && bytes[1] == 0xfe));
}

static uint32_t unit_at(const uint8_t *bytes, size_t at)
{
    size_t high = is_big_endian(bytes) ? at : at + 1, low = is_big_endian(bytes) ? at + 1 : at;
    return (uint32_t)bytes[high] << 8 | bytes[low];
}

/* The character at *at, which moves behind it; 0 for what is none. */
static uint32_t next_character(const uint8_t *bytes, size_t size, size_t *at)
{
    uint32_t first = unit_at(bytes, *at);
    *at += UNIT_SIZE;
    if (first < 0xd800 || first > 0xdfff)
        return first;
    if (first > 0xdbff || size - *at < UNIT_SIZE)
        return 0;
    uint32_t second = unit_at(bytes, *at);
    *at += UNIT_SIZE;
    return second >= 0xdc00 && second <= 0xdfff
               ? 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
               : 0;
}

static size_t utf8_size(uint32_t character)
{
    return character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
}

size_t sscam_utf16_measure(const uint8_t *bytes, size_t size)
{
    size_t length = 0;
    if (size % UNIT_SIZE != 0)
        return SIZE_MAX;
    for (size_t at = MARK_SIZE; at < size;) {
        uint32_t character = next_character(bytes, size, &at);
        if (character == 0)
            return SIZE_MAX;
        length += utf8_size(character);
    }
    return length;
}

void sscam_utf16_convert(const uint8_t *bytes, size_t size, char *out)
{
    static const uint8_t first_bits[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t at = MARK_SIZE; at < size;) {
        uint32_t character = next_character(bytes, size, &at);
        size_t length = utf8_size(character);
        for (size_t i = length - 1; i > 0; i--, character >>= 6)
            out[i] = (char)(0x80 | (character & 0x3f));
        out[0] = (char)(first_bits[length] | character);
        out += length;
    }
}
