#include "sscam/version.h"

#include <stdio.h>
#include <threads.h>

#include "math/linalg.h"
#include "model/backend.h"

#define TEXT_OF(value) #value
#define DOTTED(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *sscam_version(void)
{
    return DOTTED(SSCAM_VERSION_MAJOR, SSCAM_VERSION_MINOR, SSCAM_VERSION_PATCH);
}

int32_t sscam_version_number(void)
{
    return SSCAM_VERSION_NUMBER;
}

int32_t sscam_abi_version(void)
{
    return SSCAM_ABI_VERSION;
}

static char build_info[1024];
static once_flag build_info_once = ONCE_FLAG_INIT;

static void write_build_info(void)
{
    snprintf(build_info, sizeof build_info, "sscam: %s\n%s\nblas: %s\n", sscam_version(),
             sscam_backend_default()->build_info(), sscam_linalg_info());
}

const char *sscam_build_info(void)
{
    call_once(&build_info_once, write_build_info);
    return build_info;
}
