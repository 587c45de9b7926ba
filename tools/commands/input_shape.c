#include "commands/input_shape.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/checked_alloc.h"
#include "common/cli_error.h"

#define LARGEST_SIDE (1L << 30)

enum { FEWEST_SIDES = 2 };

/* Whether a shape could be read: the numbers between the x of `3x224x224`. */
static bool read_shape(const char *text, struct input_shape *shape)
{
    shape->sides[0] = shape->rank = 1;
    while (shape->rank <= INPUT_MOST_SIDES) {
        char *end;
        long side = *text >= '0' && *text <= '9' ? strtol(text, &end, 10) : 0;

        if (side < 1 || side > LARGEST_SIDE || (*end && *end != 'x'))
            return false;
        shape->sides[shape->rank++] = side;
        if (!*end)
            return shape->rank > FEWEST_SIDES;
        text = end + 1;
    }
    return false;
}

int input_shape_read(const char *command, const char *text, struct input_shape *shape)
{
    if (read_shape(text, shape))
        return EXIT_OK;
    return fail_usage(command,
                      "--input takes CHANNELSxHEIGHTxWIDTH, such as 3x224x224, or for sound and "
                      "video 1x16000 and 3x16x112x112, not '%s'",
                      text);
}

char *format_shape(const int64_t *shape, int32_t rank)
{
    char *text = copy_text("", 0);

    for (int32_t i = 0; i < rank; i++) {
        char *longer = format_text("%s%s%" PRId64, text, i ? "x" : "", shape[i]);
        free(text);
        text = longer;
    }
    return text;
}
