/* The option `kernel_widths`: standard deviations of AISE's masks. */
#ifndef SSCAM_LIB_OPTIONS_KERNEL_WIDTHS_H
#define SSCAM_LIB_OPTIONS_KERNEL_WIDTHS_H

#include <stdint.h>

#include "sscam/status.h"

enum { SSCAM_MOST_KERNEL_WIDTHS = 8 };

/* 1 to SSCAM_MOST_KERNEL_WIDTHS widths, as shares of each side of the input. SSCAM_E_ARGUMENT for
 * any other text. */
sscam_status sscam_parse_kernel_widths(const char *text, double widths[SSCAM_MOST_KERNEL_WIDTHS],
                                       int32_t *count);

#endif
