/** @file
 * @brief Maps from activations and gradients that the host has: no model, no network.
 */
#ifndef SSCAM_ACTIVATIONS_H
#define SSCAM_ACTIVATIONS_H

#include <stddef.h>
#include <stdint.h>

#include "array.h"
#include "export.h"
#include "map.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What a layer gave for one input. Set it to SSCAM_ACTIVATIONS_INIT, then its fields. Nothing of
 * it is kept after the call that takes it. */
typedef struct sscam_activations {
    /** sizeof(sscam_activations). */
    size_t struct_size;
    /** A: [K, sides] or [1, K, sides], where `sides` are `rank` numbers, as [K,h,w] for images.
     * Layers with channels last are described by strides; tokens by strides too, from the first one
     * of the grid on. Of type float32, float64 or uint8. */
    const sscam_array *activations;
    /** dY/dA of the class that is explained, in the shape of the activations. NULL: none; methods
     * that need none ignore them. */
    const sscam_array *gradients;
    /** [K]: the last layer's weights for the class, which `cam` needs and other methods ignore.
     * NULL: none. */
    const sscam_array *class_weights;
    /** Sides of the map, `rank` numbers, as the height and width of the network's input. NULL: the
     * sides of the activations. */
    const int64_t *sides;
    /** Number of sides: 1 for sound, 2 for images, 3 for videos and volumes. 0: 2. */
    int32_t rank;
    /** Number of pairs in `options`. */
    int64_t option_count;
    /** `option_count` pairs of an option's name and its value as text: `eigen_smooth` and
     * `combine`. May be NULL when option_count is 0. */
    const char *const *options;
    /** What sscam_map_layer() returns and messages name. NULL: "activations". */
    const char *layer;
} sscam_activations;

/** Initial value of an sscam_activations. */
#define SSCAM_ACTIVATIONS_INIT                                              \
    {                                                                       \
        sizeof(sscam_activations), NULL, NULL, NULL, NULL, 0, 0, NULL, NULL \
    }

/**
 * Computes the map of a layer's activations by a method that needs no network: `cam` from class
 * weights; `eigen-cam` from activations alone; `grad-cam`, `grad-cam++`, `xgrad-cam`, `hires-cam`,
 * `layer-cam`, `grad-cam-elementwise` and `eigen-grad-cam` from gradients. Formulas and sources are
 * those of docs/methods.md; map and weights equal those of an explainer that captures the same
 * numbers. sscam_map_class_index() of the map is -1, its logit and probability are 0, and it took 0
 * passes.
 *
 * @param method   Name from the method table.
 * @param given    The activations.
 * @param[out] out The map, or NULL on failure. Ownership: the caller's, to be released with
 *                 sscam_map_unref().
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (NULL, no such method, a struct_size that is not valid, arrays
 *         of another rank or shape, another element type, NaN or infinity in an array, sides below
 *         1 or too many, another option or a value that it does not take); SSCAM_E_UNSUPPORTED (the
 *         method needs gradients, class weights or a network: the message says which);
 *         SSCAM_E_MODEL (a product overflows float32); SSCAM_E_MEMORY.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_map_from_activations(const char *method,
                                                  const sscam_activations *given, sscam_map **out);

#ifdef __cplusplus
}
#endif

#endif
