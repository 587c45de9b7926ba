/* Preprocessing of an image to the network's input: resize, crop, scale to [0,1], normalise. The
 * results are those of torchvision's transforms on PIL images, to the last bit of PIL's 8-bit
 * resampling. */
#ifndef SSCAM_LIB_IMAGE_PREPROCESS_H
#define SSCAM_LIB_IMAGE_PREPROCESS_H

#include <stddef.h>
#include <stdint.h>

#include "image/resample.h"
#include "sscam/image.h"
#include "sscam/status.h"

typedef enum sscam_resize {
    SSCAM_RESIZE_OFF,
    SSCAM_RESIZE_SHORTER, /* the shorter side becomes resize_height, the other keeps the proportions
                           */
    SSCAM_RESIZE_EXACT,   /* to resize_height x resize_width */
    SSCAM_RESIZE_FIT      /* as large as fits in the crop, with the image's proportions */
} sscam_resize;

typedef enum sscam_channel_order {
    SSCAM_CHANNEL_ORDER_RGB,
    SSCAM_CHANNEL_ORDER_BGR,
    SSCAM_CHANNEL_ORDER_GRAY, /* one channel */
    SSCAM_CHANNEL_ORDER_RGBA  /* with alpha, opaque where the image has none */
} sscam_channel_order;

typedef struct sscam_transform {
    sscam_resize resize;
    int32_t resize_height, resize_width;
    int32_t crop_height,
        crop_width;        /* from the centre, padded where the image ends; 0 x 0: no crop */
    double padding[4];     /* 0 to 255: levels of red, green, blue and alpha outside of the image; a
                          single one is for all channels */
    int32_t padding_count; /* 1, 3 or 4 */
    sscam_interpolation interpolation;
    sscam_channel_order channel_order;
    /* In the network's channel order; a single value is for all channels. */
    double mean[4], std[4];
    int32_t mean_count, std_count; /* 1, 3 or 4 */
} sscam_transform;

/* Where the input's pixels come from in the image. */
typedef struct sscam_geometry {
    int32_t source_width, source_height;
    int32_t resized_width, resized_height;
    int32_t crop_left,
        crop_top; /* in the resized image; negative where the crop is larger than it */
    int32_t input_width, input_height;
} sscam_geometry;

/* torchvision's classification transform: 256, 224, bilinear, RGB, ImageNet's mean and
 * deviation. */
void sscam_transform_init(sscam_transform *transform);

/* Sets one of the options resize, crop, padding, interpolation, mean, std, channel_order from its
 * text:
 *   resize  "256" (shorter side), "HxW", "fit", "off"  crop     "224" (square), "HxW", "off"
 *   mean    1, 3 or 4 numbers separated by commas      padding  the same, 0 to 255
 *   std     the same, above 0
 * SSCAM_E_ARGUMENT, without a change, for another text; the message lists the accepted forms. */
sscam_status sscam_transform_set(sscam_transform *transform, const char *option, const char *text);

/* 1, 3 or 4: the input's channels. */
int32_t sscam_transform_channels(const sscam_transform *transform);

/* The sizes for an image of width x height. SSCAM_E_ARGUMENT when the resized image or the input
 * would exceed SSCAM_IMAGE_MAX_PIXELS and the image's own size, or mean and std do not fit the
 * channels. */
sscam_status sscam_geometry_compute(const sscam_transform *transform, int64_t width, int64_t height,
                                    sscam_geometry *geometry);

/* From the image's continuous coordinates (the first pixel's centre is 0.5) to the input's, for
 * boxes and for drawing maps. Results outside 0 to input_width or input_height lie outside the
 * input. */
double sscam_geometry_input_x(const sscam_geometry *geometry, double source_x);
double sscam_geometry_input_y(const sscam_geometry *geometry, double source_y);

/* The reverse. */
double sscam_geometry_source_x(const sscam_geometry *geometry, double input_x);
double sscam_geometry_source_y(const sscam_geometry *geometry, double input_y);

/* Writes the input, [C, input_height, input_width]. The geometry is that of the transform and the
 * image's size. */
sscam_status sscam_preprocess(const sscam_image *image, const sscam_transform *transform,
                              const sscam_geometry *geometry, float *out_chw);

#endif
