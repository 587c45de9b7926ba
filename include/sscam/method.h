/** @file
 * @brief The table of methods.
 */
#ifndef SSCAM_METHOD_H
#define SSCAM_METHOD_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One row of the method table. Static: never created or destroyed by callers. */
typedef struct sscam_method sscam_method;

/** @name What a method needs from the network
 * Bits of sscam_method_needs().
 * @{ */
/** Derivatives of the class score at the target layer. */
#define SSCAM_NEEDS_GRADIENTS 1
/** Scores of masked inputs: many forward passes. */
#define SSCAM_NEEDS_SCORING 2
/** Global average pooling, then one linear layer. */
#define SSCAM_NEEDS_POOLED_LINEAR 4
/** Scores without single channels of the target layer: many forward passes. */
#define SSCAM_NEEDS_ABLATION 8
/** Scores of a single position of the target layer: a forward pass each, of what follows the layer.
 * @since 1.0 */
#define SSCAM_NEEDS_POSITIONS 16
/** Second derivatives of the class score at the target layer. @since 1.0 */
#define SSCAM_NEEDS_CURVATURE 32
/** Set where no target layer is used: the option `layer` has no effect. @since 1.0 */
#define SSCAM_NEEDS_NO_LAYER 64
/** Derivatives of the class score by the input and by values throughout the network: passes back
 * through all of it. Engines of the host do not give them. @since 1.0 */
#define SSCAM_NEEDS_BACKPROPAGATION 128
/** Self-attention: a vision transformer. @since 1.0 */
#define SSCAM_NEEDS_ATTENTION 256
/** @} */

/** @return Number of methods. Thread: any thread. @since 1.0 */
SSCAM_API int64_t sscam_method_count(void);

/**
 * One method of the table. Its order is that of publication and stable within a release.
 *
 * @param index 0 to sscam_method_count() - 1.
 * @return The method, or NULL for an index out of range. Ownership: the library's.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API const sscam_method *sscam_method_info(int64_t index);

/**
 * The method of a name.
 *
 * @param name Its name, such as "grad-cam++", or NULL.
 * @return The method, or NULL where there is none of that name. Ownership: the library's.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API const sscam_method *sscam_method_find(const char *name);

/** @param method A method. @return Its name for sscam_explainer_create(), such as "grad-cam++".
 *               Ownership: the library's. NULL for NULL. Thread: any. @since 1.0 */
SSCAM_API const char *sscam_method_name(const sscam_method *method);

/** @param method A method. @return Its name in print, such as "Grad-CAM++". Ownership: the
 *               library's. NULL for NULL. Thread: any. @since 1.0 */
SSCAM_API const char *sscam_method_title(const sscam_method *method);

/** @param method A method. @return Its formula and what it measures, one line. Ownership: the
 *               library's. NULL for NULL. Thread: any. @since 1.0 */
SSCAM_API const char *sscam_method_summary(const sscam_method *method);

/** @param method A method. @return Authors, title, venue and year of the paper it comes from.
 *               Ownership: the library's. NULL for NULL. Thread: any. @since 1.0 */
SSCAM_API const char *sscam_method_citation(const sscam_method *method);

/** @param method A method. @return SSCAM_NEEDS_ bits; 0 for NULL. Thread: any. @since 1.0 */
SSCAM_API int32_t sscam_method_needs(const sscam_method *method);

#ifdef __cplusplus
}
#endif

#endif
