/* sscam recommend: which method, layer and sigma serve a network, by its own images. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sscam/sscam.h>

#include "base/number.h"
#include "commands/commands.h"
#include "commands/eval.h"
#include "commands/image_notes.h"
#include "commands/load.h"
#include "commands/recommendation.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "common/signals.h"
#include "text/terminal_text.h"

#define RECOMMEND_FLAG_COUNT 1
#define DEFAULT_BUDGET 50000
#define CURVE_STEPS 16
#define BASELINE "random-cam"
#define USUAL_BLOCKS 12 /* of ViT-B */

/* What is tried, unless -m names methods: those whose maps depend on the class, and the baseline.
 * */
static const char *const tried_methods[] = {BASELINE,       "grad-cam",  "grad-cam++",  "xgrad-cam",
                                            "hires-cam",    "layer-cam", "recipro-cam", "group-cam",
                                            "ablation-cam", "score-cam", "ss-cam-mean"};
static const double tried_sigmas[] = {0.25, 1, 4};

/* A row of the table. */
struct candidate {
    char *name, *method, *layer;
    double sigma; /* NaN: the method has none */
    double cost;  /* network evaluations for a map */
};

struct recommend {
    int64_t budget; /* network evaluations in all */
    struct candidate *candidates;
    size_t count, kept;     /* those that the budget allows come first */
    double evaluation_cost; /* of the metrics, for a map */
    struct verdict *verdicts;
};

static void free_candidate(struct candidate *candidate)
{
    free(candidate->name);
    free(candidate->method);
    free(candidate->layer);
}

/* --- candidates ------------------------------------------------------------------------------- */

/* Channels and positions of a layer, from the map of an image that can be explained. */
static int measure_layer(const struct eval *eval, const char *layer, double *channels,
                         double *positions)
{
    sscam_status status = SSCAM_E_IO;
    sscam_explainer *explainer = NULL;
    int code = selection_explainer(&eval->selection, eval->model, BASELINE, layer, &explainer);

    for (size_t i = 0; i < eval->dataset.count && !code && eval_is_of_image(status); i++) {
        sscam_image *image = NULL;
        sscam_map *map = NULL;
        int32_t rank;

        status = read_image_file(eval->dataset.images[i].path, &eval->selection.reading, &image);
        if (!status)
            status = sscam_explain_image(explainer, image, SSCAM_CLASS_TOP, &map);
        if (!status) {
            const int64_t *sides = sscam_map_raw_shape(map, &rank);

            *channels = (double)sscam_map_channel_count(map);
            *positions = (double)(sides[0] * sides[1]);
        }
        sscam_map_unref(map);
        sscam_image_unref(image);
    }
    sscam_explainer_unref(explainer);
    return code || !status ? code : fail_library(*layer ? layer : eval->request.path, status);
}

/* An option's value as text: what is set, or else the method's default. */
static const char *value_of(const char *option, const char *method, const struct eval *eval)
{
    const struct settings *settings = &eval->selection.settings;
    const char *value = sscam_option_default(sscam_option_find(option), sscam_method_find(method));

    for (size_t i = 0; i < settings->count; i++)
        if (!strcmp(settings->items[i].name, option))
            value = settings->items[i].value;
    return value;
}

static double number_of(const char *option, const char *method, const struct eval *eval)
{
    double number = 0;

    sscam_parse_real(value_of(option, method, eval), &number);
    return number;
}

static double samples_of(const char *method, const struct eval *eval)
{
    return number_of("samples", method, eval);
}

/* AISE scores what is within a mask and what is beyond it, for each width. */
static double masks_of_aise(const struct eval *eval)
{
    double widths = 1;

    for (const char *c = value_of("kernel_widths", "aise", eval); *c; c++)
        widths += *c == ',';
    return 2 * widths * samples_of("aise", eval);
}

/* Blocks of a transformer: all are USUAL_BLOCKS here, since the network tells only when it is
 * explained. */
static double blocks_of(const char *method, const struct eval *eval)
{
    const double wanted = number_of("attention_blocks", method, eval);

    return wanted > 0 ? wanted : USUAL_BLOCKS;
}

static bool is_noisy(const char *method)
{
    return !strncmp(method, "ss-cam", 6);
}

/* Network evaluations for a map, at most: equal and constant channels cost none. */
static double cost_of(const struct eval *eval, const char *method, double channels,
                      double positions)
{
    const int32_t needs = sscam_method_needs(sscam_method_find(method));

    if (!strcmp(method, "group-cam"))
        return 2 + fmin(channels, 32);
    if (!strcmp(method, "full-grad"))
        return 2;
    if (!strcmp(method, "opti-cam"))
        return 1 + number_of("iterations", method, eval);
    if (needs & SSCAM_NEEDS_ATTENTION)
        return 2 + blocks_of(method, eval);
    if (needs & SSCAM_NEEDS_NO_LAYER)
        return 1 + (strcmp(method, "aise") ? samples_of(method, eval) : masks_of_aise(eval));
    if (needs & SSCAM_NEEDS_POSITIONS)
        return 1 + positions;
    if (needs & SSCAM_NEEDS_ABLATION)
        return 1 + channels;
    if (needs & SSCAM_NEEDS_SCORING)
        return 1 +
               channels *
                   (is_noisy(method) || !strcmp(method, "is-cam") ? samples_of(method, eval) : 1);
    return !strcmp(method, "smooth-grad-cam++") ? 1 + samples_of(method, eval) : 1;
}

static void add_candidate(struct recommend *work, const char *method, const char *layer,
                          double sigma, double cost)
{
    char *at = *layer ? format_text(" at %s", layer) : format_text("%s", "");
    char *noise = isnan(sigma) ? format_text("%s", "") : format_text(" sigma=%g", sigma);

    work->candidates = reallocate(work->candidates, work->count + 1, sizeof *work->candidates);
    work->candidates[work->count++] = (struct candidate){
        .name = format_text("%s%s%s", method, noise, at),
        .method = copy_text(method, strlen(method)),
        .layer = copy_text(layer, strlen(layer)),
        .sigma = sigma,
        .cost = cost};
    free(at);
    free(noise);
}

static bool has_candidate(const struct recommend *work, const char *method)
{
    for (size_t i = 0; i < work->count; i++)
        if (!strcmp(work->candidates[i].method, method))
            return true;
    return false;
}

static int add_layer(struct recommend *work, const struct eval *eval, const char *layer)
{
    double channels = 0, positions = 0;
    int code = measure_layer(eval, layer, &channels, &positions);

    for (size_t i = 0; i < eval->selection.methods.count && !code; i++) {
        const char *method = eval->selection.methods.items[i];
        const double cost = cost_of(eval, method, channels, positions);
        const bool has_layer = !(sscam_method_needs(sscam_method_find(method)) &
                                 SSCAM_NEEDS_NO_LAYER);
        const size_t sigmas = is_noisy(method) ? sizeof tried_sigmas / sizeof *tried_sigmas : 0;

        if (!has_layer && has_candidate(work, method)) /* one row for all layers */
            continue;
        for (size_t j = 0; j < sigmas; j++)
            add_candidate(work, method, layer, tried_sigmas[j], cost);
        if (!sigmas)
            add_candidate(work, method, has_layer ? layer : "", (double)NAN, cost);
    }
    return code;
}

static int by_cost(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    const int a_first = !strcmp(a->method, BASELINE), b_first = !strcmp(b->method, BASELINE);

    if (a_first != b_first)
        return b_first - a_first;
    return a->cost != b->cost ? (a->cost > b->cost) - (a->cost < b->cost)
                              : strcmp(a->name, b->name);
}

/* How many of the candidates, the cheapest first, fit into the budget. */
static size_t count_affordable(const struct recommend *work, double cases)
{
    double spent = 0;
    size_t kept = 0;

    while (kept < work->count) {
        spent += cases * (work->candidates[kept].cost + work->evaluation_cost);
        if (spent > (double)work->budget)
            break;
        kept++;
    }
    return kept;
}

/* --- explainers ------------------------------------------------------------------------------- */

/* Makes the explainer of a candidate, or leaves it out with a note where the network has no map by
 * it. */
static int add_explainer(struct eval *eval, const struct candidate *candidate, bool *is_supported)
{
    sscam_explainer *explainer = NULL;
    int code = selection_explainer(&eval->selection, eval->model, candidate->method,
                                   candidate->layer, &explainer);
    sscam_status status = SSCAM_OK;

    if (code)
        return code;
    if (!isnan(candidate->sigma))
        status = sscam_explainer_set_real(explainer, SSCAM_OPTION_SIGMA, candidate->sigma);
    if (!status && sscam_method_needs(sscam_method_find(candidate->method)) &
                       (SSCAM_NEEDS_GRADIENTS | SSCAM_NEEDS_BACKPROPAGATION))
        status = try_image(explainer, eval->dataset.images[0].path, &eval->selection.reading,
                           SSCAM_CLASS_TOP);
    *is_supported = status != SSCAM_E_UNSUPPORTED && status != SSCAM_E_LAYER;
    if (!*is_supported) {
        note(candidate->name, sscam_last_error());
        sscam_explainer_unref(explainer);
        return EXIT_OK;
    }
    if (status && !eval_is_of_image(status)) {
        sscam_explainer_unref(explainer);
        return fail_library(candidate->name, status);
    }
    eval->explainer_set.explainers[eval->explainer_set.count++] = explainer;
    text_list_add(&eval->results.methods, candidate->name);
    return EXIT_OK;
}

static int keep_explained(struct eval *eval, struct recommend *work)
{
    size_t explained = 0;
    int code = EXIT_OK;

    for (size_t i = 0; i < work->kept && !code; i++) {
        bool is_supported = false;
        struct candidate candidate = work->candidates[i];

        code = interruption_requested() ? fail_cancelled()
                                        : add_explainer(eval, &candidate, &is_supported);
        if (!code && !is_supported)
            work->candidates[i].cost = 0; /* noted; not among those that were not tried */
        if (code || !is_supported)
            continue;
        work->candidates[i] = work->candidates[explained];
        work->candidates[explained++] = candidate;
    }
    work->kept = explained;
    return code;
}

static int create_explainers(struct eval *eval)
{
    struct recommend *work = eval->user;
    const size_t images = eval->limit < eval->dataset.count ? eval->limit : eval->dataset.count;
    int code = EXIT_OK;

    if (!images)
        return fail(eval->request.path, "it has no images");
    for (size_t i = 0; i < eval->selection.layers.count && !code; i++)
        code = add_layer(work, eval, eval->selection.layers.items[i]);
    if (code)
        return code;
    qsort(work->candidates, work->count, sizeof *work->candidates, by_cost);
    work->evaluation_cost = 2 * (CURVE_STEPS + 1) + 2;
    work->kept = count_affordable(work, (double)images);
    if (work->kept < 2)
        return fail_usage("recommend",
                          "--budget %" PRId64 " is too small: %zu images take %.0f network "
                          "evaluations for the baseline and one method",
                          work->budget, images, (double)images * 2 * (1 + work->evaluation_cost));
    eval->explainer_set.explainers = allocate(work->kept, sizeof(sscam_explainer *));
    code = keep_explained(eval, work);
    if (!code && eval->explainer_set.count < 2)
        return fail(eval->model_path, "no method can explain it");
    return code;
}

/* --- what comes out --------------------------------------------------------------------------- */

static void judge_all(struct recommend *work, const struct results *results,
                      const struct total *totals)
{
    free(work->verdicts);
    work->verdicts = allocate(work->kept, sizeof *work->verdicts);
    for (size_t i = 0; i < work->kept; i++)
        work->verdicts[i].cost = work->candidates[i].cost;
    judge(results, totals, 0, work->verdicts);
}

static void describe_row(void *user, struct json *json, size_t row)
{
    const struct recommend *work = user;
    const struct candidate *candidate = &work->candidates[row];

    json_text(json, "base", candidate->method);
    json_text(json, "layer", candidate->layer);
    if (!isnan(candidate->sigma))
        json_real(json, "sigma", candidate->sigma);
    json_real(json, "passes_per_map", candidate->cost);
    json_real(json, "quality", work->verdicts[row].quality);
    json_boolean(json, "on_front", work->verdicts[row].is_on_front);
    json_boolean(json, "beats_baseline", work->verdicts[row].beats_baseline);
}

/* The mean of a cost, or nothing where it was not measured. */
static void put_cost(const struct results *results, const struct total *totals, size_t row,
                     int32_t metric, int digits)
{
    for (size_t i = 0; i < results->metric_count; i++) {
        const struct total *total = &totals[row * results->metric_count + i];

        if (results->metrics[i] == metric && total->defined) {
            printf("  %8.*f", digits, total->mean);
            return;
        }
    }
    printf("  %8s", "-");
}

static void put_row(const struct eval *eval, const struct total *totals, size_t row)
{
    const struct recommend *work = eval->user;

    printf("  %8.0f", work->verdicts[row].cost);
    put_cost(&eval->results, totals, row, SSCAM_METRIC_SECONDS, 3);
    put_cost(&eval->results, totals, row, SSCAM_METRIC_PEAK_MEMORY, 0);
    printf("  %7.2f  %s\n", work->verdicts[row].quality, work->candidates[row].name);
}

static void put_front(const struct eval *eval, const struct total *totals)
{
    const struct recommend *work = eval->user;

    puts("\nNo other row is better and cheaper than these (quality: mean rank over the metrics, 0 "
         "to 1; costs are those of a map):\n    passes   seconds       MiB  quality  row");
    for (size_t i = 1; i < work->kept; i++)
        if (work->verdicts[i].is_on_front)
            put_row(eval, totals, i);
    for (size_t i = 1; i < work->kept; i++)
        if (!work->verdicts[i].beats_baseline)
            printf("Not better than random weights: %s\n", work->candidates[i].name);
    for (size_t i = work->kept; i < work->count; i++)
        if (work->candidates[i].cost > 0)
            printf("Not tried, %.0f passes a map: %s\n", work->candidates[i].cost,
                   work->candidates[i].name);
}

static void put_choice(const struct recommend *work, size_t row)
{
    const struct candidate *candidate = &work->candidates[row];

    printf("\nTake %s: of the rows within %.2f of the best quality, it is the cheapest.\n"
           "    sscam explain MODEL IMAGE -m %s",
           candidate->name, SAME_QUALITY, candidate->method);
    if (*candidate->layer)
        printf(" -l %s", candidate->layer);
    if (!isnan(candidate->sigma))
        printf(" --sigma %g", candidate->sigma);
    putchar('\n');
}

static void put_conclusion(struct eval *eval, struct json *json, const struct total *totals)
{
    struct recommend *work = eval->user;

    const size_t row = best_row(work->verdicts, work->kept, 0);
    if (json) {
        json_text(json, "recommended", row < work->kept ? work->candidates[row].name : NULL);
        json_open_array(json, "not_tried");
        for (size_t i = work->kept; i < work->count; i++)
            if (work->candidates[i].cost > 0)
                json_text(json, NULL, work->candidates[i].name);
        json_close_array(json);
        return;
    }
    put_front(eval, totals);
    if (row < work->kept)
        put_choice(work, row);
    else
        puts("\nNo row has a defined metric: nothing can be recommended.");
}

static void conclude(struct eval *eval, const struct total *totals)
{
    judge_all(eval->user, &eval->results, totals);
}

/* --- the command ------------------------------------------------------------------------------ */

static int parse(struct recommend *work, struct eval *eval, int argc, char **argv,
                 struct text_list *operands)
{
    struct flag shared[SELECTION_FLAG_COUNT + 1];
    struct flag own[RECOMMEND_FLAG_COUNT + EVAL_FLAG_COUNT + 1] = {
        {"budget", 0, "N", "Network evaluations to spend, about. Default: 50000.",
         .count = &work->budget},
    };
    const struct syntax syntax = {
        .command = "recommend",
        .usage = {"MODEL DATASET [--budget N] [--limit N] [-l LAYER[,...]] [-m METHOD[,...]] "
                  "[FLAG]..."},
        .min_operands = 2,
        .max_operands = 2,
        .operands = "a model and a data set",
        .flags = {shared, own},
        .purpose =
            "Evaluates methods, layers and values of sigma on the first images of a data set, as "
            "'sscam eval' does, the cheapest first until the budget is spent, and says which to "
            "take: of those near the best quality the cheapest. Quality is the mean rank over the "
            "metrics; --metrics chooses them. Random weights are the baseline. Layers are the "
            "default one and those of -l. Data sets and classes are those of 'sscam eval'.",
    };

    eval_selection_flags(eval, shared);
    eval_flags(eval, own + RECOMMEND_FLAG_COUNT);
    return arguments_parse(&syntax, argc, argv, operands);
}

static int resolve(struct eval *eval)
{
    struct text_list *methods = &eval->selection.methods;

    if (eval->journal_path || eval->shard_text)
        return fail_usage("recommend", "--%s is for 'sscam eval'",
                          eval->journal_path ? "resume" : "shard");
    if (!eval->limit_text)
        eval->limit_text = "8";
    for (size_t i = 0; i < methods->count; i++)
        if (!strcmp(methods->items[i], "all"))
            return fail_usage("recommend", "-m takes names of methods");
    if (!methods->count)
        for (size_t i = 0; i < sizeof tried_methods / sizeof *tried_methods; i++)
            text_list_add(methods, tried_methods[i]);
    else if (strcmp(methods->items[0], BASELINE))
        text_list_add(methods, BASELINE);
    return EXIT_OK;
}

int run_recommend(int argc, char **argv)
{
    static const struct eval_kind kind = {
        .report_title = "Which method, layer and sigma",
        .takes_layers = true,
        .create_explainers = create_explainers,
        .conclude = conclude,
        .describe = describe_row,
        .put_conclusion = put_conclusion,
    };
    struct recommend work = {.budget = DEFAULT_BUDGET};
    struct eval eval = eval_defaults("recommend", &kind, &work);
    struct text_list operands = {0};

    /* Defaults: later settings of the command line win. */
    settings_add(&eval.selection.settings, find_option("metrics"),
                 "average_drop,insertion,deletion,class_sensitivity,seconds,peak_memory");
    settings_add(&eval.selection.settings, find_option("metric_steps"), "16");
    int code = parse(&work, &eval, argc, argv, &operands);
    if (!code)
        code = resolve(&eval);
    code = eval_finish(&eval, &operands, code);
    for (size_t i = 0; i < work.count; i++)
        free_candidate(&work.candidates[i]);
    free(work.candidates);
    free(work.verdicts);
    return code;
}
