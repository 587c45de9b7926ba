/* Messages for the host's log callback (sscam/runtime.h). */
#ifndef SSCAM_LIB_BASE_LOG_H
#define SSCAM_LIB_BASE_LOG_H

#include <stdint.h>

#include "base/error.h"
#include "sscam/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whether there is a callback: without one, messages need not be made. */
int32_t sscam_log_is_wanted(void);

/* Passes a message on. No lock may be held. The thread's message of the last failure stays. */
void sscam_log(int32_t level, const char *format, ...) SSCAM_PRINTF(2, 3);

#ifdef __cplusplus
}
#endif

#endif
