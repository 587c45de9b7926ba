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
#include "commands/load.h"
#include "commands/selection.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "common/output_file.h"
#include "common/progress_bar.h"
#include "common/signals.h"
#include "report/figure.h"
#include "report/total_tables.h"

/* Three digits are shown; a smaller probability is not to look like none. */
#define SMALLEST_SHOWN 0.001

struct comparison {
    struct selection selection;
    const char *model_path, *output_path;
    char *const *image_paths;
    size_t image_count;

    sscam_model *model;
    struct ensemble ensemble;
    const char **titles; /* of the columns: the input, then the methods */
    struct panel *panel;
    struct progress progress;
    char *layer; /* that the maps were made at */
};

/* A row of the figure. */
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

    panel_set_label(comparison->panel, scene->row, label, detail, sscam_file_name(scene->path));
    if (!comparison->layer)
        comparison->layer = copy_text(sscam_map_layer(map), strlen(sscam_map_layer(map)));
    free(label);
    free(detail);
}

static int draw_map(struct comparison *comparison, const struct scene *scene, size_t column,
                    const sscam_map *map)
{
    const struct selection *selection = &comparison->selection;
    sscam_image *overlay = NULL;
    sscam_status status = sscam_map_overlay(map, scene->image, selection->colormap,
                                            selection->alpha, &overlay);

    if (status)
        return fail_library(scene->path, status);
    panel_set_image(comparison->panel, scene->row, column, overlay,
                    sscam_map_is_flat(map) ? "flat map" : NULL);
    sscam_image_destroy(overlay);
    label_row(comparison, scene, map);
    return EXIT_OK;
}

static int draw_row(struct comparison *comparison, const struct scene *scene,
                    sscam_map *const *maps, size_t class_place)
{
    int code = EXIT_OK;

    panel_set_image(comparison->panel, scene->row, 0, scene->image, NULL);
    for (size_t i = 0; i < comparison->ensemble.count && !code; i++)
        code = draw_map(comparison, scene, i + 1,
                        maps[i * comparison->selection.class_count + class_place]);
    return code;
}

static sscam_status compute(struct comparison *comparison, size_t place, const sscam_image *image,
                            sscam_map **maps)
{
    int64_t *classes = ensemble_classes(&comparison->selection, 1);

    progress_begin(&comparison->progress, sscam_file_name(comparison->image_paths[place]),
                   place + 1, comparison->image_count);
    sscam_status status = sscam_explain_image_all(comparison->ensemble.explainers,
                                                  comparison->ensemble.count, image, classes,
                                                  comparison->selection.class_count, maps);
    progress_end(&comparison->progress);
    free(classes);
    return status;
}

static int explain_image(struct comparison *comparison, size_t place, const sscam_image *image)
{
    size_t class_count = comparison->selection.class_count,
           count = comparison->ensemble.count * class_count;
    struct scene scene = {.path = comparison->image_paths[place], .image = image};
    sscam_map **maps = allocate(count, sizeof(sscam_map *));

    sscam_status status = compute(comparison, place, image, maps);
    int code = EXIT_OK;
    if (status)
        code = fail_library(status == SSCAM_E_ARGUMENT ? scene.path : comparison->model_path,
                            status);
    for (size_t i = 0; i < class_count && !code; i++) {
        scene.row = place * class_count + i;
        code = draw_row(comparison, &scene, maps, i);
    }
    for (size_t i = 0; i < count; i++)
        sscam_map_destroy(maps[i]);
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
        code = load_image(comparison->image_paths[i], comparison->selection.max_pixels, &image);
        if (!code)
            code = explain_image(comparison, i, image);
        sscam_image_destroy(image);
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
    panel_set_footer(comparison->panel, footer);
    free(footer);
}

static void create_panel(struct comparison *comparison)
{
    const struct ensemble *ensemble = &comparison->ensemble;

    comparison->titles = allocate(ensemble->count + 1, sizeof *comparison->titles);
    comparison->titles[0] = "Input";
    for (size_t i = 0; i < ensemble->count; i++)
        comparison->titles[i + 1] = method_title(
            comparison->selection.methods.items[ensemble->methods[i]]);
    comparison->panel = panel_create(comparison->output_path,
                                     comparison->image_count * comparison->selection.class_count,
                                     ensemble->count + 1, comparison->titles);
}

static sscam_status try_first_image(void *user, sscam_explainer *explainer)
{
    const struct comparison *comparison = user;
    sscam_image *image = NULL;
    sscam_map *map = NULL;

    sscam_status status = sscam_image_read_limited(comparison->image_paths[0],
                                                   comparison->selection.max_pixels, &image);
    if (!status)
        status = sscam_explain_image(explainer, image, SSCAM_CLASS_TOP, &map);
    sscam_map_destroy(map);
    sscam_image_destroy(image);
    return status;
}

static int draw_comparison(struct comparison *comparison)
{
    create_panel(comparison);
    int code = explain_images(comparison);
    if (!code) {
        describe(comparison);
        code = panel_write(comparison->panel);
    }
    panel_free(comparison->panel);
    free(comparison->titles);
    free(comparison->layer);
    return code;
}

static int compare_methods(struct comparison *comparison)
{
    struct ensemble *ensemble = &comparison->ensemble;

    int code = ensemble_create(&comparison->selection, comparison->model, &comparison->progress,
                               ensemble);
    if (!code)
        code = ensemble_narrow(ensemble, &comparison->selection, try_first_image, comparison);
    if (!code)
        code = draw_comparison(comparison);
    ensemble_free(ensemble);
    return code;
}

/* A damaged image is better found now than after minutes of work on those before it. */
static int check_images(const struct comparison *comparison)
{
    int code = EXIT_OK;

    for (size_t i = 0; i < comparison->image_count && !code; i++) {
        sscam_image *image = NULL;

        code = load_image(comparison->image_paths[i], comparison->selection.max_pixels, &image);
        sscam_image_destroy(image);
    }
    return code;
}

static int check_request(const struct comparison *comparison)
{
    const struct selection *selection = &comparison->selection;

    if (!comparison->output_path)
        return fail_usage("compare", "needs --output FILE");
    if (!panel_knows_extension(comparison->output_path))
        return fail_usage("compare", "--output '%s' ends in none of .png, .pdf, .svg",
                          comparison->output_path);
    if (selection->layers.count > 1)
        return fail_usage("compare", "takes one layer; its columns are methods");
    if (!strcmp(selection->colormap, "gray"))
        return fail_usage("compare", "the colormap gray is for heatmaps; overlays need colours");
    return EXIT_OK;
}

static int check_size(const struct comparison *comparison)
{
    size_t rows = comparison->image_count * comparison->selection.class_count;

    if (rows > PANEL_MOST_ROWS)
        return fail_usage("compare", "%zu rows do not fit one figure; the most is %d", rows,
                          PANEL_MOST_ROWS);
    return output_path_check(comparison->output_path);
}

static int compare(struct comparison *comparison)
{
    int code = check_request(comparison);

    if (!code)
        code = selection_resolve(&comparison->selection, "all");
    if (!code)
        code = check_size(comparison);
    if (!code)
        code = check_images(comparison);
    if (!code)
        code = load_model(comparison->model_path, comparison->selection.device, &comparison->model);
    if (!code)
        code = compare_methods(comparison);
    sscam_model_destroy(comparison->model);
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
        .fewest = 2,
        .most = SIZE_MAX,
        .operands = "a model and at least one image",
        .flags = {shared, own},
        .purpose =
            "Draws a figure whose rows are images (and classes, when several are asked for) and "
            "whose "
            "columns are the input and the methods: by default all that can explain the network.",
    };

    selection_flags(&comparison.selection, shared);
    int code = arguments_parse(&syntax, argc, argv, &operands);
    if (!code) {
        comparison.model_path = operands.items[0];
        comparison.image_paths = operands.items + 1;
        comparison.image_count = operands.count - 1;
        code = compare(&comparison);
    }
    selection_free(&comparison.selection);
    text_list_free(&operands);
    return code;
}
