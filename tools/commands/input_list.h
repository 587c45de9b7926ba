/* The images of a command line: files, folders of them, and standard input. */
#ifndef SSCAM_TOOLS_COMMANDS_INPUT_LIST_H
#define SSCAM_TOOLS_COMMANDS_INPUT_LIST_H

#include <stddef.h>
#include <stdint.h>

#include <sscam/sscam.h>

#include "text/string_list.h"

/* What stands for standard input or standard output. */
#define STANDARD_STREAM "-"

/* How messages and file names call standard input. */
#define STANDARD_NAME "stdin"

struct input_list {
    struct text_list paths; /* STANDARD_STREAM is the image that was read from there */
    uint8_t *standard;      /* the bytes of that image */
    size_t standard_size;
};

/* Expands operands: a folder gives its images, sorted; "-" is an image on standard input, or a list
 * of files and folders there, one a line. EXIT_FAILED or EXIT_USAGE with a line. */
int input_list_expand(char *const *operands, size_t count, const sscam_read_options *reading,
                      struct input_list *list);

/* Reads the image at a position. EXIT_FAILED with a line. */
int input_list_load(const struct input_list *list, size_t index, const sscam_read_options *reading,
                    sscam_image **out);

/* The same without a line. */
sscam_status input_list_read(const struct input_list *list, size_t index,
                             const sscam_read_options *reading, sscam_image **out);

/* How messages and results call an image. */
const char *input_list_name(const struct input_list *list, size_t index);

void input_list_free(struct input_list *list);

/* The path of an input: that of standard input for "-". */
const char *input_path(const char *given);

#endif
