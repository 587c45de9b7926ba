/* sscam explain: maps of one image, or of a tensor, by methods, layers and classes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sscam/sscam.h>

#include "base/path.h"
#include "commands/arguments.h"
#include "commands/commands.h"
#include "commands/explain_request.h"
#include "commands/label_fit.h"
#include "commands/load.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "common/progress_bar.h"
#include "common/signals.h"
#include "data/npy.h"

/* The tensor's first `count` inputs; `shape` is theirs and belongs to the caller. */
static sscam_array first_inputs(const struct explain_request *request, int64_t count,
                                int64_t shape[NPY_MAX_RANK])
{
    sscam_array array = SSCAM_ARRAY_INIT;

    memcpy(shape, request->shape, NPY_MAX_RANK * sizeof *shape);
    shape[0] = count;
    array.data = request->tensor.data;
    array.shape = shape;
    array.rank = request->rank;
    return array;
}

static sscam_status try_class(void *user, sscam_explainer *explainer, int64_t class_index)
{
    const struct explain_request *request = user;
    int64_t shape[NPY_MAX_RANK];
    sscam_map *map = NULL;

    const sscam_array input = first_inputs(request, 1, shape);
    sscam_status status = request->image
                              ? sscam_explain_image(explainer, request->image, class_index, &map)
                              : sscam_explain_array(explainer, &input, &class_index, &map);
    sscam_map_unref(map);
    return status;
}

static sscam_status try_first_input(void *user, sscam_explainer *explainer)
{
    return try_class(user, explainer, SSCAM_CLASS_TOP);
}

/* Maps in the library's order: by input, then by explainer, then by class. */
static sscam_status compute(struct explain_request *request, sscam_map **maps)
{
    const struct explainer_set *set = &request->explainer_set;
    int64_t explainer_count = (int64_t)set->count,
            class_count = (int64_t)request->selection.class_count, shape[NPY_MAX_RANK];
    int64_t *classes = selection_classes(&request->selection, request->input_count);
    const sscam_array input = first_inputs(request, request->input_count, shape);

    progress_begin(&request->progress, "", 1, 1);
    sscam_status status = request->image
                              ? sscam_explain_image_all(set->explainers, explainer_count,
                                                        request->image, classes, class_count, maps)
                              : sscam_explain_array_all(set->explainers, explainer_count, &input,
                                                        classes, class_count, maps);
    progress_end(&request->progress);
    free(classes);
    return status;
}

/* The path on the command line that a failure is about. */
static const char *failed_path(const struct explain_request *request, sscam_status status)
{
    if (status == SSCAM_E_ARGUMENT)
        return request->image_path ? request->image_path : request->tensor_path;
    return request->model_path;
}

static int output_map(const struct explain_request *request, const sscam_map *map,
                      const struct map_position *position, sscam_explainer *explainer,
                      double seconds)
{
    int code = write_outputs(request, map, position);

    if (code)
        return code;
    if (request->as_json)
        put_json_line(request, map, position, explainer, seconds);
    else if (!writes_files(request))
        put_sentence(request, map, position, seconds);
    return fflush(stdout) ? fail_errno("standard output") : EXIT_OK;
}

/* Maps of one call share their work: the time of each is counted by its network passes. */
static double seconds_per_pass(double seconds, sscam_map *const *maps, size_t count)
{
    int64_t passes = 0;

    for (size_t i = 0; i < count; i++)
        passes += sscam_map_passes(maps[i]);
    return passes ? seconds / (double)passes : 0;
}

/* By method, layer, class and input, in the order of the command line. */
static int output_maps(const struct explain_request *request, sscam_map *const *maps,
                       double seconds_per_pass)
{
    const struct explainer_set *set = &request->explainer_set;
    size_t class_count = request->selection.class_count, inputs = (size_t)request->input_count;
    int code = EXIT_OK;

    for (size_t i = 0; i < set->count * class_count * inputs && !code; i++) {
        size_t explainer = i / inputs / class_count;
        const struct map_position position = {
            .method = set->methods[explainer],
            .layer = set->layers[explainer],
            .class_position = i / inputs % class_count,
            .input = (int64_t)(i % inputs),
        };
        const sscam_map *map =
            maps[(i % inputs * set->count + explainer) * class_count + position.class_position];

        code = output_map(request, map, &position, set->explainers[explainer],
                          seconds_per_pass * (double)sscam_map_passes(map));
    }
    return code;
}

static int explain_together(struct explain_request *request)
{
    size_t count = (size_t)request->input_count * request->explainer_set.count *
                   request->selection.class_count;
    sscam_map **maps = allocate(count, sizeof(sscam_map *));
    double start = monotonic_seconds();

    sscam_status status = compute(request, maps);
    double seconds = monotonic_seconds() - start;
    int code = status ? fail_library(failed_path(request, status), status)
                      : output_maps(request, maps, seconds_per_pass(seconds, maps, count));

    for (size_t i = 0; i < count; i++)
        sscam_map_unref(maps[i]);
    free(maps);
    return code;
}

static int explain_all(struct explain_request *request)
{
    int code = explainer_set_create(&request->selection, request->model, &request->progress,
                                    &request->explainer_set);

    if (!code)
        code = explainer_set_drop_unsupported(&request->explainer_set, &request->selection,
                                              try_first_input, request);
    if (!code)
        code = interruption_requested() ? fail_cancelled() : explain_together(request);
    explainer_set_free(&request->explainer_set);
    return code;
}

/* Number of spatial dimensions: what was given, or what the rank makes likely. */
static int tensor_dimensions(const struct explain_request *request)
{
    if (request->dimensions)
        return request->dimensions[0] - '0';
    return request->tensor.rank < 3 ? 1 : request->tensor.rank > 4 ? 3 : 2;
}

static int load_tensor(struct explain_request *request)
{
    static const char *const shapes[] = {"[C,W] or [N,C,W]", "[C,H,W] or [N,C,H,W]",
                                         "[C,D,H,W] or [N,C,D,H,W]"};
    struct npy_array *tensor = &request->tensor;

    if (npy_read(request->tensor_path, tensor))
        return EXIT_FAILED;
    int dimensions = tensor_dimensions(request), missing = dimensions + 2 - tensor->rank;
    if (missing < 0 || missing > 1)
        return fail(request->tensor_path, "it has %d dimensions; its shape is not %s", tensor->rank,
                    shapes[dimensions - 1]);
    if (dimensions != 2 && request->output_paths[HEATMAP])
        return fail_usage("explain", "--heatmap is an image, which a map of an array %s is not",
                          shapes[dimensions - 1]);
    request->rank = dimensions + 2;
    request->shape[0] = 1;
    for (int i = 0; i < tensor->rank; i++)
        request->shape[missing + i] = tensor->shape[i];
    request->input_count = request->shape[0];
    return EXIT_OK;
}

static int load_inputs(struct explain_request *request)
{
    request->input_count = 1;
    return request->tensor_path
               ? load_tensor(request)
               : load_image(request->image_path, &request->selection.reading, &request->image);
}

static bool has_other_extension(const char *path, const char *extension)
{
    const char *own = sscam_extension(path);

    return *own && strcasecmp(own, extension);
}

static int check_request(const struct explain_request *request)
{
    const char *overlay = request->output_paths[OVERLAY], *heatmap = request->output_paths[HEATMAP];

    if (request->tensor_path && request->image_path)
        return fail_usage("explain", "either an image or --tensor, not both");
    if (!request->tensor_path && !request->image_path)
        return fail_usage("explain", "needs an image, or --tensor FILE");
    if (request->dimensions &&
        (strlen(request->dimensions) != 1 || !strchr("123", *request->dimensions)))
        return fail_usage("explain", "--dimensions takes 1, 2 or 3, not '%s'", request->dimensions);
    if (request->dimensions && !request->tensor_path)
        return fail_usage("explain", "--dimensions says what --tensor holds; an image has 2");
    if (request->tensor_path && overlay)
        return fail_usage(
            "explain", "--output draws on an image, and --tensor has none; --heatmap needs none");
    if (overlay && !strcmp(request->selection.drawing.colormap, "gray"))
        return fail_usage("explain",
                          "the colormap gray is for --heatmap; an overlay needs colours");
    if ((overlay && has_other_extension(overlay, ".png")) ||
        (heatmap && has_other_extension(heatmap, ".png")))
        return fail_usage("explain", "images are written as PNG: their names must end in .png");
    return EXIT_OK;
}

static int explain(struct explain_request *request)
{
    int code = check_request(request);

    if (!code)
        code = selection_resolve(&request->selection, "ss-cam-mean");
    if (!code)
        code = load_inputs(request);
    if (!code)
        code = check_outputs(request);
    if (!code)
        code = load_model(request->model_path, request->selection.device, &request->model);
    if (!code)
        code = selection_check_labels(&request->selection, request->model, try_class, request);
    if (!code)
        code = explain_all(request);
    sscam_model_unref(request->model);
    npy_free(&request->tensor);
    sscam_image_unref(request->image);
    return code;
}

static int parse(struct explain_request *request, int argc, char **argv, struct text_list *operands)
{
    struct flag shared[SELECTION_FLAG_COUNT + 1];
    const char **paths = request->output_paths;
    const struct flag own[] = {
        {"tensor", 0, "FILE.npy",
         "Explain a float32 [C,H,W] or [N,C,H,W] array, used as it is, in place of an image.",
         .text = &request->tensor_path},
        {"dimensions", 0, "1|2|3",
         "Spatial dimensions of the array: 1 for sound, [C,W] or [N,C,W]; 3 for video, [C,D,H,W] "
         "or [N,C,D,H,W]. Default: 2; 1 or 3 for an array that can be nothing else.",
         .text = &request->dimensions},
        {"output", 'o', "FILE.png", "Write the map over the image.", .text = &paths[OVERLAY]},
        {"heatmap", 0, "FILE.png", "Write the map in colours alone.", .text = &paths[HEATMAP]},
        {"npy", 0, "FILE.npy",
         "Write the map: float32 [H,W] ([W], [D,H,W]) in [0,1], at input size.",
         .text = &paths[MAP]},
        {"raw", 0, "FILE.npy",
         "Write the map before upsampling and normalising: float32 [h,w] ([w], [d,h,w]).",
         .text = &paths[RAW]},
        {"weights", 0, "FILE.npy", "Write the channel weights, if there are any: float32 [K].",
         .text = &paths[WEIGHTS]},
        {"json", 0, NULL, "Print one JSON object a map and line.", .given = &request->as_json},
        {0},
    };
    const struct syntax syntax = {
        .command = "explain",
        .usage = {"MODEL IMAGE [-m METHOD[,...]] [-l LAYER[,...]] [-c CLASS[,...]] [FLAG]...",
                  "MODEL --tensor FILE.npy [FLAG]..."},
        .min_operands = 1,
        .max_operands = 2,
        .operands = "a model and an image",
        .flags = {shared, own},
        .purpose = "Computes where in the image the network sees a class: the default is the "
                   "predicted class, by ss-cam-mean. Several methods, layers or classes give a map "
                   "for each combination; the names of their files then get what varies before the "
                   "extension, as in overlay-grad-cam-281.png.",
    };

    selection_flags(&request->selection, shared);
    return arguments_parse(&syntax, argc, argv, operands);
}

int run_explain(int argc, char **argv)
{
    struct explain_request request = {.selection = selection_defaults("explain")};
    struct text_list operands = {0};

    int code = parse(&request, argc, argv, &operands);
    if (!code) {
        request.model_path = operands.items[0];
        request.image_path = operands.count > 1 ? operands.items[1] : NULL;
        code = explain(&request);
    }
    selection_free(&request.selection);
    text_list_free(&operands);
    return code;
}
