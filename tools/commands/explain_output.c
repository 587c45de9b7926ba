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

static int write_overlay(const struct explanation *explanation, const sscam_map *map,
                         const char *path)
{
    sscam_image *overlay = NULL;
    sscam_status status = sscam_map_overlay(map, explanation->image,
                                            explanation->selection.colormap,
                                            explanation->selection.alpha, &overlay);

    int code = status ? fail_library(path, status) : output_png_write(overlay, path);
    sscam_image_destroy(overlay);
    return code;
}

static int write_heatmap(const struct explanation *explanation, const sscam_map *map,
                         const char *path)
{
    sscam_image *heatmap = NULL;
    sscam_status status = sscam_map_heatmap(map, explanation->selection.colormap, &heatmap);

    int code = status ? fail_library(path, status) : output_png_write(heatmap, path);
    sscam_image_destroy(heatmap);
    return code;
}

static int write_map(const struct explanation *explanation, const sscam_map *map, const char *path)
{
    const int64_t sides[] = {sscam_map_depth(map), sscam_map_height(map), sscam_map_width(map)};
    int32_t rank = sscam_map_rank(map);

    (void)explanation;
    return npy_write(path, sscam_map_data(map), rank, sides + 3 - rank);
}

static int write_raw(const struct explanation *explanation, const sscam_map *map, const char *path)
{
    const int64_t sides[] = {sscam_map_raw_depth(map), sscam_map_raw_height(map),
                             sscam_map_raw_width(map)};
    int32_t rank = sscam_map_rank(map);

    (void)explanation;
    return npy_write(path, sscam_map_raw(map), rank, sides + 3 - rank);
}

static int write_weights(const struct explanation *explanation, const sscam_map *map,
                         const char *path)
{
    (void)explanation;
    if (!sscam_map_weights(map))
        return fail(sscam_map_method(map), "it has no channel weights to write");
    return npy_write(path, sscam_map_weights(map), 1,
                     (const int64_t[]){sscam_map_channel_count(map)});
}

static const struct {
    const char *name; /* in JSON */
    int (*write)(const struct explanation *explanation, const sscam_map *map, const char *path);
} outputs[OUTPUT_COUNT] = {
    [OVERLAY] = {"overlay", write_overlay},
    [HEATMAP] = {"heatmap", write_heatmap},
    [MAP] = {"npy", write_map},
    [RAW] = {"raw", write_raw},
    [WEIGHTS] = {"weights", write_weights},
};

bool writes_files(const struct explanation *explanation)
{
    for (size_t i = 0; i < OUTPUT_COUNT; i++)
        if (explanation->output_paths[i])
            return true;
    return false;
}

const char *output_key(size_t output)
{
    return outputs[output].name;
}

char *output_path(const struct explanation *explanation, const struct which *which, size_t output)
{
    const struct selection *selection = &explanation->selection;
    const char *layer = selection->layers.items[which->layer];
    char input[32];

    if (!explanation->output_paths[output])
        return NULL;
    snprintf(input, sizeof input, "input%" PRId64, which->input);
    const struct name_parts parts = {
        .method = selection->methods.count > 1 ? selection->methods.items[which->method] : NULL,
        .layer = selection->layers.count < 2 ? NULL
                 : *layer                    ? layer
                                             : "default",
        .class_name = selection->class_count > 1 ? selection->classes[which->class_place].name
                                                 : NULL,
        .input = explanation->input_count > 1 ? input : NULL,
    };
    return output_name(explanation->output_paths[output], &parts);
}

bool has_output(const struct explanation *explanation, const sscam_map *map, size_t output)
{
    return output != WEIGHTS || sscam_map_weights(map) || !explanation->selection.every_method;
}

int write_outputs(const struct explanation *explanation, const sscam_map *map,
                  const struct which *which)
{
    for (size_t i = 0; i < OUTPUT_COUNT; i++) {
        char *path = output_path(explanation, which, i);
        int code = path && has_output(explanation, map, i)
                       ? outputs[i].write(explanation, map, path)
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

static int check_output(const struct explanation *explanation, const char *path)
{
    if (is_same_file(path, explanation->model_path) ||
        is_same_file(path, explanation->image_path) ||
        is_same_file(path, explanation->tensor_path) ||
        is_same_file(path, explanation->selection.labels_path))
        return fail_usage("explain", "'%s' would be written over an input", path);
    return output_path_check(path);
}

static void add_output_paths(const struct explanation *explanation, struct which which,
                             struct text_list *paths)
{
    for (which.input = 0; which.input < explanation->input_count; which.input++)
        for (size_t i = 0; i < OUTPUT_COUNT; i++) {
            char *path = output_path(explanation, &which, i);

            if (path)
                text_list_add(paths, path);
            free(path);
        }
}

static void list_output_paths(const struct explanation *explanation, struct text_list *paths)
{
    const struct selection *selection = &explanation->selection;
    struct which which = {0};

    for (which.method = 0; which.method < selection->methods.count; which.method++)
        for (which.layer = 0; which.layer < selection->layers.count; which.layer++)
            for (which.class_place = 0; which.class_place < selection->class_count;
                 which.class_place++)
                add_output_paths(explanation, which, paths);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int check_outputs(const struct explanation *explanation)
{
    struct text_list paths = {0};
    int code = EXIT_OK;

    if (!writes_files(explanation))
        return EXIT_OK;
    list_output_paths(explanation, &paths);
    qsort(paths.items, paths.count, sizeof *paths.items, compare_texts);
    for (size_t i = 0; i < paths.count && !code; i++) {
        if (i && !strcmp(paths.items[i - 1], paths.items[i]))
            code = fail_usage("explain", "two outputs would be written to '%s'", paths.items[i]);
        else
            code = check_output(explanation, paths.items[i]);
    }
    text_list_free(&paths);
    return code;
}
