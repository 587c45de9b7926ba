/* How a network takes its inputs: the order of their axes, and the type of their elements. The
 * library keeps every input as float32 [N,C,sides]; a layout says where these axes are in what the
 * network takes.
 *
 * A layout is written with a letter for each axis of the network: n the inputs of a batch, c
 * channels, and the sides d (depth, or time in a video), h and w. What has one side calls it w. A
 * layout without n takes one input at a time; one without c takes inputs of one channel. */
#ifndef SSCAM_LIB_MODEL_INPUT_LAYOUT_H
#define SSCAM_LIB_MODEL_INPUT_LAYOUT_H

#include <stdint.h>

#include "base/shape.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SSCAM_AXES_SIZE = 8 }; /* room for a layout's letters */

typedef struct sscam_input_layout {
    char axes[SSCAM_AXES_SIZE]; /* "": unknown, then [N,C,sides] */
} sscam_input_layout;

/* In the order of the values of the option `input_type`. */
typedef enum sscam_input_type {
    SSCAM_INPUT_TYPE_AUTO,
    SSCAM_INPUT_TYPE_FLOAT32,
    SSCAM_INPUT_TYPE_FLOAT64,
    SSCAM_INPUT_TYPE_FLOAT16,
    SSCAM_INPUT_TYPE_BFLOAT16,
    SSCAM_INPUT_TYPE_UINT8,
    SSCAM_INPUT_TYPE_INT32,
    SSCAM_INPUT_TYPE_INT64
} sscam_input_type;

/* The values of the options `input_layout` and `input_type`, each ended by NULL; the first is
 * "auto". */
extern const char *const sscam_input_layout_choices[];
extern const char *const sscam_input_type_choices[];

/* The layout of a value of the option, by its position; unknown for "auto". */
sscam_input_layout sscam_input_layout_of_choice(int64_t choice);

/* The layout as users write it: t for the time of a series or a video. "" where it is unknown.
 * Static. */
const char *sscam_input_layout_text(const sscam_input_layout *layout);

/* Rank of the library's own [N,C,sides]; 0 of an unknown layout. */
int32_t sscam_input_layout_rank(const sscam_input_layout *layout);

/* Whether the network takes [N,C,sides] as the library keeps it, or nothing else is known. */
int32_t sscam_input_layout_is_plain(const sscam_input_layout *layout);

/* Position of an axis among the network's; -1 where it has none. */
int32_t sscam_input_layout_find(const sscam_input_layout *layout, char axis);

/* The type as the option names it; AUTO is "float32". Static. */
const char *sscam_input_type_text(sscam_input_type type);

/* Whether elements of the type are whole numbers, which images give as pixels of 0 to 255. */
int32_t sscam_input_type_is_whole(sscam_input_type type);

#ifdef __cplusplus
}
#endif

#endif
