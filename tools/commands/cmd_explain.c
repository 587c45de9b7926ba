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
#include "commands/load.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "common/progress_bar.h"
#include "common/signals.h"
#include "data/npy.h"

static sscam_status try_first_input(void *user, sscam_explainer *explainer)
{
    const struct explanation *explanation = user;
    int64_t shape[NPY_MAX_RANK];
    sscam_map *map = NULL;

    memcpy(shape, explanation->shape, sizeof shape);
    shape[0] = 1;
    sscam_status status = explanation->image
                              ? sscam_explain_image(explainer, explanation->image, SSCAM_CLASS_TOP,
                                                    &map)
                              : sscam_explain_array(explainer, explanation->tensor.data, shape,
                                                    explanation->rank, NULL, &map);
    sscam_map_destroy(map);
    return status;
}

/* Maps in the library's order: by input, then by explainer, then by class. */
static sscam_status compute(struct explanation *explanation, sscam_map **maps)
{
    const struct ensemble *ensemble = &explanation->ensemble;
    size_t class_count = explanation->selection.class_count;
    int64_t *classes = ensemble_classes(&explanation->selection, explanation->input_count);

    progress_begin(&explanation->progress, "", 1, 1);
    sscam_status status =
        explanation->image ? sscam_explain_image_all(ensemble->explainers, ensemble->count,
                                                     explanation->image, classes, class_count, maps)
                           : sscam_explain_array_all(ensemble->explainers, ensemble->count,
                                                     explanation->tensor.data, explanation->shape,
                                                     explanation->rank, classes, class_count, maps);
    progress_end(&explanation->progress);
    free(classes);
    return status;
}

/* Which of the things named on the command line a failure is about. */
static const char *culprit(const struct explanation *explanation, sscam_status status)
{
    if (status == SSCAM_E_ARGUMENT)
        return explanation->image_path ? explanation->image_path : explanation->tensor_path;
    return explanation->model_path;
}

static int deliver(const struct explanation *explanation, const sscam_map *map,
                   const struct which *which, sscam_explainer *explainer, double seconds)
{
    int code = write_outputs(explanation, map, which);

    if (code)
        return code;
    if (explanation->as_json)
        put_json_line(explanation, map, which, explainer, seconds);
    else if (!writes_files(explanation))
        put_sentence(explanation, map, which, seconds);
    return fflush(stdout) ? fail_errno("standard output") : EXIT_OK;
}

/* Maps of one call share their work, so each gets the part of the time that its network passes take
 * up. */
static double seconds_a_pass(double seconds, sscam_map *const *maps, size_t count)
{
    int64_t passes = 0;

    for (size_t i = 0; i < count; i++)
        passes += sscam_map_passes(maps[i]);
    return passes ? seconds / (double)passes : 0;
}

/* By method, layer, class and input, in the order in which they were asked for. */
static int deliver_all(const struct explanation *explanation, sscam_map *const *maps, double pace)
{
    const struct ensemble *ensemble = &explanation->ensemble;
    size_t class_count = explanation->selection.class_count,
           inputs = (size_t)explanation->input_count;
    int code = EXIT_OK;

    for (size_t i = 0; i < ensemble->count * class_count * inputs && !code; i++) {
        size_t explainer = i / inputs / class_count;
        const struct which which = {
            .method = ensemble->methods[explainer],
            .layer = ensemble->layers[explainer],
            .class_place = i / inputs % class_count,
            .input = (int64_t)(i % inputs),
        };
        const sscam_map *map =
            maps[(i % inputs * ensemble->count + explainer) * class_count + which.class_place];

        code = deliver(explanation, map, &which, ensemble->explainers[explainer],
                       pace * (double)sscam_map_passes(map));
    }
    return code;
}

static int explain_together(struct explanation *explanation)
{
    size_t count = (size_t)explanation->input_count * explanation->ensemble.count *
                   explanation->selection.class_count;
    sscam_map **maps = allocate(count, sizeof(sscam_map *));
    double start = monotonic_seconds();

    sscam_status status = compute(explanation, maps);
    double seconds = monotonic_seconds() - start;
    int code = status ? fail_library(culprit(explanation, status), status)
                      : deliver_all(explanation, maps, seconds_a_pass(seconds, maps, count));

    for (size_t i = 0; i < count; i++)
        sscam_map_destroy(maps[i]);
    free(maps);
    return code;
}

static int explain_all(struct explanation *explanation)
{
    int code = ensemble_create(&explanation->selection, explanation->model, &explanation->progress,
                               &explanation->ensemble);

    if (!code)
        code = ensemble_narrow(&explanation->ensemble, &explanation->selection, try_first_input,
                               explanation);
    if (!code)
        code = interruption_requested() ? fail_cancelled() : explain_together(explanation);
    ensemble_free(&explanation->ensemble);
    return code;
}

/* Dimensions of the tensor's places: what was given, or what its rank makes likely. */
static int tensor_dimensions(const struct explanation *explanation)
{
    if (explanation->dimensions)
        return explanation->dimensions[0] - '0';
    return explanation->tensor.rank < 3 ? 1 : explanation->tensor.rank > 4 ? 3 : 2;
}

static int load_tensor(struct explanation *explanation)
{
    static const char *const shapes[] = {"[C,W] or [N,C,W]", "[C,H,W] or [N,C,H,W]",
                                         "[C,D,H,W] or [N,C,D,H,W]"};
    struct npy_array *tensor = &explanation->tensor;

    if (npy_read(explanation->tensor_path, tensor))
        return EXIT_FAILED;
    int dimensions = tensor_dimensions(explanation), missing = dimensions + 2 - tensor->rank;
    if (missing < 0 || missing > 1)
        return fail(explanation->tensor_path, "it has %d dimensions; its shape is not %s",
                    tensor->rank, shapes[dimensions - 1]);
    if (dimensions != 2 && explanation->output_paths[HEATMAP])
        return fail_usage("explain", "--heatmap is an image, which a map of an array %s is not",
                          shapes[dimensions - 1]);
    explanation->rank = dimensions + 2;
    explanation->shape[0] = 1;
    for (int i = 0; i < tensor->rank; i++)
        explanation->shape[missing + i] = tensor->shape[i];
    explanation->input_count = explanation->shape[0];
    return EXIT_OK;
}

static int load_inputs(struct explanation *explanation)
{
    explanation->input_count = 1;
    return explanation->tensor_path
               ? load_tensor(explanation)
               : load_image(explanation->image_path, explanation->selection.max_pixels,
                            &explanation->image);
}

static bool has_other_extension(const char *path, const char *extension)
{
    const char *own = sscam_extension(path);

    return *own && strcasecmp(own, extension);
}

static int check_request(const struct explanation *explanation)
{
    const char *overlay = explanation->output_paths[OVERLAY],
               *heatmap = explanation->output_paths[HEATMAP];

    if (explanation->tensor_path && explanation->image_path)
        return fail_usage("explain", "either an image or --tensor, not both");
    if (!explanation->tensor_path && !explanation->image_path)
        return fail_usage("explain", "needs an image, or --tensor FILE");
    if (explanation->dimensions &&
        (strlen(explanation->dimensions) != 1 || !strchr("123", *explanation->dimensions)))
        return fail_usage("explain", "--dimensions takes 1, 2 or 3, not '%s'",
                          explanation->dimensions);
    if (explanation->dimensions && !explanation->tensor_path)
        return fail_usage("explain", "--dimensions says what --tensor holds; an image has 2");
    if (explanation->tensor_path && overlay)
        return fail_usage(
            "explain", "--output draws on an image, and --tensor has none; --heatmap needs none");
    if (overlay && !strcmp(explanation->selection.colormap, "gray"))
        return fail_usage("explain",
                          "the colormap gray is for --heatmap; an overlay needs colours");
    if ((overlay && has_other_extension(overlay, ".png")) ||
        (heatmap && has_other_extension(heatmap, ".png")))
        return fail_usage("explain", "images are written as PNG: their names must end in .png");
    return EXIT_OK;
}

static int explain(struct explanation *explanation)
{
    int code = check_request(explanation);

    if (!code)
        code = selection_resolve(&explanation->selection, "ss-cam-mean");
    if (!code)
        code = load_inputs(explanation);
    if (!code)
        code = check_outputs(explanation);
    if (!code)
        code = load_model(explanation->model_path, explanation->selection.device,
                          &explanation->model);
    if (!code)
        code = explain_all(explanation);
    sscam_model_destroy(explanation->model);
    npy_free(&explanation->tensor);
    sscam_image_destroy(explanation->image);
    return code;
}

static int parse(struct explanation *explanation, int argc, char **argv, struct text_list *operands)
{
    struct flag shared[SELECTION_FLAG_COUNT + 1];
    const char **paths = explanation->output_paths;
    const struct flag own[] = {
        {"tensor", 0, "FILE.npy",
         "Explain a float32 [C,H,W] or [N,C,H,W] array, used as it is, in place of an image.",
         .text = &explanation->tensor_path},
        {"dimensions", 0, "1|2|3",
         "The array's places: 1 for sound, [C,W] or [N,C,W]; 3 for video, [C,D,H,W] or "
         "[N,C,D,H,W]. Default: 2, or what "
         "an array of 2 or of 5 dimensions can only be.",
         .text = &explanation->dimensions},
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
        {"json", 0, NULL, "Print one JSON object a map and line.", .given = &explanation->as_json},
        {0},
    };
    const struct syntax syntax = {
        .command = "explain",
        .usage = {"MODEL IMAGE [-m METHOD[,...]] [-l LAYER[,...]] [-c CLASS[,...]] [FLAG]...",
                  "MODEL --tensor FILE.npy [FLAG]..."},
        .fewest = 1,
        .most = 2,
        .operands = "a model and an image",
        .flags = {shared, own},
        .purpose =
            "Computes where in the image the network sees a class: the default is the predicted "
            "class, by ss-cam-mean. Several methods, layers or classes give a map for each "
            "combination; the names of their files then get what varies before the extension, as "
            "in "
            "overlay-grad-cam-281.png.",
    };

    selection_flags(&explanation->selection, shared);
    return arguments_parse(&syntax, argc, argv, operands);
}

int run_explain(int argc, char **argv)
{
    struct explanation explanation = {.selection = selection_defaults("explain")};
    struct text_list operands = {0};

    int code = parse(&explanation, argc, argv, &operands);
    if (!code) {
        explanation.model_path = operands.items[0];
        explanation.image_path = operands.count > 1 ? operands.items[1] : NULL;
        code = explain(&explanation);
    }
    selection_free(&explanation.selection);
    text_list_free(&operands);
    return code;
}
