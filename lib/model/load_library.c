#include "base/error.h"
#include "model/backend.h"
#include "sscam/runtime.h"

sscam_status sscam_load_library(const char *path)
{
    const sscam_backend *backend = sscam_backend_default();
    if (!path || *path == '\0')
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_load_library: path is %s",
                          path ? "empty" : "NULL");
    if (!backend->load_library)
        return sscam_fail(SSCAM_E_UNSUPPORTED,
                          "%s: this build has no libtorch, whose operators a library could add",
                          path);
    sscam_status status = backend->load_library(path);
    return status == SSCAM_OK ? sscam_succeed() : status;
}
