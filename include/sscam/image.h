/** @file
 * @brief An image of 8-bit pixels.
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

/** An image: 8 bits a channel, 1 (gray), 3 (RGB) or 4 (RGBA) channels, row-major, interleaved, no
 * padding between rows. Immutable after creation. */
typedef struct sscam_image sscam_image;

/** Most pixels (width x height) of an image, except for functions that take a limit of their own;
 * larger images are refused with SSCAM_E_ARGUMENT or SSCAM_E_FORMAT before memory is allocated for
 * them. */
#define SSCAM_IMAGE_MAX_PIXELS (INT64_C(1) << 28)

/**
 * Copies pixels into a new image.
 *
 * @param width    Pixels a row, at least 1.
 * @param height   Rows, at least 1.
 * @param channels 1 (gray), 3 (RGB) or 4 (RGBA), interleaved.
 * @param stride   Bytes from one row to the next, at least width x channels; 0 means exactly that.
 * @param pixels   The first row; it may be freed after the call.
 * @param[out] out The image, or NULL on failure. Ownership: the caller's, to be freed with
 *                 sscam_image_unref().
 * @return SSCAM_OK; SSCAM_E_ARGUMENT; SSCAM_E_MEMORY.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_image_create(int32_t width, int32_t height, int32_t channels,
                                          size_t stride, const uint8_t *pixels, sscam_image **out);

/**
 * Reads a PNG or JPEG file; its content decides which it is, not its name. 16-bit PNG is reduced to
 * 8 bits, palettes become RGB or RGBA, CMYK JPEG becomes RGB. EXIF orientation is not applied, as
 * in PIL.
 *
 * @param path File name.
 * @param[out] out The image, or NULL on failure. Ownership: the caller's.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT; SSCAM_E_IO (cannot be read); SSCAM_E_FORMAT (neither PNG nor
 * JPEG, damaged, truncated, or larger than SSCAM_IMAGE_MAX_PIXELS); SSCAM_E_MEMORY. Thread: any
 * thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_image_read(const char *path, sscam_image **out);

/**
 * Decodes a PNG or JPEG file that is in memory already. As sscam_image_read() otherwise.
 *
 * @param data The file's content; it may be freed after the call.
 * @param size Bytes at data.
 * @param[out] out The image, or NULL on failure. Ownership: the caller's.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT; SSCAM_E_FORMAT; SSCAM_E_MEMORY.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_image_read_memory(const void *data, size_t size, sscam_image **out);

/**
 * Reads a PNG or JPEG file with another limit than SSCAM_IMAGE_MAX_PIXELS: a lower one where
 * images are untrusted and memory is scarce, a higher one for images that are known to be large. As
 * sscam_image_read() otherwise.
 *
 * An image takes up to 4 bytes a pixel; decoding takes up to 12 for a progressive JPEG file. The
 * file itself may have up to 8 bytes a pixel of the limit and 16 MiB of other content.
 *
 * When an image of more than SSCAM_IMAGE_MAX_PIXELS pixels is explained, `resize` must not make it
 * larger.
 *
 * @param path       File name.
 * @param max_pixels Most pixels (width x height), at least 1.
 * @param[out] out   The image, or NULL on failure. Ownership: the caller's.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, or max_pixels below 1); SSCAM_E_IO (cannot be read);
 * SSCAM_E_FORMAT (neither PNG nor JPEG, damaged, truncated, or larger than max_pixels);
 * SSCAM_E_MEMORY. Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_image_read_limited(const char *path, int64_t max_pixels,
                                                sscam_image **out);

/**
 * Decodes a PNG or JPEG file that is in memory already with another limit than
 * SSCAM_IMAGE_MAX_PIXELS. As sscam_image_read_limited() otherwise.
 *
 * @param data       The file's content; it may be freed after the call.
 * @param size       Bytes at data.
 * @param max_pixels Most pixels (width x height), at least 1.
 * @param[out] out   The image, or NULL on failure. Ownership: the caller's.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT; SSCAM_E_FORMAT; SSCAM_E_MEMORY.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_image_read_memory_limited(const void *data, size_t size,
                                                       int64_t max_pixels, sscam_image **out);

/**
 * Reads a PNG file; any other content is refused. As sscam_image_read() otherwise.
 *
 * @param path File name.
 * @param[out] out The image, or NULL on failure. Ownership: the caller's.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT; SSCAM_E_IO; SSCAM_E_FORMAT; SSCAM_E_MEMORY.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_image_read_png(const char *path, sscam_image **out);

/**
 * Writes an image as a PNG file, whole or not at all: it is written under a temporary name in the
 * same folder, synced and renamed. Symbolic links are followed, also dangling ones; a file that is
 * replaced keeps its permissions, without set-user-ID and set-group-ID. Devices, pipes and
 * descriptors (/dev/stdout, /dev/fd/N) are written directly.
 *
 * @param image An image.
 * @param path  File name; an existing file is replaced.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT; SSCAM_E_IO (cannot be written); SSCAM_E_MEMORY.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_image_write_png(const sscam_image *image, const char *path);

/** @param image An image. @return Pixels a row; 0 for NULL. Thread: any. @since 1.0 */
SSCAM_API int32_t sscam_image_width(const sscam_image *image);

/** @param image An image. @return Number of rows; 0 for NULL. Thread: any. @since 1.0 */
SSCAM_API int32_t sscam_image_height(const sscam_image *image);

/** @param image An image. @return 1 (gray), 3 (RGB) or 4 (RGBA); 0 for NULL. Thread: any.
 *              @since 1.0 */
SSCAM_API int32_t sscam_image_channels(const sscam_image *image);

/**
 * The pixels: height x width x channels bytes, row-major, no padding.
 *
 * @param image An image.
 * @return The first byte. Ownership: the image's. NULL for NULL.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API const uint8_t *sscam_image_pixels(const sscam_image *image);

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
