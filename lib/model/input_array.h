/* A network's input, or values shaped like one, read from an array of the host's. */
#ifndef SSCAM_LIB_MODEL_INPUT_ARRAY_H
#define SSCAM_LIB_MODEL_INPUT_ARRAY_H

#include "base/shape.h"
#include "sscam/array.h"
#include "sscam/status.h"

typedef struct sscam_input {
    const char *name;  /* in messages: "input" */
    sscam_array array; /* as the caller gave it */
    sscam_shape shape;
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

/* Reads the elements: contiguous float32 in place, others into a copy. SSCAM_E_ARGUMENT for a type
 * that is no input's, strides that leave the address space, and for a value that is not finite as
 * float32, whose coordinates the message names. */
sscam_status sscam_input_load(sscam_input *input, const char *function);

/* Frees the copy. */
void sscam_input_close(sscam_input *input);

#endif
