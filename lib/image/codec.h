/* Decoding and encoding of image files. Only png.c includes libpng's header, only jpeg.c libjpeg's
 * and so on; they share this header, since one called png.h would hide libpng's. */
#ifndef SSCAM_LIB_IMAGE_CODEC_H
#define SSCAM_LIB_IMAGE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sscam/image.h"

/* What a file holds. */
typedef struct sscam_decoded {
    sscam_image *image;  /* NULL on failure */
    int32_t orientation; /* how it is to be turned; as that of EXIF, and checked (orientation.h) */
} sscam_decoded;

/* Decoders: SSCAM_E_FORMAT for damaged, truncated and too large files, and kinds that are not read.
 * The caller adds the file's name to the message. Gamma and colour profiles are not applied.
 *
 * The options are resolved: none is 0 that stands for another value. An image of more than
 * max_pixels is refused before memory is allocated for it; other content is not kept.
 *
 * PNG: gray becomes gray of 8 or 16 bits, colours RGB, anything with transparency RGBA. JPEG: gray
 * stays gray, all else becomes RGB, CMYK and YCCK by PIL's rules. TIFF: gray and RGB of 8 or 16
 * bits with and without alpha as they are, all else becomes 8-bit RGB; the first page. WebP: RGB or
 * RGBA; no animations. BMP: RGB, or RGBA where the file has a mask of alpha; not compressed. */
typedef sscam_status sscam_decoder(const uint8_t *data, size_t size,
                                   const sscam_read_options *options, sscam_decoded *out);
sscam_decoder sscam_png_decode;
sscam_decoder sscam_jpeg_decode;
sscam_decoder sscam_bmp_decode;
sscam_decoder sscam_tiff_decode;
sscam_decoder sscam_webp_decode;

/* The message of an image that is larger than the options allow. */
sscam_status sscam_refuse_pixels(int64_t width, int64_t height, const sscam_read_options *options);

/* The content of a PNG file, to be freed by free(). */
sscam_status sscam_png_encode(const sscam_image *image, void **data, size_t *size);

/* Writes the whole file or none. Messages start with the path. */
sscam_status sscam_png_write(const sscam_image *image, const char *path);

#endif
