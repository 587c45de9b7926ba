/* A network's input, read from an array of the host's. */
#ifndef SSCAM_LIB_MODEL_INPUT_ARRAY_H
#define SSCAM_LIB_MODEL_INPUT_ARRAY_H

#include "base/shape.h"
#include "sscam/array.h"
#include "sscam/status.h"

typedef struct sscam_input {
    sscam_array array; /* as the caller gave it */
    sscam_shape shape;
    const float *values; /* [shape], row-major: the caller's own where they are so, else `copy` */
    float *copy;         /* malloc'ed, or NULL */
} sscam_input;

/* Reads a shape of `rank` numbers. SSCAM_E_ARGUMENT unless it is usable and its size does not
 * overflow. */
sscam_status sscam_read_shape(const int64_t *numbers, int32_t rank, sscam_shape *out);

/* Reads what describes the elements, but not the elements. `function` is named in messages.
 * SSCAM_E_ARGUMENT for a struct or a shape that is unusable. */
sscam_status sscam_input_open(const sscam_array *array, const char *function, sscam_input *out);

/* Reads the elements: contiguous float32 in place, others into a copy. SSCAM_E_ARGUMENT for a type
 * that is no input's, strides that leave the address space, and for a value that is not finite as
 * float32, whose coordinates the message names. */
sscam_status sscam_input_load(sscam_input *input, const char *function);

/* Frees the copy. */
void sscam_input_close(sscam_input *input);

#endif
