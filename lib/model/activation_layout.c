#include "model/activation_layout.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"

/* Class tokens, distillation tokens and registers that a network may have. With a higher limit,
 * wrong grids would fit too. */
enum { MOST_EXTRA_TOKENS = 8 };

/* What is known before the search for a layout. */
typedef struct layout_search {
    sscam_sides input;
    const sscam_layout_hint *hint;
} layout_search;

/* --- grids of tokens -------------------------------------------------------------------------- */

typedef struct token_grid {
    int64_t height, width, extra;
} token_grid;

static void try_grid(int64_t tokens, int64_t height, int64_t width, token_grid *best)
{
    int64_t extra = tokens - height * width;
    if (height * width > 1 && extra >= 0 && extra < best->extra)
        *best = (token_grid){height, width, extra};
}

/* Finds the grid with the fewest extra tokens, of square patches over the input; a patch that its
 * border cuts is either left out or padded. Grids of exactly the input's proportions come first,
 * since most networks take inputs of whole patches. */
static void find_grid(int64_t tokens, int64_t input_height, int64_t input_width, token_grid *best)
{
    *best = (token_grid){.extra = MOST_EXTRA_TOKENS + 1};
    for (int64_t height = 1; height <= input_height && height <= tokens; height++)
        if (height * input_width % input_height == 0)
            try_grid(tokens, height, height * input_width / input_height, best);
    for (int64_t side = 1;; side++) {
        int64_t rows = (input_height + side - 1) / side, columns = (input_width + side - 1) / side;
        if (rows * columns + MOST_EXTRA_TOKENS < tokens || rows * columns == 1)
            break;
        try_grid(tokens, input_height / side, input_width / side, best);
        try_grid(tokens, rows, columns, best);
    }
}

static int32_t has_grid(const sscam_layout_hint *hint)
{
    return hint->grid_width > 0;
}

/* The grid of the hint; where there are fewer tokens than it has, `extra` exceeds every limit. */
static void use_hinted_grid(int64_t tokens, const sscam_layout_hint *hint, token_grid *grid)
{
    *grid = (token_grid){hint->grid_height, hint->grid_width, INT64_MAX};
    if (hint->grid_height <= tokens / hint->grid_width)
        grid->extra = tokens - hint->grid_height * hint->grid_width;
}

/* One order of the two axes besides the batch's: tokens along one, channels along the other. */
static int32_t try_tokens(const int64_t *shape, sscam_channel_axis order, int64_t most_extra,
                          const layout_search *search, sscam_activation_layout *out)
{
    const int32_t batch_axis = shape[0] != 1, earlier = 1 - batch_axis;
    const int32_t channel_axis = order == SSCAM_CHANNEL_AXIS_LAST ? 2 : earlier;
    const int64_t tokens = shape[channel_axis == 2 ? earlier : 2];
    token_grid grid;
    if (search->hint->channel_axis != SSCAM_CHANNEL_AXIS_AUTO &&
        search->hint->channel_axis != order)
        return 0;
    if (has_grid(search->hint))
        use_hinted_grid(tokens, search->hint, &grid);
    else
        find_grid(tokens, search->input.height, search->input.width, &grid);
    if (grid.extra > most_extra)
        return 0;
    *out = (sscam_activation_layout){
        batch_axis, channel_axis, shape[channel_axis], {1, grid.height, grid.width}, grid.extra};
    return 1;
}

/* Transformers have channels last; flattened feature maps have channels first and no class token.
 * So channels first is accepted without extra tokens only, unless the hint says so. With a hinted
 * grid any number of tokens may be left out, but only where neither order fits better. */
static int32_t find_token_layout(const int64_t *shape, const layout_search *search,
                                 sscam_activation_layout *out)
{
    const int64_t most_hinted = has_grid(search->hint) ? INT64_MAX - 1 : -1;
    const int64_t most_first = search->hint->channel_axis == SSCAM_CHANNEL_AXIS_FIRST
                                   ? MOST_EXTRA_TOKENS
                                   : 0;
    return (shape[0] == 1 || shape[1] == 1) &&
           (try_tokens(shape, SSCAM_CHANNEL_AXIS_LAST, MOST_EXTRA_TOKENS, search, out) ||
            try_tokens(shape, SSCAM_CHANNEL_AXIS_FIRST, most_first, search, out) ||
            try_tokens(shape, SSCAM_CHANNEL_AXIS_LAST, most_hinted, search, out) ||
            try_tokens(shape, SSCAM_CHANNEL_AXIS_FIRST, most_hinted, search, out));
}

/* --- maps ------------------------------------------------------------------------------------- */

/* Whether the map is the input reduced by the same stride along both sides, to within one position,
 * which padding may add or remove. */
static int32_t is_in_proportion(int64_t height, int64_t width, sscam_sides input)
{
    double rows = (double)height * (double)input.width,
           columns = (double)width * (double)input.height;
    return height <= input.height && width <= input.width &&
           fabs(rows - columns) <= (double)input.height + (double)input.width;
}

/* Channels come first, as in convolutions, unless the proportions of an image's map show that they
 * come last. */
static void find_map_layout(const int64_t *shape, int32_t rank, const layout_search *search,
                            sscam_activation_layout *out)
{
    int32_t last = search->hint->channel_axis == SSCAM_CHANNEL_AXIS_LAST;
    if (search->hint->channel_axis == SSCAM_CHANNEL_AXIS_AUTO && rank == SSCAM_IMAGE_RANK)
        last = !is_in_proportion(shape[2], shape[3], search->input) &&
               is_in_proportion(shape[1], shape[2], search->input);
    const int64_t *end = shape + (last ? rank - 1 : rank); /* of the positions */
    *out = (sscam_activation_layout){
        .channel_axis = last ? rank - 1 : 1,
        .channels = last ? shape[rank - 1] : shape[1],
        .sides = {rank == SSCAM_MOST_RANK ? end[-3] : 1, rank > SSCAM_LEAST_RANK ? end[-2] : 1,
                  end[-1]},
    };
}

/* --- layouts ---------------------------------------------------------------------------------- */

int32_t sscam_find_activation_layout(const int64_t *shape, int32_t rank, const sscam_shape *input,
                                     const sscam_layout_hint *hint, sscam_activation_layout *out)
{
    const layout_search search = {input->sides, hint};
    for (int32_t axis = 0; axis < rank; axis++)
        if (shape[axis] < 1)
            return 0;
    if (rank == 3 && input->rank == SSCAM_IMAGE_RANK)
        return find_token_layout(shape, &search, out);
    if (rank != input->rank || shape[0] != 1)
        return 0;
    find_map_layout(shape, rank, &search, out);
    return 1;
}

static void write_shape(const int64_t *shape, int32_t rank, char *text, size_t size)
{
    size_t length = (size_t)snprintf(text, size, "[");
    for (int32_t axis = 0; axis < rank && length < size; axis++)
        length += (size_t)snprintf(text + length, size - length, "%s%lld", axis > 0 ? ", " : "",
                                   (long long)shape[axis]);
    if (length < size)
        snprintf(text + length, size - length, "]");
}

static sscam_status fail_without_grid(const char *layer, const int64_t *shape, sscam_sides input,
                                      const sscam_layout_hint *hint)
{
    int32_t batch_axis = shape[0] != 1, is_first = hint->channel_axis == SSCAM_CHANNEL_AXIS_FIRST;
    long long tokens = (long long)shape[is_first ? 2 : 1 - batch_axis];
    if (has_grid(hint))
        return sscam_fail(SSCAM_E_LAYER,
                          "layer \"%s\" gives %lld tokens, fewer than grid=%lldx%lld has", layer,
                          tokens, (long long)hint->grid_height, (long long)hint->grid_width);
    return sscam_fail(SSCAM_E_LAYER,
                      "layer \"%s\" gives %lld tokens, which no grid of the input's proportions "
                      "(%lldx%lld) has; set the option grid to theirs, as in grid=14x14",
                      layer, tokens, (long long)input.height, (long long)input.width);
}

sscam_status sscam_require_activation_layout(const char *layer, const int64_t *shape, int32_t rank,
                                             const sscam_shape *input,
                                             const sscam_layout_hint *hint,
                                             sscam_activation_layout *out)
{
    static const char *const wanted[] = {
        "a feature map [1, K, w]",
        "a feature map [1, K, h, w] or [1, h, w, K], or tokens [1, T, K]",
        "a feature map [1, K, d, h, w]"};
    if (sscam_find_activation_layout(shape, rank, input, hint, out))
        return SSCAM_OK;
    if (rank == 3 && input->rank == SSCAM_IMAGE_RANK && (shape[0] == 1 || shape[1] == 1) &&
        shape[0] > 0 && shape[1] > 0 && shape[2] > 0)
        return fail_without_grid(layer, shape, input->sides, hint);
    char text[128];
    write_shape(shape, rank, text, sizeof text);
    return sscam_fail(SSCAM_E_LAYER, "layer \"%s\" gives %s, not %s", layer, text,
                      wanted[input->rank - SSCAM_LEAST_RANK]);
}

void sscam_put_channels_first(const sscam_activation_layout *layout, const float *values,
                              float *out)
{
    const int64_t positions = sscam_position_count(layout->sides), channels = layout->channels;
    const int64_t row = layout->extra + positions; /* of a channel, where channels come first */
    const int32_t is_last = layout->channel_axis >= 2;
    for (int64_t k = 0; k < channels; k++)
        for (int64_t p = 0; p < positions; p++)
            out[k * positions + p] = is_last ? values[(layout->extra + p) * channels + k]
                                             : values[k * row + layout->extra + p];
}

int32_t sscam_parse_grid(const char *text, int64_t *height, int64_t *width)
{
    char digits[16];
    const char *x = strchr(text, 'x');
    int64_t rows, columns;
    *height = *width = 0;
    if (*text == '\0')
        return 1;
    if (!x || (size_t)(x - text) >= sizeof digits)
        return 0;
    memcpy(digits, text, (size_t)(x - text));
    digits[x - text] = '\0';
    if (!sscam_parse_int(digits, &rows) || !sscam_parse_int(x + 1, &columns) || rows < 1 ||
        columns < 1 || rows > INT32_MAX || columns > INT32_MAX)
        return 0;
    *height = rows;
    *width = columns;
    return 1;
}
