/* The public functions of status.h. The program's own copy of lib/base leaves this file out:
 * sscam_last_error() there is the library's. */
#include "base/error.h"

const char *sscam_last_error(void)
{
    return sscam_error_message();
}

const char *sscam_status_name(sscam_status status)
{
    switch (status) {
    case SSCAM_OK: return "SSCAM_OK";
    case SSCAM_E_ARGUMENT: return "SSCAM_E_ARGUMENT";
    case SSCAM_E_MEMORY: return "SSCAM_E_MEMORY";
    case SSCAM_E_IO: return "SSCAM_E_IO";
    case SSCAM_E_FORMAT: return "SSCAM_E_FORMAT";
    case SSCAM_E_MODEL: return "SSCAM_E_MODEL";
    case SSCAM_E_LAYER: return "SSCAM_E_LAYER";
    case SSCAM_E_CLASS: return "SSCAM_E_CLASS";
    case SSCAM_E_DEVICE: return "SSCAM_E_DEVICE";
    case SSCAM_E_UNSUPPORTED: return "SSCAM_E_UNSUPPORTED";
    case SSCAM_E_CANCELLED: return "SSCAM_E_CANCELLED";
    default: return "SSCAM_E_UNKNOWN";
    }
}
