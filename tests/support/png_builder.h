/* Builds PNG files of every kind in memory, without libpng, which is to read them. */
#ifndef SSCAM_TESTS_SUPPORT_PNG_BUILDER_H
#define SSCAM_TESTS_SUPPORT_PNG_BUILDER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { PNG_BUILDER_CAPACITY = 1 << 16 };

enum { PNG_GRAY = 0, PNG_RGB = 2, PNG_PALETTE = 3, PNG_GRAY_ALPHA = 4, PNG_RGBA = 6 };

typedef struct png_builder {
    uint8_t bytes[PNG_BUILDER_CAPACITY];
    size_t size;
} png_builder;

/* What the image is; samples come from a function of position and channel. */
typedef struct png_description {
    uint32_t width, height;
    int depth, colour_type, interlaced;
    unsigned (*sample)(uint32_t x, uint32_t y, int channel);
} png_description;

static inline void png_put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static inline uint32_t png_crc(const uint8_t *data, size_t size)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (crc & 1 ? UINT32_C(0xEDB88320) : 0);
    }
    return ~crc;
}

static inline void png_append_chunk(png_builder *png, const char *type, const void *data,
                                    size_t size)
{
    uint8_t *chunk = png->bytes + png->size;
    png_put_u32(chunk, (uint32_t)size);
    memcpy(chunk + 4, type, 4);
    if (size)
        memcpy(chunk + 8, data, size);
    png_put_u32(chunk + 8 + size, png_crc(chunk + 4, size + 4));
    png->size += size + 12;
}

static inline void png_begin(png_builder *png, const png_description *of)
{
    static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    uint8_t header[13] = {0};
    png_put_u32(header, of->width);
    png_put_u32(header + 4, of->height);
    header[8] = (uint8_t)of->depth;
    header[9] = (uint8_t)of->colour_type;
    header[12] = (uint8_t)of->interlaced;
    memcpy(png->bytes, signature, sizeof signature);
    png->size = sizeof signature;
    png_append_chunk(png, "IHDR", header, sizeof header);
}

static inline int png_channels(int colour_type)
{
    static const int channels[] = {
        [PNG_GRAY] = 1, [PNG_RGB] = 3, [PNG_PALETTE] = 1, [PNG_GRAY_ALPHA] = 2, [PNG_RGBA] = 4};
    return channels[colour_type];
}

/* Appends every `step`th sample of a row from `x` on, without a filter. */
static inline size_t png_pack_row(const png_description *of, uint32_t y, uint32_t x, uint32_t step,
                                  uint8_t *row)
{
    int channels = png_channels(of->colour_type);
    size_t bits = 8; /* the filter's byte */
    row[0] = 0;
    for (; x < of->width; x += step)
        for (int c = 0; c < channels; c++) {
            unsigned value = of->sample(x, y, c);
            for (int bit = of->depth - 1; bit >= 0; bit--, bits++) {
                if (bits % 8 == 0)
                    row[bits / 8] = 0;
                row[bits / 8] = (uint8_t)(row[bits / 8] | ((value >> bit) & 1u) << (7 - bits % 8));
            }
        }
    return (bits + 7) / 8;
}

/* The filtered rows, of all of Adam7's passes when interlaced. */
static inline size_t png_pack_rows(const png_description *of, uint8_t *rows)
{
    static const struct {
        uint32_t x, y, step_x, step_y;
    } adam7[] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                 {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
    size_t size = 0;
    if (!of->interlaced)
        for (uint32_t y = 0; y < of->height; y++)
            size += png_pack_row(of, y, 0, 1, rows + size);
    else
        for (int pass = 0; pass < 7; pass++)
            for (uint32_t y = adam7[pass].y; y < of->height && adam7[pass].x < of->width;
                 y += adam7[pass].step_y)
                size += png_pack_row(of, y, adam7[pass].x, adam7[pass].step_x, rows + size);
    return size;
}

/* IDAT (one stored deflate block, so at most 65535 bytes) and IEND. */
static inline void png_finish(png_builder *png, const png_description *of)
{
    static uint8_t stream[PNG_BUILDER_CAPACITY];
    uint8_t *rows = stream + 7;
    size_t size = png_pack_rows(of, rows);
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < size; i++) {
        a = (a + rows[i]) % 65521;
        b = (b + a) % 65521;
    }
    const uint8_t start[7] = {0x78,
                              0x01,
                              0x01,
                              (uint8_t)size,
                              (uint8_t)(size >> 8),
                              (uint8_t)~size,
                              (uint8_t)(~size >> 8)};
    memcpy(stream, start, sizeof start);
    png_put_u32(rows + size, b << 16 | a);
    png_append_chunk(png, "IDAT", stream, size + 11);
    png_append_chunk(png, "IEND", NULL, 0);
}

static inline void png_build(png_builder *png, const png_description *of)
{
    png_begin(png, of);
    png_finish(png, of);
}

#endif
