#include "commands/load.h"

#include "common/cli_error.h"

int load_model(const char *path, const char *device, sscam_model **out)
{
    sscam_status status = sscam_model_load(path, device, out);

    return status ? fail_library(path, status) : EXIT_OK;
}

int load_image(const char *path, int64_t max_pixels, sscam_image **out)
{
    sscam_status status = sscam_image_read_limited(path, max_pixels, out);

    return status ? fail_library(path, status) : EXIT_OK;
}
