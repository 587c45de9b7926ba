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

#endif
