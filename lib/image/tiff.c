#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "image/codec.h"
#include "image/image_private.h"
#include "image/orientation.h"
#include "image/pixel_format.h"

enum { MESSAGE_SIZE = 256, OTHER_MEMORY = 1 << 24 };

/* The state that libtiff's callbacks share: the file's content, where it is read, and the first
 * error. */
typedef struct tiff_session {
    const uint8_t *data;
    size_t size;
    uint64_t position;
    const sscam_read_options *options;
    char message[MESSAGE_SIZE];
    uint32_t width, height;
    uint16_t bits, samples, photometric, planar, sample_format, alpha;
} tiff_session;

/* --- the file in memory ----------------------------------------------------------------------- */

static tmsize_t read_bytes(thandle_t handle, void *out, tmsize_t count)
{
    tiff_session *session = handle;
    if (count < 0 || session->position >= session->size)
        return 0;
    const size_t left = session->size - (size_t)session->position;
    const size_t taken = (size_t)count < left ? (size_t)count : left;
    memcpy(out, session->data + session->position, taken);
    session->position += taken;
    return (tmsize_t)taken;
}

static tmsize_t write_bytes(thandle_t handle, void *data, tmsize_t count)
{
    (void)handle;
    (void)data;
    (void)count;
    return 0;
}

static toff_t seek(thandle_t handle, toff_t offset, int whence)
{
    tiff_session *session = handle;
    session->position = whence == SEEK_CUR   ? session->position + offset
                        : whence == SEEK_END ? session->size + offset
                                             : offset;
    return session->position;
}

static int close_nothing(thandle_t handle)
{
    (void)handle;
    return 0;
}

static toff_t size_of(thandle_t handle)
{
    return ((tiff_session *)handle)->size;
}

static int keep_error(TIFF *tiff, void *user, const char *module, const char *format,
                      va_list arguments)
{
    tiff_session *session = user;
    (void)tiff;
    (void)module;
    if (session->message[0] == '\0')
        vsnprintf(session->message, sizeof session->message, format, arguments);
    return 1; /* nothing is printed */
}

static int ignore_warning(TIFF *tiff, void *user, const char *module, const char *format,
                          va_list arguments)
{
    (void)tiff;
    (void)user;
    (void)module;
    (void)format;
    (void)arguments;
    return 1;
}

/* No block that libtiff takes for itself need be larger than the image and some other content. */
static tmsize_t most_memory(const sscam_read_options *options)
{
    const int64_t bytes = sscam_plus(sscam_times(options->max_pixels, 8), OTHER_MEMORY);
    return bytes == SSCAM_TOO_MANY ? 0 : (tmsize_t)bytes; /* 0: no limit */
}

static TIFF *open_tiff(tiff_session *session)
{
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options)
        return NULL;
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, most_memory(session->options));
    TIFFOpenOptionsSetErrorHandlerExtR(options, keep_error, session);
    TIFFOpenOptionsSetWarningHandlerExtR(options, ignore_warning, session);
    TIFF *tiff = TIFFClientOpenExt("TIFF", "rm", session, read_bytes, write_bytes, seek,
                                   close_nothing, size_of, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}

static sscam_status fail_tiff(const tiff_session *session)
{
    return sscam_fail(SSCAM_E_FORMAT, "damaged TIFF: %s",
                      session->message[0] ? session->message : "it cannot be decoded");
}

/* --- header ----------------------------------------------------------------------------------- */

/* EXTRASAMPLE_UNSPECIFIED (0) where there is no alpha. */
static uint16_t alpha_of(TIFF *tiff)
{
    uint16_t count = 0, *kinds = NULL;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &count, &kinds);
    return count > 0 && kinds ? kinds[0] : EXTRASAMPLE_UNSPECIFIED;
}

static sscam_status read_header(TIFF *tiff, tiff_session *session)
{
    if (!TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &session->width) ||
        !TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &session->height) || session->width == 0 ||
        session->height == 0)
        return sscam_fail(SSCAM_E_FORMAT, "damaged TIFF: no width or height");
    if (!sscam_image_size_allowed(session->width, session->height, session->options->max_pixels) ||
        session->width > INT32_MAX || session->height > INT32_MAX)
        return sscam_refuse_pixels(session->width, session->height, session->options);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &session->bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &session->samples);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &session->planar);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &session->sample_format);
    if (!TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &session->photometric))
        session->photometric = session->samples >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
    session->alpha = alpha_of(tiff);
    if (session->sample_format != SAMPLEFORMAT_UINT && session->sample_format != SAMPLEFORMAT_VOID)
        return sscam_fail(SSCAM_E_FORMAT,
                          "cannot decode TIFF: its samples are signed or floating-point numbers; "
                          "give such values as an array");
    if (session->bits > 16)
        return sscam_fail(SSCAM_E_FORMAT,
                          "cannot decode TIFF: %" PRIu16 " bits a sample, not at most 16",
                          session->bits);
    return SSCAM_OK;
}

static bool is_gray(const tiff_session *session)
{
    return session->photometric == PHOTOMETRIC_MINISBLACK ||
           session->photometric == PHOTOMETRIC_MINISWHITE;
}

/* Gray or RGB of whole bytes, row by row, without or with alpha that is not premultiplied. */
static bool is_plain(TIFF *tiff, const tiff_session *session)
{
    const int32_t colours = is_gray(session) ? 1 : 3;
    if (!is_gray(session) && session->photometric != PHOTOMETRIC_RGB)
        return false;
    return (session->bits == 8 || session->bits == 16) && session->planar == PLANARCONFIG_CONTIG &&
           !TIFFIsTiled(tiff) &&
           (session->samples == colours ||
            (session->samples == colours + 1 && session->alpha == EXTRASAMPLE_UNASSALPHA));
}

/* --- rows as they are ------------------------------------------------------------------------- */

static int32_t plain_format(const tiff_session *session)
{
    const bool wide = session->bits == 16;
    if (session->alpha == EXTRASAMPLE_UNASSALPHA && session->samples != 3 && session->samples != 1)
        return wide ? SSCAM_PIXELS_RGBA16 : SSCAM_PIXELS_RGBA8;
    if (is_gray(session))
        return wide ? SSCAM_PIXELS_GRAY16 : SSCAM_PIXELS_GRAY8;
    return wide ? SSCAM_PIXELS_RGB16 : SSCAM_PIXELS_RGB8;
}

static uint16_t sample_at(const tiff_session *session, const void *row, int64_t i)
{
    const uint16_t value = session->bits == 16 ? ((const uint16_t *)row)[i]
                                               : ((const uint8_t *)row)[i];
    const int32_t maximum = session->bits == 16 ? UINT16_MAX : UINT8_MAX;
    return session->photometric == PHOTOMETRIC_MINISWHITE ? (uint16_t)(maximum - value) : value;
}

/* Gray with alpha becomes RGBA. */
static void convert_row(const tiff_session *session, const void *row, int32_t channels, void *out)
{
    for (int64_t x = 0; x < session->width; x++)
        for (int32_t c = 0; c < channels; c++) {
            const int32_t sample = session->samples >= channels ? c : c < 3 ? 0 : 1;
            const int64_t at = x * session->samples + sample, to = x * channels + c;
            const uint16_t value = c == 3 && session->bits == 16 ? ((const uint16_t *)row)[at]
                                   : c == 3                      ? ((const uint8_t *)row)[at]
                                                                 : sample_at(session, row, at);
            if (session->bits == 16)
                ((uint16_t *)out)[to] = value;
            else
                ((uint8_t *)out)[to] = (uint8_t)value;
        }
}

static sscam_status read_plain_rows(TIFF *tiff, const tiff_session *session, void *row,
                                    sscam_image *image)
{
    const int32_t channels = sscam_image_channels(image);
    for (uint32_t y = 0; y < session->height; y++) {
        if (TIFFReadScanline(tiff, row, y, 0) != 1)
            return fail_tiff(session);
        convert_row(session, row, channels, sscam_image_row(image, y));
    }
    return SSCAM_OK;
}

static sscam_status read_plain(TIFF *tiff, const tiff_session *session, sscam_image **out)
{
    const int64_t row_size = sscam_times(session->width, session->samples * session->bits / 8);
    if (TIFFScanlineSize64(tiff) != (uint64_t)row_size)
        return sscam_fail(SSCAM_E_FORMAT, "damaged TIFF: rows of %" PRIu64 " bytes",
                          TIFFScanlineSize64(tiff));
    sscam_status status = sscam_image_allocate(session->width, session->height,
                                               plain_format(session), out);
    void *row = status == SSCAM_OK ? sscam_allocate_array(row_size, 1) : NULL;
    if (status == SSCAM_OK && !row)
        status = sscam_fail_memory("a row of a TIFF file");
    if (status == SSCAM_OK)
        status = read_plain_rows(tiff, session, row, *out);
    free(row);
    return status;
}

/* --- everything else, by libtiff's conversion ------------------------------------------------- */

static sscam_status read_raster(TIFF *tiff, const tiff_session *session, uint32_t *raster)
{
    TIFFRGBAImage image;
    char message[1024] = "";
    if (!TIFFRGBAImageOK(tiff, message) || !TIFFRGBAImageBegin(&image, tiff, 1, message))
        return sscam_fail(SSCAM_E_FORMAT, "cannot decode TIFF: %s", message);
    image.req_orientation = image.orientation; /* turning is done later, for all formats alike */
    const int done = TIFFRGBAImageGet(&image, raster, session->width, session->height);
    TIFFRGBAImageEnd(&image);
    return done ? SSCAM_OK : fail_tiff(session);
}

/* libtiff premultiplies and keeps 8 bits, so that what has alpha or 16 bits is refused here. */
static sscam_status check_convertible(const tiff_session *session)
{
    if (session->bits > 8)
        return sscam_fail(SSCAM_E_FORMAT,
                          "cannot decode TIFF: %" PRIu16
                          " bits a sample in tiles, planes or other colours than gray and RGB",
                          session->bits);
    if (session->alpha == EXTRASAMPLE_UNASSALPHA || session->alpha == EXTRASAMPLE_ASSOCALPHA)
        return sscam_fail(SSCAM_E_FORMAT,
                          "cannot decode TIFF: alpha that is premultiplied, or in tiles or planes");
    const int32_t colours = session->photometric == PHOTOMETRIC_SEPARATED                     ? 4
                            : session->photometric == PHOTOMETRIC_PALETTE || is_gray(session) ? 1
                                                                                              : 3;
    if (session->samples != colours)
        return sscam_fail(SSCAM_E_FORMAT,
                          "cannot decode TIFF: %" PRIu16
                          " samples a pixel; give images of many bands as an array",
                          session->samples);
    return SSCAM_OK;
}

static sscam_status read_converted(TIFF *tiff, const tiff_session *session, sscam_image **out)
{
    sscam_status status = check_convertible(session);
    if (status != SSCAM_OK)
        return status;
    const int64_t pixels = (int64_t)session->width * session->height;
    uint32_t *raster = sscam_zeros(pixels, sizeof *raster);
    if (!raster)
        return sscam_fail_memory("a TIFF file");
    const bool gray = is_gray(session);
    status = read_raster(tiff, session, raster);
    if (status == SSCAM_OK)
        status = sscam_image_allocate(session->width, session->height,
                                      gray ? SSCAM_PIXELS_GRAY8 : SSCAM_PIXELS_RGB8, out);
    for (int64_t p = 0; status == SSCAM_OK && p < pixels; p++) {
        uint8_t *to = (*out)->owned + (gray ? p : 3 * p);
        to[0] = (uint8_t)TIFFGetR(raster[p]);
        if (!gray) {
            to[1] = (uint8_t)TIFFGetG(raster[p]);
            to[2] = (uint8_t)TIFFGetB(raster[p]);
        }
    }
    free(raster);
    return status;
}

/* --- decoding --------------------------------------------------------------------------------- */

static sscam_status read_image(TIFF *tiff, tiff_session *session, sscam_decoded *out)
{
    uint16_t orientation = ORIENTATION_TOPLEFT;
    sscam_status status = read_header(tiff, session);
    if (status == SSCAM_OK)
        status = is_plain(tiff, session) ? read_plain(tiff, session, &out->image)
                                         : read_converted(tiff, session, &out->image);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &orientation);
    if (orientation >= SSCAM_ORIENTATION_NORMAL && orientation <= SSCAM_ORIENTATION_LAST)
        out->orientation = orientation;
    if (status != SSCAM_OK) {
        sscam_image_unref(out->image);
        out->image = NULL;
    }
    return status;
}

sscam_status sscam_tiff_decode(const uint8_t *data, size_t size, const sscam_read_options *options,
                               sscam_decoded *out)
{
    tiff_session session = {.data = data, .size = size, .options = options};
    TIFF *tiff = open_tiff(&session);
    if (!tiff)
        return session.message[0] ? fail_tiff(&session) : sscam_fail_memory("a TIFF file");
    sscam_status status = read_image(tiff, &session, out);
    TIFFClose(tiff);
    return status;
}
