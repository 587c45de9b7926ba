#include "image/orientation.h"

#include <stdbool.h>
#include <string.h>

#include "image/image_private.h"
#include "image/pixel_format.h"

/* --- EXIF ------------------------------------------------------------------------------------- */

enum { HEADER_SIZE = 8, ENTRY_SIZE = 12, TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3 };

typedef struct exif_data {
    const uint8_t *bytes;
    size_t size;
    bool big_endian;
} exif_data;

/* 0 beyond the end, which is no valid value of what is read. */
static uint32_t read_number(const exif_data *exif, size_t at, size_t width)
{
    uint32_t number = 0;
    if (at > exif->size || exif->size - at < width)
        return 0;
    for (size_t i = 0; i < width; i++)
        number = number << 8 | exif->bytes[at + (exif->big_endian ? i : width - 1 - i)];
    return number;
}

int32_t sscam_exif_orientation(const uint8_t *bytes, size_t size)
{
    if (size < HEADER_SIZE)
        return SSCAM_ORIENTATION_NORMAL;
    const exif_data exif = {bytes, size, bytes[0] == 'M'};
    const size_t directory = read_number(&exif, 4, 4);
    const size_t entries = read_number(&exif, directory, 2);
    for (size_t i = 0; i < entries; i++) {
        const size_t entry = directory + 2 + i * ENTRY_SIZE;
        if (read_number(&exif, entry, 2) != TAG_ORIENTATION)
            continue;
        const uint32_t value = read_number(&exif, entry + 8, 2);
        const bool valid = read_number(&exif, entry + 2, 2) == TYPE_SHORT && value >= 1 &&
                           value <= SSCAM_ORIENTATION_LAST;
        return valid ? (int32_t)value : SSCAM_ORIENTATION_NORMAL;
    }
    return SSCAM_ORIENTATION_NORMAL;
}

/* --- turning ---------------------------------------------------------------------------------- */

/* Where in the file's pixels the pixel (x, y) of the turned image lies. */
typedef struct turn {
    bool transposed; /* rows of the file become columns, before what follows */
    bool right_to_left, bottom_to_top;
} turn;

static turn turn_of(int32_t orientation)
{
    static const turn turns[] = {
        [2] = {.right_to_left = true},
        [3] = {.right_to_left = true, .bottom_to_top = true},
        [4] = {.bottom_to_top = true},
        [5] = {.transposed = true},
        [6] = {.transposed = true, .bottom_to_top = true},
        [7] = {.transposed = true, .right_to_left = true, .bottom_to_top = true},
        [8] = {.transposed = true, .right_to_left = true},
    };
    return turns[orientation];
}

static void copy_turned(const sscam_image *from, turn how, sscam_image *to)
{
    const sscam_pixels *source = &from->pixels;
    const size_t pixel = sscam_pixel_row_size(source->format, 1);
    for (int64_t y = 0; y < to->pixels.height; y++) {
        uint8_t *out = sscam_image_row(to, y);
        for (int64_t x = 0; x < to->pixels.width; x++, out += pixel) {
            int64_t column = how.transposed ? y : x, row = how.transposed ? x : y;
            if (how.right_to_left)
                column = source->width - 1 - column;
            if (how.bottom_to_top)
                row = source->height - 1 - row;
            memcpy(out, sscam_pixels_row(source, row) + (size_t)column * pixel, pixel);
        }
    }
}

sscam_status sscam_image_orient(int32_t orientation, sscam_image **image)
{
    if (orientation == SSCAM_ORIENTATION_NORMAL)
        return SSCAM_OK;
    const turn how = turn_of(orientation);
    const sscam_pixels *pixels = &(*image)->pixels;
    sscam_image *turned = NULL;
    sscam_status status = sscam_image_allocate(how.transposed ? pixels->height : pixels->width,
                                               how.transposed ? pixels->width : pixels->height,
                                               pixels->format, &turned);
    if (status != SSCAM_OK)
        return status;
    turned->pixels.significant_bits = pixels->significant_bits;
    copy_turned(*image, how, turned);
    sscam_image_unref(*image);
    *image = turned;
    return SSCAM_OK;
}
