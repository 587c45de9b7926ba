/** @file
 * @brief The result of an explanation: which pixels the class's score depends on.
 */
#ifndef SSCAM_MAP_H
#define SSCAM_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "image.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A saliency map of one class on one input. Immutable. */
typedef struct sscam_map sscam_map;

/** @param map A map. @return Dimensions of sscam_map_data() and sscam_map_raw(): 2 for inputs
 *            [N,C,H,W], 1 for [N,C,W], 3 for [N,C,D,H,W]; 0 for NULL. Thread: any. @since 1.0 */
SSCAM_API int32_t sscam_map_rank(const sscam_map *map);

/** @param map A map. @return Columns of sscam_map_data(), the network's input width; 0 for NULL.
 *            Thread: any. @since 1.0 */
SSCAM_API int32_t sscam_map_width(const sscam_map *map);

/** @param map A map. @return Rows of sscam_map_data(), the network's input height, 1 where it has
 *            none; 0 for NULL.
 * Thread: any. @since 1.0 */
SSCAM_API int32_t sscam_map_height(const sscam_map *map);

/** @param map A map. @return Slices of sscam_map_data(), the network's input depth (a video's
 *            frames), 1 where it has none; 0 for NULL. Thread: any. @since 1.0 */
SSCAM_API int32_t sscam_map_depth(const sscam_map *map);

/**
 * The saliency map s(U(raw)): upsampled to the network's input size and normalised to [0,1]
 * (Naidu & Michael 2020, eq. 12).
 *
 * @param map A map.
 * @return float32 [height,width] ([width] or [depth,height,width] by sscam_map_rank()), row-major,
 *         in [0,1]; all zeros when sscam_map_is_flat(). Ownership: the map's. NULL for NULL.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API const float *sscam_map_data(const sscam_map *map);

/** @param map A map. @return Columns of sscam_map_raw(); 0 for NULL. Thread: any. @since 1.0 */
SSCAM_API int32_t sscam_map_raw_width(const sscam_map *map);

/** @param map A map. @return Rows of sscam_map_raw(), 1 where it has none; 0 for NULL. Thread: any.
 *            @since 1.0 */
SSCAM_API int32_t sscam_map_raw_height(const sscam_map *map);

/** @param map A map. @return Slices of sscam_map_raw(), 1 where it has none; 0 for NULL. Thread:
 *            any. @since 1.0 */
SSCAM_API int32_t sscam_map_raw_depth(const sscam_map *map);

/**
 * The map before upsampling and normalising: ReLU(sum_k a_k A_k), or what the method
 * computes instead. At the target layer's size; at the input's size with `combine=upsampled`. Of
 * several layers, or with `aug_smooth=on`, the fused map before it is normalised, at the input's
 * size.
 *
 * @param map A map.
 * @return float32 [raw_height,raw_width] ([raw_width] or [raw_depth,raw_height,raw_width] by
 * sscam_map_rank()), row-major, 0 or more. Ownership: the map's. NULL for NULL. Thread: any thread.
 * @since 1.0
 */
SSCAM_API const float *sscam_map_raw(const sscam_map *map);

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

/** @param map A map. @return Index of the class explained; -1 for NULL. Thread: any. @since 1.0 */
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
 * How the map was computed, for reports, as the text of one JSON object. Later releases may add keys
 * and return other words:
 *  - "form": how the network was run on masked inputs, such as "channels-last";
 *  - "precision": the number format in which it was run, as the option `precision`;
 *  - "workers": how many batches of masked inputs were evaluated in parallel;
 *  - "batch_size": masked inputs a batch.
 *
 * @param map A map.
 * @return One line of ASCII; "{}" for methods that score no masked inputs. Ownership: the map's.
 *         NULL for NULL. Thread: any thread.
 * @since 1.0
 */
SSCAM_API const char *sscam_map_diagnostics(const sscam_map *map);

/**
 * Draws a map over the image it explains: alpha x colour + (1 - alpha) x image. Resize and crop
 * of the preprocessing are undone, so the result has the image's own size; pixels outside the
 * network's input are shown in dimmed gray.
 *
 * @param map      A map.
 * @param image    The image. A map made from a tensor takes any image and stretches over all of
 * it; a map made from an image takes an image of that same size.
 * @param colormap "turbo", "jet" or "viridis"; NULL means "turbo".
 * @param alpha    Share of the colour, 0 to 1.
 * @param[out] out An RGB image, or NULL on failure. Ownership: the caller's.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, unknown colormap, alpha out of range, an image of
 * another size); SSCAM_E_UNSUPPORTED (a map of another rank than 2 is no image); SSCAM_E_MEMORY.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_map_overlay(const sscam_map *map, const sscam_image *image,
                                         const char *colormap, double alpha, sscam_image **out);

/**
 * Paints a map in colours, without an image beneath, at the network's input size.
 *
 * @param map      A map.
 * @param colormap "turbo", "jet", "viridis" or "gray"; NULL means "turbo".
 * @param[out] out An image, RGB (one channel for "gray"), or NULL on failure. Ownership: the
 *                 caller's.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, unknown colormap); SSCAM_E_UNSUPPORTED (a map of
 *         another rank than 2 is no image); SSCAM_E_MEMORY.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_map_heatmap(const sscam_map *map, const char *colormap,
                                         sscam_image **out);

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
