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

sscam_status sscam_input_open(const sscam_array *array, const char *name, const char *function,
                              sscam_input *out)
{
    *out = (sscam_input){.name = name};
    char what[96];
    snprintf(what, sizeof what, "%s: %s", function, name);
    sscam_status status = sscam_public_struct_read(array, &out->array, sizeof out->array,
                                                   sizeof out->array, what);
    if (status == SSCAM_OK && !out->array.shape)
        status = sscam_fail(SSCAM_E_ARGUMENT, "%s: %s: shape is NULL", function, name);
    if (status == SSCAM_OK)
        status = sscam_read_shape(out->array.shape, out->array.rank, name, &out->shape);
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
    switch (element_type) {
    case SSCAM_ELEMENT_FLOAT32: memcpy(&single, from, sizeof single); return (double)single;
    case SSCAM_ELEMENT_FLOAT64: memcpy(&number, from, sizeof number); return number;
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

/* Tests bits, in a loop without an exit, so that compilers vectorise it. */
static int32_t all_are_finite(const float *values, int64_t count)
{
    const uint32_t exponent = 0x7F800000u;
    uint32_t others = 0;
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        others |= (bits & exponent) == exponent;
    }
    return others == 0;
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
    if (all_are_finite(input->values, size))
        return SSCAM_OK;
    int64_t first = 0;
    while (isfinite(input->values[first]))
        first++;
    const int64_t width = elements->lengths[SSCAM_MOST_RANK - 1];
    const char *at = row_at(elements, first / width) +
                     first % width * elements->strides[SSCAM_MOST_RANK - 1];
    return fail_not_finite(input, element_at(at, input->array.element_type), first);
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
    if (size_of(array->element_type) == 0)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "%s: %s: element_type is %" PRId32
                          ", not that of float32, float64 or uint8",
                          function, input->name, array->element_type);
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
    return check_finite(input, &elements);
}

void sscam_input_close(sscam_input *input)
{
    free(input->copy);
    input->copy = NULL;
}
