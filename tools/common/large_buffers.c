#include "common/large_buffers.h"

#include <stdlib.h>

#if defined(__GLIBC__)
#include <limits.h>
#include <malloc.h>
#endif

void keep_large_buffers(void)
{
#if defined(__GLIBC__)
    mallopt(M_MMAP_MAX, 0); /* not a threshold: the C library accepts none above 32 MiB */
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
    mallopt(M_TOP_PAD, 64 << 20);
#endif
}
