/* Connects the core with the shim: the only file of lib/ that includes one of its headers. */
#include "../../shim/engine/torch_backend.h"
#include "model/backend.h"

const sscam_backend *sscam_backend_default(void)
{
    return sscam_torch_backend();
}
