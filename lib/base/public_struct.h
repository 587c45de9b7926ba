/* Structs of the public headers that grow: their first field is `size_t struct_size`, which the
 * caller sets to the sizeof that it was compiled with. */
#ifndef SSCAM_LIB_BASE_PUBLIC_STRUCT_H
#define SSCAM_LIB_BASE_PUBLIC_STRUCT_H

#include <stddef.h>

#include "sscam/status.h"

/* Size of a struct up to the end of a field: what the callers of the release that ended there have
 * at least. */
#define SSCAM_END_OF(type, field) (offsetof(type, field) + sizeof(((type *)0)->field))

/* Copies a caller's struct into `copy`, the library's version of it, which is `size` bytes. Fields
 * that an older caller lacks become 0, which always stands for the default. A newer caller's fields
 * that this library lacks have to be 0. The struct has to reach as far as `least_size`, the end of
 * the last field of its first release. SSCAM_E_ARGUMENT, naming `what`, where it does not. */
sscam_status sscam_public_struct_read(const void *from, void *copy, size_t size, size_t least_size,
                                      const char *what);

/* Checks the struct_size of a struct that results are written to. */
sscam_status sscam_public_struct_check(const void *to, size_t least_size, const char *what);

/* Writes as much of `result`, whose struct_size need not be set, as the caller's struct holds. The
 * rest of a newer caller's struct becomes 0. */
void sscam_public_struct_write(void *to, const void *result, size_t size);

#endif
