#include "base/shape_text.h"

#include <inttypes.h>
#include <stdio.h>

const char *sscam_shape_text(const int64_t *numbers, int32_t rank, char text[SSCAM_SHAPE_TEXT_SIZE])
{
    int length = 0;
    for (int32_t i = 0; i < rank; i++)
        length += snprintf(text + length, SSCAM_SHAPE_TEXT_SIZE - (size_t)length, "%s%" PRId64,
                           i > 0 ? "x" : "", numbers[i]);
    return text;
}
