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
#include "commands/network_outputs.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "common/progress_bar.h"
#include "common/signals.h"
#include "data/npy.h"

/* The tensor's first `count` inputs; `shape` is theirs and belongs to the caller. */
static sscam_array first_inputs(const struct explain_request *request, int64_t count,
                                int64_t shape[NPY_MAX_RANK])
{
    sscam_array array = npy_view(&request->tensor);

    memcpy(shape, request->shape, NPY_MAX_RANK * sizeof *shape);
    if (request->has_batch_axis)
        shape[0] = count;
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

    size_t images = request->images.paths.count;
    progress_begin(&request->progress, images > 1 ? sscam_file_name(input_name(request)) : "",
                   request->image_index + 1, images ? images : 1);
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
    return status == SSCAM_E_ARGUMENT || request->images.paths.count > 1 ? input_name(request)
                                                                         : request->model_path;
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
    else if (!request->selection.is_quiet)
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
            .image = request->image_index,
            .input = (int64_t)(i % inputs),
        };
        const sscam_map *map =
            maps[(i % inputs * set->count + explainer) * class_count + position.class_position];

        code = output_map(request, map, &position, set->explainers[explainer],
                          seconds_per_pass * (double)sscam_map_passes(map));
    }
    return code;
}

/* Tells of the other outputs of a network of several, unless one was named. */
static void note_output_taken(const struct explain_request *request, const sscam_map *map)
{
    int64_t shape[NPY_MAX_RANK], sides[SSCAM_INPUT_MAX_RANK] = {0};
    int32_t rank;

    if (request->selection.is_quiet || settings_have(&request->selection.settings, "output") ||
        !sscam_map_detection(map, &(sscam_detection){.score = 0}))
        return;
    if (request->tensor_path) {
        memcpy(shape, request->shape, sizeof shape);
        rank = request->rank;
    } else {
        const int64_t *map_shape = sscam_map_shape(map, &rank);

        rank += 2;
        memcpy(shape + 2, map_shape, (size_t)(rank - 2) * sizeof *shape);
        sscam_model_input_shape(request->model, sides);
        shape[1] = sides[1] ? sides[1] : 3;
    }
    shape[0] = 1;
    note_outputs(request->model, shape, rank);
}

/* Explains the classes, or the detections, of the input that is loaded. */
static int explain_selected(struct explain_request *request, bool *ends)
{
    size_t count = (size_t)request->input_count * request->explainer_set.count *
                   request->selection.class_count;
    sscam_map **maps = allocate(count, sizeof(sscam_map *));
    double start = monotonic_seconds();

    sscam_status status = compute(request, maps);
    double seconds = monotonic_seconds() - start;
    int code = status ? fail_library(failed_path(request, status), status)
                      : output_maps(request, maps, seconds_per_pass(seconds, maps, count));
    if (!status && request->image_index == 0)
        note_output_taken(request, maps[0]);
    *ends = !status || status == SSCAM_E_CANCELLED || status == SSCAM_E_MEMORY ||
            status == SSCAM_E_DEVICE;

    for (size_t i = 0; i < count; i++)
        sscam_map_unref(maps[i]);
    free(maps);
    return code;
}

/* `*ends` is set where other images would fail as well. */
static int explain_together(struct explain_request *request, bool *ends)
{
    take_detections(request);
    int code = explain_selected(request, ends);
    drop_detections(request);
    return code;
}

/* Standard input can be read once. */
static int check_standard_input(const struct explain_request *request, char *const *images,
                                size_t image_count)
{
    const char *const others[] = {request->model_path, request->tensor_path,
                                  request->selection.labels_path};
    size_t uses = 0;

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        uses += others[i] && !strcmp(others[i], STANDARD_STREAM);
    for (size_t i = 0; i < image_count; i++)
        uses += !strcmp(images[i], STANDARD_STREAM);
    return uses > 1 ? fail_usage("explain", "standard input, '-', is named twice") : EXIT_OK;
}

/* Explains all images, of which the first usable one is loaded. One that fails has its line, and
 * the others are explained all the same. */
static int explain_images(struct explain_request *request)
{
    size_t first = request->image_index, count = request->images.paths.count;
    int result = first ? EXIT_FAILED : EXIT_OK; /* those before it could not be read */

    for (size_t i = first; i < count || i == first; i++) {
        bool ends = false;

        if (interruption_requested())
            return fail_cancelled();
        int code = i == first ? EXIT_OK : load_input_image(request, i);
        if (!code)
            code = explain_together(request, &ends);
        if (code)
            result = code;
        if (code && ends)
            break;
    }
    return result;
}

static int explain_all(struct explain_request *request)
{
    int code = explainer_set_create(&request->selection, request->model, &request->progress,
                                    &request->explainer_set);

    if (!code)
        code = explainer_set_drop_unsupported(&request->explainer_set, &request->selection,
                                              try_first_input, request);
    if (!code)
        code = explain_images(request);
    explainer_set_free(&request->explainer_set);
    return code;
}

static bool has_other_extension(const char *path, const char *extension)
{
    const char *own = sscam_extension(path);

    return *own && strcasecmp(own, extension);
}

static int check_request(const struct explain_request *request)
{
    const char *overlay = request->output_paths[OVERLAY], *heatmap = request->output_paths[HEATMAP];

    if (request->tensor_path && request->images.paths.count)
        return fail_usage("explain", "either an image or --tensor, not both");
    if (!request->tensor_path && !request->images.paths.count)
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
    if (request->with_legend && !overlay && !heatmap)
        return fail_usage("explain", "--legend belongs to --output or --heatmap");
    if (request->as_json && writes_standard_output(request))
        return fail_usage("explain",
                          "--json prints on standard output, where a file would go, too");
    return EXIT_OK;
}

static int explain(struct explain_request *request)
{
    int code = check_request(request);

    if (!code)
        code = selection_resolve(&request->selection, "grad-cam");
    if (!code && request->images.paths.count)
        code = check_order("explain", request->model_path, request->images.paths.items[0]);
    if (!code)
        code = load_first_input(request);
    if (!code && !request->tensor_path)
        code = check_outputs(request);
    if (!code)
        code = selection_load_model(&request->selection, request->model_path, &request->model);
    if (!code && request->tensor_path)
        code = place_tensor(request);
    if (!code && request->tensor_path)
        code = check_outputs(request);
    if (!code)
        code = selection_check_labels(&request->selection, request->model, try_class, request);
    if (!code)
        code = explain_all(request);
    sscam_model_unref(request->model);
    npy_free(&request->tensor);
    sscam_image_unref(request->image);
    free(request->unusable);
    return code;
}

static int parse(struct explain_request *request, int argc, char **argv, struct text_list *operands)
{
    struct flag shared[SELECTION_FLAG_COUNT + 1];
    const char **paths = request->output_paths;
    const struct flag own[] = {
        {"tensor", 0, "FILE.npy",
         "Explain a [C,H,W] or [N,C,H,W] array, used as it is, in place of an image: in the order "
         "of "
         "axes that the network takes.",
         .text = &request->tensor_path},
        {"dimensions", 0, "1|2|3",
         "Spatial dimensions of the array: 1 for sound, [C,W] or [N,C,W]; 3 for video, [C,D,H,W] "
         "or [N,C,D,H,W]. Default: 2; 1 or 3 for an array that can be nothing else.",
         .text = &request->dimensions},
        {"output", 'o', "FILE.png|DIR",
         "Write the map over the image. In a folder, here and below, files are named after the "
         "images; - is standard output.",
         .text = &paths[OVERLAY]},
        {"heatmap", 0, "FILE.png|DIR", "Write the map in colours alone.", .text = &paths[HEATMAP]},
        {"legend", 0, NULL,
         "Draw the colours with their values, the class, its probability, the method and the layer "
         "beside overlays and heatmaps.",
         .given = &request->with_legend},
        {"npy", 0, "FILE.npy|DIR",
         "Write the map: float32 [H,W] ([W], [D,H,W]) in [0,1], at input size.",
         .text = &paths[MAP]},
        {"raw", 0, "FILE.npy|DIR",
         "Write the map before upsampling and normalising: float32 [h,w] ([w], [d,h,w]).",
         .text = &paths[RAW]},
        {"weights", 0, "FILE.npy|DIR", "Write the channel weights, if there are any: float32 [K].",
         .text = &paths[WEIGHTS]},
        {"json", 0, NULL, "Print one JSON object a map and line.", .given = &request->as_json},
        {0},
    };
    const struct syntax syntax = {
        .command = "explain",
        .usage = {"MODEL IMAGE... [-m METHOD[,...]] [-l LAYER[,...]] [-c CLASS[,...]] [FLAG]...",
                  "MODEL --tensor FILE.npy [FLAG]..."},
        .min_operands = 1,
        .max_operands = SIZE_MAX,
        .operands = "a model and an image",
        .flags = {shared, own},
        .purpose =
            "Computes where in the image the network sees a class: the default is the "
            "predicted class, by grad-cam; score-cam needs no gradients. The sampling of "
            "ss-cam-mean ends when the map is within 0.05 of that of all samples, with noise "
            "common to the channels; --tolerance 0 scores them all, each with noise of its own. "
            "IMAGE may be a folder of images; - is an "
            "image on standard input, or a list of files there, one a line. Several images, "
            "methods, layers or classes give a map for each combination; the names of their "
            "files then get what varies before the extension, as in "
            "overlay-grad-cam-281.png. Of a detector each detection of a class is explained, and "
            "without a class the five most confident ones of the image; --box and --detection "
            "choose one. A line a map tells what was found.",
    };

    selection_flags(&request->selection, shared);
    return arguments_parse(&syntax, argc, argv, operands);
}

int run_explain(int argc, char **argv)
{
    struct explain_request request = {.selection = selection_defaults("explain")};
    request.selection.ends_early = true;
    struct text_list operands = {0};

    int code = parse(&request, argc, argv, &operands);
    if (!code) {
        request.model_path = operands.items[0];
        code = check_standard_input(&request, operands.items + 1, operands.count - 1);
    }
    if (!code)
        code = input_list_expand(operands.items + 1, operands.count - 1, &request.selection.reading,
                                 &request.images);
    if (!code)
        code = explain(&request);
    input_list_free(&request.images);
    selection_free(&request.selection);
    text_list_free(&operands);
    return code;
}
