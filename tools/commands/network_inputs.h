/* The inputs of a network besides the one that is explained, as --input gives them. */
#ifndef SSCAM_TOOLS_COMMANDS_NETWORK_INPUTS_H
#define SSCAM_TOOLS_COMMANDS_NETWORK_INPUTS_H

#include <sscam/sscam.h>

#include "commands/settings.h"
#include "text/string_list.h"

/* Flags of commands without the library's options. */
#define NETWORK_INPUTS_FLAGS(inputs)                                                              \
    {"input-layout", 0, "LAYOUT", "Order of the network's axes, as in nhwc. Default: found out.", \
     .text = &(inputs)->layout},                                                                  \
        {"input-type", 0, "TYPE", "Type of its elements, as in uint8. Default: found out.",       \
         .text = &(inputs)->type},                                                                \
    {                                                                                             \
        "image-input", 0, "NAME", "Which of several inputs is explained. Default: found out.",    \
            .text = &(inputs)->image_input                                                        \
    }

/* How the network takes its inputs, as far as it is given. */
struct network_inputs {
    const char *layout, *type, *image_input; /* NULL: not given */
    struct text_list assignments;            /* NAME=FILE.npy, NAME=NUMBER, NAME=true or false */
};

#define NETWORK_INPUTS_HELP                                                                       \
    "Gives an input of the network besides the one that is explained: the array of a .npy file, " \
    "a number, true or false. Names are those of forward(); x.depth for a key of the dictionary " \
    "x, x.0 for an element of the list x."

/* Sorts the values of a flag that takes both shapes and inputs: the last shape goes to `shape`. */
void network_inputs_sort(const struct text_list *given, struct network_inputs *inputs,
                         const char **shape);

/* Takes the options of inputs from settings, the last value of each. */
void network_inputs_take(const struct settings *settings, struct network_inputs *inputs);

/* Replaces a model by one whose inputs are given so, where anything is given. EXIT_FAILED or
 * EXIT_USAGE with a line. */
int network_inputs_apply(const struct network_inputs *inputs, const char *command,
                         sscam_model **model);

/* Adds names and values to a fingerprint. EXIT_FAILED with a line where a file cannot be read. */
int network_inputs_fingerprint(const struct network_inputs *inputs, uint64_t *fingerprint);

void network_inputs_free(struct network_inputs *inputs);

#endif
