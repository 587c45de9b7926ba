/** @file
 * @brief Numbers of the host: inputs of networks, activations, maps from elsewhere.
 */
#ifndef SSCAM_ARRAY_H
#define SSCAM_ARRAY_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @name Types of an array's elements
 * @{ */
/** IEEE 754 binary32. */
#define SSCAM_ELEMENT_FLOAT32 0
/** IEEE 754 binary64. */
#define SSCAM_ELEMENT_FLOAT64 1
/** Whole numbers 0 to 255. */
#define SSCAM_ELEMENT_UINT8 2
/** Whole numbers of 64 bits, such as token numbers. */
#define SSCAM_ELEMENT_INT64 3
/** One byte, 0 or not 0: false or true. Of other inputs of networks alone. */
#define SSCAM_ELEMENT_BOOL 4
/** @} */

/** A view of the host's numbers. Nothing is copied or kept after the call that takes it. Set it to
 * SSCAM_ARRAY_INIT, then its fields. */
typedef struct sscam_array {
    /** sizeof(sscam_array). */
    size_t struct_size;
    /** The element with all indexes 0. */
    const void *data;
    /** `rank` numbers, each at least 1. May be NULL where the rank is 0. */
    const int64_t *shape;
    /** `rank` distances between neighbours along each dimension, in elements; negative and zero
     * ones are allowed. NULL: row-major without gaps. */
    const int64_t *strides;
    /** Number of dimensions. 0, a single number, is for other inputs of networks alone. */
    int32_t rank;
    /** An SSCAM_ELEMENT_ value. */
    int32_t element_type;
} sscam_array;

/** Initial value of an sscam_array. */
#define SSCAM_ARRAY_INIT                                                \
    {                                                                   \
        sizeof(sscam_array), NULL, NULL, NULL, 0, SSCAM_ELEMENT_FLOAT32 \
    }

#ifdef __cplusplus
}
#endif

#endif
