#include "options/kernel_widths.h"

#include <stddef.h>

#include "base/error.h"
#include "base/number.h"

sscam_status sscam_parse_kernel_widths(const char *text, double widths[SSCAM_MOST_KERNEL_WIDTHS],
                                       int32_t *count)
{
    static const double least = 0.001, most = 10.0;
    double numbers[SSCAM_MOST_KERNEL_WIDTHS];
    size_t given = 0;
    int32_t are_widths = sscam_parse_reals(text, numbers, SSCAM_MOST_KERNEL_WIDTHS, &given);
    for (size_t i = 0; i < given && are_widths; i++)
        are_widths = numbers[i] >= least && numbers[i] <= most;
    if (!are_widths)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "option kernel_widths: \"%s\" is not 1 to %d numbers from %g to %g, "
                          "separated by commas",
                          text, SSCAM_MOST_KERNEL_WIDTHS, least, most);
    for (size_t i = 0; i < given; i++)
        widths[i] = numbers[i];
    *count = (int32_t)given;
    return SSCAM_OK;
}
