/* The inputs of a network besides the one that is explained, as the host gave them. */
#ifndef SSCAM_LIB_MODEL_OTHER_INPUTS_H
#define SSCAM_LIB_MODEL_OTHER_INPUTS_H

#include <stddef.h>
#include <stdint.h>

#include "sscam/array.h"
#include "sscam/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SSCAM_OTHER_INPUT_MAX_RANK = 8 };

/* One of them; values are row-major without gaps. */
typedef struct sscam_other_input {
    char *name; /* malloc'ed, like the values */
    void *values;
    size_t bytes;
    int32_t element_type; /* SSCAM_ELEMENT_; float64 has become float32 */
    int32_t rank;         /* 0: a number */
    int64_t shape[SSCAM_OTHER_INPUT_MAX_RANK];
} sscam_other_input;

typedef struct sscam_other_inputs {
    sscam_other_input *items; /* malloc'ed, of different names */
    int64_t count;
} sscam_other_inputs;

/* Adds a copy of an array, in place of the one of that name if there is one; NULL removes that.
 * `function` is named in messages. SSCAM_E_ARGUMENT, without a change, for an array that cannot be
 * used. */
sscam_status sscam_other_inputs_set(sscam_other_inputs *inputs, const char *name,
                                    const sscam_array *array, const char *function);

/* Sets copies of all that `from` has. On failure `to` is empty. */
sscam_status sscam_other_inputs_copy(const sscam_other_inputs *from, sscam_other_inputs *to);

/* Whether both have the same names and values. */
int32_t sscam_other_inputs_are_same(const sscam_other_inputs *a, const sscam_other_inputs *b);

void sscam_other_inputs_release(sscam_other_inputs *inputs);

#ifdef __cplusplus
}
#endif

#endif
