/** @file
 * @brief Memory that the library hands to its callers.
 */
#ifndef SSCAM_MEMORY_H
#define SSCAM_MEMORY_H

#include "export.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Frees text or bytes that a function of this library allocated for its caller. On systems where
 * program and library have different heaps, free() would not do.
 *
 * @param memory What the function gave, or NULL.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API void sscam_free(void *memory);

#ifdef __cplusplus
}
#endif

#endif
