#include "model/other_inputs.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "base/public_struct.h"

/* --- reading ---------------------------------------------------------------------------------- */

static int64_t size_of(int32_t element_type)
{
    switch (element_type) {
    case SSCAM_ELEMENT_FLOAT32: return sizeof(float);
    case SSCAM_ELEMENT_FLOAT64: return sizeof(double);
    case SSCAM_ELEMENT_UINT8:
    case SSCAM_ELEMENT_BOOL: return 1;
    case SSCAM_ELEMENT_INT64: return sizeof(int64_t);
    default: return 0;
    }
}

/* The number of elements, whose addresses do not overflow. `what` begins messages. */
static sscam_status check_shape(const sscam_array *array, const char *what, int64_t *count)
{
    int64_t reach = 0;
    *count = 1;
    for (int32_t i = 0; i < array->rank; i++) {
        int64_t distance, stride = array->strides ? array->strides[i] : 0;
        if (array->shape[i] < 1)
            return sscam_fail(SSCAM_E_ARGUMENT,
                              "%s: side %" PRId32 " is %" PRId64 ", not at least 1", what, i,
                              array->shape[i]);
        *count = sscam_times(*count, array->shape[i]);
        if (*count == SSCAM_TOO_MANY || *count > INT64_C(1) << 40)
            return sscam_fail(SSCAM_E_ARGUMENT, "%s: its shape is too large", what);
        if (stride == INT64_MIN ||
            __builtin_mul_overflow(array->shape[i] - 1, stride < 0 ? -stride : stride, &distance) ||
            __builtin_add_overflow(reach, distance, &reach) ||
            reach > PTRDIFF_MAX / (int64_t)sizeof(double))
            return sscam_fail(SSCAM_E_ARGUMENT, "%s: a stride leaves the address space", what);
    }
    return SSCAM_OK;
}

static sscam_status read_array(const sscam_array *given, const char *what, sscam_array *array,
                               int64_t *count)
{
    sscam_status status = sscam_public_struct_read(given, array, sizeof *array, sizeof *array,
                                                   what);
    if (status != SSCAM_OK)
        return status;
    if (array->rank < 0 || array->rank > SSCAM_OTHER_INPUT_MAX_RANK)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: rank is %" PRId32 ", not 0 to %d", what,
                          array->rank, SSCAM_OTHER_INPUT_MAX_RANK);
    if (!array->data || (array->rank > 0 && !array->shape))
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: %s is NULL", what,
                          !array->data ? "data" : "shape");
    if (size_of(array->element_type) == 0)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "%s: element_type is %" PRId32
                          ", not that of float32, float64, uint8, int64 or bool",
                          what, array->element_type);
    return check_shape(array, what, count);
}

/* --- copying ---------------------------------------------------------------------------------- */

/* Address of the element of a row-major number. */
static const char *element_at(const sscam_array *array, int64_t number)
{
    const int64_t size = size_of(array->element_type);
    int64_t offset = number;
    if (array->strides) {
        offset = 0;
        for (int32_t i = array->rank - 1; i >= 0; i--) {
            offset += number % array->shape[i] * array->strides[i];
            number /= array->shape[i];
        }
    }
    return (const char *)array->data + offset * size;
}

/* The elements need not be aligned. */
static sscam_status copy_element(const sscam_array *array, int64_t number, const char *what,
                                 char *values)
{
    const char *from = element_at(array, number);
    float single = 0.0f;
    double real;
    switch (array->element_type) {
    case SSCAM_ELEMENT_BOOL: values[number] = *from != 0; return SSCAM_OK;
    case SSCAM_ELEMENT_UINT8: values[number] = *from; return SSCAM_OK;
    case SSCAM_ELEMENT_INT64: memcpy(values + number * 8, from, 8); return SSCAM_OK;
    case SSCAM_ELEMENT_FLOAT64:
        memcpy(&real, from, sizeof real);
        single = (float)real;
        break;
    default: memcpy(&single, from, sizeof single); break;
    }
    memcpy(values + number * (int64_t)sizeof single, &single, sizeof single);
    return isfinite(single)
               ? SSCAM_OK
               : sscam_fail(SSCAM_E_ARGUMENT,
                            "%s: element %" PRId64 " is NaN, infinity or beyond float32", what,
                            number);
}

static void release_item(sscam_other_input *item)
{
    free(item->name);
    free(item->values);
    *item = (sscam_other_input){0};
}

static sscam_status copy_array(const sscam_array *given, const char *name, const char *function,
                               sscam_other_input *out)
{
    char what[160];
    sscam_array array;
    int64_t count = 0;
    snprintf(what, sizeof what, "%s: input \"%.64s\"", function, name);
    sscam_status status = read_array(given, what, &array, &count);
    if (status != SSCAM_OK)
        return status;
    const bool is_real = array.element_type == SSCAM_ELEMENT_FLOAT64;
    const int32_t type = is_real ? SSCAM_ELEMENT_FLOAT32 : array.element_type;
    *out = (sscam_other_input){.name = strdup(name),
                               .values = sscam_allocate_array(count, (size_t)size_of(type)),
                               .bytes = (size_t)(count * size_of(type)),
                               .element_type = type,
                               .rank = array.rank};
    if (!out->name || !out->values)
        status = sscam_fail_memory("an input of the network");
    for (int32_t i = 0; i < array.rank; i++)
        out->shape[i] = array.shape[i];
    for (int64_t i = 0; i < count && status == SSCAM_OK; i++)
        status = copy_element(&array, i, what, out->values);
    if (status != SSCAM_OK)
        release_item(out);
    return status;
}

/* --- lists ------------------------------------------------------------------------------------ */

static int64_t position_of(const sscam_other_inputs *inputs, const char *name)
{
    int64_t i = 0;
    while (i < inputs->count && strcmp(inputs->items[i].name, name) != 0)
        i++;
    return i;
}

static void remove_at(sscam_other_inputs *inputs, int64_t position)
{
    release_item(&inputs->items[position]);
    inputs->count--;
    memmove(inputs->items + position, inputs->items + position + 1,
            (size_t)(inputs->count - position) * sizeof *inputs->items);
}

static sscam_status add(sscam_other_inputs *inputs, const sscam_other_input *item)
{
    sscam_other_input *items = realloc(inputs->items, (size_t)(inputs->count + 1) * sizeof *items);
    if (!items)
        return sscam_fail_memory("an input of the network");
    inputs->items = items;
    items[inputs->count++] = *item;
    return SSCAM_OK;
}

sscam_status sscam_other_inputs_set(sscam_other_inputs *inputs, const char *name,
                                    const sscam_array *array, const char *function)
{
    const int64_t position = position_of(inputs, name);
    sscam_other_input item = {0};
    if (!array) {
        if (position < inputs->count)
            remove_at(inputs, position);
        return SSCAM_OK;
    }
    sscam_status status = copy_array(array, name, function, &item);
    if (status != SSCAM_OK)
        return status;
    if (position < inputs->count) {
        release_item(&inputs->items[position]);
        inputs->items[position] = item;
        return SSCAM_OK;
    }
    status = add(inputs, &item);
    if (status != SSCAM_OK)
        release_item(&item);
    return status;
}

sscam_status sscam_other_inputs_copy(const sscam_other_inputs *from, sscam_other_inputs *to)
{
    sscam_status status = SSCAM_OK;
    for (int64_t i = 0; i < from->count && status == SSCAM_OK; i++) {
        const sscam_other_input *item = &from->items[i];
        const sscam_array array = {.struct_size = sizeof array,
                                   .data = item->values,
                                   .shape = item->shape,
                                   .rank = item->rank,
                                   .element_type = item->element_type};
        status = sscam_other_inputs_set(to, item->name, &array, "inputs");
    }
    if (status != SSCAM_OK)
        sscam_other_inputs_release(to);
    return status;
}

static bool is_same(const sscam_other_input *a, const sscam_other_input *b)
{
    return strcmp(a->name, b->name) == 0 && a->element_type == b->element_type &&
           a->rank == b->rank &&
           memcmp(a->shape, b->shape, (size_t)a->rank * sizeof *a->shape) == 0 &&
           memcmp(a->values, b->values, a->bytes) == 0;
}

int32_t sscam_other_inputs_are_same(const sscam_other_inputs *a, const sscam_other_inputs *b)
{
    if (a->count != b->count)
        return 0;
    for (int64_t i = 0; i < a->count; i++) {
        const int64_t position = position_of(b, a->items[i].name);
        if (position == b->count || !is_same(&a->items[i], &b->items[position]))
            return 0;
    }
    return 1;
}

void sscam_other_inputs_release(sscam_other_inputs *inputs)
{
    for (int64_t i = 0; i < inputs->count; i++)
        release_item(&inputs->items[i]);
    free(inputs->items);
    *inputs = (sscam_other_inputs){0};
}
