#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/path.h"
#include "commands/explain_request.h"
#include "commands/output_name.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "common/output_file.h"
#include "data/folder.h"
#include "data/npy.h"
#include "report/legend.h"

/* Writes a drawing of a map, with its legend where that was asked for. */
static int write_drawing(const struct explain_request *request, const sscam_map *map,
                         const sscam_image *drawing, const char *path)
{
    const char *label = labels_name(&request->selection.labels, sscam_map_class_index(map));
    sscam_image *with_legend = NULL;

    if (!request->with_legend)
        return output_png_write(drawing, path);
    char *title = label ? format_text("%s, %.3f", label, sscam_map_probability(map))
                        : format_text("class %" PRId64 ", %.3f", sscam_map_class_index(map),
                                      sscam_map_probability(map)),
         *detail = format_text("%s at %s", sscam_map_method(map), sscam_map_layer(map));
    const struct legend legend = {title, detail, request->selection.drawing.colormap};
    int code = legend_add(drawing, &legend, path, &with_legend);
    if (!code)
        code = output_png_write(with_legend, path);
    sscam_image_unref(with_legend);
    free(title);
    free(detail);
    return code;
}

static int write_overlay(const struct explain_request *request, const sscam_map *map,
                         const char *path)
{
    sscam_image *overlay = NULL;
    sscam_status status = sscam_map_overlay(map, request->image, &request->selection.drawing,
                                            &overlay);

    int code = status ? fail_library(path, status) : write_drawing(request, map, overlay, path);
    sscam_image_unref(overlay);
    return code;
}

static int write_heatmap(const struct explain_request *request, const sscam_map *map,
                         const char *path)
{
    sscam_image *heatmap = NULL;
    sscam_status status = sscam_map_heatmap(map, &request->selection.drawing, &heatmap);

    int code = status ? fail_library(path, status) : write_drawing(request, map, heatmap, path);
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
    const char *suffix; /* after the image's name, in a folder */
} outputs[OUTPUT_COUNT] = {
    [OVERLAY] = {"overlay", write_overlay, ".png"},
    [HEATMAP] = {"heatmap", write_heatmap, "-heatmap.png"},
    [MAP] = {"npy", write_map, ".npy"},
    [RAW] = {"raw", write_raw, "-raw.npy"},
    [WEIGHTS] = {"weights", write_weights, "-weights.npy"},
};

static const char standard_output[] = "/dev/stdout";

bool writes_standard_output(const struct explain_request *request)
{
    for (size_t i = 0; i < OUTPUT_COUNT; i++)
        if (request->output_paths[i] && (!strcmp(request->output_paths[i], STANDARD_STREAM) ||
                                         !strcmp(request->output_paths[i], standard_output)))
            return true;
    return false;
}

/* Whether a given name is that of a folder: one that ends in a slash, or exists and is not named
 * like a file; for several images also one without an extension. */
static bool is_folder_name(const struct explain_request *request, const char *given)
{
    const char *extension = sscam_extension(given);
    size_t length = strlen(given);

    if (length && given[length - 1] == '/')
        return true;
    if (is_folder(given))
        return strcasecmp(extension, ".png") != 0 && strcasecmp(extension, ".npy") != 0;
    return request->images.paths.count > 1 && !*extension &&
           strncmp(given, "/dev/", strlen("/dev/")) != 0 && strcmp(given, STANDARD_STREAM) != 0;
}

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
    const char *given = request->output_paths[output];
    if (!strcmp(given, STANDARD_STREAM))
        return copy_text(standard_output, strlen(standard_output));
    bool in_folder = is_folder_name(request, given);
    char *image = without_extension(sscam_file_name(input_name_at(request, position->image)));
    const struct name_parts parts = {
        .image = in_folder || request->images.paths.count < 2 ? NULL : image,
        .method = selection->methods.count > 1 ? selection->methods.items[position->method] : NULL,
        .layer = selection->layers.count < 2 ? NULL
                 : *layer                    ? layer
                                             : "default",
        .class_name = selection->class_count > 1 ? selection->classes[position->class_position].name
                                                 : NULL,
        .input = request->input_count > 1 ? input : NULL,
    };
    char *path = in_folder ? join_path(given, image) : NULL;
    char *name = in_folder ? output_name_in_folder(path, &parts, outputs[output].suffix)
                           : output_name(given, &parts);
    free(path);
    free(image);
    return name;
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

/* --- before the work -------------------------------------------------------------------------- */

/* What identifies a file. */
struct file_id {
    dev_t device;
    ino_t number;
};

static int compare_ids(const void *left, const void *right)
{
    const struct file_id *a = left, *b = right;

    if (a->device != b->device)
        return a->device < b->device ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

/* The files that are read, sorted. */
struct input_files {
    struct file_id *ids;
    size_t count;
};

static void add_input(struct input_files *files, const char *path)
{
    struct stat about;

    if (path && !stat(path, &about))
        files->ids[files->count++] = (struct file_id){about.st_dev, about.st_ino};
}

static struct input_files list_inputs(const struct explain_request *request)
{
    size_t images = request->images.paths.count;
    struct input_files files = {.ids = allocate(images + 3, sizeof *files.ids)};

    add_input(&files, request->model_path);
    add_input(&files, request->tensor_path);
    add_input(&files, request->selection.labels_path);
    for (size_t i = 0; i < images; i++)
        add_input(&files, request->images.paths.items[i]);
    if (files.count)
        qsort(files.ids, files.count, sizeof *files.ids, compare_ids);
    return files;
}

static int check_output(const struct input_files *inputs, const char *path)
{
    struct stat about;

    if (!stat(path, &about)) {
        const struct file_id id = {about.st_dev, about.st_ino};

        if (S_ISREG(about.st_mode) &&
            bsearch(&id, inputs->ids, inputs->count, sizeof id, compare_ids))
            return fail_usage("explain", "'%s' would be written over an input", path);
    }
    return output_path_check(path);
}

static int make_folders(const struct explain_request *request)
{
    for (size_t i = 0; i < OUTPUT_COUNT; i++) {
        const char *given = request->output_paths[i];

        if (given && *given && is_folder_name(request, given) && !is_folder(given) &&
            mkdir(given, 0777))
            return fail_errno(given);
    }
    return EXIT_OK;
}

static void add_output_paths(const struct explain_request *request, struct map_position position,
                             struct text_list *paths)
{
    size_t images = request->images.paths.count, inputs = (size_t)request->input_count;

    for (size_t input = 0; input < (images ? images : inputs); input++)
        for (size_t i = 0; i < OUTPUT_COUNT; i++) {
            if (images)
                position.image = input;
            else
                position.input = (int64_t)input;
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

    if (!writes_files(request))
        return EXIT_OK;
    int code = make_folders(request);
    struct input_files inputs = list_inputs(request);
    list_output_paths(request, &paths);
    qsort(paths.items, paths.count, sizeof *paths.items, compare_texts);
    for (size_t i = 0; i < paths.count && !code; i++) {
        if (i && !strcmp(paths.items[i - 1], paths.items[i]))
            code = fail_usage("explain", "two outputs would be written to '%s'", paths.items[i]);
        else
            code = check_output(&inputs, paths.items[i]);
    }
    text_list_free(&paths);
    free(inputs.ids);
    return code;
}
