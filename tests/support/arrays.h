/* Arrays of float32 as the library takes them. */
#ifndef SSCAM_TESTS_SUPPORT_ARRAYS_H
#define SSCAM_TESTS_SUPPORT_ARRAYS_H

#include "sscam/array.h"

/* Row-major float32 values, as an argument of a call. */
#define ARRAY(values, numbers, dimensions)                    \
    (&(const sscam_array){.struct_size = sizeof(sscam_array), \
                          .data = (values),                   \
                          .shape = (numbers),                 \
                          .rank = (dimensions),               \
                          .element_type = SSCAM_ELEMENT_FLOAT32})

#endif
