/* sscam compare: one figure of several images and methods. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sscam/sscam.h>

#include "base/path.h"
#include "commands/arguments.h"
#include "commands/commands.h"
#include "commands/explainer_set.h"
#include "commands/input_list.h"
#include "commands/label_fit.h"
#include "commands/load.h"
#include "commands/selection.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "common/output_file.h"
#include "common/progress_bar.h"
#include "common/signals.h"
#include "report/figure.h"
#include "report/total_tables.h"

/* Probabilities have three digits in the figure; a smaller one must not look like 0. */
#define SMALLEST_SHOWN 0.001

struct comparison {
    struct selection selection;
    const char *model_path, *output_path;
    struct input_list images;
    size_t image_count;

    sscam_model *model;
    struct explainer_set explainer_set;
    const char **titles; /* of the columns: the input, then the methods */
    struct figure *figure;
    struct progress progress;
    char *layer; /* of the maps */
};

/* A class on an image: a row of the figure. */
struct scene {
    size_t row;
    const char *path;
    const sscam_image *image;
};

static void label_row(struct comparison *comparison, const struct scene *scene,
                      const sscam_map *map)
{
    int64_t class_index = sscam_map_class_index(map);
    const char *name = labels_name(&comparison->selection.labels, class_index);
    char *label = name ? copy_text(name, strlen(name)) : format_text("class %" PRId64, class_index);
    double probability = sscam_map_probability(map);
    char *detail = probability < SMALLEST_SHOWN ? format_text("probability < %g", SMALLEST_SHOWN)
                                                : format_text("probability %.3f", probability);

    figure_set_label(comparison->figure, scene->row, label, detail, sscam_file_name(scene->path));
    if (!comparison->layer)
        comparison->layer = copy_text(sscam_map_layer(map), strlen(sscam_map_layer(map)));
    free(label);
    free(detail);
}

static int set_image(struct comparison *comparison, const struct scene *scene, size_t column,
                     const sscam_image *image, const char *remark)
{
    const char *why = figure_set_image(comparison->figure, scene->row, column, image, remark);

    return why ? fail(scene->path, "cannot be drawn: %s", why) : EXIT_OK;
}

static int draw_map(struct comparison *comparison, const struct scene *scene, size_t column,
                    const sscam_map *map)
{
    sscam_image *overlay = NULL;
    sscam_status status = sscam_map_overlay(map, scene->image, &comparison->selection.drawing,
                                            &overlay);

    if (status)
        return fail_library(scene->path, status);
    int code = set_image(comparison, scene, column, overlay,
                         sscam_map_is_flat(map) ? "constant map" : NULL);
    sscam_image_unref(overlay);
    label_row(comparison, scene, map);
    return code;
}

static int draw_row(struct comparison *comparison, const struct scene *scene,
                    sscam_map *const *maps, size_t class_position)
{
    int code = set_image(comparison, scene, 0, scene->image, NULL);

    for (size_t i = 0; i < comparison->explainer_set.count && !code; i++)
        code = draw_map(comparison, scene, i + 1,
                        maps[i * comparison->selection.class_count + class_position]);
    return code;
}

static sscam_status compute(struct comparison *comparison, size_t index, const sscam_image *image,
                            sscam_map **maps)
{
    int64_t *classes = selection_classes(&comparison->selection, 1);

    progress_begin(&comparison->progress,
                   sscam_file_name(input_list_name(&comparison->images, index)), index + 1,
                   comparison->image_count);
    sscam_status status = sscam_explain_image_all(
        comparison->explainer_set.explainers, (int64_t)comparison->explainer_set.count, image,
        classes, (int64_t)comparison->selection.class_count, maps);
    progress_end(&comparison->progress);
    free(classes);
    return status;
}

static int explain_image(struct comparison *comparison, size_t index, const sscam_image *image)
{
    size_t class_count = comparison->selection.class_count,
           count = comparison->explainer_set.count * class_count;
    struct scene scene = {.path = input_list_name(&comparison->images, index), .image = image};
    sscam_map **maps = allocate(count, sizeof(sscam_map *));

    sscam_status status = compute(comparison, index, image, maps);
    int code = EXIT_OK;
    if (status)
        code = fail_library(status == SSCAM_E_ARGUMENT ? scene.path : comparison->model_path,
                            status);
    for (size_t i = 0; i < class_count && !code; i++) {
        scene.row = index * class_count + i;
        code = draw_row(comparison, &scene, maps, i);
    }
    for (size_t i = 0; i < count; i++)
        sscam_map_unref(maps[i]);
    free(maps);
    return code;
}

static int explain_images(struct comparison *comparison)
{
    int code = EXIT_OK;

    for (size_t i = 0; i < comparison->image_count && !code; i++) {
        sscam_image *image = NULL;

        if (interruption_requested())
            return fail_cancelled();
        code = input_list_load(&comparison->images, i, &comparison->selection.reading, &image);
        if (!code)
            code = explain_image(comparison, i, image);
        sscam_image_unref(image);
    }
    return code;
}

static void describe(struct comparison *comparison)
{
    char *footer = format_text("%s, layer %s", sscam_file_name(comparison->model_path),
                               comparison->layer);

    for (size_t i = 0; i < comparison->selection.settings.count; i++) {
        const struct setting *setting = &comparison->selection.settings.items[i];
        char *longer = format_text("%s, %s %s", footer, setting->name, setting->value);
        free(footer);
        footer = longer;
    }
    figure_set_footer(comparison->figure, footer);
    free(footer);
}

static void create_figure(struct comparison *comparison)
{
    const struct explainer_set *set = &comparison->explainer_set;

    comparison->titles = allocate(set->count + 1, sizeof *comparison->titles);
    comparison->titles[0] = "Input";
    for (size_t i = 0; i < set->count; i++)
        comparison->titles[i + 1] = method_title(
            comparison->selection.methods.items[set->methods[i]]);
    comparison->figure = figure_create(comparison->output_path,
                                       comparison->image_count * comparison->selection.class_count,
                                       set->count + 1, comparison->titles);
}

static sscam_status try_class(void *user, sscam_explainer *explainer, int64_t class_index)
{
    const struct comparison *comparison = user;

    sscam_image *image = NULL;
    sscam_map *map = NULL;

    sscam_status status = input_list_read(&comparison->images, 0, &comparison->selection.reading,
                                          &image);
    if (!status)
        status = sscam_explain_image(explainer, image, class_index, &map);
    sscam_map_unref(map);
    sscam_image_unref(image);
    return status;
}

static sscam_status try_first_image(void *user, sscam_explainer *explainer)
{
    return try_class(user, explainer, SSCAM_CLASS_TOP);
}

static int draw_comparison(struct comparison *comparison)
{
    create_figure(comparison);
    int code = explain_images(comparison);
    if (!code) {
        describe(comparison);
        code = figure_write(comparison->figure);
    }
    figure_free(comparison->figure);
    free(comparison->titles);
    free(comparison->layer);
    return code;
}

static int compare_methods(struct comparison *comparison)
{
    struct explainer_set *set = &comparison->explainer_set;

    int code = explainer_set_create(&comparison->selection, comparison->model,
                                    &comparison->progress, set);
    if (!code)
        code = explainer_set_drop_unsupported(set, &comparison->selection, try_first_image,
                                              comparison);
    if (!code)
        code = draw_comparison(comparison);
    explainer_set_free(set);
    return code;
}

/* Finds a damaged image before minutes of work on the others. */
static int check_images(const struct comparison *comparison)
{
    int code = EXIT_OK;

    for (size_t i = 0; i < comparison->image_count && !code; i++) {
        sscam_image *image = NULL;

        code = input_list_load(&comparison->images, i, &comparison->selection.reading, &image);
        sscam_image_unref(image);
    }
    return code;
}

static int check_request(const struct comparison *comparison)
{
    const struct selection *selection = &comparison->selection;

    if (!comparison->output_path)
        return fail_usage("compare", "needs --output FILE");
    if (!figure_supports_extension(comparison->output_path))
        return fail_usage("compare", "--output '%s' ends in none of .png, .pdf, .svg",
                          comparison->output_path);
    if (selection->layers.count > 1)
        return fail_usage("compare", "takes one layer; its columns are methods");
    if (!strcmp(selection->drawing.colormap, "gray"))
        return fail_usage("compare", "the colormap gray is for heatmaps; overlays need colours");
    return EXIT_OK;
}

static int check_size(const struct comparison *comparison)
{
    size_t rows = comparison->image_count * comparison->selection.class_count;

    if (rows > FIGURE_MAX_ROWS)
        return fail_usage("compare", "%zu rows do not fit one figure; the most is %d", rows,
                          FIGURE_MAX_ROWS);
    return output_path_check(comparison->output_path);
}

static int compare(struct comparison *comparison)
{
    int code = check_request(comparison);

    if (!code)
        code = selection_resolve(&comparison->selection, "all");
    if (!code)
        code = check_order("compare", comparison->model_path, comparison->images.paths.items[0]);
    if (!code)
        code = check_size(comparison);
    if (!code)
        code = check_images(comparison);
    if (!code)
        code = selection_load_model(&comparison->selection, comparison->model_path,
                                    &comparison->model);
    if (!code)
        code = selection_check_labels(&comparison->selection, comparison->model, try_class,
                                      comparison);
    if (!code)
        code = compare_methods(comparison);
    sscam_model_unref(comparison->model);
    return code;
}

int run_compare(int argc, char **argv)
{
    struct comparison comparison = {.selection = selection_defaults("compare")};
    struct text_list operands = {0};
    struct flag shared[SELECTION_FLAG_COUNT + 1];
    const struct flag own[] = {
        {"output", 'o', "FILE", "Where to write the figure: .png, .pdf or .svg.",
         .text = &comparison.output_path},
        {0},
    };
    const struct syntax syntax = {
        .command = "compare",
        .usage = {"MODEL IMAGE... -o FILE [-m METHOD[,...]] [-c CLASS[,...]] [FLAG]..."},
        .min_operands = 2,
        .max_operands = SIZE_MAX,
        .operands = "a model and at least one image",
        .flags = {shared, own},
        .purpose = "Draws a figure whose rows are images (and classes, when several are asked for) "
                   "and whose columns are the input and the methods: by default all that can "
                   "explain the network.",
    };

    selection_flags(&comparison.selection, shared);
    int code = arguments_parse(&syntax, argc, argv, &operands);
    if (!code) {
        comparison.model_path = operands.items[0];
        code = input_list_expand(operands.items + 1, operands.count - 1,
                                 &comparison.selection.reading, &comparison.images);
    }
    if (!code) {
        comparison.image_count = comparison.images.paths.count;
        code = compare(&comparison);
    }
    input_list_free(&comparison.images);
    selection_free(&comparison.selection);
    text_list_free(&operands);
    return code;
}
