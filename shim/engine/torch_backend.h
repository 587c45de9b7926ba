/* What lib/ sees of the shim. */
#ifndef SSCAM_SHIM_ENGINE_TORCH_BACKEND_H
#define SSCAM_SHIM_ENGINE_TORCH_BACKEND_H

#include "model/backend.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Runs TorchScript networks. Static. */
const sscam_backend *sscam_torch_backend(void);

#ifdef __cplusplus
}
#endif

#endif
