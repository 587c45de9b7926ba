/* The clock that deadlines and costs are measured with: the system's time may be set, this one only
 * runs. */
#ifndef SSCAM_LIB_BASE_MONOTONIC_CLOCK_H
#define SSCAM_LIB_BASE_MONOTONIC_CLOCK_H

#include <stdint.h>

/* Time since some time in the past. */
int64_t sscam_monotonic_milliseconds(void);
double sscam_monotonic_seconds(void);

#endif
