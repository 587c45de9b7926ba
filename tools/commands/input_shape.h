/* Shapes on the command line and in what is printed: 3x224x224. */
#ifndef SSCAM_TOOLS_COMMANDS_INPUT_SHAPE_H
#define SSCAM_TOOLS_COMMANDS_INPUT_SHAPE_H

#include <stdint.h>

enum { INPUT_MOST_SIDES = 4 };

struct input_shape {
    int64_t sides[INPUT_MOST_SIDES + 1]; /* of one input: the first is 1 */
    int32_t rank;
};

/* Help of the flag whose value is read here, and its default. */
#define INPUT_SHAPE_DEFAULT "3x224x224"
#define INPUT_SHAPE_HELP \
    "Shape of the network's input; CxW for sound, CxDxHxW for video. Default: 3x224x224."

/* Reads a shape without its first side. EXIT_USAGE with a line where it is none. */
int input_shape_read(const char *command, const char *text, struct input_shape *shape);

/* A shape with 'x' between its sides. The caller frees it. */
char *format_shape(const int64_t *shape, int32_t rank);

#endif
