/* BMP files: Debian has no library that reads them and nothing else. Sizes, offsets and counts are
 * checked against the file before they are used. Not read: compressed pixels, and headers of OS/2
 * 2.x, which other programs do not write. */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "image/codec.h"
#include "image/image_private.h"
#include "image/orientation.h"

enum {
    FILE_HEADER_SIZE = 14,
    CORE_HEADER_SIZE = 12, /* OS/2 1.x and Windows 2 */
    INFO_HEADER_SIZE = 40,
    ALPHA_HEADER_SIZE = 56, /* the first with a mask of alpha */
    PLAIN = 0,              /* values of the field `compression` */
    MASKED = 3,
    MASKED_WITH_ALPHA = 6
};

/* Bits of a channel in a pixel of 16 or 32 bits. */
typedef struct channel_mask {
    uint32_t bits;
    int32_t shift;
    uint32_t maximum;
} channel_mask;

typedef struct bmp_file {
    const uint8_t *data;
    size_t size;
    uint32_t header_size;
    int64_t width, height;
    bool top_down;
    int32_t bits, compression;
    const uint8_t *pixels; /* of the row that is stored first */
    size_t row_size;       /* a multiple of 4 */
    const uint8_t *palette;
    uint32_t palette_count;
    int32_t palette_step;
    channel_mask masks[4]; /* red, green, blue, alpha; bits 0: none */
} bmp_file;

static uint32_t get_u16(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

static uint32_t get_u32(const uint8_t *at)
{
    return get_u16(at) | get_u16(at + 2) << 16;
}

static sscam_status fail_bmp(const char *why)
{
    return sscam_fail(SSCAM_E_FORMAT, "cannot decode BMP: %s", why);
}

static void read_sides(bmp_file *bmp)
{
    const uint8_t *header = bmp->data + FILE_HEADER_SIZE;
    if (bmp->header_size == CORE_HEADER_SIZE) {
        bmp->width = get_u16(header + 4);
        bmp->height = get_u16(header + 6);
        bmp->bits = (int32_t)get_u16(header + 10);
        return;
    }
    const int64_t height = (int32_t)get_u32(header + 8);
    bmp->width = (int32_t)get_u32(header + 4);
    bmp->top_down = height < 0;
    bmp->height = height < 0 ? -height : height;
    bmp->bits = (int32_t)get_u16(header + 14);
    bmp->compression = (int32_t)get_u32(header + 16);
}

static sscam_status read_header(bmp_file *bmp)
{
    if (bmp->size < FILE_HEADER_SIZE + CORE_HEADER_SIZE)
        return fail_bmp("the file ends too early");
    bmp->header_size = get_u32(bmp->data + FILE_HEADER_SIZE);
    if (bmp->header_size != CORE_HEADER_SIZE &&
        (bmp->header_size < INFO_HEADER_SIZE || bmp->header_size > 1024))
        return sscam_fail(SSCAM_E_FORMAT, "cannot decode BMP: a header of %" PRIu32 " bytes",
                          bmp->header_size);
    if (bmp->size - FILE_HEADER_SIZE < bmp->header_size)
        return fail_bmp("the file ends too early");
    read_sides(bmp);
    if (bmp->width < 1 || bmp->height < 1)
        return sscam_fail(SSCAM_E_FORMAT, "cannot decode BMP: %" PRId64 " x %" PRId64 " pixels",
                          bmp->width, bmp->height);
    if (bmp->compression != PLAIN && bmp->compression != MASKED &&
        bmp->compression != MASKED_WITH_ALPHA)
        return sscam_fail(SSCAM_E_FORMAT,
                          "cannot decode BMP: compression %" PRId32
                          " is not read; save it uncompressed or as PNG",
                          bmp->compression);
    return SSCAM_OK;
}

static channel_mask mask_of(uint32_t bits)
{
    channel_mask mask = {.bits = bits};
    while (bits != 0 && !(bits & 1)) {
        bits >>= 1;
        mask.shift++;
    }
    mask.maximum = bits;
    return mask;
}

/* Masks lie in the header, or behind one of 40 bytes; without any, the usual order is meant. */
static sscam_status read_masks(bmp_file *bmp)
{
    const size_t at = FILE_HEADER_SIZE + INFO_HEADER_SIZE;
    const bool has_alpha = bmp->header_size >= ALPHA_HEADER_SIZE ||
                           bmp->compression == MASKED_WITH_ALPHA;
    const int32_t count = has_alpha ? 4 : 3;
    uint32_t bits[4] = {0x7C00, 0x3E0, 0x1F, 0};
    if (bmp->bits == 32)
        memcpy(bits, (const uint32_t[4]){0xFF0000, 0xFF00, 0xFF, 0}, sizeof bits);
    if (bmp->compression != PLAIN) {
        if (bmp->size < at + 16)
            return fail_bmp("the file ends too early");
        for (int32_t c = 0; c < count; c++)
            bits[c] = get_u32(bmp->data + at + 4 * (size_t)c);
    }
    for (int32_t c = 0; c < 4; c++) {
        bmp->masks[c] = mask_of(bits[c]);
        const uint32_t maximum = bmp->masks[c].maximum;
        if ((maximum & (maximum + 1)) != 0 || (c < 3 && maximum == 0))
            return fail_bmp("the bits of a channel do not adjoin");
    }
    return SSCAM_OK;
}

/* The palette lies between header and pixels. */
static sscam_status read_palette(bmp_file *bmp, size_t pixels_at)
{
    const size_t at = FILE_HEADER_SIZE + bmp->header_size;
    const bool core = bmp->header_size == CORE_HEADER_SIZE;
    const uint32_t most = UINT32_C(1) << bmp->bits;
    bmp->palette_step = core ? 3 : 4;
    const uint32_t used = core ? 0 : get_u32(bmp->data + FILE_HEADER_SIZE + 32);
    bmp->palette_count = used == 0 || used > most ? most : used;
    if (pixels_at < at)
        return fail_bmp("its pixels lie within the header");
    const size_t room = (pixels_at - at) / (size_t)bmp->palette_step;
    if (bmp->palette_count > room)
        bmp->palette_count = (uint32_t)room;
    bmp->palette = bmp->data + at;
    return SSCAM_OK;
}

static sscam_status find_pixels(bmp_file *bmp)
{
    const size_t at = get_u32(bmp->data + 10);
    if (at < FILE_HEADER_SIZE + bmp->header_size || at >= bmp->size)
        return fail_bmp("the file ends before its pixels");
    bmp->pixels = bmp->data + at;
    bmp->row_size = ((size_t)bmp->width * (size_t)bmp->bits + 31) / 32 * 4;
    switch (bmp->bits) {
    case 1:
    case 4:
    case 8:
        if (bmp->compression != PLAIN)
            return fail_bmp("a palette with masks of channels");
        return read_palette(bmp, at);
    case 16:
    case 32: return read_masks(bmp);
    case 24: return bmp->compression == PLAIN ? SSCAM_OK : fail_bmp("24 bits with masks");
    default:
        return sscam_fail(SSCAM_E_FORMAT, "cannot decode BMP: %" PRId32 " bits a pixel", bmp->bits);
    }
}

/* --- rows ------------------------------------------------------------------------------------- */

static sscam_status convert_indexes(const bmp_file *bmp, const uint8_t *row, uint8_t *rgb)
{
    const uint32_t per_byte = 8 / (uint32_t)bmp->bits, last = (1u << bmp->bits) - 1;
    for (int64_t x = 0; x < bmp->width; x++, rgb += 3) {
        const uint32_t place = (uint32_t)x % per_byte;
        const uint32_t shift = (per_byte - 1 - place) * (uint32_t)bmp->bits;
        const uint32_t index = row[(size_t)x / per_byte] >> shift & last;
        if (index >= bmp->palette_count)
            return sscam_fail(SSCAM_E_FORMAT,
                              "damaged BMP: colour %" PRIu32 " of a palette of %" PRIu32, index,
                              bmp->palette_count);
        const uint8_t *colour = bmp->palette + (size_t)index * (size_t)bmp->palette_step;
        for (int c = 0; c < 3; c++)
            rgb[c] = colour[2 - c];
    }
    return SSCAM_OK;
}

static void convert_masked(const bmp_file *bmp, const uint8_t *row, int32_t channels, uint8_t *out)
{
    for (int64_t x = 0; x < bmp->width; x++)
        for (int32_t c = 0; c < channels; c++) {
            const channel_mask *mask = &bmp->masks[c];
            const uint32_t pixel = bmp->bits == 16 ? get_u16(row + 2 * x) : get_u32(row + 4 * x);
            const uint64_t value = (pixel & mask->bits) >> mask->shift;
            *out++ = (uint8_t)((value * 255 + mask->maximum / 2) / mask->maximum);
        }
}

static sscam_status convert_row(const bmp_file *bmp, const uint8_t *row, int32_t channels,
                                uint8_t *out)
{
    if (bmp->bits <= 8)
        return convert_indexes(bmp, row, out);
    if (bmp->bits != 24) {
        convert_masked(bmp, row, channels, out);
        return SSCAM_OK;
    }
    for (int64_t x = 0; x < bmp->width; x++)
        for (int c = 0; c < 3; c++)
            *out++ = row[3 * x + 2 - c];
    return SSCAM_OK;
}

/* Rows that the file does not hold stay black. */
static sscam_status read_rows(const bmp_file *bmp, int64_t rows, int32_t channels,
                              sscam_image *image)
{
    memset(image->owned, 0, (size_t)image->pixels.stride * (size_t)bmp->height);
    sscam_status status = SSCAM_OK;
    for (int64_t y = 0; y < rows && status == SSCAM_OK; y++)
        status = convert_row(bmp, bmp->pixels + (size_t)y * bmp->row_size, channels,
                             sscam_image_row(image, bmp->top_down ? y : bmp->height - 1 - y));
    return status;
}

sscam_status sscam_bmp_decode(const uint8_t *data, size_t size, const sscam_read_options *options,
                              sscam_decoded *out)
{
    bmp_file bmp = {.data = data, .size = size};
    sscam_status status = read_header(&bmp);
    if (status != SSCAM_OK)
        return status;
    if (!sscam_image_size_allowed(bmp.width, bmp.height, options->max_pixels))
        return sscam_refuse_pixels(bmp.width, bmp.height, options);
    status = find_pixels(&bmp);
    if (status != SSCAM_OK)
        return status;
    /* The last row of some files lacks its padding. */
    const size_t left = size - (size_t)(bmp.pixels - data);
    const size_t padding = bmp.row_size - ((size_t)bmp.width * (size_t)bmp.bits + 7) / 8;
    int64_t rows = (int64_t)((left + padding) / bmp.row_size);
    if (rows > bmp.height)
        rows = bmp.height;
    if (rows < bmp.height && !(options->allow_truncated && rows > 0))
        return fail_bmp("the file ends too early");
    const bool has_alpha = bmp.masks[3].bits != 0;
    status = sscam_image_allocate(bmp.width, bmp.height,
                                  has_alpha ? SSCAM_PIXELS_RGBA8 : SSCAM_PIXELS_RGB8, &out->image);
    if (status == SSCAM_OK)
        status = read_rows(&bmp, rows, has_alpha ? 4 : 3, out->image);
    if (status != SSCAM_OK) {
        sscam_image_unref(out->image);
        out->image = NULL;
    }
    return status;
}
