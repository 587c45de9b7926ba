/* A network's input, or values shaped like one, read from an array of the host's. */
#ifndef SSCAM_LIB_MODEL_INPUT_ARRAY_H
#define SSCAM_LIB_MODEL_INPUT_ARRAY_H

#include "base/shape.h"
#include "model/input_layout.h"
#include "sscam/array.h"
#include "sscam/status.h"

/* How the network of an input takes it. */
typedef struct sscam_input_description {
    sscam_input_layout layout;
    int64_t channels; /* of its inputs; 0: unknown */
    sscam_input_type type;
} sscam_input_description;

typedef struct sscam_input {
    const char *name;  /* in messages: "input" */
    sscam_array array; /* as the caller gave it; then as [N,C,sides], by the numbers below */
    int64_t numbers[SSCAM_MOST_RANK], strides[SSCAM_MOST_RANK];
    sscam_shape shape;
    sscam_input_type type; /* AUTO: elements may be any numbers */
    int32_t may_be_int64;
    const float *values; /* [shape], row-major: the caller's own where they are so, else `copy` */
    float *copy;         /* malloc'ed, or NULL */
} sscam_input;

/* Reads a shape of `rank` numbers, called `name` in messages. SSCAM_E_ARGUMENT unless it is usable
 * and its size does not overflow. */
sscam_status sscam_read_shape(const int64_t *numbers, int32_t rank, const char *name,
                              sscam_shape *out);

/* Reads what describes the elements, but not the elements. `name` and `function` are named in
 * messages. SSCAM_E_ARGUMENT for a struct or a shape that is unusable. */
sscam_status sscam_input_open(const sscam_array *array, const char *name, const char *function,
                              sscam_input *out);

/* Checks what sscam_input_load() does of the description, and reads no element: they may lie in the
 * memory of a device. */
sscam_status sscam_input_check_elements(const sscam_input *input, const char *function);
/* The same for what a network takes in an order of axes of its own, with or without N. The struct
 * must stay where it is. */
sscam_status sscam_input_open_as(const sscam_array *array, const sscam_input_description *wanted,
                                 const char *name, const char *function, sscam_input *out);

/* Reads a shape as [N,C,sides] that is given so or in the network's own order of axes. */
sscam_status sscam_read_shape_as(const int64_t *numbers, int32_t rank,
                                 const sscam_input_description *wanted, const char *name,
                                 sscam_shape *out);

/* Reads the elements: contiguous float32 in place, others into a copy. SSCAM_E_ARGUMENT for a type
 * that is no input's, strides that leave the address space, and for a value that is not finite as
 * float32, whose coordinates the message names, or that the network's type does not have. */
sscam_status sscam_input_load(sscam_input *input, const char *function);

/* Frees the copy. */
void sscam_input_close(sscam_input *input);

#endif
