/** @file
 * @brief Status values, and the message of the last failure.
 */
#ifndef SSCAM_STATUS_H
#define SSCAM_STATUS_H

#include <stdint.h>

#include "export.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Result of a call: SSCAM_OK or one of the negative SSCAM_E_ values. Values are never renumbered;
 * later releases may add some, so treat every unknown negative value as a failure. */
typedef int32_t sscam_status;

/** Success. */
#define SSCAM_OK 0
/** An argument or an option's value is unusable. */
#define SSCAM_E_ARGUMENT (-1)
/** Host or device memory ran out. */
#define SSCAM_E_MEMORY (-2)
/** A file could not be read or written. */
#define SSCAM_E_IO (-3)
/** A file's content is damaged or of an unknown kind. */
#define SSCAM_E_FORMAT (-4)
/** The network cannot be used, or failed while running. */
#define SSCAM_E_MODEL (-5)
/** No such layer, or a layer without a spatial output. */
#define SSCAM_E_LAYER (-6)
/** The class index is outside the network's outputs. */
#define SSCAM_E_CLASS (-7)
/** The device is unknown, absent or failed. */
#define SSCAM_E_DEVICE (-8)
/** The request is valid but this network or build cannot do it. */
#define SSCAM_E_UNSUPPORTED (-9)
/** The progress callback returned a value other than 0, sscam_explainer_cancel() was called, or the
 * option `deadline` has passed; the message says which. */
#define SSCAM_E_CANCELLED (-10)

/**
 * Name of a status, such as "SSCAM_E_LAYER".
 *
 * @param status Any value; unknown ones give "SSCAM_E_UNKNOWN".
 * @return A static string. Ownership: the library's.
 * Thread: any thread, any time.
 * @since 1.0
 */
SSCAM_API const char *sscam_status_name(sscam_status status);

/**
 * Why the last call of this thread failed, one line without a newline, naming the thing and its
 * value. A call that returns SSCAM_OK clears it.
 *
 * @return The message, or "" after a success. Ownership: the library's; valid until the thread's
 *         next call of a function that returns a status.
 * Thread: each thread has its own message.
 * @since 1.0
 */
SSCAM_API const char *sscam_last_error(void);

#ifdef __cplusplus
}
#endif

#endif
