/* sscam study: what the noise of SS-CAM and the number of samples change. */
#include "commands/study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "commands/commands.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "data/annotation_xml.h"
#include "data/result_column.h"
#include "report/map_similarity.h"

#define STUDY_FLAG_COUNT 2

static const char *const references[STUDY_REFERENCES] = {
    [STUDY_GRAD_CAM] = "grad-cam", [STUDY_SCORE_CAM] = "score-cam"};
static const char *const studied[] = {"ss-cam-mean", "ss-cam-max"};

#define STUDIED_COUNT (sizeof studied / sizeof *studied)

/* --- what was asked for ----------------------------------------------------------------------- */

static int compare_numbers(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

/* Reads the values of an axis, sorts them and drops those that are there twice. The library judges
 * them later. */
static int read_axis(struct study_axis *axis, struct text_list *texts, const char *defaults)
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

static bool is_studied(const char *name)
{
    for (size_t i = 0; i < STUDIED_COUNT; i++)
        if (!strcmp(studied[i], name))
            return true;
    return false;
}

static int check_methods(struct text_list *methods)
{
    if (!methods->count)
        for (size_t i = 0; i < STUDIED_COUNT; i++)
            text_list_add(methods, studied[i]);
    for (size_t i = 0; i < methods->count; i++)
        if (!is_studied(methods->items[i]))
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

static int resolve(struct study *study, struct eval *eval)
{
    int code = check_methods(&eval->selection.methods);

    if (!code)
        code = check_settings(&eval->selection.settings);
    if (!code)
        code = read_axis(&study->sigma, &study->sigma_texts, "0,0.25,1,2,4");
    if (!code)
        code = read_axis(&study->samples, &study->samples_texts, "1,5,10");
    for (size_t i = 0; i < eval->selection.methods.count && !code; i++)
        text_list_add(&study->methods, eval->selection.methods.items[i]);
    return code;
}

/* --- rows ------------------------------------------------------------------------------------- */

size_t study_row(const struct study *study, size_t method, size_t sigma, size_t samples)
{
    return STUDY_REFERENCES + (method * study->sigma.count + sigma) * study->samples.count +
           samples;
}

static int set_value(const struct study_axis *axis, size_t place, sscam_explainer *explainer)
{
    char *text = format_text("%.17g", axis->values[place]);
    sscam_status status = sscam_explainer_set(explainer, axis->option, text);

    free(text);
    if (status == SSCAM_E_ARGUMENT)
        return fail_usage("study", "%s", sscam_last_error());
    return status ? fail_library(axis->option, status) : EXIT_OK;
}

/* Adds an explainer of a method to the ensemble; the caller names its row. */
static int add_explainer(struct eval *eval, const char *method, sscam_explainer **explainer)
{
    int code = selection_explainer(&eval->selection, eval->model, method,
                                   eval->selection.layers.items[0], explainer);

    if (!code)
        eval->ensemble.explainers[eval->ensemble.count++] = *explainer;
    return code;
}

static int add_setting(struct eval *eval, size_t method, size_t sigma, size_t samples)
{
    const struct study *study = eval->user;
    sscam_explainer *explainer = NULL;
    int code = add_explainer(eval, study->methods.items[method], &explainer);

    if (!code)
        code = set_value(&study->sigma, sigma, explainer);
    if (!code)
        code = set_value(&study->samples, samples, explainer);
    if (code)
        return code;
    char *name = format_text("%s sigma=%g samples=%g", study->methods.items[method],
                             study->sigma.values[sigma], study->samples.values[samples]);
    text_list_add(&eval->results.methods, name);
    free(name);
    return EXIT_OK;
}

static int create_explainers(struct eval *eval)
{
    const struct study *study = eval->user;
    const size_t settings = study->methods.count * study->sigma.count * study->samples.count;
    int code = EXIT_OK;

    eval->ensemble.explainers = allocate(STUDY_REFERENCES + settings, sizeof(sscam_explainer *));
    for (size_t i = 0; i < STUDY_REFERENCES && !code; i++) {
        sscam_explainer *explainer;

        text_list_add(&eval->results.methods, references[i]);
        code = add_explainer(eval, references[i], &explainer);
    }
    for (size_t i = 0; i < settings && !code; i++)
        code = add_setting(eval, i / study->samples.count / study->sigma.count,
                           i / study->samples.count % study->sigma.count, i % study->samples.count);
    return code;
}

static void add_nearness(struct eval *eval, size_t first_result)
{
    nearness_add(&eval->results, first_result, eval->evaluation, MEASURE_NEAR_SCORE_CAM,
                 STUDY_SCORE_CAM);
    nearness_add(&eval->results, first_result, eval->evaluation, MEASURE_NEAR_GRAD_CAM,
                 STUDY_GRAD_CAM);
}

static void describe_row(void *user, struct json *json, size_t row)
{
    const struct study *study = user;

    if (row < STUDY_REFERENCES)
        return;
    size_t setting = row - STUDY_REFERENCES;
    json_text(json, "base",
              study->methods.items[setting / study->samples.count / study->sigma.count]);
    json_real(json, "sigma",
              study->sigma.values[setting / study->samples.count % study->sigma.count]);
    json_integer(json, "samples", (int64_t)study->samples.values[setting % study->samples.count]);
}

/* --- the command ------------------------------------------------------------------------------ */

static int parse(struct study *study, struct eval *eval, int argc, char **argv,
                 struct text_list *operands)
{
    struct flag shared[SELECTION_FLAG_COUNT + 1];
    struct flag own[STUDY_FLAG_COUNT + EVAL_FLAG_COUNT + 1] = {
        {"sigma", 0, "S[,...]", "Standard deviations of the noise. Default: 0,0.25,1,2,4.",
         .list = &study->sigma_texts},
        {"samples", 0, "N[,...]", "Noisy samples a channel. Default: 1,5,10.",
         .list = &study->samples_texts},
    };
    const struct syntax syntax = {
        .command = "study",
        .usage = {"MODEL DATASET [--sigma S[,...]] [--samples N[,...]] [-m ss-cam-mean,ss-cam-max] "
                  "[FLAG]..."},
        .fewest = 2,
        .most = 2,
        .operands = "a model and a data set",
        .flags = {shared, own},
        .purpose =
            "Judges SS-CAM at every combination of sigma and samples on a data set, as 'sscam "
            "eval' does, and "
            "measures how near its maps come to Score-CAM's and Grad-CAM's: Pearson's correlation "
            "of the maps, "
            "mean over the cases. --report draws everything against sigma and against the number "
            "of samples. "
            "Combinations of an image share what they have in common; without noise (sigma 0) they "
            "are "
            "Score-CAM and cost nothing more. Data sets and classes are those of 'sscam eval'.",
    };

    eval_selection_flags(eval, shared);
    eval_flags(eval, own + STUDY_FLAG_COUNT);
    for (struct flag *flag = shared; flag->name; flag++)
        if (flag->list == &eval->selection.methods)
            flag->help = "ss-cam-mean, ss-cam-max. Default: both.";
    return arguments_parse(&syntax, argc, argv, operands);
}

static void free_study(struct study *study)
{
    text_list_free(&study->methods);
    text_list_free(&study->sigma_texts);
    text_list_free(&study->samples_texts);
    free(study->sigma.values);
    free(study->samples.values);
}

int run_study(int argc, char **argv)
{
    static const int32_t measures[] = {MEASURE_NEAR_SCORE_CAM, MEASURE_NEAR_GRAD_CAM};
    static const struct eval_kind kind = {
        .report_title = "SS-CAM: noise and samples",
        .create_explainers = create_explainers,
        .measures = measures,
        .measure_count = sizeof measures / sizeof *measures,
        .after_image = add_nearness,
        .describe = describe_row,
        .put_charts = study_put_charts,
    };
    struct study study = {.sigma = {.option = "sigma"}, .samples = {.option = "samples"}};
    struct eval eval = {.kind = &kind,
                        .user = &study,
                        .selection = selection_defaults("study"),
                        .request.max_objects = ANNOTATION_MOST_OBJECTS};
    struct text_list operands = {0};

    /* A default: a later setting of the command line wins. */
    settings_add(&eval.selection.settings, find_option("metrics"),
                 "average_drop,average_increase,energy_pointing,class_sensitivity");
    int code = parse(&study, &eval, argc, argv, &operands);
    if (!code)
        code = resolve(&study, &eval);
    if (!code) {
        eval.model_path = operands.items[0];
        eval.request.path = operands.items[1];
        code = eval_run(&eval);
    }
    selection_free(&eval.selection);
    text_list_free(&operands);
    free_study(&study);
    return code;
}
