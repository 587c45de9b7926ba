#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "commands/explain_request.h"
#include "commands/output_name.h"
#include "common/cli_error.h"
#include "common/output_file.h"
#include "data/npy.h"

static int write_overlay(const struct explain_request *request, const sscam_map *map,
                         const char *path)
{
    sscam_image *overlay = NULL;
    sscam_status status = sscam_map_overlay(map, request->image, &request->selection.drawing,
                                            &overlay);

    int code = status ? fail_library(path, status) : output_png_write(overlay, path);
    sscam_image_unref(overlay);
    return code;
}

static int write_heatmap(const struct explain_request *request, const sscam_map *map,
                         const char *path)
{
    sscam_image *heatmap = NULL;
    sscam_status status = sscam_map_heatmap(map, &request->selection.drawing, &heatmap);

    int code = status ? fail_library(path, status) : output_png_write(heatmap, path);
    sscam_image_unref(heatmap);
    return code;
}

static int write_map(const struct explain_request *request, const sscam_map *map, const char *path)
{
    int32_t rank = 0;
    const int64_t *shape = sscam_map_shape(map, &rank);

    (void)request;
    return npy_write(path, sscam_map_data(map), rank, shape);
}

static int write_raw(const struct explain_request *request, const sscam_map *map, const char *path)
{
    int32_t rank = 0;
    const int64_t *shape = sscam_map_raw_shape(map, &rank);

    (void)request;
    return npy_write(path, sscam_map_raw(map), rank, shape);
}

static int write_weights(const struct explain_request *request, const sscam_map *map,
                         const char *path)
{
    (void)request;
    if (!sscam_map_weights(map))
        return fail(sscam_map_method(map), "it has no channel weights to write");
    return npy_write(path, sscam_map_weights(map), 1,
                     (const int64_t[]){sscam_map_channel_count(map)});
}

static const struct {
    const char *name; /* in JSON */
    int (*write)(const struct explain_request *request, const sscam_map *map, const char *path);
} outputs[OUTPUT_COUNT] = {
    [OVERLAY] = {"overlay", write_overlay},
    [HEATMAP] = {"heatmap", write_heatmap},
    [MAP] = {"npy", write_map},
    [RAW] = {"raw", write_raw},
    [WEIGHTS] = {"weights", write_weights},
};

bool writes_files(const struct explain_request *request)
{
    for (size_t i = 0; i < OUTPUT_COUNT; i++)
        if (request->output_paths[i])
            return true;
    return false;
}

const char *output_key(size_t output)
{
    return outputs[output].name;
}

char *output_path(const struct explain_request *request, const struct map_position *position,
                  size_t output)
{
    const struct selection *selection = &request->selection;
    const char *layer = selection->layers.items[position->layer];
    char input[32];

    if (!request->output_paths[output])
        return NULL;
    snprintf(input, sizeof input, "input%" PRId64, position->input);
    const struct name_parts parts = {
        .method = selection->methods.count > 1 ? selection->methods.items[position->method] : NULL,
        .layer = selection->layers.count < 2 ? NULL
                 : *layer                    ? layer
                                             : "default",
        .class_name = selection->class_count > 1 ? selection->classes[position->class_position].name
                                                 : NULL,
        .input = request->input_count > 1 ? input : NULL,
    };
    return output_name(request->output_paths[output], &parts);
}

bool has_output(const struct explain_request *request, const sscam_map *map, size_t output)
{
    return output != WEIGHTS || sscam_map_weights(map) || !request->selection.every_method;
}

int write_outputs(const struct explain_request *request, const sscam_map *map,
                  const struct map_position *position)
{
    for (size_t i = 0; i < OUTPUT_COUNT; i++) {
        char *path = output_path(request, position, i);
        int code = path && has_output(request, map, i) ? outputs[i].write(request, map, path)
                                                       : EXIT_OK;

        free(path);
        if (code)
            return code;
    }
    return EXIT_OK;
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat one, other;

    return a && b && !stat(a, &one) && !stat(b, &other) && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

static int check_output(const struct explain_request *request, const char *path)
{
    if (is_same_file(path, request->model_path) || is_same_file(path, request->image_path) ||
        is_same_file(path, request->tensor_path) ||
        is_same_file(path, request->selection.labels_path))
        return fail_usage("explain", "'%s' would be written over an input", path);
    return output_path_check(path);
}

static void add_output_paths(const struct explain_request *request, struct map_position position,
                             struct text_list *paths)
{
    for (position.input = 0; position.input < request->input_count; position.input++)
        for (size_t i = 0; i < OUTPUT_COUNT; i++) {
            char *path = output_path(request, &position, i);

            if (path)
                text_list_add(paths, path);
            free(path);
        }
}

static void list_output_paths(const struct explain_request *request, struct text_list *paths)
{
    const struct selection *selection = &request->selection;
    struct map_position position = {0};

    for (position.method = 0; position.method < selection->methods.count; position.method++)
        for (position.layer = 0; position.layer < selection->layers.count; position.layer++)
            for (position.class_position = 0; position.class_position < selection->class_count;
                 position.class_position++)
                add_output_paths(request, position, paths);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int check_outputs(const struct explain_request *request)
{
    struct text_list paths = {0};
    int code = EXIT_OK;

    if (!writes_files(request))
        return EXIT_OK;
    list_output_paths(request, &paths);
    qsort(paths.items, paths.count, sizeof *paths.items, compare_texts);
    for (size_t i = 0; i < paths.count && !code; i++) {
        if (i && !strcmp(paths.items[i - 1], paths.items[i]))
            code = fail_usage("explain", "two outputs would be written to '%s'", paths.items[i]);
        else
            code = check_output(request, paths.items[i]);
    }
    text_list_free(&paths);
    return code;
}
