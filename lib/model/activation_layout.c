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
    sscam_sides sides;
    int64_t extra;
} token_grid;

static void try_grid(int64_t tokens, int64_t height, int64_t width, token_grid *best)
{
    int64_t extra = tokens - height * width;
    if (height * width > 1 && extra >= 0 && extra < best->extra)
        *best = (token_grid){{1, height, width}, extra};
}

/* Finds the grid with the fewest extra tokens, of square patches over the input; a patch that its
 * border cuts is either left out or padded. Grids of exactly the input's proportions come first,
 * since most networks take inputs of whole patches. */
static void find_image_grid(int64_t tokens, sscam_sides input, token_grid *best)
{
    *best = (token_grid){.extra = MOST_EXTRA_TOKENS + 1};
    for (int64_t height = 1; height <= input.height && height <= tokens; height++)
        if (height * input.width % input.height == 0)
            try_grid(tokens, height, height * input.width / input.height, best);
    for (int64_t side = 1;; side++) {
        int64_t rows = (input.height + side - 1) / side, columns = (input.width + side - 1) / side;
        if (rows * columns + MOST_EXTRA_TOKENS < tokens || rows * columns == 1)
            break;
        try_grid(tokens, input.height / side, input.width / side, best);
        try_grid(tokens, rows, columns, best);
    }
}

/* Whether `slices` of equal grids make up the tokens but `extra` ones. Several extra tokens fit too
 * many grids, so that slices have to have exactly the input's proportions then. */
static int32_t try_slices(int64_t tokens, int64_t extra, int64_t slices, sscam_sides input,
                          token_grid *grid)
{
    token_grid slice;
    if (slices < 1 || (tokens - extra) % slices != 0)
        return 0;
    find_image_grid((tokens - extra) / slices, input, &slice);
    *grid = (token_grid){{slices, slice.sides.height, slice.sides.width}, extra};
    return slice.extra == 0 &&
           (extra <= 1 || (input.depth % slices == 0 &&
                           slice.sides.height * input.width == slice.sides.width * input.height));
}

static int32_t try_cubes(int64_t tokens, int64_t extra, sscam_sides input, token_grid *grid)
{
    for (int64_t side = 1; side <= input.depth; side++) {
        const sscam_sides sides = {input.depth / side, input.height / side, input.width / side};
        if (sides.depth > 0 && sscam_position_count(sides) == tokens - extra) {
            *grid = (token_grid){sides, extra};
            return 1;
        }
    }
    return 0;
}

/* Of volumes as deep as they are wide, cubes come first. Videos have far fewer frames than rows;
 * theirs are put together by twos or fours at most, so the grid of most slices comes first. */
static void find_volume_grid(int64_t tokens, sscam_sides input, token_grid *best)
{
    const int32_t is_video = 2 * input.depth < input.height && 2 * input.depth < input.width;
    int32_t fits = 0;
    for (int64_t extra = 0; extra <= MOST_EXTRA_TOKENS && extra < tokens && !fits; extra++) {
        fits = !is_video && try_cubes(tokens, extra, input, best);
        for (int64_t stride = 1; stride <= input.depth && !fits; stride++)
            fits = try_slices(tokens, extra, (input.depth + stride - 1) / stride, input, best) ||
                   try_slices(tokens, extra, input.depth / stride, input, best);
    }
    if (!fits)
        *best = (token_grid){.extra = MOST_EXTRA_TOKENS + 1};
}

static void find_grid(int64_t tokens, sscam_sides input, token_grid *best)
{
    if (input.depth > 1)
        find_volume_grid(tokens, input, best);
    else
        find_image_grid(tokens, input, best);
}

static int32_t has_grid(const sscam_layout_hint *hint)
{
    return hint->grid_width > 0;
}

/* The grid of the hint; where there are fewer tokens than it has, `extra` exceeds every limit. */
static void use_hinted_grid(int64_t tokens, const layout_search *search, token_grid *grid)
{
    const sscam_layout_hint *hint = search->hint;
    sscam_sides sides = {hint->grid_depth, hint->grid_height, hint->grid_width};
    if (sides.depth == 0 && search->input.depth > 1)
        sides.depth = tokens / sides.width / sides.height;
    if (sides.depth == 0)
        sides.depth = 1;
    *grid = (token_grid){sides, INT64_MAX};
    if (sides.depth <= tokens / sides.width / sides.height)
        grid->extra = tokens - sscam_position_count(sides);
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
        use_hinted_grid(tokens, search, &grid);
    else
        find_grid(tokens, search->input, &grid);
    if (grid.extra > most_extra)
        return 0;
    *out = (sscam_activation_layout){batch_axis, channel_axis, shape[channel_axis], grid.sides,
                                     grid.extra};
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

int32_t sscam_is_in_proportion(const sscam_activation_layout *layout, const sscam_shape *input)
{
    return is_in_proportion(layout->sides.height, layout->sides.width, input->sides) &&
           layout->sides.depth <= input->sides.depth;
}

/* Channels come first, as in convolutions, unless the proportions of an image's or a video's map
 * show that they come last. */
static void find_map_layout(const int64_t *shape, int32_t rank, const layout_search *search,
                            sscam_activation_layout *out)
{
    int32_t last = search->hint->channel_axis == SSCAM_CHANNEL_AXIS_LAST;
    if (search->hint->channel_axis == SSCAM_CHANNEL_AXIS_AUTO && rank >= SSCAM_IMAGE_RANK)
        last = !is_in_proportion(shape[rank - 2], shape[rank - 1], search->input) &&
               is_in_proportion(shape[rank - 3], shape[rank - 2], search->input);
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
    if (rank == 3 && input->rank > SSCAM_LEAST_RANK)
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

static const char *write_grid(const sscam_layout_hint *hint, char *text, size_t size)
{
    const int length = hint->grid_depth > 0
                           ? snprintf(text, size, "%lldx", (long long)hint->grid_depth)
                           : 0;
    snprintf(text + length, size - (size_t)length, "%lldx%lld", (long long)hint->grid_height,
             (long long)hint->grid_width);
    return text;
}

static sscam_status fail_without_grid(const char *layer, const int64_t *shape, sscam_sides input,
                                      const sscam_layout_hint *hint)
{
    int32_t batch_axis = shape[0] != 1, is_first = hint->channel_axis == SSCAM_CHANNEL_AXIS_FIRST;
    long long tokens = (long long)shape[is_first ? 2 : 1 - batch_axis];
    char text[64];
    if (has_grid(hint))
        return sscam_fail(SSCAM_E_LAYER, "layer \"%s\" gives %lld tokens, fewer than grid=%s has",
                          layer, tokens, write_grid(hint, text, sizeof text));
    if (input.depth > 1)
        return sscam_fail(SSCAM_E_LAYER,
                          "layer \"%s\" gives %lld tokens, which no grid of the input's "
                          "proportions (%lldx%lldx%lld) has; set the option grid to theirs, as in "
                          "grid=8x14x14",
                          layer, tokens, (long long)input.depth, (long long)input.height,
                          (long long)input.width);
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
        "a feature map [1, K, d, h, w] or [1, d, h, w, K], or tokens [1, T, K]"};
    if (sscam_find_activation_layout(shape, rank, input, hint, out))
        return SSCAM_OK;
    if (rank == 3 && input->rank > SSCAM_LEAST_RANK && (shape[0] == 1 || shape[1] == 1) &&
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

/* Reads a side up to the next 'x' or the end, and moves behind it. */
static int32_t parse_side(const char **text, int64_t *side)
{
    const size_t length = strcspn(*text, "x");
    char digits[16];
    if (length >= sizeof digits)
        return 0;
    memcpy(digits, *text, length);
    digits[length] = '\0';
    *text += length + ((*text)[length] == 'x');
    return sscam_parse_int(digits, side) && *side >= 1 && *side <= INT32_MAX;
}

int32_t sscam_parse_grid(const char *text, sscam_layout_hint *hint)
{
    int64_t sides[3];
    int32_t count = 0;
    hint->grid_depth = hint->grid_height = hint->grid_width = 0;
    if (*text == '\0')
        return 1;
    do {
        if (count == 3 || !parse_side(&text, &sides[count++]))
            return 0;
    } while (*text != '\0');
    if (count < 2 || text[-1] == 'x')
        return 0;
    hint->grid_depth = count == 3 ? sides[0] : 0;
    hint->grid_height = sides[count - 2];
    hint->grid_width = sides[count - 1];
    return 1;
}
