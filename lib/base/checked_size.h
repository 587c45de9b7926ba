/* Sizes computed from numbers of the caller's: an overflow becomes a failed allocation, not a small
 * one. */
#ifndef SSCAM_LIB_BASE_CHECKED_SIZE_H
#define SSCAM_LIB_BASE_CHECKED_SIZE_H

#include <stdint.h>
#include <stdlib.h>

/* The result of a product or sum that overflows int64_t. Products and sums with it are it again,
 * and an array of that size cannot be allocated. */
#define SSCAM_TOO_MANY INT64_C(-1)

/* a * b of two counts; SSCAM_TOO_MANY where it overflows or one is negative. */
static inline int64_t sscam_times(int64_t a, int64_t b)
{
    int64_t product;
    return a < 0 || b < 0 || __builtin_mul_overflow(a, b, &product) ? SSCAM_TOO_MANY : product;
}

/* a + b of two counts; SSCAM_TOO_MANY likewise. */
static inline int64_t sscam_plus(int64_t a, int64_t b)
{
    int64_t sum;
    return a < 0 || b < 0 || __builtin_add_overflow(a, b, &sum) ? SSCAM_TOO_MANY : sum;
}

/* Memory for `count` elements, not initialised; not NULL when count is 0. NULL when the size
 * overflows or memory runs out. */
static inline void *sscam_allocate_array(int64_t count, size_t element_size)
{
    size_t bytes;
    if (count < 0 || __builtin_mul_overflow((uint64_t)count, element_size, &bytes) ||
        bytes > PTRDIFF_MAX)
        return NULL;
    return malloc(bytes > 0 ? bytes : 1);
}

/* The same, zeroed. */
static inline void *sscam_zeros(int64_t count, size_t element_size)
{
    return count < 0 || (uint64_t)count > SIZE_MAX
               ? NULL
               : calloc(count > 0 ? (size_t)count : 1, element_size);
}

#endif
