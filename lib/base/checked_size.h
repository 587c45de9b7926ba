/* Sizes that are products of numbers from outside: an overflow becomes a failed allocation, not a
 * small one. */
#ifndef SSCAM_LIB_BASE_CHECKED_SIZE_H
#define SSCAM_LIB_BASE_CHECKED_SIZE_H

#include <stdint.h>
#include <stdlib.h>

/* What a product is that has no int64_t; every further product with it is the same, and there is no
 * array of it. */
#define SSCAM_TOO_MANY INT64_C(-1)

/* a x b of counts; SSCAM_TOO_MANY also where one is negative. */
static inline int64_t sscam_times(int64_t a, int64_t b)
{
    int64_t product;
    return a < 0 || b < 0 || __builtin_mul_overflow(a, b, &product) ? SSCAM_TOO_MANY : product;
}

/* a + b of counts; SSCAM_TOO_MANY as for products. */
static inline int64_t sscam_plus(int64_t a, int64_t b)
{
    int64_t sum;
    return a < 0 || b < 0 || __builtin_add_overflow(a, b, &sum) ? SSCAM_TOO_MANY : sum;
}

/* Room for `count` elements, not set, and not NULL for none; NULL where it cannot be had, be it for
 * its size. */
static inline void *sscam_array(int64_t count, size_t element_size)
{
    size_t bytes;
    if (count < 0 || __builtin_mul_overflow((uint64_t)count, element_size, &bytes) ||
        bytes > PTRDIFF_MAX)
        return NULL;
    return malloc(bytes > 0 ? bytes : 1);
}

/* The same, all zeros. */
static inline void *sscam_zeros(int64_t count, size_t element_size)
{
    return count < 0 || (uint64_t)count > SIZE_MAX
               ? NULL
               : calloc(count > 0 ? (size_t)count : 1, element_size);
}

#endif
