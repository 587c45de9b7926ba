/* sscam sanity: whether maps change when the network's parameters do (Adebayo et al. 2018). */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sscam/sscam.h>

#include "commands/arguments.h"
#include "commands/commands.h"
#include "commands/input_list.h"
#include "commands/load.h"
#include "commands/selection.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "common/signals.h"
#include "text/json.h"
#include "text/terminal_text.h"

#define STEPS 5 /* numbers of modules that are randomised, the last being all */
#define DEFAULT_METHODS "grad-cam,grad-cam++,layer-cam,eigen-cam"

struct sanity {
    struct selection selection;
    const char *model_path;
    bool as_json;
    struct input_list images;
    sscam_model *model;
    int64_t modules; /* that have parameters */
    int64_t randomised[STEPS];
    sscam_map **maps; /* [images][methods] of the network itself */
    double *sums;     /* [STEPS][methods] of correlations */
    size_t *counts;   /* likewise: how many are defined */
};

static size_t method_count(const struct sanity *work)
{
    return work->selection.methods.count;
}

/* --- maps ------------------------------------------------------------------------------------- */

/* The map of one class by one method. Networks with random parameters may give outputs that are not
 * finite: then there is no map. */
static int explain(const struct sanity *work, sscam_model *model, size_t image_index, size_t method,
                   int64_t class_index, bool may_fail, sscam_map **map)
{
    const char *name = work->selection.methods.items[method];
    sscam_image *image = NULL;
    sscam_explainer *explainer = NULL;

    *map = NULL;
    if (interruption_requested())
        return fail_cancelled();
    int code = input_list_load(&work->images, image_index, &work->selection.reading, &image);
    if (!code)
        code = selection_explainer(&work->selection, model, name, work->selection.layers.items[0],
                                   &explainer);
    if (!code) {
        sscam_status status = sscam_explain_image(explainer, image, class_index, map);

        if (status && !(may_fail && status == SSCAM_E_MODEL))
            code = fail_library(name, status);
    }
    sscam_explainer_unref(explainer);
    sscam_image_unref(image);
    return code;
}

static int explain_network(struct sanity *work)
{
    const size_t methods = method_count(work), images = work->images.paths.count;
    int code = EXIT_OK;

    work->maps = allocate(images * methods, sizeof(sscam_map *));
    for (size_t i = 0; i < images * methods && !code; i++) {
        const int64_t class_index = i % methods ? sscam_map_class_index(work->maps[i - i % methods])
                                                : work->selection.classes[0].index;

        code = explain(work, work->model, i / methods, i % methods, class_index, false,
                       &work->maps[i]);
    }
    return code;
}

/* The correlations of one image's maps with those of a network with random parameters. */
static int compare_with(struct sanity *work, sscam_model *model, size_t step, size_t image)
{
    const size_t methods = method_count(work);
    int code = EXIT_OK;

    for (size_t i = 0; i < methods && !code; i++) {
        const sscam_map *own = work->maps[image * methods + i];
        double correlation = NAN;
        sscam_map *map;

        code = explain(work, model, image, i, sscam_map_class_index(own), true, &map);
        if (map)
            sscam_map_correlation(own, map, &correlation);
        sscam_map_unref(map);
        if (isnan(correlation))
            continue;
        work->sums[step * methods + i] += correlation;
        work->counts[step * methods + i]++;
    }
    return code;
}

static int randomise(const struct sanity *work, int64_t modules, int64_t *done, sscam_model **out)
{
    sscam_status status = sscam_model_randomise(work->model, modules, 0, done, out);

    return status ? fail_library(work->model_path, status) : EXIT_OK;
}

/* From the last module to all of them, each step about as many times the one before. */
static int plan_steps(struct sanity *work)
{
    sscam_model *all = NULL;
    int code = randomise(work, INT64_MAX, &work->modules, &all);

    for (int i = 0; i < STEPS; i++)
        work->randomised[i] = (int64_t)round(pow((double)work->modules, (double)i / (STEPS - 1)));
    sscam_model_unref(all);
    return code;
}

static int run_steps(struct sanity *work)
{
    int code = EXIT_OK;

    work->sums = allocate(STEPS * method_count(work), sizeof *work->sums);
    work->counts = allocate(STEPS * method_count(work), sizeof *work->counts);
    for (size_t step = 0; step < STEPS && !code; step++) {
        sscam_model *model = NULL;
        int64_t done;

        code = randomise(work, work->randomised[step], &done, &model);
        for (size_t i = 0; i < work->images.paths.count && !code; i++)
            code = compare_with(work, model, step, i);
        sscam_model_unref(model);
    }
    return code;
}

/* --- what comes out --------------------------------------------------------------------------- */

static double mean_at(const struct sanity *work, size_t step, size_t method)
{
    const size_t at = step * method_count(work) + method;

    return work->counts[at] ? work->sums[at] / (double)work->counts[at] : (double)NAN;
}

static void put_json(const struct sanity *work)
{
    struct json json = {.out = stdout};

    json_open_object(&json, NULL);
    json_text(&json, "model", work->model_path);
    json_integer(&json, "images", (int64_t)work->images.paths.count);
    json_integer(&json, "modules", work->modules);
    json_open_array(&json, "methods");
    for (size_t i = 0; i < method_count(work); i++) {
        json_open_object(&json, NULL);
        json_text(&json, "method", work->selection.methods.items[i]);
        json_open_array(&json, "steps");
        for (size_t step = 0; step < STEPS; step++) {
            json_open_object(&json, NULL);
            json_integer(&json, "randomised", work->randomised[step]);
            json_real(&json, "correlation", mean_at(work, step, i));
            json_integer(&json, "count", (int64_t)work->counts[step * method_count(work) + i]);
            json_close_object(&json);
        }
        json_close_array(&json);
        json_close_object(&json);
    }
    json_close_array(&json);
    json_close_object(&json);
    json_end_line(&json);
}

static void put_table(const struct sanity *work)
{
    printf("Correlation of maps with those of the network itself, mean over %zu images, when the "
           "last modules\nwith parameters have random ones (of %" PRId64 "):\n",
           work->images.paths.count, work->modules);
    put_padded(stdout, "method", 22);
    for (size_t step = 0; step < STEPS; step++)
        printf(" %7" PRId64, work->randomised[step]);
    putchar('\n');
    for (size_t i = 0; i < method_count(work); i++) {
        put_padded(stdout, work->selection.methods.items[i], 22);
        for (size_t step = 0; step < STEPS; step++) {
            if (isnan(mean_at(work, step, i)))
                printf("       -");
            else
                printf(" %7.2f", mean_at(work, step, i));
        }
        putchar('\n');
    }
    puts("A map that explains the network does not resemble itself once the network is random: "
         "values near 1 in\nthe last column mean that it shows the image and not the network. "
         "'-': constant maps.");
}

/* --- the command ------------------------------------------------------------------------------ */

static int check_request(const struct sanity *work)
{
    if (work->selection.layers.count > 1)
        return fail_usage("sanity", "takes one layer; its rows are methods");
    for (size_t i = 0; i < work->selection.methods.count; i++)
        if (!strcmp(work->selection.methods.items[i], "all"))
            return fail_usage("sanity", "-m takes names of methods");
    return EXIT_OK;
}

static int check(struct sanity *work)
{
    if (!work->selection.methods.count)
        text_list_add_separated(&work->selection.methods, DEFAULT_METHODS);
    int code = check_request(work);
    if (!code)
        code = selection_resolve(&work->selection, "grad-cam");
    if (!code && work->selection.class_count > 1)
        code = fail_usage("sanity", "takes one class");
    if (!code)
        code = check_order("sanity", work->model_path, work->images.paths.items[0]);
    if (!code)
        code = selection_load_model(&work->selection, work->model_path, &work->model);
    if (!code)
        code = plan_steps(work);
    if (!code)
        code = explain_network(work);
    if (!code)
        code = run_steps(work);
    if (!code && work->as_json)
        put_json(work);
    else if (!code)
        put_table(work);
    return code;
}

static void release(struct sanity *work)
{
    for (size_t i = 0; work->maps && i < work->images.paths.count * method_count(work); i++)
        sscam_map_unref(work->maps[i]);
    free(work->maps);
    free(work->sums);
    free(work->counts);
    sscam_model_unref(work->model);
    input_list_free(&work->images);
    selection_free(&work->selection);
}

int run_sanity(int argc, char **argv)
{
    struct sanity work = {.selection = selection_defaults("sanity")};
    struct text_list operands = {0};
    struct flag shared[SELECTION_FLAG_COUNT + 1];
    const struct flag own[] = {
        {"json", 0, NULL, "Print one JSON object in place of the table.", .given = &work.as_json},
        {0},
    };
    const struct syntax syntax = {
        .command = "sanity",
        .usage = {"MODEL IMAGE... [-m METHOD[,...]] [-c CLASS] [FLAG]..."},
        .min_operands = 2,
        .max_operands = SIZE_MAX,
        .operands = "a model and at least one image",
        .flags = {shared, own},
        .purpose = "Randomises the parameters of a network, from the last module with any to all "
                   "of them, and prints how far maps of the same class stay as they were: the "
                   "randomisation test of Adebayo et al. 2018. Methods whose maps do not change "
                   "show the image and not what the network learned.",
    };

    selection_flags(&work.selection, shared);
    int code = arguments_parse(&syntax, argc, argv, &operands);
    if (!code) {
        work.model_path = operands.items[0];
        code = input_list_expand(operands.items + 1, operands.count - 1, &work.selection.reading,
                                 &work.images);
    }
    if (!code)
        code = check(&work);
    release(&work);
    text_list_free(&operands);
    return code;
}
