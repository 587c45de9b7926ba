/* The interface of the shim to lib/. */
#ifndef SSCAM_SHIM_ENGINE_TORCH_BACKEND_H
#define SSCAM_SHIM_ENGINE_TORCH_BACKEND_H

#include "model/backend.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The backend that runs TorchScript networks. Static: not to be freed. */
const sscam_backend *sscam_torch_backend(void);

#ifdef __cplusplus
}
#endif

#endif
