/** @file
 * @brief What holds for the whole process: the log, the limit of threads, libraries of operators.
 */
#ifndef SSCAM_RUNTIME_H
#define SSCAM_RUNTIME_H

#include <stdint.h>

#include "export.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @name Levels of messages
 * Later releases may add some.
 * @{ */
/** Something failed that no status reports, since the call's results are right all the same: memory
 * of a GPU that could not be given back, or a wait for it. */
#define SSCAM_LOG_ERROR 1
/** Something that the host should look at, such as a warning of libtorch. */
#define SSCAM_LOG_WARNING 2
/** What was decided: what calibration chose, which forms of a network were dropped and why. */
#define SSCAM_LOG_INFO 3
/** Details for whoever works on the library. */
#define SSCAM_LOG_DEBUG 4
/** @} */

/**
 * Receives the library's messages.
 *
 * It is called by the thread that called the library, before that call returns or in place of a
 * report of progress, never under a lock, and with the host's own libtorch settings; several
 * threads may call it at the same time. It must not throw or longjmp. It may call the library;
 * what such calls have to say is dropped.
 *
 * @param user  The pointer given to sscam_set_log_callback().
 * @param level An SSCAM_LOG_ value.
 * @param text  One line without a newline, valid until the callback returns. Meant for people: its
 *              words may change with each release.
 */
typedef void (*sscam_log_callback)(void *user, int32_t level, const char *text);

/**
 * Sets who receives the library's messages, for the whole process. Without a callback, which is the
 * default, the library is silent: it writes nothing to standard output or standard error either.
 *
 * @param callback The function, or NULL for none. A thread that is about to call the former one may
 *                 still do so after this returns, so neither may be unloaded.
 * @param user     Handed to it unchanged.
 * @return SSCAM_OK; SSCAM_E_MEMORY, and the former callback stays.
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_set_log_callback(sscam_log_callback callback, void *user);

/**
 * Limits the threads that a call of the library uses at once, for the whole process: workers that
 * score masked inputs, and the threads of libtorch's operations inside the library's calls. The
 * number of threads that the host has set for its own use of libtorch stays as it is. Calls of
 * several threads each have as many. The threads of a linear algebra library that brings its own,
 * such as OpenBLAS, are not counted: its environment variables limit them.
 *
 * Calls that are in progress are not affected. The number of threads may change the rounding of
 * results.
 *
 * @param count At least 1; 0, which is the default: as the host's settings say.
 * @return SSCAM_OK; SSCAM_E_ARGUMENT (count is negative).
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_set_max_threads(int64_t count);

/**
 * @return The limit that sscam_set_max_threads() has set; 0: none. Thread: any thread, any time.
 * @since 1.0
 */
SSCAM_API int64_t sscam_max_threads(void);

/**
 * Loads a shared library that registers operators which networks need, such as libtorchvision.so.
 * It stays loaded until the process ends. Networks that need its operators can be loaded
 * afterwards.
 *
 * A shared library is a program: load only files whose origin you trust.
 *
 * @param path File name; without a slash, the system's search path is used, as by dlopen().
 * @return SSCAM_OK, also where it is loaded already; SSCAM_E_ARGUMENT (path is NULL or empty);
 *         SSCAM_E_IO (it cannot be loaded: the message says why); SSCAM_E_UNSUPPORTED (it is made
 *         for another libtorch than the one in this process, or this build has none).
 * Thread: any thread.
 * @since 1.0
 */
SSCAM_API sscam_status sscam_load_library(const char *path);

#ifdef __cplusplus
}
#endif

#endif
