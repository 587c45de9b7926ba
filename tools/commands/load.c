#include "commands/load.h"

#include "common/cli_error.h"

int load_model(const char *path, const char *device, sscam_model **out)
{
    sscam_status status = sscam_model_load(path, device, out);

    return status ? fail_library(path, status) : EXIT_OK;
}

int load_image(const char *path, const sscam_read_options *reading, sscam_image **out)
{
    sscam_status status = sscam_image_read(path, reading, out);

    return status ? fail_library(path, status) : EXIT_OK;
}

sscam_status try_image(sscam_explainer *explainer, const char *path,
                       const sscam_read_options *reading, int64_t class_index)
{
    sscam_image *image = NULL;
    sscam_map *map = NULL;

    sscam_status status = sscam_image_read(path, reading, &image);
    if (!status)
        status = sscam_explain_image(explainer, image, class_index, &map);
    sscam_map_unref(map);
    sscam_image_unref(image);
    return status;
}
