/* The layout of a layer's output: which axes are the batch, the channels and the positions.
 * Networks differ in their order. */
#ifndef SSCAM_LIB_MODEL_ACTIVATION_LAYOUT_H
#define SSCAM_LIB_MODEL_ACTIVATION_LAYOUT_H

#include <stdint.h>

#include "base/shape.h"
#include "sscam/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Orders of the axes of a layer's output; the values of the option `channel_axis`. */
typedef enum sscam_channel_axis {
    SSCAM_CHANNEL_AXIS_AUTO,
    SSCAM_CHANNEL_AXIS_FIRST, /* [1,K,h,w]; [1,K,T]; of sound [1,K,w], of video [1,K,d,h,w] */
    SSCAM_CHANNEL_AXIS_LAST   /* [1,h,w,K]; [1,T,K]; of sound [1,w,K], of video [1,d,h,w,K] */
} sscam_channel_axis;

/* What the caller specifies of the layout; all zeros: nothing. */
typedef struct sscam_layout_hint {
    sscam_channel_axis channel_axis;
    int64_t grid_height, grid_width; /* of tokens; 0: to be found */
    int64_t grid_depth;              /* of tokens of a volume; 0: one slice, or to be found */
} sscam_layout_hint;

typedef struct sscam_activation_layout {
    int32_t batch_axis,
        channel_axis; /* of the output; its other axes are positions, in row-major order */
    int64_t channels;
    sscam_sides sides;
    int64_t extra; /* tokens before those of the grid: class tokens, registers */
} sscam_activation_layout;

/* Reads "" (all become 0), HEIGHTxWIDTH or DEPTHxHEIGHTxWIDTH. Returns whether the text is one of
 * these. */
int32_t sscam_parse_grid(const char *text, sscam_layout_hint *hint);

/* Whether the positions are the input's reduced by one stride along height and width, to within one
 * position. */
int32_t sscam_is_in_proportion(const sscam_activation_layout *layout, const sscam_shape *input);

/* Finds the layout of an output of that shape. Returns 0 where it is neither a map of the input's
 * rank nor, for images and volumes, tokens on a grid. */
int32_t sscam_find_activation_layout(const int64_t *shape, int32_t rank, const sscam_shape *input,
                                     const sscam_layout_hint *hint, sscam_activation_layout *out);

/* The same; SSCAM_E_LAYER, with a message that names the layer and its shape, where there is none.
 */
sscam_status sscam_require_activation_layout(const char *layer, const int64_t *shape, int32_t rank,
                                             const sscam_shape *input,
                                             const sscam_layout_hint *hint,
                                             sscam_activation_layout *out);

/* Copies an output into the order [channels, positions], without the extra tokens. */
void sscam_put_channels_first(const sscam_activation_layout *layout, const float *values,
                              float *out);

#ifdef __cplusplus
}
#endif

#endif
