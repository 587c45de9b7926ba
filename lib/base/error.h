/* How the code of this project reports failures: a status is returned, its message is kept for the
 * thread. */
#ifndef SSCAM_LIB_BASE_ERROR_H
#define SSCAM_LIB_BASE_ERROR_H

#include "sscam/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SSCAM_PRINTF(format_index, first_index) \
    __attribute__((format(printf, format_index, first_index)))
#else
#define SSCAM_PRINTF(format_index, first_index)
#endif

/* Sets the thread's message and returns status. Control characters become blanks; a message of more
 * than 1023 bytes is cut between two characters. */
sscam_status sscam_fail(sscam_status status, const char *format, ...) SSCAM_PRINTF(2, 3);

/* SSCAM_E_MEMORY, saying what the memory was for. */
sscam_status sscam_fail_memory(const char *purpose);

/* The thread's message; "" after a success. */
const char *sscam_error_message(void);

/* Clears the thread's message and returns SSCAM_OK: the last line of every public function that
 * succeeds. */
sscam_status sscam_succeed(void);

#ifdef __cplusplus
}
#endif

#endif
