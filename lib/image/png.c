#include "image/codec.h"

#include <inttypes.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "base/checked_size.h"
#include "base/error.h"
#include "image/image_private.h"
#include "image/orientation.h"
#include "image/pixel_rows.h"

enum { MESSAGE_SIZE = 256 };

/* The state that libpng's callbacks share. Whatever must survive the longjmp is in here, since
 * local variables do not. */
typedef struct png_session {
    png_structp png;
    png_infop info;
    const uint8_t *data; /* reading: the rest of the content */
    size_t size;
    const sscam_read_options *options; /* reading */
    bool ended_early;                  /* reading: more was wanted than there is */
    int64_t rows_read;
    sscam_atomic_file *draft; /* writing to a file */
    uint8_t *encoded;         /* writing to memory */
    size_t encoded_size, encoded_room;
    sscam_row_reader reader; /* writing */
    uint8_t *row;            /* writing: a row as PNG has it */
    sscam_image *image;      /* reading: the result */
    sscam_status status;
    char message[MESSAGE_SIZE];
} png_session;

static PNG_NORETURN void on_error(png_structp png, png_const_charp message)
{
    png_session *session = png_get_error_ptr(png);
    if (session->status == SSCAM_OK) {
        session->status = SSCAM_E_FORMAT;
        snprintf(session->message, sizeof session->message, "%s", message);
    }
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

/* Records that memory ran out, which libpng reports like a damaged file. */
static png_voidp allocate(png_structp png, png_alloc_size_t size)
{
    void *memory = malloc(size);
    if (!memory)
        ((png_session *)png_get_mem_ptr(png))->status = SSCAM_E_MEMORY;
    return memory;
}

static void deallocate(png_structp png, png_voidp memory)
{
    (void)png;
    free(memory);
}

static void read_bytes(png_structp png, png_bytep out, size_t count)
{
    png_session *session = png_get_io_ptr(png);
    if (count > session->size) {
        session->ended_early = true;
        png_error(png, "the file ends too early");
    }
    memcpy(out, session->data, count);
    session->data += count;
    session->size -= count;
}

/* 16-bit samples in the machine's byte order. */
static void keep_16_bits(png_structp png)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    png_set_swap(png);
#else
    (void)png;
#endif
}

/* Refuses too large an image before memory is allocated for it. Returns the format after
 * conversion. */
static int32_t read_header(png_session *session)
{
    png_structp png = session->png;
    png_set_read_fn(png, session, read_bytes);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    /* libpng would keep all texts and profiles, which may expand to a thousand times their size. */
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_AS_DEFAULT, (png_const_bytep) "eXIf", 1);
    png_read_info(png, session->info);
    uint32_t width = png_get_image_width(png, session->info);
    uint32_t height = png_get_image_height(png, session->info);
    if (!sscam_image_size_allowed(width, height, session->options->max_pixels)) {
        session->status = sscam_refuse_pixels(width, height, session->options);
        png_error(png, "");
    }

    png_set_expand(png);
    const bool wide = png_get_bit_depth(png, session->info) == 16;
    if (wide)
        keep_16_bits(png);
    bool transparent = png_get_color_type(png, session->info) & PNG_COLOR_MASK_ALPHA ||
                       png_get_valid(png, session->info, PNG_INFO_tRNS);
    if (transparent)
        png_set_gray_to_rgb(png);
    if (transparent)
        return wide ? SSCAM_PIXELS_RGBA16 : SSCAM_PIXELS_RGBA8;
    if (png_get_color_type(png, session->info) & PNG_COLOR_MASK_COLOR)
        return wide ? SSCAM_PIXELS_RGB16 : SSCAM_PIXELS_RGB8;
    return wide ? SSCAM_PIXELS_GRAY16 : SSCAM_PIXELS_GRAY8;
}

/* Row by row through all passes: libpng's call for a whole image takes a pointer for each row,
 * which for a tall, narrow image would take more memory than its pixels. */
static void read_rows(png_session *session, int32_t format)
{
    png_structp png = session->png;
    int passes = png_set_interlace_handling(png);
    int32_t width = (int32_t)png_get_image_width(png, session->info);
    int32_t height = (int32_t)png_get_image_height(png, session->info);
    /* Before libpng allocates rows of its own, which for a wide image are as large. */
    session->status = sscam_image_allocate(width, height, format, &session->image);
    if (session->status != SSCAM_OK)
        png_error(png, "");
    png_read_update_info(png, session->info);
    if (png_get_rowbytes(png, session->info) != sscam_pixel_row_size(format, width))
        png_error(png, "unexpected row size");
    if (session->options->allow_truncated)
        memset(session->image->owned, 0, (size_t)session->image->pixels.stride * (size_t)height);
    for (int pass = 0; pass < passes; pass++)
        for (int32_t y = 0; y < height; y++, session->rows_read++)
            png_read_row(png, sscam_image_row(session->image, y), NULL);
    png_read_end(png, session->info);
}

static sscam_status read_failure(const png_session *session)
{
    if (session->status == SSCAM_E_MEMORY)
        return sscam_fail_memory("a PNG file");
    /* Without a message of libpng's, the thread's message is already set. */
    return session->message[0] ? sscam_fail(SSCAM_E_FORMAT, "damaged PNG: %s", session->message)
                               : session->status;
}

/* Whether what was read of a file that ends too early is taken for the image. */
static bool takes_what_is_there(const png_session *session)
{
    return session->ended_early && session->options->allow_truncated && session->rows_read > 0 &&
           session->status != SSCAM_E_MEMORY;
}

static int32_t orientation_of(png_session *session)
{
    png_uint_32 size = 0;
    png_bytep exif = NULL;
    return png_get_eXIf_1(session->png, session->info, &size, &exif) == PNG_INFO_eXIf
               ? sscam_exif_orientation(exif, size)
               : SSCAM_ORIENTATION_NORMAL;
}

static sscam_status run_reading(png_session *session)
{
    if (setjmp(png_jmpbuf(session->png)))
        return takes_what_is_there(session) ? SSCAM_OK : read_failure(session);
    read_rows(session, read_header(session));
    return SSCAM_OK;
}

sscam_status sscam_png_decode(const uint8_t *data, size_t size, const sscam_read_options *options,
                              sscam_decoded *out)
{
    png_session session = {.data = data, .size = size, .options = options, .status = SSCAM_OK};
    session.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &session, on_error, on_warning,
                                           &session, allocate, deallocate);
    if (session.png)
        session.info = png_create_info_struct(session.png);
    sscam_status status = session.info ? run_reading(&session) : sscam_fail_memory("a PNG file");
    if (status == SSCAM_OK) {
        out->image = session.image;
        out->orientation = orientation_of(&session);
    } else {
        sscam_image_unref(session.image);
    }
    png_destroy_read_struct(&session.png, &session.info, NULL);
    return status;
}

/* Doubles the room, so that the content is moved few times. */
static sscam_status append(png_session *session, const uint8_t *data, size_t count)
{
    const size_t needed = session->encoded_size + count;
    if (needed > session->encoded_room) {
        const size_t room = needed > PTRDIFF_MAX / 2 ? needed : 2 * needed;
        uint8_t *larger = needed < count ? NULL : realloc(session->encoded, room);
        if (!larger)
            return sscam_fail_memory("a PNG file");
        session->encoded = larger;
        session->encoded_room = room;
    }
    memcpy(session->encoded + session->encoded_size, data, count);
    session->encoded_size = needed;
    return SSCAM_OK;
}

static void write_bytes(png_structp png, png_bytep data, size_t count)
{
    png_session *session = png_get_io_ptr(png);
    session->status = session->draft ? sscam_atomic_file_write(session->draft, data, count)
                                     : append(session, data, count);
    if (session->status != SSCAM_OK)
        png_error(png, "");
}

/* sscam_atomic_file_commit() flushes. */
static void flush_bytes(png_structp png)
{
    (void)png;
}

/* 16-bit samples as PNG has them: the high byte first, from 0 to 65535. */
static void pack_row(const sscam_row_reader *reader, const void *samples, uint8_t *out)
{
    const uint32_t maximum = (uint32_t)reader->maximum;
    for (int64_t x = 0; x < reader->pixels->width; x++)
        for (int32_t c = 0; c < reader->channels; c++) {
            const int64_t i = x * reader->step + reader->offset[c];
            if (!sscam_row_reader_is_wide(reader)) {
                *out++ = ((const uint8_t *)samples)[i];
                continue;
            }
            const uint32_t value =
                (((const uint16_t *)samples)[i] * (uint32_t)UINT16_MAX + maximum / 2) / maximum;
            *out++ = (uint8_t)(value >> 8);
            *out++ = (uint8_t)value;
        }
}

static void write_image(png_session *session)
{
    static const int colour_type[] = {
        [1] = PNG_COLOR_TYPE_GRAY, [3] = PNG_COLOR_TYPE_RGB, [4] = PNG_COLOR_TYPE_RGBA};
    png_structp png = session->png;
    sscam_row_reader *reader = &session->reader;
    const sscam_pixels *pixels = reader->pixels;
    png_set_write_fn(png, session, write_bytes, flush_bytes);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_IHDR(png, session->info, (png_uint_32)pixels->width, (png_uint_32)pixels->height,
                 reader->format->bits, colour_type[reader->channels], PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, session->info);
    for (int64_t y = 0; y < pixels->height; y++) {
        const void *samples = NULL;
        session->status = sscam_row_reader_read(reader, y, &samples);
        if (session->status != SSCAM_OK)
            png_error(png, "");
        pack_row(reader, samples, session->row);
        png_write_row(png, session->row);
    }
    png_write_end(png, session->info);
}

static sscam_status write_failure(const png_session *session)
{
    switch (session->status) {
    case SSCAM_E_IO:
    case SSCAM_E_ARGUMENT: return session->status; /* the message is set */
    case SSCAM_E_MEMORY: return sscam_fail_memory("a PNG file");
    default:
        return sscam_fail(session->draft ? SSCAM_E_IO : SSCAM_E_ARGUMENT,
                          "%s: cannot be encoded: %s",
                          session->draft ? session->draft->path : "PNG", session->message);
    }
}

static sscam_status run_writing(png_session *session)
{
    if (setjmp(png_jmpbuf(session->png)))
        return write_failure(session);
    write_image(session);
    return SSCAM_OK;
}

static sscam_status encode_rows(png_session *session)
{
    session->row = sscam_allocate_array(
        sscam_times(session->reader.pixels->width,
                    session->reader.channels * session->reader.format->bits / 8),
        1);
    if (!session->row)
        return sscam_fail_memory("a row of a PNG file");
    session->png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, session, on_error, on_warning,
                                             session, allocate, deallocate);
    if (session->png)
        session->info = png_create_info_struct(session->png);
    sscam_status status = session->info ? run_writing(session) : sscam_fail_memory("a PNG file");
    png_destroy_write_struct(&session->png, &session->info);
    free(session->row);
    return status;
}

static sscam_status encode(const sscam_image *image, png_session *session)
{
    sscam_status status = sscam_row_reader_open(
        &session->reader, image,
        sscam_image_channels(image) == 4 ? SSCAM_ROWS_RGBA : SSCAM_ROWS_COLOURS);
    if (status != SSCAM_OK)
        return status;
    status = encode_rows(session);
    sscam_row_reader_close(&session->reader);
    return status;
}

sscam_status sscam_png_encode(const sscam_image *image, void **data, size_t *size)
{
    png_session session = {.status = SSCAM_OK};
    sscam_status status = encode(image, &session);
    if (status != SSCAM_OK) {
        free(session.encoded);
        return status;
    }
    *data = session.encoded;
    *size = session.encoded_size;
    return SSCAM_OK;
}

sscam_status sscam_png_write(const sscam_image *image, const char *path)
{
    sscam_atomic_file draft;
    sscam_status status = sscam_atomic_file_open(&draft, path);
    if (status != SSCAM_OK)
        return status;
    png_session session = {.draft = &draft, .status = SSCAM_OK};
    status = encode(image, &session);
    if (status == SSCAM_OK)
        return sscam_atomic_file_commit(&draft);
    sscam_atomic_file_discard(&draft);
    return status;
}
