/** @file
 * @brief The result of an explanation: which pixels the class's score depends on.
 */
#ifndef SSCAM_MAP_H
#define SSCAM_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "array.h"
#include "export.h"
#include "image.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A saliency map of one class on one input. Immutable. */
typedef struct sscam_map sscam_map;

/**
 * The shape of sscam_map_data(): the sides of the network's input. [height, width] for inputs
 * [N,C,H,W], [width] for [N,C,W], [depth, height, width] for [N,C,D,H,W].
 *
 * @param map       A map.
 * @param[out] rank Length of the shape, 1 to 3, or NULL where it is not wanted.
 * @return The sides. Ownership: the map's. NULL, and rank 0, for NULL.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API const int64_t *sscam_map_shape(const sscam_map *map, int32_t *rank);

/** @param map A map. @return The last number of sscam_map_shape(): columns; 0 for NULL. Thread:
 *            any. @since 1.0 */
SSCAM_API int64_t sscam_map_width(const sscam_map *map);

/** @param map A map. @return The last but one number of sscam_map_shape(): rows, 1 where there is
 *            none; 0 for NULL. Thread: any. @since 1.0 */
SSCAM_API int64_t sscam_map_height(const sscam_map *map);

/**
 * The saliency map s(U(raw)): upsampled to the network's input size and normalised to [0,1]
 * (Naidu & Michael 2020, eq. 12).
 *
 * @param map A map.
 * @return float32 of sscam_map_shape(), row-major, in [0,1]; all zeros when sscam_map_is_flat().
 *         Ownership: the map's. NULL for NULL.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API const float *sscam_map_data(const sscam_map *map);

/**
 * The map before upsampling and normalising: ReLU(sum_k a_k A_k), or what the method
 * computes instead. At the target layer's size; at the input's size with `combine=upsampled`. Of
 * several layers, or with `aug_smooth=on`, the fused map before it is normalised, at the input's
 * size.
 *
 * @param map A map.
 * @return float32 of sscam_map_raw_shape(), row-major, 0 or more. Ownership: the map's. NULL for
 *         NULL.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API const float *sscam_map_raw(const sscam_map *map);

/**
 * The shape of sscam_map_raw(), as sscam_map_shape() is that of the data, and of the same rank.
 *
 * @param map       A map.
 * @param[out] rank Length of the shape, 1 to 3, or NULL where it is not wanted.
 * @return The sides. Ownership: the map's. NULL, and rank 0, for NULL.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API const int64_t *sscam_map_raw_shape(const sscam_map *map, int32_t *rank);

/** @param map A map. @return Channels K of the target layer, the length of sscam_map_weights()
 *            where there are any; 0 for NULL and for maps of several layers. Thread: any.
 *            @since 1.0 */
SSCAM_API int64_t sscam_map_channel_count(const sscam_map *map);

/**
 * The channel weights a_k.
 *
 * @param map A map.
 * @return float32 [K]; 0 for channels that were not scored. NULL for methods that weigh each
 * position of a channel separately or not at all (LayerCAM, HiResCAM, Grad-CAM elementwise, both
 * Eigen methods), for maps of several layers, with `aug_smooth=on`, and for NULL. Ownership: the
 * map's. Thread: any thread.
 * @since 1.0
 */
SSCAM_API const float *sscam_map_weights(const sscam_map *map);

/** @param map A map. @return Index of the class explained; -1 for NULL and for maps of
 *            sscam_map_create(). Thread: any. @since 1.0 */
SSCAM_API int64_t sscam_map_class_index(const sscam_map *map);

/** @param map A map. @return The class's raw output on the unmasked input; 0 for NULL. Thread: any.
 * @since 1.0 */
SSCAM_API double sscam_map_logit(const sscam_map *map);

/** @param map A map. @return The class's probability on the unmasked input, in [0,1], by the
 *            `probability` option (softmax or sigmoid); 0 for NULL. Thread: any. @since 1.0 */
SSCAM_API double sscam_map_probability(const sscam_map *map);

/** @param map A map. @return 1 when the raw map is constant, or its range is so small that it
 * cannot be scaled to [0,1]; the data is then all zeros. Else 0. Thread: any. @since 1.0 */
SSCAM_API int32_t sscam_map_is_flat(const sscam_map *map);

/** @param map A map. @return Name of the method that computed it. Ownership: the library's. NULL
 * for NULL. Thread: any. @since 1.0 */
SSCAM_API const char *sscam_map_method(const sscam_map *map);

/** @param map A map. @return Name of the target layer that was used; several, separated by commas,
 *            where their maps were fused. Ownership: the map's. NULL for NULL.
 * Thread: any. @since 1.0 */
SSCAM_API const char *sscam_map_layer(const sscam_map *map);

/** @param map A map. @return Network evaluations that the map took (an input run through the
 *            network counts one, with or without a backward pass); 0 for NULL. Thread: any.
 *            @since 1.0 */
SSCAM_API int64_t sscam_map_passes(const sscam_map *map);

/**
 * The error of a map of which not all samples were scored (option `tolerance`): by how much its
 * data would change at most, at any position, with 95 % certainty, if all had been.
 * docs/methods.md has the formulas. Of a map fused from several, a bound that follows from theirs.
 *
 * @param map A map.
 * @return 0 to 1; 0 where all samples were scored, and for NULL. Thread: any thread.
 * @since 1.0
 */
SSCAM_API double sscam_map_estimated_error(const sscam_map *map);

/**
 * How the map was computed, for reports, as the text of one JSON object. Later releases may add
 * keys and return other words:
 *  - "form": how the network was run on masked inputs, such as "channels-last";
 *  - "precision": the number format in which it was run, as the option `precision`;
 *  - "workers": how many batches of masked inputs were evaluated in parallel;
 *  - "batch_size": masked inputs a batch;
 *  - "calibration_passes": network evaluations by which the above were chosen before the map's
 *  masked inputs were scored; 0 where they were known;
 *  - "estimated_error": sscam_map_estimated_error(), where the option `tolerance` is not 0;
 *  - "energy_share": the share of the sum of all squared activations that lies in the channels
 *  which the options `max_channels` and `channel_share` selected, where they may leave some out.
 *
 * @param map A map.
 * @return One line of ASCII; "{}" for methods that score no masked inputs. Ownership: the map's.
 *         NULL for NULL. Thread: any thread.
 * @since 1.0
 */
SSCAM_API const char *sscam_map_diagnostics(const sscam_map *map);

/** @return Number of colormaps. Thread: any. @since 1.0 */
SSCAM_API int64_t sscam_colormap_count(void);

/**
 * The names of the colormaps: "turbo" first, which is the default, then "jet", "viridis" and
 * "gray". The colours of viridis grow lighter evenly, also for readers with any kind of colour
 * blindness and in print without colours; those of turbo and jet do not.
 *
 * @param index 0 to sscam_colormap_count() - 1.
 * @return The name. Ownership: the library's. NULL for an index out of range.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API const char *sscam_colormap_name(int64_t index);

/** How a map is drawn. Set it to SSCAM_DRAW_OPTIONS_INIT, then the fields that differ. */
typedef struct sscam_draw_options {
    /** sizeof(sscam_draw_options). */
    size_t struct_size;
    /** A name that sscam_colormap_name() gives. NULL: "turbo". */
    const char *colormap;
    /** Of overlays: share of the colour, 0 (the image alone) to 1 (the colours alone).
     * SSCAM_DRAW_OPTIONS_INIT sets 0.5. */
    double alpha;
} sscam_draw_options;

/** Initial value of an sscam_draw_options. */
#define SSCAM_DRAW_OPTIONS_INIT               \
    {                                         \
        sizeof(sscam_draw_options), NULL, 0.5 \
    }

/**
 * Draws a map over the image it explains: alpha x colour + (1 - alpha) x image. Resize and crop
 * of the preprocessing are undone, so the result has the image's own size; pixels outside the
 * network's input are shown in dimmed gray.
 *
 * @param map      A map.
 * @param image    The image. A map made from an array takes any image and stretches over all of
 *                 it; a map made from an image takes an image of that same size.
 * @param options  How to draw, or NULL for all defaults.
 * @param[out] out An RGB8 image, or NULL on failure. Ownership: the caller's.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, unknown colormap, alpha out of range, an image of
 * another size); SSCAM_E_UNSUPPORTED (a map of another rank than 2 is no image); SSCAM_E_MEMORY.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_map_overlay(const sscam_map *map, const sscam_image *image,
                                         const sscam_draw_options *options, sscam_image **out);

/**
 * Paints a map in colours, without an image beneath, at the network's input size.
 *
 * @param map      A map.
 * @param options  How to draw, or NULL for all defaults.
 * @param[out] out An image, RGB8 (GRAY8 for the colormap "gray"), or NULL on failure. Ownership:
 *                 the caller's.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, unknown colormap); SSCAM_E_UNSUPPORTED (a map of
 *         another rank than 2 is no image); SSCAM_E_MEMORY.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_map_heatmap(const sscam_map *map, const sscam_draw_options *options,
                                         sscam_image **out);

/**
 * Draws as sscam_map_overlay(), into memory of the host: no image is allocated, so that colormap
 * and alpha can change at any rate. The drawing may take the memory of a few rows.
 *
 * @param map     A map.
 * @param image   The image, as for sscam_map_overlay(). Its pixels must not overlap the canvas.
 * @param options How to draw, or NULL for all defaults.
 * @param canvas  Where to draw: of the image's size, in any format with colours. Alpha becomes 255.
 *                On failure its pixels are undefined.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (as sscam_map_overlay(); a field of the canvas);
 * SSCAM_E_UNSUPPORTED; SSCAM_E_MEMORY.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_map_overlay_into(const sscam_map *map, const sscam_image *image,
                                              const sscam_draw_options *options,
                                              const sscam_canvas *canvas);

/**
 * Paints as sscam_map_heatmap(), into memory of the host.
 *
 * @param map     A map.
 * @param options How to draw, or NULL for all defaults.
 * @param canvas  Where to draw: of the map's width and height, in any format with colours, or
 *                SSCAM_PIXELS_GRAY8 for the colormap "gray". Alpha becomes 255.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (as sscam_map_heatmap(); a field of the canvas);
 * SSCAM_E_UNSUPPORTED; SSCAM_E_MEMORY.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_map_heatmap_into(const sscam_map *map,
                                              const sscam_draw_options *options,
                                              const sscam_canvas *canvas);

/**
 * Copies sscam_map_data() to memory of the host.
 *
 * @param map     A map.
 * @param shape   The shape that the host has room for: that of sscam_map_shape().
 * @param rank    Length of shape.
 * @param strides Distances between neighbours along each dimension, in floats; negative ones are
 *                allowed. NULL: row-major without gaps.
 * @param out     Where the value with all indexes 0 goes.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL; another shape than the map's).
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_map_copy_data(const sscam_map *map, const int64_t *shape, int32_t rank,
                                           const int64_t *strides, float *out);

/**
 * Makes a map of values from elsewhere, to be drawn, evaluated and compared like others. Its raw
 * map is the values, which may be negative, rounded to float32; its data is s(raw), scaled to
 * [0,1] by the lowest and the highest value. Its class is -1, its method "external", its layer "",
 * its logit and probability 0; it has no channel weights. It fits any image, and stretches over
 * all of it.
 *
 * @param values   [H,W], or [W] or [D,H,W]; finite. Copied.
 * @param[out] out The map, or NULL on failure. Ownership: the caller's.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, a field out of range, another rank than 1 to 3, 2^31 or
 * more values, a value that is not finite as a float); SSCAM_E_MEMORY.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_map_create(const sscam_array *values, sscam_map **out);

/**
 * A map as bytes, to be kept in a cache or sent to another process: its values and all that its
 * functions tell, without the image. They mean the same on every machine.
 *
 * @param map       A map.
 * @param[out] data The bytes, or NULL on failure. Ownership: the caller's, to be freed with
 *                  sscam_free().
 * @param[out] size Bytes at data; 0 on failure.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL); SSCAM_E_MEMORY.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_map_encode(const sscam_map *map, void **data, size_t *size);

/**
 * The map of sscam_map_encode()'s bytes, by this release or an earlier one of the same
 * SSCAM_ABI_VERSION. Bytes from strangers do no harm.
 *
 * @param data     The bytes; they may be freed after the call.
 * @param size     Bytes at data.
 * @param[out] out The map, which is equal in all that can be asked of it, or NULL on failure.
 *                 Ownership: the caller's, to be released with sscam_map_unref().
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL); SSCAM_E_FORMAT (no map, a damaged one, or one of a
 *         later release); SSCAM_E_MEMORY.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_map_decode(const void *data, size_t size, sscam_map **out);

/**
 * Pearson's correlation of the data of two maps: sum_p (a_p - mean a)(b_p - mean b) / sqrt(sum_p
 * (a_p - mean a)^2 sum_p (b_p - mean b)^2), in double precision.
 *
 * @param a        A map.
 * @param b        A map of the same shape.
 * @param[out] out The correlation, -1 to 1; NaN where one of the maps is flat, which has none, and
 *                 on failure.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, maps of different shapes).
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_map_correlation(const sscam_map *a, const sscam_map *b, double *out);

/**
 * Adds a reference to a map.
 *
 * @param map A map, or NULL (then nothing happens).
 * @return map. Ownership: the caller has one more reference to release.
 * Thread: any thread; the count is atomic.
 * @since 1.0
 */
SSCAM_API sscam_map *sscam_map_ref(sscam_map *map);

/**
 * Releases one reference; the last one frees the map.
 *
 * @param map A map, or NULL.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API void sscam_map_unref(sscam_map *map);

#ifdef __cplusplus
}
#endif

#endif
