/* Registers the backends of the library: the only file of the core that knows of the shim. */
#include "../../shim/engine/torch_backend.h"
#include "model/backend.h"

const sscam_backend *sscam_backend_default(void)
{
    return sscam_torch_backend();
}
