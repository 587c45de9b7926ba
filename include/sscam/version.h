/** @file
 * @brief Version of the library, at compile time and at run time.
 */
#ifndef SSCAM_VERSION_H
#define SSCAM_VERSION_H

#include <stdint.h>

#include "export.h"

/** @name Release number
 * A program compiled against these headers runs with any library of the same SSCAM_ABI_VERSION and
 * an equal or later release.
 * @{ */
/** Counts incompatible releases. */
#define SSCAM_VERSION_MAJOR 1
/** Counts releases that add something. */
#define SSCAM_VERSION_MINOR 0
/** Counts releases that only fix bugs. */
#define SSCAM_VERSION_PATCH 0
/** One number that grows with each release: major x 1000000 + minor x 1000 + patch. */
#define SSCAM_VERSION_NUMBER \
    (SSCAM_VERSION_MAJOR * 1000000 + SSCAM_VERSION_MINOR * 1000 + SSCAM_VERSION_PATCH)
/** @} */

/** Version of the binary interface, the number in `libsscam.so.1`. It changes only when programs
 * must be recompiled. */
#define SSCAM_ABI_VERSION 1

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Release of the library in use, as "major.minor.patch".
 *
 * @return A static string. Ownership: the library's, valid for the life of the process.
 * Thread: any thread, any time.
 * @since 1.0
 */
SSCAM_API const char *sscam_version(void);

/**
 * Release of the library in use, to be compared with SSCAM_VERSION_NUMBER.
 *
 * @return SSCAM_VERSION_NUMBER as it was when the library was built.
 * Thread: any thread, any time.
 * @since 1.0
 */
SSCAM_API int32_t sscam_version_number(void);

/**
 * Binary interface of the library in use, to be compared with SSCAM_ABI_VERSION by bindings that
 * load the library at run time.
 *
 * @return SSCAM_ABI_VERSION as it was when the library was built.
 * Thread: any thread, any time.
 * @since 1.0
 */
SSCAM_API int32_t sscam_abi_version(void);

/**
 * What the library was built with and runs on: the backend with its release, CUDA, the linear
 * algebra library. One line a component, "name: value". For bug reports, not for parsing.
 *
 * @return A static string. Ownership: the library's, valid for the life of the process.
 * Thread: any thread, any time.
 * @since 1.0
 */
SSCAM_API const char *sscam_build_info(void);

#ifdef __cplusplus
}
#endif

#endif
