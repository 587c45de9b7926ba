#include "model/input_layout.h"

#include <string.h>

/* Of each value of the option `input_layout`: its letters here. */
static const struct {
    const char *choice, *axes;
} layouts[] = {
    {"auto", ""},       {"nchw", "nchw"},   {"nhwc", "nhwc"},   {"nhw", "nhw"},
    {"chw", "chw"},     {"hwc", "hwc"},     {"hw", "hw"},       {"ncthw", "ncdhw"},
    {"ntchw", "ndchw"}, {"nthwc", "ndhwc"}, {"nthw", "ndhw"},   {"cthw", "cdhw"},
    {"tchw", "dchw"},   {"thwc", "dhwc"},   {"ncdhw", "ncdhw"}, {"ndhwc", "ndhwc"},
    {"cdhw", "cdhw"},   {"dhwc", "dhwc"},   {"nct", "ncw"},     {"ntc", "nwc"},
    {"nt", "nw"},       {"ct", "cw"},       {"tc", "wc"},       {"t", "w"},
    {"ntf", "nhw"},     {"nft", "nhw"},     {"tf", "hw"},       {"ft", "hw"},
};
enum { LAYOUT_COUNT = sizeof layouts / sizeof layouts[0] };

const char *const sscam_input_layout_choices[] = {
    "auto", "nchw", "nhwc", "nhw",  "chw",   "hwc",   "hw",   "ncthw", "ntchw", "nthwc",
    "nthw", "cthw", "tchw", "thwc", "ncdhw", "ndhwc", "cdhw", "dhwc",  "nct",   "ntc",
    "nt",   "ct",   "tc",   "t",    "ntf",   "nft",   "tf",   "ft",    NULL,
};

const char *const sscam_input_type_choices[] = {
    "auto", "float32", "float64", "float16", "bfloat16", "uint8", "int32", "int64", NULL,
};

_Static_assert(sizeof sscam_input_layout_choices / sizeof *sscam_input_layout_choices ==
                   LAYOUT_COUNT + 1,
               "a value has its letters");

sscam_input_layout sscam_input_layout_of_choice(int64_t choice)
{
    sscam_input_layout layout = {""};
    strcpy(layout.axes, layouts[choice].axes);
    return layout;
}

/* Layouts that only a network's own program has: it swaps height and width. */
static const char *const swapped[] = {"nwhc", "nwh", "ncwh", "whc", "wh", "cwh"};

const char *sscam_input_layout_text(const sscam_input_layout *layout)
{
    for (int i = 0; i < LAYOUT_COUNT; i++)
        if (strcmp(layouts[i].axes, layout->axes) == 0)
            return i == 0 ? "" : layouts[i].choice;
    for (size_t i = 0; i < sizeof swapped / sizeof *swapped; i++)
        if (strcmp(swapped[i], layout->axes) == 0)
            return swapped[i];
    return "";
}

int32_t sscam_input_layout_rank(const sscam_input_layout *layout)
{
    int32_t sides = 0;
    for (const char *axis = layout->axes; *axis; axis++)
        sides += *axis != 'n' && *axis != 'c';
    return sides > 0 ? sides + 2 : 0;
}

int32_t sscam_input_layout_is_plain(const sscam_input_layout *layout)
{
    static const char *const plain[] = {"", "ncw", "nchw", "ncdhw"};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(layout->axes, plain[i]) == 0)
            return 1;
    return 0;
}

int32_t sscam_input_layout_find(const sscam_input_layout *layout, char axis)
{
    const char *found = strchr(layout->axes, axis);
    return found ? (int32_t)(found - layout->axes) : -1;
}

const char *sscam_input_type_text(sscam_input_type type)
{
    return sscam_input_type_choices[type == SSCAM_INPUT_TYPE_AUTO ? SSCAM_INPUT_TYPE_FLOAT32
                                                                  : type];
}

int32_t sscam_input_type_is_whole(sscam_input_type type)
{
    return type >= SSCAM_INPUT_TYPE_UINT8;
}
