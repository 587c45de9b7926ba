/* Engines of the host as a backend. */
#ifndef SSCAM_LIB_ENGINE_HOST_ENGINE_H
#define SSCAM_LIB_ENGINE_HOST_ENGINE_H

#include "model/backend.h"
#include "sscam/engine.h"

/* The backend of models that were made of engines. It has no functions load and build_info. */
const sscam_backend *sscam_engine_backend(void);

/* Makes a network of that backend; as sscam_model_create_from_engine(). */
sscam_status sscam_engine_network_create(const sscam_engine *engine, void **network);

#endif
