/* How much memory the process uses now, and at most while something ran. */
#ifndef SSCAM_LIB_BASE_MEMORY_IN_USE_H
#define SSCAM_LIB_BASE_MEMORY_IN_USE_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/background.h"

/* Bytes that the process has allocated and not freed; where the allocator does not tell, those of
 * its memory that are resident. 0: the platform tells neither. */
int64_t sscam_memory_in_use(void);

/* A measurement of the peak, by a thread that looks every two milliseconds: nothing of the
 * process's own statistics is reset for it. */
typedef struct sscam_memory_peak {
    sscam_background watcher;
    atomic_int is_over;
    int64_t bytes; /* of the watcher, until it has ended */
} sscam_memory_peak;

/* Starts a measurement, which has to be ended. Where no thread can be started, memory is looked at
 * when it starts and ends. */
void sscam_memory_peak_start(sscam_memory_peak *peak);

/* Ends it. The most bytes that were in use; 0: unknown. */
int64_t sscam_memory_peak_end(sscam_memory_peak *peak);

#endif
