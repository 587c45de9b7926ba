/* The struct behind sscam_model: a backend's network, shared by reference counting. */
#ifndef SSCAM_LIB_MODEL_MODEL_PRIVATE_H
#define SSCAM_LIB_MODEL_MODEL_PRIVATE_H

#include "base/reference_count.h"
#include "model/backend.h"
#include "sscam/model.h"

struct sscam_model {
    sscam_reference_count references;
    const sscam_backend *backend;
    void *network;
};

/* Reads a shape of `rank` numbers. SSCAM_E_ARGUMENT unless it is usable and its size does not
 * overflow. */
sscam_status sscam_read_shape(const int64_t *numbers, int32_t rank, sscam_shape *out);

/* SSCAM_OK when all values are finite; else SSCAM_E_ARGUMENT, whose message names the coordinates
 * of the first that is not. */
sscam_status sscam_check_finite(const float *input, const sscam_shape *shape);

#endif
