/** @file
 * @brief Images: pixels of the host, and image files.
 */
#ifndef SSCAM_IMAGE_H
#define SSCAM_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** An image. Immutable. */
typedef struct sscam_image sscam_image;

/** Most pixels (width x height) of an image, except where sscam_read_options.max_pixels sets
 * another limit; larger images are refused with SSCAM_E_ARGUMENT or SSCAM_E_FORMAT before memory is
 * allocated for them. */
#define SSCAM_IMAGE_MAX_PIXELS (INT64_C(1) << 28)

/** @name Formats of pixels
 * Channels of a pixel are interleaved, in the order of the name. 16-bit channels are in the
 * machine's byte order. Alpha is not premultiplied.
 * @{ */
/** 1 byte: luma. */
#define SSCAM_PIXELS_GRAY8 1
/** 2 bytes: luma. */
#define SSCAM_PIXELS_GRAY16 2
/** 3 bytes. */
#define SSCAM_PIXELS_RGB8 3
/** 6 bytes. */
#define SSCAM_PIXELS_RGB16 4
/** 4 bytes. */
#define SSCAM_PIXELS_RGBA8 5
/** 8 bytes. */
#define SSCAM_PIXELS_RGBA16 6
/** 3 bytes. */
#define SSCAM_PIXELS_BGR8 7
/** 4 bytes. */
#define SSCAM_PIXELS_BGRA8 8
/** A plane of luma Y, 1 byte a pixel, and a second plane of (height + 1) / 2 rows of
 * (width + 1) / 2 pairs U, V, one pair for 2 x 2 pixels: ITU-R BT.601-7, limited range. With
 * y = (Y - 16) / 219, u = (U - 128) / 224, v = (V - 128) / 224: R = y + 1.402 v,
 * G = y - (0.202008 u + 0.419198 v) / 0.587, B = y + 1.772 u; times 255, rounded to nearest,
 * limited to 0 to 255. All four pixels take the pair as it is. */
#define SSCAM_PIXELS_NV12 9
/** @} */

/** A view of pixels that the host, or an image, has. Set it to SSCAM_PIXELS_INIT, then its
 * fields. */
typedef struct sscam_pixels {
    /** sizeof(sscam_pixels). */
    size_t struct_size;
    /** The upper left pixel. 16-bit formats need no alignment. */
    const void *data;
    /** Pixels a row, at least 1. */
    int64_t width;
    /** Rows, at least 1. */
    int64_t height;
    /** Bytes from a row to the one below it; negative where rows are stored upwards; 0: rows
     * without padding, downwards. */
    int64_t stride;
    /** An SSCAM_PIXELS_ value. */
    int32_t format;
    /** Of 16-bit formats: values reach from 0 to 2^significant_bits - 1, as those of cameras of 10
     * or 12 bits do; a higher value is an error. 9 to 16; 0: 16. Of 8-bit formats: 0 or 8. */
    int32_t significant_bits;
    /** The upper left pair of the second plane of NV12; else NULL. */
    const void *second_data;
    /** Bytes from a row of the second plane to the one below it, as `stride`. */
    int64_t second_stride;
} sscam_pixels;

/** Initial value of an sscam_pixels. */
#define SSCAM_PIXELS_INIT                                  \
    {                                                      \
        sizeof(sscam_pixels), NULL, 0, 0, 0, 0, 0, NULL, 0 \
    }

/** Memory of the host that the library draws into. Set it to SSCAM_CANVAS_INIT, then its fields. */
typedef struct sscam_canvas {
    /** sizeof(sscam_canvas). */
    size_t struct_size;
    /** The upper left pixel. */
    void *data;
    /** Pixels a row. */
    int64_t width;
    /** Rows. */
    int64_t height;
    /** Bytes from a row to the one below it; negative where rows are stored upwards; 0: rows
     * without padding, downwards. Bytes between rows are left as they are. */
    int64_t stride;
    /** SSCAM_PIXELS_GRAY8, _RGB8, _BGR8, _RGBA8 or _BGRA8. */
    int32_t format;
    /** 0. */
    int32_t reserved;
} sscam_canvas;

/** Initial value of an sscam_canvas. */
#define SSCAM_CANVAS_INIT                         \
    {                                             \
        sizeof(sscam_canvas), NULL, 0, 0, 0, 0, 0 \
    }

/** @name Formats of image files, as bits
 * @{ */
/** Portable Network Graphics. */
#define SSCAM_FILE_PNG 1
/** JPEG. */
#define SSCAM_FILE_JPEG 2
/** Windows bitmaps. */
#define SSCAM_FILE_BMP 4
/** Tag Image File Format, where the library was built with libtiff. */
#define SSCAM_FILE_TIFF 8
/** WebP, where the library was built with libwebp. */
#define SSCAM_FILE_WEBP 16
/** @} */

/** How an image file is read. Set it to SSCAM_READ_OPTIONS_INIT, then the fields that differ. */
typedef struct sscam_read_options {
    /** sizeof(sscam_read_options). */
    size_t struct_size;
    /** Most pixels (width x height): a lower limit where files are untrusted and memory is scarce,
     * a higher one for images that are known to be large. 0: SSCAM_IMAGE_MAX_PIXELS. The file
     * itself may have up to 8 bytes a pixel of the limit and 16 MiB of other content. */
    int64_t max_pixels;
    /** SSCAM_FILE_ bits of the formats that are accepted. 0: all of sscam_image_file_formats(). */
    int32_t formats;
    /** 0: the image is turned as the file's orientation (EXIF's or TIFF's) says, as viewers and
     * browsers do. 1: pixels stay as they are stored. */
    int32_t ignore_orientation;
    /** 1: of a PNG, JPEG or BMP file that ends too early, what is there is taken, where that is at
     * least a row; what is missing becomes black, or gray in JPEG. 0: such files are refused. */
    int32_t allow_truncated;
    /** Of files with 16 bits a channel: sscam_pixels.significant_bits, 9 to 16; higher values are
     * refused. 0: 16, the whole range. Files of 8 bits are read as ever. */
    int32_t significant_bits;
} sscam_read_options;

/** Initial value of an sscam_read_options. */
#define SSCAM_READ_OPTIONS_INIT                   \
    {                                             \
        sizeof(sscam_read_options), 0, 0, 0, 0, 0 \
    }

/**
 * Copies pixels into a new image.
 *
 * @param pixels   The pixels; they may be freed after the call.
 * @param[out] out The image, or NULL on failure. Ownership: the caller's, to be freed with
 *                 sscam_image_unref().
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL; a field out of range; more than
 * SSCAM_IMAGE_MAX_PIXELS); SSCAM_E_MEMORY.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_image_create(const sscam_pixels *pixels, sscam_image **out);

/**
 * Is told that an image no longer uses the pixels that it was made of.
 *
 * @param user What sscam_image_wrap() was given.
 */
typedef void (*sscam_release_callback)(void *user);

/**
 * Makes an image of pixels that stay where they are: nothing is copied, now or later. They must not
 * change, and stay valid, until the last reference to the image is released.
 *
 * @param pixels   The pixels.
 * @param release  Called once, when the last reference is released, by the thread that releases it,
 *                 with no lock held; or NULL. It is not called where this function fails.
 * @param user     Passed to release.
 * @param[out] out The image, or NULL on failure. Ownership: the caller's, to be freed with
 *                 sscam_image_unref().
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (as sscam_image_create()); SSCAM_E_MEMORY.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_image_wrap(const sscam_pixels *pixels, sscam_release_callback release,
                                        void *user, sscam_image **out);

/** @return The SSCAM_FILE_ bits of the formats that this build reads. Thread: any. @since 1.0 */
SSCAM_API int32_t sscam_image_file_formats(void);

/**
 * Reads an image file; its content decides of which format it is, not its name. Channels of 16 bits
 * stay so, palettes become RGB or RGBA, CMYK becomes RGB. The image is turned as the file's
 * orientation says. Colour profiles and gamma are not applied.
 *
 * Where values of 16 bits reach hardly beyond 10 or 12 bits, a warning goes to the log callback:
 * the network then sees an almost black image, and significant_bits may be meant.
 *
 * An image takes up to 8 bytes a pixel; decoding takes up to 12 for a progressive JPEG file, and
 * turning an image twice its size. When an image of more than SSCAM_IMAGE_MAX_PIXELS pixels is
 * explained, `resize` must not make it larger.
 *
 * @param path     File name.
 * @param options  How to read it, or NULL for all defaults.
 * @param[out] out The image, or NULL on failure. Ownership: the caller's.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, an option out of range); SSCAM_E_IO (cannot be read);
 * SSCAM_E_FORMAT (of no accepted format, damaged, truncated, or larger than the limit);
 * SSCAM_E_MEMORY.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_image_read(const char *path, const sscam_read_options *options,
                                        sscam_image **out);

/**
 * Decodes an image file that is in memory already. As sscam_image_read() otherwise.
 *
 * @param data     The file's content; it may be freed after the call.
 * @param size     Bytes at data.
 * @param options  How to read it, or NULL for all defaults.
 * @param[out] out The image, or NULL on failure. Ownership: the caller's.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT; SSCAM_E_FORMAT; SSCAM_E_MEMORY.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_image_read_memory(const void *data, size_t size,
                                               const sscam_read_options *options,
                                               sscam_image **out);

/**
 * Writes an image as a PNG file, whole or not at all: it is written under a temporary name in the
 * same folder, synced and renamed. Symbolic links are followed, also dangling ones; a file that is
 * replaced keeps its permissions, without set-user-ID and set-group-ID. Devices, pipes and
 * descriptors (/dev/stdout, /dev/fd/N) are written directly.
 *
 * @param image An image. 16-bit formats are written with 16 bits, as values from 0 to 65535.
 * @param path  File name; an existing file is replaced.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL; a value above what significant_bits allow); SSCAM_E_IO
 * (cannot be written); SSCAM_E_MEMORY. Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_image_write_png(const sscam_image *image, const char *path);

/**
 * Encodes an image as a PNG file in memory.
 *
 * @param image     An image. 16-bit formats are written with 16 bits, as values from 0 to 65535.
 * @param[out] data The file's content, or NULL on failure. Ownership: the caller's, to be freed
 *                  with sscam_free().
 * @param[out] size Bytes at data; 0 on failure.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL; a value above what significant_bits allow);
 * SSCAM_E_MEMORY.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_image_encode_png(const sscam_image *image, void **data, size_t *size);

/** @param image An image. @return Pixels a row; 0 for NULL. Thread: any. @since 1.0 */
SSCAM_API int64_t sscam_image_width(const sscam_image *image);

/** @param image An image. @return Number of rows; 0 for NULL. Thread: any. @since 1.0 */
SSCAM_API int64_t sscam_image_height(const sscam_image *image);

/** @param image An image. @return 1 (gray), 3 (colours) or 4 (with alpha); 0 for NULL. Thread: any.
 *              @since 1.0 */
SSCAM_API int32_t sscam_image_channels(const sscam_image *image);

/**
 * Gives an image's pixels as they are stored.
 *
 * @param image    An image.
 * @param[out] out The view; its struct_size is set by the caller. Its stride is never 0. Ownership:
 *                 what it points to is the image's.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, struct_size).
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_image_describe(const sscam_image *image, sscam_pixels *out);

/**
 * Copies an image's pixels to memory of the host, converted to the canvas's format. Alpha becomes
 * 255 where the image has none, and is left out where the canvas has none. Colours become gray by
 * ITU-R BT.601's luma, 0.299 R + 0.587 G + 0.114 B; values of 16-bit formats become
 * 255 x value / (2^significant_bits - 1); both are rounded to nearest.
 *
 * @param image  An image.
 * @param canvas Where to; of the image's width and height.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL; another size; a field out of range; a value above what
 * significant_bits allow); SSCAM_E_MEMORY.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_image_copy_pixels(const sscam_image *image,
                                               const sscam_canvas *canvas);

/**
 * Adds a reference to an image.
 *
 * @param image An image, or NULL (then nothing happens).
 * @return image. Ownership: the caller has one more reference to release.
 * Thread: any thread; the count is atomic.
 * @since 1.0
 */
SSCAM_API sscam_image *sscam_image_ref(sscam_image *image);

/**
 * Releases one reference; the last one frees the image.
 *
 * @param image An image, or NULL.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API void sscam_image_unref(sscam_image *image);

#ifdef __cplusplus
}
#endif

#endif
