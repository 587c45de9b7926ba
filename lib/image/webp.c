#include <inttypes.h>
#include <webp/decode.h>
#include <webp/demux.h>

#include "base/error.h"
#include "image/codec.h"
#include "image/image_private.h"
#include "image/orientation.h"
#include "image/pixel_format.h"

static int32_t orientation_of(const WebPData *file)
{
    int32_t orientation = SSCAM_ORIENTATION_NORMAL;
    WebPChunkIterator chunk;
    WebPDemuxer *demuxer = WebPDemux(file);
    if (!demuxer)
        return orientation;
    if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk)) {
        orientation = sscam_exif_orientation(chunk.chunk.bytes, chunk.chunk.size);
        WebPDemuxReleaseChunkIterator(&chunk);
    }
    WebPDemuxDelete(demuxer);
    return orientation;
}

static sscam_status check(const WebPBitstreamFeatures *features, const sscam_read_options *options)
{
    if (!sscam_image_size_allowed(features->width, features->height, options->max_pixels))
        return sscam_refuse_pixels(features->width, features->height, options);
    if (features->has_animation)
        return sscam_fail(SSCAM_E_FORMAT,
                          "an animated WebP file, which has no single image; save one frame");
    return SSCAM_OK;
}

/* libwebp writes the rows of the image itself. */
static VP8StatusCode read_pixels(const uint8_t *data, size_t size, sscam_image *image)
{
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config))
        return VP8_STATUS_INVALID_PARAM;
    const sscam_pixels *pixels = &image->pixels;
    config.output.colorspace = pixels->format == SSCAM_PIXELS_RGBA8 ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = image->owned;
    config.output.u.RGBA.stride = (int)pixels->stride;
    config.output.u.RGBA.size = (size_t)pixels->stride * (size_t)pixels->height;
    return WebPDecode(data, size, &config);
}

static sscam_status fail_webp(VP8StatusCode code)
{
    switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY: return sscam_fail_memory("a WebP file");
    case VP8_STATUS_NOT_ENOUGH_DATA:
        return sscam_fail(SSCAM_E_FORMAT, "damaged WebP: the file ends too early");
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return sscam_fail(SSCAM_E_FORMAT, "cannot decode WebP: a feature that libwebp lacks");
    default: return sscam_fail(SSCAM_E_FORMAT, "damaged WebP");
    }
}

sscam_status sscam_webp_decode(const uint8_t *data, size_t size, const sscam_read_options *options,
                               sscam_decoded *out)
{
    WebPBitstreamFeatures features;
    VP8StatusCode code = WebPGetFeatures(data, size, &features);
    if (code != VP8_STATUS_OK)
        return fail_webp(code);
    sscam_status status = check(&features, options);
    if (status == SSCAM_OK)
        status = sscam_image_allocate(features.width, features.height,
                                      features.has_alpha ? SSCAM_PIXELS_RGBA8 : SSCAM_PIXELS_RGB8,
                                      &out->image);
    if (status != SSCAM_OK)
        return status;
    code = read_pixels(data, size, out->image);
    if (code == VP8_STATUS_OK) {
        const WebPData file = {data, size};
        out->orientation = orientation_of(&file);
        return SSCAM_OK;
    }
    sscam_image_unref(out->image);
    out->image = NULL;
    return fail_webp(code);
}
