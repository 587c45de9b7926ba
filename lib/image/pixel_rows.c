#include "image/pixel_rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "image/image_private.h"

static bool is_gray(const sscam_row_reader *reader)
{
    return reader->format->channels == 1;
}

/* Whether rows of this kind are computed from those of the format. */
static bool is_converted(const sscam_row_reader *reader)
{
    switch (reader->content) {
    case SSCAM_ROWS_COLOURS: return false;
    case SSCAM_ROWS_GRAY: return !is_gray(reader);
    default: return true;
    }
}

static int32_t channels_of(const sscam_row_reader *reader)
{
    switch (reader->content) {
    case SSCAM_ROWS_COLOURS: return is_gray(reader) ? 1 : 3;
    case SSCAM_ROWS_GRAY: return 1;
    default: return 4;
    }
}

static void set_layout(sscam_row_reader *reader)
{
    static const int32_t in_order[4] = {0, 1, 2, 3};
    const bool converted = is_converted(reader);
    reader->channels = channels_of(reader);
    reader->step = converted ? reader->channels : reader->format->channels;
    memcpy(reader->offset, converted ? in_order : reader->format->offset, sizeof in_order);
}

sscam_status sscam_row_reader_open(sscam_row_reader *reader, const sscam_image *image,
                                   sscam_row_content content)
{
    const sscam_pixels *pixels = &image->pixels;
    *reader = (sscam_row_reader){.pixels = pixels,
                                 .format = sscam_pixel_format_find(pixels->format),
                                 .content = content,
                                 .maximum = (1 << pixels->significant_bits) - 1};
    set_layout(reader);
    const size_t sample = reader->format->bits / 8;
    if (reader->format->planes == 2 || reader->format->bits == 16)
        reader->stored = sscam_allocate_array(sscam_times(pixels->width, reader->format->channels),
                                              sample);
    const bool missing = !reader->stored &&
                         (reader->format->planes == 2 || reader->format->bits == 16);
    if (is_converted(reader))
        reader->converted = sscam_allocate_array(sscam_times(pixels->width, reader->channels),
                                                 sample);
    if (missing || (is_converted(reader) && !reader->converted)) {
        sscam_row_reader_close(reader);
        return sscam_fail_memory("a row of an image");
    }
    return SSCAM_OK;
}

void sscam_row_reader_close(sscam_row_reader *reader)
{
    free(reader->stored);
    free(reader->converted);
}

/* --- NV12 ------------------------------------------------------------------------------------- */

/* The formula's factors (sscam/image.h), of values of 8 bits, in fixed point. */
enum { NV12_BITS = 30 };

static int64_t nv12_factor(double factor)
{
    return (int64_t)(factor * 255.0 * (1 << NV12_BITS) + (factor < 0 ? -0.5 : 0.5));
}

static uint8_t nv12_round(int64_t value)
{
    if (value <= 0)
        return 0;
    value = (value + (1 << (NV12_BITS - 1))) >> NV12_BITS;
    return value > UINT8_MAX ? UINT8_MAX : (uint8_t)value;
}

static void nv12_to_rgb(const uint8_t *luma, const uint8_t *pairs, int64_t width, uint8_t *rgb)
{
    const int64_t light = nv12_factor(1.0 / 219.0), red_of_v = nv12_factor(1.402 / 224.0),
                  green_of_u = nv12_factor(-0.202008 / 0.587 / 224.0),
                  green_of_v = nv12_factor(-0.419198 / 0.587 / 224.0),
                  blue_of_u = nv12_factor(1.772 / 224.0);
    for (int64_t x = 0; x < width; x++, rgb += 3) {
        const int64_t y = (luma[x] - 16) * light;
        const int64_t u = pairs[x / 2 * 2] - 128, v = pairs[x / 2 * 2 + 1] - 128;
        rgb[0] = nv12_round(y + red_of_v * v);
        rgb[1] = nv12_round(y + green_of_u * u + green_of_v * v);
        rgb[2] = nv12_round(y + blue_of_u * u);
    }
}

/* --- conversion ------------------------------------------------------------------------------- */

/* A row's samples, of either width. */
typedef struct samples {
    const void *row;
    bool wide;
} samples;

static inline uint32_t get(samples from, int64_t i)
{
    return from.wide ? ((const uint16_t *)from.row)[i] : ((const uint8_t *)from.row)[i];
}

static inline void put(void *row, bool wide, int64_t i, uint32_t value)
{
    if (wide)
        ((uint16_t *)row)[i] = (uint16_t)value;
    else
        ((uint8_t *)row)[i] = (uint8_t)value;
}

/* Luma in PIL's fixed-point form of ITU-R 601. */
static uint32_t luma(uint32_t red, uint32_t green, uint32_t blue)
{
    return (red * 19595u + green * 38470u + blue * 7471u + 0x8000u) >> 16;
}

static void to_gray(const sscam_row_reader *reader, samples from)
{
    const int32_t *offset = reader->format->offset;
    const int32_t step = reader->format->channels;
    for (int64_t x = 0; x < reader->pixels->width; x++)
        put(reader->converted, from.wide, x,
            luma(get(from, x * step + offset[0]), get(from, x * step + offset[1]),
                 get(from, x * step + offset[2])));
}

/* value x alpha / maximum, rounded to nearest; for 8 bits PIL's. */
static uint32_t premultiply(uint32_t value, uint32_t alpha, uint32_t maximum)
{
    return (uint32_t)(((uint64_t)value * alpha + maximum / 2) / maximum);
}

static void to_rgba(const sscam_row_reader *reader, samples from)
{
    const int32_t *offset = reader->format->offset;
    const int32_t step = reader->format->channels;
    const uint32_t maximum = (uint32_t)reader->maximum;
    for (int64_t x = 0; x < reader->pixels->width; x++) {
        const uint32_t alpha = step == 4 ? get(from, x * step + offset[3]) : maximum;
        for (int32_t c = 0; c < 3; c++) {
            const uint32_t value = get(from, x * step + offset[c]);
            put(reader->converted, from.wide, x * 4 + c,
                reader->content == SSCAM_ROWS_RGBA ? value : premultiply(value, alpha, maximum));
        }
        put(reader->converted, from.wide, x * 4 + 3, alpha);
    }
}

/* Where a host sets fewer significant bits than its values take, they would become white. */
static sscam_status check_values(const sscam_row_reader *reader, int64_t y)
{
    const uint16_t *values = reader->stored;
    const int64_t count = reader->pixels->width * reader->format->channels;
    for (int64_t i = 0; reader->maximum < UINT16_MAX && i < count; i++)
        if (values[i] > reader->maximum)
            return sscam_fail(SSCAM_E_ARGUMENT,
                              "pixel (%" PRId64 ", %" PRId64 ") has the value %" PRIu16
                              ", but significant_bits %" PRId32 " end at %" PRId32,
                              i / reader->format->channels, y, values[i],
                              reader->pixels->significant_bits, reader->maximum);
    return SSCAM_OK;
}

sscam_status sscam_row_reader_read(sscam_row_reader *reader, int64_t y, const void **row)
{
    const sscam_pixels *pixels = reader->pixels;
    samples from = {sscam_pixels_row(pixels, y), reader->format->bits == 16};
    if (reader->format->planes == 2) {
        nv12_to_rgb(from.row, (const uint8_t *)pixels->second_data + y / 2 * pixels->second_stride,
                    pixels->width, reader->stored);
        from.row = reader->stored;
    } else if (from.wide) {
        memcpy(reader->stored, from.row, sscam_pixel_row_size(pixels->format, pixels->width));
        from.row = reader->stored;
        sscam_status status = check_values(reader, y);
        if (status != SSCAM_OK)
            return status;
    }
    *row = reader->converted ? reader->converted : from.row;
    if (reader->converted && reader->content == SSCAM_ROWS_GRAY)
        to_gray(reader, from);
    else if (reader->converted)
        to_rgba(reader, from);
    return SSCAM_OK;
}

/* --- 8-bit rows ------------------------------------------------------------------------------- */

void sscam_row_to_rgba8(const sscam_row_reader *reader, const void *row, uint8_t *rgba)
{
    const samples from = {row, sscam_row_reader_is_wide(reader)};
    const uint32_t maximum = (uint32_t)reader->maximum;
    for (int64_t i = 0; i < reader->pixels->width * 4; i++)
        rgba[i] = (uint8_t)((get(from, i) * UINT8_MAX + maximum / 2) / maximum);
}

void sscam_canvas_store(const sscam_canvas *canvas, int64_t y, const uint8_t *rgba)
{
    const sscam_pixel_format *format = sscam_pixel_format_find(canvas->format);
    uint8_t *out = sscam_canvas_row(canvas, y);
    for (int64_t x = 0; x < canvas->width; x++, rgba += 4, out += format->channels) {
        if (format->channels == 1)
            out[0] = (uint8_t)luma(rgba[0], rgba[1], rgba[2]);
        for (int32_t c = 0; format->channels > 1 && c < format->channels; c++)
            out[format->offset[c]] = rgba[c];
    }
}
