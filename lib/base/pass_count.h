/* The network evaluations that a progress callback can ask for. */
#ifndef SSCAM_LIB_BASE_PASS_COUNT_H
#define SSCAM_LIB_BASE_PASS_COUNT_H

#include <stdint.h>

/* Those that are done and expected, in the progress callback that this thread is in. Returns
 * whether it is in one. */
int32_t sscam_passes_of_callback(int64_t *done, int64_t *total);

#endif
