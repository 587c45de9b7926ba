#include "image/codec.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* After <stdio.h> and <stddef.h>, which it uses without including them. */
#include <jpeglib.h>

#include <jerror.h>

#include "base/error.h"
#include "image/image_private.h"
#include "image/orientation.h"

/* A hostile progressive file may have any number of scans, each as slow as the whole image; real
 * files have about ten. */
enum { MOST_SCANS = 200, EXIF_MARKER = JPEG_APP0 + 1, LONGEST_MARKER = 0xFFFF };

/* The state that libjpeg's callbacks share. Whatever must survive the longjmp is in here, since
 * local variables do not. */
typedef struct jpeg_session {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    sscam_image *image;
    JSAMPLE *inks; /* one row of CMYK */
    const sscam_read_options *options;
    bool ended_early;
    int32_t orientation;
    sscam_status status;
} jpeg_session;

static void leave(jpeg_session *session, sscam_status status)
{
    session->status = status;
    longjmp(session->escape, 1);
}

static void leave_with_message(j_common_ptr jpeg, const char *what)
{
    jpeg_session *session = jpeg->client_data;
    char message[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, message);
    leave(session, jpeg->err->msg_code == JERR_OUT_OF_MEMORY
                       ? sscam_fail_memory("a JPEG file")
                       : sscam_fail(SSCAM_E_FORMAT, "%s: %s", what, message));
}

static void on_error(j_common_ptr jpeg)
{
    leave_with_message(jpeg, "cannot decode JPEG");
}

/* For missing or wrong data libjpeg only warns, and invents the pixels. */
static bool loses_pixels(const struct jpeg_error_mgr *errors)
{
    switch (errors->msg_code) {
    case JWRN_ARITH_BAD_CODE:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_JPEG_EOF:
    case JWRN_MUST_RESYNC: return true;
    case JWRN_EXTRANEOUS_DATA:
        /* Left-over bytes before a restart marker are data that a damaged interval did not use;
         * elsewhere they are a harmless habit of cameras. */
        return errors->msg_parm.i[1] >= JPEG_RST0 && errors->msg_parm.i[1] <= JPEG_RST0 + 7;
    default: return false;
    }
}

static void on_message(j_common_ptr jpeg, int level)
{
    jpeg_session *session = jpeg->client_data;
    if (level >= 0 || !loses_pixels(jpeg->err))
        return;
    /* What follows the end of a truncated file is lost, too. */
    session->ended_early |= jpeg->err->msg_code == JWRN_JPEG_EOF;
    if (!session->ended_early || !session->options->allow_truncated)
        leave_with_message(jpeg, "damaged JPEG");
}

static void on_progress(j_common_ptr jpeg)
{
    if (((j_decompress_ptr)jpeg)->input_scan_number > MOST_SCANS)
        leave(jpeg->client_data,
              sscam_fail(SSCAM_E_FORMAT, "cannot decode JPEG: more than %d scans", MOST_SCANS));
}

static int32_t orientation_of(const struct jpeg_decompress_struct *jpeg)
{
    enum { PREFIX_SIZE = 6 };
    for (jpeg_saved_marker_ptr at = jpeg->marker_list; at; at = at->next)
        if (at->data_length > PREFIX_SIZE && memcmp(at->data, "Exif\0\0", PREFIX_SIZE) == 0)
            return sscam_exif_orientation(at->data + PREFIX_SIZE, at->data_length - PREFIX_SIZE);
    return SSCAM_ORIENTATION_NORMAL;
}

/* Chooses the output's colours, and refuses too large an image before memory is allocated for it.
 */
static void read_header(jpeg_session *session, const uint8_t *data, size_t size)
{
    struct jpeg_decompress_struct *jpeg = &session->jpeg;
    jpeg_mem_src(jpeg, data, (unsigned long)size);
    jpeg_save_markers(jpeg, EXIF_MARKER, LONGEST_MARKER);
    jpeg_read_header(jpeg, TRUE);
    session->orientation = orientation_of(jpeg);
    if (!sscam_image_size_allowed(jpeg->image_width, jpeg->image_height,
                                  session->options->max_pixels))
        leave(session,
              sscam_refuse_pixels(jpeg->image_width, jpeg->image_height, session->options));
    switch (jpeg->num_components) {
    case 1: jpeg->out_color_space = JCS_GRAYSCALE; break;
    case 3: jpeg->out_color_space = JCS_RGB; break;
    case 4: jpeg->out_color_space = JCS_CMYK; break;
    default:
        leave(session, sscam_fail(SSCAM_E_FORMAT, "cannot decode JPEG: %d colour components",
                                  jpeg->num_components));
    }
}

/* a x b / 255, rounded to nearest. */
static uint8_t multiply_shares(unsigned a, unsigned b)
{
    unsigned product = a * b + 128;
    return (uint8_t)((product + (product >> 8)) >> 8);
}

/* All files are assumed to follow Adobe, as PIL does: the numbers mean the absence of ink. Then the
 * light that each colour lets through is multiplied with that of black. */
static void inks_to_rgb(const JSAMPLE *inks, int64_t width, uint8_t *rgb)
{
    for (int64_t x = 0; x < width; x++, inks += 4, rgb += 3) {
        unsigned light = inks[3];
        for (int c = 0; c < 3; c++)
            rgb[c] = (uint8_t)(light - multiply_shares(255u - inks[c], light));
    }
}

static void read_rows(jpeg_session *session)
{
    struct jpeg_decompress_struct *jpeg = &session->jpeg;
    jpeg_start_decompress(jpeg);
    bool inked = jpeg->out_color_space == JCS_CMYK;
    sscam_status status = sscam_image_allocate(
        jpeg->output_width, jpeg->output_height,
        jpeg->out_color_space == JCS_GRAYSCALE ? SSCAM_PIXELS_GRAY8 : SSCAM_PIXELS_RGB8,
        &session->image);
    if (status != SSCAM_OK)
        leave(session, status);
    if (inked) /* from libjpeg's own pool, which it frees */
        session->inks = jpeg->mem->alloc_large((j_common_ptr)jpeg, JPOOL_IMAGE,
                                               (size_t)jpeg->output_width * 4);
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *pixels = sscam_image_row(session->image, jpeg->output_scanline);
        JSAMPROW row = inked ? session->inks : pixels;
        jpeg_read_scanlines(jpeg, &row, 1);
        if (inked)
            inks_to_rgb(session->inks, session->image->pixels.width, pixels);
    }
    jpeg_finish_decompress(jpeg);
}

static sscam_status run(jpeg_session *session, const uint8_t *data, size_t size)
{
    if (setjmp(session->escape))
        return session->status;
    jpeg_create_decompress(&session->jpeg);
    session->jpeg.progress = &session->progress;
    read_header(session, data, size);
    read_rows(session);
    return SSCAM_OK;
}

sscam_status sscam_jpeg_decode(const uint8_t *data, size_t size, const sscam_read_options *options,
                               sscam_decoded *out)
{
    jpeg_session session = {.progress.progress_monitor = on_progress, .options = options};
    session.jpeg.err = jpeg_std_error(&session.errors);
    session.jpeg.client_data = &session;
    session.errors.error_exit = on_error;
    session.errors.emit_message = on_message;
    sscam_status status = run(&session, data, size);
    if (status == SSCAM_OK) {
        out->image = session.image;
        out->orientation = session.orientation;
    } else {
        sscam_image_unref(session.image);
    }
    jpeg_destroy_decompress(&session.jpeg);
    return status;
}
