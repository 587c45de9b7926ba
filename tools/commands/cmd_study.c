/* sscam study: SS-CAM evaluated over a range of sigma and of samples. */
#include "commands/sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "commands/commands.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "data/result_column.h"
#include "report/map_similarity.h"

#define SWEEP_FLAG_COUNT 2

static const char *const references[SWEEP_REFERENCES] = {
    [SWEEP_GRAD_CAM] = "grad-cam", [SWEEP_SCORE_CAM] = "score-cam"};
static const char *const swept_methods[] = {"ss-cam-mean", "ss-cam-max"};

#define SWEPT_METHOD_COUNT (sizeof swept_methods / sizeof *swept_methods)

/* --- request ---------- ----------------------------------------------------------------------- */

static int compare_numbers(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

/* Reads the values of an axis, sorts them and drops duplicates. The library checks them later. */
static int read_axis(struct sweep_axis *axis, struct text_list *texts, const char *defaults)
{
    size_t kept = 0;

    if (!texts->count)
        text_list_add_separated(texts, defaults);
    axis->values = allocate(texts->count, sizeof *axis->values);
    for (; axis->count < texts->count; axis->count++) {
        const char *text = texts->items[axis->count];

        if (!sscam_parse_real(text, &axis->values[axis->count]))
            return fail_usage("study", "--%s takes numbers between commas, not '%s'", axis->option,
                              text);
    }
    qsort(axis->values, axis->count, sizeof *axis->values, compare_numbers);
    for (size_t i = 0; i < axis->count; i++)
        if (!kept || axis->values[i] != axis->values[kept - 1])
            axis->values[kept++] = axis->values[i];
    axis->count = kept;
    return EXIT_OK;
}

static bool is_swept(const char *name)
{
    for (size_t i = 0; i < SWEPT_METHOD_COUNT; i++)
        if (!strcmp(swept_methods[i], name))
            return true;
    return false;
}

static int check_methods(struct text_list *methods)
{
    if (!methods->count)
        for (size_t i = 0; i < SWEPT_METHOD_COUNT; i++)
            text_list_add(methods, swept_methods[i]);
    for (size_t i = 0; i < methods->count; i++)
        if (!is_swept(methods->items[i]))
            return fail_usage("study", "-m takes ss-cam-mean and ss-cam-max, not '%s'",
                              methods->items[i]);
    return EXIT_OK;
}

static int check_settings(const struct settings *settings)
{
    for (size_t i = 0; i < settings->count; i++)
        if (!strcmp(settings->items[i].name, "sigma") ||
            !strcmp(settings->items[i].name, "samples"))
            return fail_usage("study", "--set %s: it is what a study varies; --%s takes its values",
                              settings->items[i].name, settings->items[i].name);
    return EXIT_OK;
}

static int resolve(struct sweep *sweep, struct eval *eval)
{
    int code = check_methods(&eval->selection.methods);

    if (!code)
        code = check_settings(&eval->selection.settings);
    if (!code)
        code = read_axis(&sweep->sigma, &sweep->sigma_texts, "0,0.25,1,2,4");
    if (!code)
        code = read_axis(&sweep->samples, &sweep->samples_texts, "1,5,10");
    for (size_t i = 0; i < eval->selection.methods.count && !code; i++)
        text_list_add(&sweep->methods, eval->selection.methods.items[i]);
    return code;
}

/* --- rows ------------------------------------------------------------------------------------- */

size_t sweep_row(const struct sweep *sweep, size_t method, size_t sigma, size_t samples)
{
    return SWEEP_REFERENCES + (method * sweep->sigma.count + sigma) * sweep->samples.count +
           samples;
}

static int set_value(const struct sweep_axis *axis, size_t index, sscam_explainer *explainer)
{
    char *text = format_text("%.17g", axis->values[index]);
    sscam_status status = sscam_explainer_set(explainer, axis->option, text);

    free(text);
    if (status == SSCAM_E_ARGUMENT)
        return fail_usage("study", "%s", sscam_last_error());
    return status ? fail_library(axis->option, status) : EXIT_OK;
}

/* Adds an explainer of a method to the set; the caller names its row. */
static int add_explainer(struct eval *eval, const char *method, sscam_explainer **explainer)
{
    int code = selection_explainer(&eval->selection, eval->model, method,
                                   eval->selection.layers.items[0], explainer);

    if (!code)
        eval->explainer_set.explainers[eval->explainer_set.count++] = *explainer;
    return code;
}

static int add_setting(struct eval *eval, size_t method, size_t sigma, size_t samples)
{
    const struct sweep *sweep = eval->user;
    sscam_explainer *explainer = NULL;
    int code = add_explainer(eval, sweep->methods.items[method], &explainer);

    if (!code)
        code = set_value(&sweep->sigma, sigma, explainer);
    if (!code)
        code = set_value(&sweep->samples, samples, explainer);
    if (code)
        return code;
    char *name = format_text("%s sigma=%g samples=%g", sweep->methods.items[method],
                             sweep->sigma.values[sigma], sweep->samples.values[samples]);
    text_list_add(&eval->results.methods, name);
    free(name);
    return EXIT_OK;
}

static int create_explainers(struct eval *eval)
{
    const struct sweep *sweep = eval->user;
    const size_t settings = sweep->methods.count * sweep->sigma.count * sweep->samples.count;
    int code = EXIT_OK;

    eval->explainer_set.explainers = allocate(SWEEP_REFERENCES + settings,
                                              sizeof(sscam_explainer *));
    for (size_t i = 0; i < SWEEP_REFERENCES && !code; i++) {
        sscam_explainer *explainer;

        text_list_add(&eval->results.methods, references[i]);
        code = add_explainer(eval, references[i], &explainer);
    }
    for (size_t i = 0; i < settings && !code; i++)
        code = add_setting(eval, i / sweep->samples.count / sweep->sigma.count,
                           i / sweep->samples.count % sweep->sigma.count, i % sweep->samples.count);
    return code;
}

static void add_similarities(struct eval *eval, size_t first_result)
{
    map_similarity_add(&eval->results, first_result, eval->evaluation, MEASURE_NEAR_SCORE_CAM,
                       SWEEP_SCORE_CAM);
    map_similarity_add(&eval->results, first_result, eval->evaluation, MEASURE_NEAR_GRAD_CAM,
                       SWEEP_GRAD_CAM);
}

static void describe_row(void *user, struct json *json, size_t row)
{
    const struct sweep *sweep = user;

    if (row < SWEEP_REFERENCES)
        return;
    size_t setting = row - SWEEP_REFERENCES;
    json_text(json, "base",
              sweep->methods.items[setting / sweep->samples.count / sweep->sigma.count]);
    json_real(json, "sigma",
              sweep->sigma.values[setting / sweep->samples.count % sweep->sigma.count]);
    json_integer(json, "samples", (int64_t)sweep->samples.values[setting % sweep->samples.count]);
}

/* --- the command ------------------------------------------------------------------------------ */

static int parse(struct sweep *sweep, struct eval *eval, int argc, char **argv,
                 struct text_list *operands)
{
    struct flag shared[SELECTION_FLAG_COUNT + 1];
    struct flag own[SWEEP_FLAG_COUNT + EVAL_FLAG_COUNT + 1] = {
        {"sigma", 0, "S[,...]", "Standard deviations of the noise. Default: 0,0.25,1,2,4.",
         .list = &sweep->sigma_texts},
        {"samples", 0, "N[,...]", "Noisy samples a channel. Default: 1,5,10.",
         .list = &sweep->samples_texts},
    };
    const struct syntax syntax = {
        .command = "study",
        .usage = {"MODEL DATASET [--sigma S[,...]] [--samples N[,...]] [-m ss-cam-mean,ss-cam-max] "
                  "[FLAG]..."},
        .min_operands = 2,
        .max_operands = 2,
        .operands = "a model and a data set",
        .flags = {shared, own},
        .purpose =
            "Evaluates SS-CAM at every combination of sigma and samples on a data set, as 'sscam "
            "eval' does, and measures how near its maps come to Score-CAM's and Grad-CAM's: "
            "Pearson's correlation of the maps, mean over the cases. --report draws everything "
            "against sigma and against the number of samples. Combinations of an image share what "
            "they have in common; without noise (sigma 0) they are Score-CAM and cost nothing "
            "more. Data sets and classes are those of 'sscam eval'.",
    };

    eval_selection_flags(eval, shared);
    eval_flags(eval, own + SWEEP_FLAG_COUNT);
    for (struct flag *flag = shared; flag->name; flag++)
        if (flag->list == &eval->selection.methods)
            flag->help = "ss-cam-mean, ss-cam-max. Default: both.";
    return arguments_parse(&syntax, argc, argv, operands);
}

static void free_sweep(struct sweep *sweep)
{
    text_list_free(&sweep->methods);
    text_list_free(&sweep->sigma_texts);
    text_list_free(&sweep->samples_texts);
    free(sweep->sigma.values);
    free(sweep->samples.values);
}

int run_study(int argc, char **argv)
{
    static const int32_t measures[] = {MEASURE_NEAR_SCORE_CAM, MEASURE_NEAR_GRAD_CAM};
    static const struct eval_kind kind = {
        .report_title = "SS-CAM: noise and samples",
        .create_explainers = create_explainers,
        .measures = measures,
        .measure_count = sizeof measures / sizeof *measures,
        .after_image = add_similarities,
        .describe = describe_row,
        .put_charts = sweep_put_charts,
    };
    struct sweep sweep = {.sigma = {.option = "sigma"}, .samples = {.option = "samples"}};
    struct eval eval = eval_defaults("study", &kind, &sweep);
    struct text_list operands = {0};

    /* A default: a later setting of the command line wins. */
    settings_add(&eval.selection.settings, find_option("metrics"),
                 "average_drop,average_increase,energy_pointing,class_sensitivity");
    int code = parse(&sweep, &eval, argc, argv, &operands);
    if (!code)
        code = resolve(&sweep, &eval);
    code = eval_finish(&eval, &operands, code);
    free_sweep(&sweep);
    return code;
}
