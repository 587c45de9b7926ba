#include "image/preprocess.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "base/number.h"
#include "image/image_private.h"

void sscam_transform_init(sscam_transform *transform)
{
    *transform = (sscam_transform){
        .resize = SSCAM_RESIZE_SHORTER,
        .resize_height = 256,
        .crop_height = 224,
        .crop_width = 224,
        .interpolation = SSCAM_INTERPOLATION_BILINEAR,
        .channel_order = SSCAM_CHANNEL_ORDER_RGB,
        .mean = {0.485, 0.456, 0.406},
        .std = {0.229, 0.224, 0.225},
        .mean_count = 3,
        .std_count = 3,
        .padding_count = 1,
    };
}

int32_t sscam_transform_channels(const sscam_transform *transform)
{
    switch (transform->channel_order) {
    case SSCAM_CHANNEL_ORDER_GRAY: return 1;
    case SSCAM_CHANNEL_ORDER_RGBA: return 4;
    default: return 3;
    }
}

/* "H" (then *width is 0) or "HxW", without signs, of an allowed size. */
static bool parse_size(const char *text, int32_t *height, int32_t *width)
{
    char digits[32];
    const char *x = strchr(text, 'x');
    size_t length = x ? (size_t)(x - text) : strlen(text);
    if (length >= sizeof digits || strpbrk(text, "+-"))
        return false;
    memcpy(digits, text, length);
    digits[length] = '\0';

    int64_t h = 0, w = 0;
    if (!sscam_parse_int(digits, &h) || (x && !sscam_parse_int(x + 1, &w)))
        return false;
    if (!sscam_image_size_allowed(x ? w : h, h, SSCAM_IMAGE_MAX_PIXELS))
        return false;
    *height = (int32_t)h;
    *width = (int32_t)w;
    return true;
}

static sscam_status set_resize(sscam_transform *transform, const char *text)
{
    int32_t height = 0, width = 0;
    const bool fits = strcmp(text, "fit") == 0;
    if (!fits && strcmp(text, "off") != 0 && !parse_size(text, &height, &width))
        return sscam_fail(
            SSCAM_E_ARGUMENT,
            "resize=%s: want the length of the shorter side, as in 256, or HxW, fit or off", text);
    transform->resize = fits      ? SSCAM_RESIZE_FIT
                        : !height ? SSCAM_RESIZE_OFF
                        : width   ? SSCAM_RESIZE_EXACT
                                  : SSCAM_RESIZE_SHORTER;
    transform->resize_height = height;
    transform->resize_width = width;
    return SSCAM_OK;
}

static sscam_status set_crop(sscam_transform *transform, const char *text)
{
    int32_t height = 0, width = 0;
    if (strcmp(text, "off") != 0 && !parse_size(text, &height, &width))
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "crop=%s: want the side of a square, as in 224, or HxW, or off", text);
    transform->crop_height = height;
    transform->crop_width = width ? width : height;
    return SSCAM_OK;
}

static sscam_status set_interpolation(sscam_transform *transform, const char *text)
{
    if (strcmp(text, "bilinear") == 0)
        transform->interpolation = SSCAM_INTERPOLATION_BILINEAR;
    else if (strcmp(text, "bicubic") == 0)
        transform->interpolation = SSCAM_INTERPOLATION_BICUBIC;
    else
        return sscam_fail(SSCAM_E_ARGUMENT, "interpolation=%s: want bilinear or bicubic", text);
    return SSCAM_OK;
}

static sscam_status set_channel_order(sscam_transform *transform, const char *text)
{
    if (strcmp(text, "rgb") == 0)
        transform->channel_order = SSCAM_CHANNEL_ORDER_RGB;
    else if (strcmp(text, "bgr") == 0)
        transform->channel_order = SSCAM_CHANNEL_ORDER_BGR;
    else if (strcmp(text, "gray") == 0)
        transform->channel_order = SSCAM_CHANNEL_ORDER_GRAY;
    else if (strcmp(text, "rgba") == 0)
        transform->channel_order = SSCAM_CHANNEL_ORDER_RGBA;
    else
        return sscam_fail(SSCAM_E_ARGUMENT, "channel_order=%s: want rgb, bgr, gray or rgba", text);
    return SSCAM_OK;
}

/* 1, 3 or 4 numbers that are finite as floats. */
static bool parse_channel_values(const char *text, double *values, int32_t *count)
{
    size_t found = 0;
    if (!sscam_parse_reals(text, values, 4, &found) || found == 2)
        return false;
    for (size_t i = 0; i < found; i++)
        if (fabs(values[i]) > FLT_MAX)
            return false;
    *count = (int32_t)found;
    return true;
}

static sscam_status set_mean(sscam_transform *transform, const char *text)
{
    double values[4] = {0};
    if (!parse_channel_values(text, values, &transform->mean_count))
        return sscam_fail(SSCAM_E_ARGUMENT, "mean=%s: want 1, 3 or 4 numbers separated by commas",
                          text);
    memcpy(transform->mean, values, sizeof values);
    return SSCAM_OK;
}

static sscam_status set_padding(sscam_transform *transform, const char *text)
{
    double values[4] = {0};
    int32_t count = 0;
    bool usable = parse_channel_values(text, values, &count);
    for (int32_t i = 0; i < count; i++)
        usable = usable && values[i] >= 0.0 && values[i] <= 255.0;
    if (!usable)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "padding=%s: want 1, 3 or 4 numbers from 0 to 255 separated by commas",
                          text);
    memcpy(transform->padding, values, sizeof values);
    transform->padding_count = count;
    return SSCAM_OK;
}

static sscam_status set_std(sscam_transform *transform, const char *text)
{
    double values[4] = {0};
    int32_t count = 0;
    bool usable = parse_channel_values(text, values, &count);
    for (int32_t i = 0; i < count; i++)
        usable = usable && values[i] >= (double)FLT_MIN;
    if (!usable)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "std=%s: want 1, 3 or 4 numbers above 0 separated by commas", text);
    memcpy(transform->std, values, sizeof values);
    transform->std_count = count;
    return SSCAM_OK;
}

sscam_status sscam_transform_set(sscam_transform *transform, const char *option, const char *text)
{
    static const struct {
        const char *option;
        sscam_status (*set)(sscam_transform *, const char *);
    } setters[] = {
        {"resize", set_resize},   {"crop", set_crop}, {"interpolation", set_interpolation},
        {"mean", set_mean},       {"std", set_std},   {"channel_order", set_channel_order},
        {"padding", set_padding},
    };
    for (size_t i = 0; i < sizeof setters / sizeof setters[0]; i++)
        if (strcmp(option, setters[i].option) == 0)
            return setters[i].set(transform, text);
    return sscam_fail(SSCAM_E_ARGUMENT, "%s: no such preprocessing option", option);
}

/* a x b / c, rounded to the nearest, halves to even, as Python rounds; at least 1. */
static int64_t scaled(int64_t a, int64_t b, int64_t c)
{
    const int64_t whole = a * b / c, rest = a * b % c * 2;
    const int64_t rounded = rest > c || (rest == c && whole % 2) ? whole + 1 : whole;
    return rounded > 0 ? rounded : 1;
}

/* The largest size of an image's proportions in a crop, as letterboxing has it. */
static sscam_status fit_in_crop(const sscam_transform *transform, int64_t *width, int64_t *height)
{
    const int64_t crop_width = transform->crop_width, crop_height = transform->crop_height;
    if (crop_width == 0)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "resize=fit: the image is to fit in the crop, but crop=off");
    if (*width * crop_height >= *height * crop_width) {
        *height = scaled(*height, crop_width, *width);
        *width = crop_width;
    } else {
        *width = scaled(*width, crop_height, *height);
        *height = crop_height;
    }
    return SSCAM_OK;
}

static sscam_status compute_resized(const sscam_transform *transform, sscam_geometry *geometry)
{
    int64_t width = geometry->source_width, height = geometry->source_height;
    int64_t shorter = width < height ? width : height;
    int64_t side = transform->resize_height;
    /* A caller that allowed a larger image has room for it. */
    int64_t largest = width * height > SSCAM_IMAGE_MAX_PIXELS ? width * height
                                                              : SSCAM_IMAGE_MAX_PIXELS;
    if (transform->resize == SSCAM_RESIZE_SHORTER) {
        width = width * side / shorter;
        height = height * side / shorter;
    } else if (transform->resize == SSCAM_RESIZE_EXACT) {
        width = transform->resize_width;
        height = transform->resize_height;
    } else if (transform->resize == SSCAM_RESIZE_FIT) {
        sscam_status status = fit_in_crop(transform, &width, &height);
        if (status != SSCAM_OK)
            return status;
    }
    if (!sscam_image_size_allowed(width, height, largest))
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "resize: %" PRId32 " x %" PRId32 " pixels would become %" PRId64
                          " x %" PRId64 ", more than the %" PRId64 " pixels allowed",
                          geometry->source_width, geometry->source_height, width, height, largest);
    geometry->resized_width = (int32_t)width;
    geometry->resized_height = (int32_t)height;
    return SSCAM_OK;
}

/* Where torchvision's CenterCrop begins: half the surplus, Python rounding halves to even; a
 * deficit is padded with the odd pixel at the end. */
static int32_t crop_start(int32_t size, int32_t crop)
{
    int32_t surplus = size - crop;
    if (surplus < 0)
        return -(-surplus / 2);
    int32_t half = surplus / 2;
    return surplus % 2 && half % 2 ? half + 1 : half;
}

/* There is one number for all channels, or one for each. */
static sscam_status check_channel_count(const char *name, int32_t count, int32_t channels)
{
    static const char *const orders[] = {[1] = "gray", [3] = "rgb or bgr", [4] = "rgba"};
    if (count == 1 || count == channels)
        return SSCAM_OK;
    if (channels == 1)
        return sscam_fail(SSCAM_E_ARGUMENT, "channel_order=gray: %s wants 1 number, not %" PRId32,
                          name, count);
    return sscam_fail(SSCAM_E_ARGUMENT,
                      "channel_order=%s: %s wants 1 or %" PRId32 " numbers, not %" PRId32,
                      orders[channels], name, channels, count);
}

static sscam_status check_channel_values(const sscam_transform *transform)
{
    const int32_t channels = sscam_transform_channels(transform);
    sscam_status status = check_channel_count("mean", transform->mean_count, channels);
    if (status == SSCAM_OK)
        status = check_channel_count("padding", transform->padding_count, channels);
    return status == SSCAM_OK ? check_channel_count("std", transform->std_count, channels) : status;
}

sscam_status sscam_geometry_compute(const sscam_transform *transform, int64_t width, int64_t height,
                                    sscam_geometry *geometry)
{
    if (width > INT32_MAX || height > INT32_MAX)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "an image of %" PRId64 " x %" PRId64 " pixels: a side exceeds 2^31 - 1",
                          width, height);
    *geometry = (sscam_geometry){.source_width = (int32_t)width, .source_height = (int32_t)height};
    sscam_status status = check_channel_values(transform);
    if (status == SSCAM_OK)
        status = compute_resized(transform, geometry);
    if (status != SSCAM_OK)
        return status;
    bool cropped = transform->crop_height > 0;
    geometry->input_width = cropped ? transform->crop_width : geometry->resized_width;
    geometry->input_height = cropped ? transform->crop_height : geometry->resized_height;
    geometry->crop_left = crop_start(geometry->resized_width, geometry->input_width);
    geometry->crop_top = crop_start(geometry->resized_height, geometry->input_height);
    return SSCAM_OK;
}

double sscam_geometry_input_x(const sscam_geometry *geometry, double source_x)
{
    return source_x * geometry->resized_width / geometry->source_width - geometry->crop_left;
}

double sscam_geometry_input_y(const sscam_geometry *geometry, double source_y)
{
    return source_y * geometry->resized_height / geometry->source_height - geometry->crop_top;
}

double sscam_geometry_source_x(const sscam_geometry *geometry, double input_x)
{
    return (input_x + geometry->crop_left) * geometry->source_width / geometry->resized_width;
}

double sscam_geometry_source_y(const sscam_geometry *geometry, double input_y)
{
    return (input_y + geometry->crop_top) * geometry->source_height / geometry->resized_height;
}

/* The part of the resized image that lies within the crop. */
static sscam_window visible_window(const sscam_geometry *geometry)
{
    sscam_window window = {
        .left = geometry->crop_left > 0 ? geometry->crop_left : 0,
        .top = geometry->crop_top > 0 ? geometry->crop_top : 0,
        .width = geometry->resized_width < geometry->input_width ? geometry->resized_width
                                                                 : geometry->input_width,
        .height = geometry->resized_height < geometry->input_height ? geometry->resized_height
                                                                    : geometry->input_height,
    };
    return window;
}

/* One channel of the input by torchvision's float arithmetic: (value / 255 - mean) / deviation. */
typedef struct level_scale {
    float maximum, mean, deviation;
    float padding; /* 0 to maximum: outside of the image */
} level_scale;

static float level_value(const level_scale *scale, float level)
{
    return (level / scale->maximum - scale->mean) / scale->deviation;
}

/* The resized window: samples of 8 bits as uint8_t, of 16 as float. */
typedef struct resized_window {
    sscam_window window;
    int32_t channels;
    const uint8_t *levels;
    const float *values; /* where `levels` is NULL */
} resized_window;

/* Pixels outside the window are padding. */
static void fill_channel(const resized_window *from, int32_t channel,
                         const sscam_geometry *geometry, const level_scale *scale, float *out)
{
    float table[256];
    for (int32_t level = 0; level < 256; level++)
        table[level] = level_value(scale, (float)level);
    const float outside = level_value(scale, scale->padding);
    const sscam_window *window = &from->window;
    int64_t left = window->left - geometry->crop_left, top = window->top - geometry->crop_top;
    for (int64_t y = 0; y < geometry->input_height; y++)
        for (int64_t x = 0; x < geometry->input_width; x++) {
            bool inside = y >= top && y < top + window->height && x >= left &&
                          x < left + window->width;
            int64_t i = ((y - top) * window->width + x - left) * from->channels + channel;
            if (!inside)
                *out++ = outside;
            else
                *out++ = from->levels ? table[from->levels[i]]
                                      : level_value(scale, from->values[i]);
        }
}

/* All channels of the input, from the resized window's. */
static void fill_channels(const resized_window *from, int32_t maximum,
                          const sscam_transform *transform, const sscam_geometry *geometry,
                          float *out)
{
    for (int32_t channel = 0; channel < sscam_transform_channels(transform); channel++) {
        int32_t colour = transform->channel_order == SSCAM_CHANNEL_ORDER_BGR ? 2 - channel
                                                                             : channel;
        const double padding = transform->padding[transform->padding_count == 1 ? 0 : colour];
        const level_scale scale = {(float)maximum,
                                   (float)transform->mean[transform->mean_count == 1 ? 0 : channel],
                                   (float)transform->std[transform->std_count == 1 ? 0 : channel],
                                   (float)(padding / 255.0 * maximum)};
        fill_channel(from, from->channels == 1 ? 0 : colour, geometry, &scale, out);
        out += (size_t)geometry->input_width * (size_t)geometry->input_height;
    }
}

/* What resizing premultiplied, as PIL does it: a pixel without alpha has no colour left. */
static void divide_by_alpha(const resized_window *resized, int32_t maximum, void *samples)
{
    uint8_t *levels = resized->levels ? samples : NULL;
    float *values = resized->levels ? NULL : samples;
    const int64_t count = (int64_t)resized->window.width * resized->window.height * 4;
    for (int64_t p = 0; p < count; p += 4)
        for (int64_t c = p; c < p + 3; c++)
            if (values && values[p + 3] > 0.0f)
                values[c] = fminf(values[c] * (float)maximum / values[p + 3], (float)maximum);
            else if (levels && levels[p + 3] > 0) {
                const int32_t level = maximum * levels[c] / levels[p + 3];
                levels[c] = (uint8_t)(level < maximum ? level : maximum);
            }
}

static sscam_status fill_input(sscam_row_reader *source, const sscam_transform *transform,
                               const sscam_geometry *geometry, float *out)
{
    const bool wide = sscam_row_reader_is_wide(source);
    resized_window resized = {.window = visible_window(geometry), .channels = source->channels};
    void *samples = sscam_allocate_array(
        sscam_times(sscam_times(resized.window.width, resized.window.height), source->channels),
        wide ? sizeof(float) : 1);
    if (!samples)
        return sscam_fail_memory("a resized image");
    sscam_status status =
        wide ? sscam_resample_wide(source, geometry->resized_width, geometry->resized_height,
                                   transform->interpolation, &resized.window, samples)
             : sscam_resample(source, geometry->resized_width, geometry->resized_height,
                              transform->interpolation, &resized.window, samples);
    if (wide)
        resized.values = samples;
    else
        resized.levels = samples;
    if (status == SSCAM_OK && source->content == SSCAM_ROWS_RGBA_PREMULTIPLIED)
        divide_by_alpha(&resized, source->maximum, samples);
    if (status == SSCAM_OK)
        fill_channels(&resized, source->maximum, transform, geometry, out);
    free(samples);
    return status;
}

/* Colours of transparent pixels must not bleed into others when pixels are blended. */
static sscam_row_content content_of(const sscam_transform *transform,
                                    const sscam_geometry *geometry)
{
    switch (transform->channel_order) {
    case SSCAM_CHANNEL_ORDER_GRAY: return SSCAM_ROWS_GRAY;
    case SSCAM_CHANNEL_ORDER_RGBA:
        return geometry->resized_width == geometry->source_width &&
                       geometry->resized_height == geometry->source_height
                   ? SSCAM_ROWS_RGBA
                   : SSCAM_ROWS_RGBA_PREMULTIPLIED;
    default: return SSCAM_ROWS_COLOURS;
    }
}

sscam_status sscam_preprocess(const sscam_image *image, const sscam_transform *transform,
                              const sscam_geometry *geometry, float *out_chw)
{
    sscam_row_reader source;
    sscam_status status = sscam_row_reader_open(&source, image, content_of(transform, geometry));
    if (status != SSCAM_OK)
        return status;
    status = fill_input(&source, transform, geometry, out_chw);
    sscam_row_reader_close(&source);
    return status;
}
