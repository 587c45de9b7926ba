#include "model/input_array.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "base/public_struct.h"
#include "base/shape_text.h"
#include "math/min_max.h"

/* --- shapes ----------------------------------------------------------------------------------- */

static sscam_status check_numbers(const int64_t *numbers, int32_t rank, const char *name)
{
    static const char *const names[] = {"NCW", "NCHW", "NCDHW"};
    const int64_t largest = INT64_C(1) << 40; /* floats; products below stay within 64 bits */
    int64_t size = 1;
    for (int32_t i = 0; i < rank; i++) {
        char text[SSCAM_SHAPE_TEXT_SIZE];
        if (numbers[i] < 1)
            return sscam_fail(SSCAM_E_ARGUMENT, "%s shape: %c is %" PRId64 ", not at least 1", name,
                              names[rank - SSCAM_LEAST_RANK][i], numbers[i]);
        if (numbers[i] > largest / size)
            return sscam_fail(SSCAM_E_ARGUMENT, "%s shape %s is too large", name,
                              sscam_shape_text(numbers, rank, text));
        size *= numbers[i];
    }
    return SSCAM_OK;
}

sscam_status sscam_read_shape(const int64_t *numbers, int32_t rank, const char *name,
                              sscam_shape *out)
{
    if (rank < SSCAM_LEAST_RANK || rank > SSCAM_MOST_RANK)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "%s rank: %" PRId32 ", not 3 ([N,C,W]), 4 ([N,C,H,W]) or 5 ([N,C,D,H,W])",
                          name, rank);
    sscam_status status = check_numbers(numbers, rank, name);
    if (status != SSCAM_OK)
        return status;
    *out = (sscam_shape){rank, numbers[0], numbers[1], .sides = {1, 1, numbers[rank - 1]}};
    if (rank > SSCAM_LEAST_RANK)
        out->sides.height = numbers[rank - 2];
    if (rank == SSCAM_MOST_RANK)
        out->sides.depth = numbers[2];
    return SSCAM_OK;
}

/* Reads the struct. */
static sscam_status open_array(const sscam_array *array, const char *name, const char *function,
                               sscam_input *out)
{
    *out = (sscam_input){.name = name};
    char what[96];
    snprintf(what, sizeof what, "%s: %s", function, name);
    sscam_status status = sscam_public_struct_read(array, &out->array, sizeof out->array,
                                                   sizeof out->array, what);
    if (status == SSCAM_OK && !out->array.shape)
        status = sscam_fail(SSCAM_E_ARGUMENT, "%s: %s: shape is NULL", function, name);
    return status;
}

sscam_status sscam_input_open(const sscam_array *array, const char *name, const char *function,
                              sscam_input *out)
{
    sscam_status status = open_array(array, name, function, out);
    if (status == SSCAM_OK)
        status = sscam_read_shape(out->array.shape, out->array.rank, name, &out->shape);
    return status;
}

/* --- orders of axes --------------------------------------------------------------------------- */

enum { AXES = 5 };
static const char canonical_axes[] = "ncdhw";

/* Position of an axis in an array that may lack the n that the layout has; -1: the array has no
 * such axis, or a layout that is plain and unknown. */
static int32_t position_of(const sscam_input_layout *layout, char axis, int32_t rank)
{
    const int32_t missing = (int32_t)strlen(layout->axes) - rank,
                  batch = missing > 0 ? sscam_input_layout_find(layout, 'n') : -1,
                  found = sscam_input_layout_find(layout, axis);
    if (found < 0 || found == batch)
        return -1;
    return batch >= 0 && found > batch ? found - 1 : found;
}

static int32_t fits_rank(const sscam_input_layout *layout, int32_t rank)
{
    if (rank < 1 || rank > SSCAM_MOST_RANK)
        return 0;
    const int32_t missing = (int32_t)strlen(layout->axes) - rank;
    return missing == 0 || (missing == 1 && sscam_input_layout_find(layout, 'n') >= 0);
}

static int32_t has_channels(const int64_t *numbers, int32_t rank, const sscam_input_layout *layout,
                            int64_t channels)
{
    const int32_t channel = position_of(layout, 'c', rank);
    return channels == 0 || channel < 0 || numbers[channel] == channels;
}

/* The order of an array's axes: the network's own, or [N,C,sides] where its channels are there
 * alone; unknown where it fits neither. */
static sscam_input_layout layout_of(const int64_t *numbers, int32_t rank,
                                    const sscam_input_description *wanted)
{
    static const sscam_input_layout plain[] = {{"ncw"}, {"nchw"}, {"ncdhw"}}, unknown = {""};
    const sscam_input_layout *own = &wanted->layout,
                             *usual = &plain[sscam_input_layout_rank(own) - SSCAM_LEAST_RANK];
    const int32_t fits = fits_rank(own, rank);
    if (fits && has_channels(numbers, rank, own, wanted->channels))
        return *own;
    if (fits_rank(usual, rank) && has_channels(numbers, rank, usual, wanted->channels))
        return *usual;
    return fits ? *own : unknown;
}

/* "[N,H,W,C]" */
static const char *layout_words(const sscam_input_layout *layout,
                                char text[2 * SSCAM_AXES_SIZE + 2])
{
    const char *letters = sscam_input_layout_text(layout);
    char *to = text;
    *to++ = '[';
    for (const char *letter = letters; *letter; letter++) {
        *to++ = (char)(*letter - 'a' + 'A');
        *to++ = letter[1] ? ',' : ']';
    }
    *to = '\0';
    return text;
}

static sscam_status fail_layout(const int64_t *numbers, int32_t rank,
                                const sscam_input_layout *layout, const char *name)
{
    char words[2 * SSCAM_AXES_SIZE + 2], text[SSCAM_SHAPE_TEXT_SIZE];
    return sscam_fail(SSCAM_E_ARGUMENT,
                      "%s shape %s: the network takes %s; the option input_layout says in which "
                      "order it takes axes",
                      name,
                      rank >= 1 && rank <= SSCAM_MOST_RANK ? sscam_shape_text(numbers, rank, text)
                                                           : "of another rank",
                      layout_words(layout, words));
}

/* For each axis of [N,C,sides] where it is in the array; -1: nowhere, and its length is 1. */
static int32_t plan_axes(const sscam_input_layout *layout, int32_t rank, int32_t positions[AXES])
{
    const int32_t canonical = sscam_input_layout_rank(layout);
    int32_t count = 0;
    for (int32_t i = 0; i < AXES; i++)
        if (i < 2 || i >= AXES + 2 - canonical)
            positions[count++] = position_of(layout, canonical_axes[i], rank);
    return canonical;
}

/* Whether [N,H,W,C] is much more likely than [N,C,H,W]. */
static int32_t looks_channels_last(const int64_t *numbers, int32_t rank)
{
    enum { LEAST_SIDE = 16 };
    return rank == SSCAM_IMAGE_RANK && numbers[1] >= LEAST_SIDE && numbers[2] >= LEAST_SIDE &&
           (numbers[3] == 1 || numbers[3] == 3 || numbers[3] == 4);
}

static sscam_status fail_channels_last(const int64_t *numbers, int32_t rank, const char *name)
{
    char text[SSCAM_SHAPE_TEXT_SIZE];
    return sscam_fail(SSCAM_E_ARGUMENT,
                      "%s shape %s: it looks like [N,H,W,C], and the network does not tell which "
                      "order it takes; say so by the option input_layout, nhwc or nchw",
                      name, sscam_shape_text(numbers, rank, text));
}

/* Reads a shape and tells the order of its axes: unknown for [N,C,sides] of any rank. */
static sscam_status read_in_order(const int64_t *numbers, int32_t rank,
                                  const sscam_input_description *wanted, const char *name,
                                  sscam_shape *out, sscam_input_layout *order)
{
    int32_t positions[AXES];
    int64_t canonical[AXES];
    *order = (sscam_input_layout){""};
    if (wanted->layout.axes[0])
        *order = layout_of(numbers, rank, wanted);
    if (!order->axes[0] && !sscam_input_layout_is_plain(&wanted->layout))
        return fail_layout(numbers, rank, &wanted->layout, name);
    if (!wanted->layout.axes[0] && wanted->channels == 0 && looks_channels_last(numbers, rank))
        return fail_channels_last(numbers, rank, name);
    if (!order->axes[0])
        return sscam_read_shape(numbers, rank, name, out);
    const int32_t count = plan_axes(order, rank, positions);
    for (int32_t i = 0; i < count; i++)
        canonical[i] = positions[i] < 0 ? 1 : numbers[positions[i]];
    return sscam_read_shape(canonical, count, name, out);
}

sscam_status sscam_read_shape_as(const int64_t *numbers, int32_t rank,
                                 const sscam_input_description *wanted, const char *name,
                                 sscam_shape *out)
{
    sscam_input_layout order;
    return read_in_order(numbers, rank, wanted, name, out, &order);
}

/* Strides of an array that is row-major without gaps, whose size has been checked. */
static void write_strides(const sscam_array *array, int64_t strides[SSCAM_MOST_RANK])
{
    int64_t stride = 1;
    for (int32_t i = array->rank - 1; i >= 0; i--) {
        strides[i] = array->strides ? array->strides[i] : stride;
        stride *= array->shape[i];
    }
}

/* Describes the array as [N,C,sides]. Its size has been checked. */
static void put_in_order(sscam_input *input, const sscam_input_layout *layout)
{
    int32_t positions[AXES];
    int64_t strides[SSCAM_MOST_RANK];
    const int32_t count = plan_axes(layout, input->array.rank, positions);
    write_strides(&input->array, strides);
    for (int32_t i = 0; i < count; i++)
        input->strides[i] = positions[i] < 0 ? 0 : strides[positions[i]];
    sscam_shape_write(&input->shape, input->numbers);
    input->array.shape = input->numbers;
    input->array.strides = input->strides;
    input->array.rank = count;
}

sscam_status sscam_input_open_as(const sscam_array *array, const sscam_input_description *wanted,
                                 const char *name, const char *function, sscam_input *out)
{
    sscam_status status = open_array(array, name, function, out);
    sscam_input_layout order = {""};
    if (status == SSCAM_OK)
        status = read_in_order(out->array.shape, out->array.rank, wanted, name, &out->shape,
                               &order);
    out->type = wanted->type;
    out->may_be_int64 = 1;
    const int32_t is_as_kept = sscam_input_layout_is_plain(&order) &&
                               out->array.rank == out->shape.rank;
    if (status == SSCAM_OK && !is_as_kept)
        put_in_order(out, &order);
    return status;
}

/* --- strides ---------------------------------------------------------------------------------- */

/* An array of fewer dimensions has outer ones of length 1. Strides are in bytes. */
typedef struct walk {
    int64_t lengths[SSCAM_MOST_RANK], strides[SSCAM_MOST_RANK];
    const char *data;
} walk;

static int64_t size_of(int32_t element_type)
{
    switch (element_type) {
    case SSCAM_ELEMENT_FLOAT32: return sizeof(float);
    case SSCAM_ELEMENT_FLOAT64: return sizeof(double);
    case SSCAM_ELEMENT_UINT8: return 1;
    case SSCAM_ELEMENT_INT64: return sizeof(int64_t);
    default: return 0;
    }
}

/* The distance in bytes between the first and the last element along a dimension, added to *reach;
 * false where it overflows. */
static int32_t add_reach(int64_t length, int64_t stride, int64_t *reach)
{
    int64_t distance;
    if (stride == INT64_MIN)
        return 0;
    return !__builtin_mul_overflow(length - 1, stride < 0 ? -stride : stride, &distance) &&
           !__builtin_add_overflow(*reach, distance, reach) && *reach <= PTRDIFF_MAX;
}

static sscam_status plan_walk(const sscam_array *array, const char *name, walk *out)
{
    const int64_t element = size_of(array->element_type);
    int64_t row_major = element, reach = 0;
    out->data = array->data;
    for (int32_t i = 0; i < SSCAM_MOST_RANK; i++)
        out->lengths[i] = 1, out->strides[i] = 0;
    for (int32_t i = array->rank - 1, to = SSCAM_MOST_RANK - 1; i >= 0; i--, to--) {
        const int64_t length = array->shape[i];
        int64_t stride = row_major;
        if (array->strides && __builtin_mul_overflow(array->strides[i], element, &stride))
            stride = INT64_MIN;
        if (length > 1 && !add_reach(length, stride, &reach))
            return sscam_fail(SSCAM_E_ARGUMENT,
                              "%s: a stride of %" PRId64 " along %" PRId64
                              " elements leaves the address space",
                              name, array->strides ? array->strides[i] : stride / element, length);
        out->lengths[to] = length;
        out->strides[to] = length > 1 ? stride : 0;
        row_major = sscam_times(row_major, length);
    }
    return SSCAM_OK;
}

static int32_t is_row_major(const walk *elements, int64_t element_size)
{
    int64_t expected = element_size;
    for (int32_t i = SSCAM_MOST_RANK - 1; i >= 0; i--) {
        if (elements->lengths[i] > 1 && elements->strides[i] != expected)
            return 0;
        expected *= elements->lengths[i];
    }
    return 1;
}

/* The row, along the last dimension, of a row-major number. */
static const char *row_at(const walk *elements, int64_t row)
{
    const char *at = elements->data;
    for (int32_t i = SSCAM_MOST_RANK - 2; i >= 0; i--) {
        at += row % elements->lengths[i] * elements->strides[i];
        row /= elements->lengths[i];
    }
    return at;
}

/* --- elements --------------------------------------------------------------------------------- */

/* By memcpy(), since the host's elements need not be aligned. */
static double element_at(const char *from, int32_t element_type)
{
    float single;
    double number;
    int64_t whole;
    switch (element_type) {
    case SSCAM_ELEMENT_FLOAT32: memcpy(&single, from, sizeof single); return (double)single;
    case SSCAM_ELEMENT_FLOAT64: memcpy(&number, from, sizeof number); return number;
    case SSCAM_ELEMENT_INT64: memcpy(&whole, from, sizeof whole); return (double)whole;
    default: return (double)*(const unsigned char *)from;
    }
}

static void copy_elements(const walk *elements, int32_t element_type, float *to)
{
    const int64_t width = elements->lengths[SSCAM_MOST_RANK - 1],
                  stride = elements->strides[SSCAM_MOST_RANK - 1];
    int64_t rows = 1;
    for (int32_t i = 0; i < SSCAM_MOST_RANK - 1; i++)
        rows *= elements->lengths[i];
    for (int64_t row = 0; row < rows; row++) {
        const char *from = row_at(elements, row);
        for (int64_t x = 0; x < width; x++)
            *to++ = (float)element_at(from + x * stride, element_type);
    }
}

/* The message names the value's coordinates, as many as the input has. */
static sscam_status fail_not_finite(const sscam_input *input, double value, int64_t at)
{
    const sscam_shape *shape = &input->shape;
    const sscam_sides sides = shape->sides;
    const int64_t positions = sscam_position_count(sides), position = at % positions;
    char what[48], where[64] = "";
    int length = 0;
    snprintf(what, sizeof what, "%g, beyond the range of float32,", value);
    if (shape->rank == SSCAM_MOST_RANK)
        length = snprintf(where, sizeof where, ", slice %" PRId64,
                          position / (sides.height * sides.width));
    if (shape->rank > SSCAM_LEAST_RANK)
        snprintf(where + length, sizeof where - (size_t)length, ", row %" PRId64,
                 position / sides.width % sides.height);
    return sscam_fail(SSCAM_E_ARGUMENT,
                      "%s: %s at image %" PRId64 ", channel %" PRId64 "%s, column %" PRId64,
                      input->name,
                      isnan(value)   ? "NaN"
                      : isinf(value) ? "infinity"
                                     : what,
                      at / positions / shape->channels, at / positions % shape->channels, where,
                      position % sides.width);
}

static sscam_status check_finite(const sscam_input *input, const walk *elements)
{
    const int64_t size = input->shape.images * sscam_input_size(&input->shape);
    if (sscam_all_are_finite(input->values, size))
        return SSCAM_OK;
    int64_t first = 0;
    while (isfinite(input->values[first]))
        first++;
    const int64_t width = elements->lengths[SSCAM_MOST_RANK - 1];
    const char *at = row_at(elements, first / width) +
                     first % width * elements->strides[SSCAM_MOST_RANK - 1];
    return fail_not_finite(input, element_at(at, input->array.element_type), first);
}

/* The network would be given other values than the caller's. */
static sscam_status check_type(const sscam_input *input)
{
    const int64_t size = input->shape.images * sscam_input_size(&input->shape);
    if (!sscam_input_type_is_whole(input->type))
        return SSCAM_OK;
    const float least = input->type == SSCAM_INPUT_TYPE_UINT8 ? 0.0f : -16777216.0f,
                most = input->type == SSCAM_INPUT_TYPE_UINT8 ? 255.0f : 16777216.0f;
    for (int64_t i = 0; i < size; i++)
        if (input->values[i] < least || input->values[i] > most ||
            input->values[i] != rintf(input->values[i]))
            return sscam_fail(
                SSCAM_E_ARGUMENT,
                "%s: the network takes %s, whole numbers from %.0f to %.0f, and %g is "
                "none; the option input_type says which type it takes",
                input->name, sscam_input_type_choices[input->type], (double)least, (double)most,
                (double)input->values[i]);
    return SSCAM_OK;
}

static int32_t is_usable_in_place(const sscam_array *array, const walk *elements)
{
    return array->element_type == SSCAM_ELEMENT_FLOAT32 &&
           (uintptr_t)array->data % _Alignof(float) == 0 && is_row_major(elements, sizeof(float));
}

static sscam_status plan_elements(const sscam_input *input, const char *function, walk *out)
{
    const sscam_array *array = &input->array;
    if (!array->data)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: %s: data is NULL", function, input->name);
    if (size_of(array->element_type) == 0 ||
        (array->element_type == SSCAM_ELEMENT_INT64 && !input->may_be_int64))
        return sscam_fail(
            SSCAM_E_ARGUMENT,
            "%s: %s: element_type is %" PRId32 ", not that of float32, float64%s uint8%s", function,
            input->name, array->element_type, input->may_be_int64 ? "," : " or",
            input->may_be_int64 ? " or int64" : "");
    return plan_walk(array, input->name, out);
}

sscam_status sscam_input_check_elements(const sscam_input *input, const char *function)
{
    walk elements;
    return plan_elements(input, function, &elements);
}

sscam_status sscam_input_load(sscam_input *input, const char *function)
{
    const sscam_array *array = &input->array;
    walk elements = {.data = NULL};
    sscam_status status = plan_elements(input, function, &elements);
    if (status != SSCAM_OK)
        return status;
    input->values = array->data;
    if (!is_usable_in_place(array, &elements)) {
        input->copy = sscam_allocate_array(input->shape.images * sscam_input_size(&input->shape),
                                           sizeof(float));
        if (!input->copy)
            return sscam_fail_memory("the network's input");
        copy_elements(&elements, array->element_type, input->copy);
        input->values = input->copy;
    }
    status = check_finite(input, &elements);
    return status == SSCAM_OK ? check_type(input) : status;
}

void sscam_input_close(sscam_input *input)
{
    free(input->copy);
    input->copy = NULL;
}
