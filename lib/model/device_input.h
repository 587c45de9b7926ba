/* A network's input in the memory of its device: the public struct read, the values held by the
 * backend, and copied to the host where the core computes with them itself. */
#ifndef SSCAM_LIB_MODEL_DEVICE_INPUT_H
#define SSCAM_LIB_MODEL_DEVICE_INPUT_H

#include "base/shape.h"
#include "model/input_array.h"
#include "model/model_private.h"
#include "sscam/cuda.h"

typedef struct sscam_device_input {
    const char *name;       /* in messages: "input" */
    sscam_cuda_array array; /* as [N,C,sides], by the numbers below where it was given otherwise */
    int64_t numbers[SSCAM_MOST_RANK], strides[SSCAM_MOST_RANK];
    sscam_shape shape;
    const sscam_model *model; /* whose backend holds the values; NULL: none does */
    const float *values; /* address on the device, which the core passes on and does not read */
    float *host;         /* a copy; malloc'ed when it is first needed */
} sscam_device_input;

/* Reads what describes the elements. As sscam_input_open_as(); where the network takes whole
 * numbers they must be such. The struct must stay where it is. */
sscam_status sscam_device_input_open(const sscam_cuda_array *array,
                                     const sscam_input_description *wanted, const char *name,
                                     const char *function, sscam_device_input *out);

/* Has the model's backend hold the values until sscam_device_input_close(). SSCAM_E_UNSUPPORTED for
 * a backend that takes none; SSCAM_E_ARGUMENT for values that are not finite; and what the backend
 * refuses. */
sscam_status sscam_device_input_load(sscam_device_input *input, const sscam_model *model,
                                     const char *function);

/* The values of an input in memory of the host: `values` itself, unless it lies within the input of
 * the device, which is copied once. `input` NULL: there is none. Not for several threads. */
sscam_status sscam_host_values(sscam_device_input *input, const float *values, const float **out);

/* Ends the holding, when the device has finished reading, and frees the copy. */
void sscam_device_input_close(sscam_device_input *input);

#endif
