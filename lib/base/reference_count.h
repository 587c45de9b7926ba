/* The count of references to a handle that several owners share. A count of zeroed memory has one
 * owner: the one that created the handle. The compiler's functions in place of <stdatomic.h>, which
 * C++ has not, let the shim see structs that hold a count. */
#ifndef SSCAM_LIB_BASE_REFERENCE_COUNT_H
#define SSCAM_LIB_BASE_REFERENCE_COUNT_H

#include <stdbool.h>

typedef struct sscam_reference_count {
    long further_owners;
} sscam_reference_count;

static inline void sscam_reference_add(sscam_reference_count *count)
{
    __atomic_fetch_add(&count->further_owners, 1, __ATOMIC_RELAXED);
}

/* Whether that was the last reference, so that the caller has to free the handle. */
static inline bool sscam_reference_drop(sscam_reference_count *count)
{
    return __atomic_fetch_sub(&count->further_owners, 1, __ATOMIC_ACQ_REL) == 0;
}

#endif
