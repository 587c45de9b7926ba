#include "commands/load.h"

#include <stdio.h>
#include <string.h>

#include "commands/image_notes.h"
#include "commands/input_list.h"
#include "common/cli_error.h"
#include "data/folder.h"

int load_libraries(const struct text_list *libraries)
{
    for (size_t i = 0; i < libraries->count; i++) {
        sscam_status status = sscam_load_library(libraries->items[i]);
        if (status)
            return fail_library(libraries->items[i], status);
    }
    return EXIT_OK;
}

int load_model(const char *path, const char *device, const struct text_list *libraries,
               sscam_model **out)
{
    int code = load_libraries(libraries);
    if (code)
        return code;
    sscam_status status = sscam_model_load(input_path(path), device, out);

    return status ? fail_library(path, status) : EXIT_OK;
}

/* The first bytes of a file; zeros where it has none. */
static void read_start(const char *path, char start[4])
{
    FILE *file = is_file(path) ? fopen(path, "rb") : NULL;

    memset(start, 0, 4);
    if (file && fread(start, 1, 4, file) < 4)
        memset(start, 0, 4);
    if (file)
        fclose(file);
}

int check_order(const char *command, const char *model_path, const char *image_path)
{
    static const char *const images[] = {"\x89PNG", "\xff\xd8\xff"};
    char model[4], image[4];

    read_start(model_path, model);
    read_start(image_path, image);
    for (size_t i = 0; i < sizeof images / sizeof *images; i++)
        if (!memcmp(model, images[i], strlen(images[i])) && !memcmp(image, "PK", 2))
            return fail_usage(command, "'%s' is an image and '%s' is not: the model comes first",
                              model_path, image_path);
    return EXIT_OK;
}

sscam_status try_image(sscam_explainer *explainer, const char *path,
                       const sscam_read_options *reading, int64_t class_index)
{
    sscam_image *image = NULL;
    sscam_map *map = NULL;

    sscam_status status = read_image_file(path, reading, &image);
    if (!status)
        status = sscam_explain_image(explainer, image, class_index, &map);
    sscam_map_unref(map);
    sscam_image_unref(image);
    return status;
}
