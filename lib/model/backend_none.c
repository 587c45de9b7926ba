/* The backend of a library without libtorch: it reads no network files. Models are made of engines
 * of the host, which have a backend of their own. */
#include "base/error.h"
#include "model/backend.h"

static const char *build_info(void)
{
    return "libtorch: none";
}

static sscam_status load(const sscam_byte_source *source, const char *device, void **network)
{
    (void)device;
    (void)network;
    return sscam_fail(SSCAM_E_UNSUPPORTED,
                      "%s: this libsscam was built without libtorch, which reads network files "
                      "(-Dlibtorch=enabled); run the network in an engine and use "
                      "sscam_model_create_from_engine()",
                      source->name);
}

const sscam_backend *sscam_backend_default(void)
{
    static const sscam_backend backend = {.build_info = build_info, .load = load};
    return &backend;
}
