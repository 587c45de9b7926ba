/* An evaluation from its request to its results. */
#include "commands/eval.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "commands/label_fit.h"
#include "commands/load.h"
#include "commands/results_file.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "common/large_buffers.h"
#include "common/output_file.h"
#include "common/signals.h"
#include "data/annotation.h"
#include "data/fingerprint.h"
#include "report/report.h"
#include "report/total_tables.h"

/* --- request ---------- ----------------------------------------------------------------------- */

static bool read_count(const char *text, size_t length, size_t *count)
{
    char *digits = copy_text(text, length);
    int64_t number = 0;
    bool is_count = sscam_parse_int(digits, &number) && number >= 0;

    *count = (size_t)number;
    free(digits);
    return is_count;
}

static int resolve_limits(struct eval *eval)
{
    const char *shard = eval->shard_text;
    const char *slash = shard ? strchr(shard, '/') : NULL;

    eval->limit = SIZE_MAX;
    eval->shard_count = 1;
    if (eval->limit_text &&
        (!read_count(eval->limit_text, strlen(eval->limit_text), &eval->limit) || !eval->limit))
        return fail_usage(eval->selection.command, "--limit takes a number of images, not '%s'",
                          eval->limit_text);
    if (!shard)
        return EXIT_OK;
    if (!slash || !read_count(shard, (size_t)(slash - shard), &eval->shard) ||
        !read_count(slash + 1, strlen(slash + 1), &eval->shard_count) || eval->shard < 1 ||
        eval->shard > eval->shard_count)
        return fail_usage(eval->selection.command,
                          "--shard takes I/N, such as 1/4 for the first of four, not '%s'", shard);
    eval->shard--;
    return EXIT_OK;
}

static int check_request(struct eval *eval)
{
    if (eval->selection.layers.count > 1 && !eval->kind->takes_layers)
        return fail_usage(eval->selection.command, "takes one layer; its rows are methods");
    const char *boxes = eval->boxes ? eval->boxes : "class";
    if (strcmp(boxes, "class") != 0 && strcmp(boxes, "any") != 0)
        return fail_usage(eval->selection.command, "--boxes takes class or any, not '%s'", boxes);
    eval->request.takes_any_box = !strcmp(boxes, "any");
    eval->request.has_classes = eval->selection.class_texts.count > 0;
    int code = resolve_limits(eval);
    if (!code && eval->report_path && !strcmp(eval->selection.drawing.colormap, "gray"))
        code = fail_usage(eval->selection.command,
                          "the colormap gray is for heatmaps; overlays need colours");
    if (!code && eval->csv_path)
        code = output_path_check(eval->csv_path);
    if (!code && eval->report_path)
        code = output_path_check(eval->report_path);
    return code;
}

static bool is_selected(const struct eval *eval, size_t index)
{
    return index < eval->limit && index % eval->shard_count == eval->shard;
}

/* --- preparing -------------------------------------------------------------------------------- */

/* Tries images until one is not at fault itself. */
static sscam_status try_class(void *user, sscam_explainer *explainer, int64_t class_index)
{
    const struct eval *eval = user;
    sscam_status status = SSCAM_E_IO;
    size_t network_failures = 0;

    for (size_t i = 0; i < eval->dataset.count && eval_is_of_image(status) &&
                       (status != SSCAM_E_CLASS || class_index == SSCAM_CLASS_TOP) &&
                       network_failures < EVAL_MAX_FAILURES_AT_START;
         i++) {
        status = try_image(explainer, eval->dataset.images[i].path, &eval->selection.reading,
                           class_index);
        network_failures += status == SSCAM_E_MODEL || status == SSCAM_E_LAYER;
    }
    return status;
}

static sscam_status try_some_image(void *user, sscam_explainer *explainer)
{
    return try_class(user, explainer, SSCAM_CLASS_TOP);
}

/* Checks that the labels, or the folders in their place, are the network's classes. */
static int check_classes(struct eval *eval)
{
    struct text_list *folders = &eval->dataset.folders;

    if (eval->selection.labels.path)
        return selection_check_labels(&eval->selection, eval->model, try_class, eval);
    enum class_count_order order;
    int code = label_fit(&eval->selection, eval->model, folders->count, try_class, eval, &order);
    if (code)
        return code;
    if (order == CLASSES_AS_MANY || order == CLASSES_UNKNOWN)
        return EXIT_OK;
    if (!eval->request.has_classes)
        return fail(eval->request.path,
                    "its %zu folders are not the network's classes, which are %s: --labels gives "
                    "their names",
                    folders->count,
                    order == CLASSES_ONE_FEWER || order == CLASSES_FEWER ? "fewer" : "more");
    text_list_free(folders);
    return EXIT_OK;
}

static int32_t report_share(void *user, double fraction)
{
    struct eval *eval = user;

    return progress_report(&eval->progress, ((double)eval->images_done + fraction) /
                                                (double)(eval->image_count + !eval->image_count));
}

int eval_create_explainers(struct eval *eval)
{
    struct explainer_set *set = &eval->explainer_set;

    keep_large_buffers(); /* metrics score inputs, whatever the methods do */
    int code = explainer_set_create(&eval->selection, eval->model, &eval->progress, set);

    if (!code)
        code = explainer_set_drop_unsupported(set, &eval->selection, try_some_image, eval);
    for (size_t i = 0; i < set->count && !code; i++)
        text_list_add(&eval->results.methods, eval->selection.methods.items[set->methods[i]]);
    return code;
}

static int create_evaluation(struct eval *eval)
{
    const struct explainer_set *set = &eval->explainer_set;
    int code = eval->kind->create_explainers(eval);

    if (!code)
        code = selection_top_class_explainer(&eval->selection, eval->model,
                                             &eval->top_class_explainer);
    if (code)
        return code;
    for (size_t i = 0; i < set->count; i++)
        sscam_explainer_set_progress(set->explainers[i], report_share, eval);
    char *metrics = explainer_option(set->explainers[0], "metrics");
    results_set_metrics(&eval->results, metrics);
    free(metrics);
    for (size_t i = 0; i < eval->kind->measure_count; i++)
        results_add_measure(&eval->results, eval->kind->measures[i]);
    sscam_status status = sscam_evaluation_create(set->explainers, (int64_t)set->count,
                                                  &eval->evaluation);
    return status ? fail_library(eval->selection.command, status) : EXIT_OK;
}

/* A limit that is not the default skips other images. */
static void fingerprint_limit(uint64_t *signature, int64_t limit, int64_t default_limit)
{
    char *text = limit == default_limit
                     ? NULL
                     : format_text("%" PRId64 " of %" PRId64, limit, default_limit);

    if (text)
        fingerprint_text(signature, text);
    free(text);
}

/* Of all that results depend on, except for the data set, which may have moved. */
static int fingerprint_settings(const struct eval *eval, uint64_t *signature)
{
    const struct selection *selection = &eval->selection;

    *signature = FINGERPRINT_START;
    for (size_t i = 0; i < eval->explainer_set.count; i++) {
        fingerprint_text(signature, eval->results.methods.items[i]);
        for (int64_t j = 0; j < sscam_option_count(); j++) {
            char *value = explainer_option(eval->explainer_set.explainers[i],
                                           sscam_option_name(sscam_option_info(j)));

            fingerprint_text(signature, value);
            free(value);
        }
    }
    for (size_t i = 0; i < selection->labels.count; i++)
        fingerprint_text(signature, selection->labels.names[i]);
    for (size_t i = 0; i < selection->class_texts.count; i++)
        fingerprint_text(signature, selection->class_texts.items[i]);
    if (eval->request.takes_any_box)
        fingerprint_text(signature, "any box");
    fingerprint_limit(signature, selection->reading.max_pixels, SSCAM_IMAGE_MAX_PIXELS);
    fingerprint_limit(signature, selection->significant_bits, 16);
    if (selection->keeps_orientation)
        fingerprint_text(signature, "ignore-orientation");
    if (selection->takes_truncated)
        fingerprint_text(signature, "allow-truncated");
    fingerprint_limit(signature, eval->request.max_objects, ANNOTATION_MOST_OBJECTS);
    int code = settings_fingerprint(&selection->settings, signature);
    if (!code)
        code = network_inputs_fingerprint(&selection->inputs, signature);
    return code ? code : fingerprint_file(signature, eval->model_path);
}

/* Marks the images that the journal holds; they must be those of the data set. */
static int mark_done(const struct eval *eval, bool *done)
{
    for (size_t i = 0; i < eval->results.count; i++) {
        const struct result_case *result = &eval->results.cases[i];

        if (result->image_index >= eval->dataset.count ||
            strcmp(result->image, eval->dataset.images[result->image_index].name) != 0)
            return fail(eval->journal_path, "is of another data set: its image %zu is '%s'",
                        result->image_index, result->image);
        done[result->image_index] = true;
    }
    return EXIT_OK;
}

/* Removes the results of images that are not selected; they stay in the journal. */
static void drop_unselected(struct eval *eval)
{
    struct results *results = &eval->results;
    size_t kept = 0;

    for (size_t i = 0; i < results->count; i++) {
        struct result_case *result = &results->cases[i];

        if (is_selected(eval, result->image_index)) {
            results->cases[kept++] = *result;
            continue;
        }
        free(result->image);
        free(result->label);
        free(result->values);
    }
    results->count = kept;
}

static int open_journal(struct eval *eval, bool *done)
{
    struct journal_origin origin = {.device = sscam_model_device(eval->model)};

    if (!eval->journal_path)
        return EXIT_OK;
    if (fingerprint_settings(eval, &origin.signature) ||
        journal_open(&eval->journal, eval->journal_path, &origin, &eval->results) ||
        mark_done(eval, done))
        return EXIT_FAILED;
    drop_unselected(eval);
    return EXIT_OK;
}

/* --- images ----------------------------------------------------------------------------------- */

static int evaluate_images(struct eval *eval, const bool *done)
{
    int code = EXIT_OK;

    for (size_t i = 0; i < eval->dataset.count; i++)
        eval->image_count += is_selected(eval, i) && !done[i];
    progress_begin(&eval->progress, eval->title, 1, 1);
    eval->progress.units = (double)eval->image_count;
    eval->progress.unit = "images";
    for (size_t i = 0; i < eval->dataset.count && !code; i++) {
        if (!is_selected(eval, i) || done[i])
            continue;
        if (interruption_requested()) {
            progress_end(&eval->progress);
            return fail_cancelled();
        }
        snprintf(eval->title, sizeof eval->title, "image %zu of %zu", eval->images_done + 1,
                 eval->image_count);
        code = eval_image(eval, i);
        eval->images_done++;
    }
    progress_end(&eval->progress);
    return code;
}

/* --- results ---------------------------------------------------------------------------------- */

static void put_json(struct eval *eval, const struct total *totals)
{
    const struct image_tally tally = results_tally(&eval->results);
    struct json json = {.out = stdout};

    json_open_object(&json, NULL);
    json_text(&json, "model", eval->model_path);
    json_text(&json, "dataset", eval->request.path);
    json_text(&json, "layout", eval->dataset.layout);
    json_integer(&json, "images", (int64_t)results_image_count(&eval->results));
    json_integer(&json, "cases", (int64_t)eval->results.count);
    json_integer(&json, "skipped", (int64_t)eval->skipped);
    json_integer(&json, "scaled_annotations", (int64_t)tally.scaled);
    json_integer(&json, "unannotated", (int64_t)tally.unannotated);
    json_integer(&json, "unknown_objects", (int64_t)tally.unknown_objects);
    json_integer(&json, "unusable_objects", (int64_t)tally.unusable_objects);
    put_totals_json(&json, &eval->results, totals, eval->kind->describe, eval->user);
    if (eval->kind->put_conclusion)
        eval->kind->put_conclusion(eval, &json, totals);
    json_close_object(&json);
    json_end_line(&json);
}

static void put_counts(const struct eval *eval)
{
    const struct image_tally tally = results_tally(&eval->results);

    printf("\n%zu images, %zu cases of a class on an image; intervals of 95 %%",
           results_image_count(&eval->results), eval->results.count);
    if (eval->skipped)
        printf("; %zu images skipped", eval->skipped);
    if (tally.scaled)
        printf("; %zu annotations of images of another size, scaled", tally.scaled);
    if (tally.unknown_objects)
        printf("; %zu objects of classes that the network does not have", tally.unknown_objects);
    if (tally.unusable_objects)
        printf("; %zu objects left out, without a usable box or class", tally.unusable_objects);
    if (tally.unannotated)
        printf("; %zu images without annotated classes, evaluated for the predicted one",
               tally.unannotated);
    putchar('\n');
}

static int write_all(struct eval *eval)
{
    results_sort(&eval->results);
    if (!eval->results.count)
        return fail(eval->request.path, "none of its images could be evaluated");
    if (eval->csv_path && write_results(eval->csv_path, &eval->results))
        return EXIT_FAILED;
    struct total *totals = totals_of(&eval->results);
    if (!totals)
        return EXIT_FAILED;
    const struct report_facts facts = {.path = eval->report_path,
                                       .title = eval->kind->report_title,
                                       .model = eval->model_path,
                                       .dataset = eval->request.path,
                                       .layout = eval->dataset.layout,
                                       .skipped = eval->skipped,
                                       .put_charts = eval->kind->put_charts,
                                       .user = eval->user};
    int code = EXIT_OK;
    if (eval->kind->conclude)
        eval->kind->conclude(eval, totals);
    if (eval->report_path)
        code = report_write(&facts, &eval->results, totals, &eval->thumbnails, eval->evaluation);
    if (!code && eval->as_json) {
        put_json(eval, totals);
    } else if (!code) {
        put_totals_table(&eval->results, totals);
        put_counts(eval);
        if (eval->kind->put_conclusion)
            eval->kind->put_conclusion(eval, NULL, totals);
    }
    free(totals);
    return code;
}

/* --- the run -------------------------------------------------------------------------------- */

static int evaluate_dataset(struct eval *eval)
{
    bool *done = allocate(eval->dataset.count, sizeof *done);
    int code = check_classes(eval);

    if (!code)
        code = create_evaluation(eval);
    eval->skipped = eval->dataset.skipped;
    if (!code)
        code = open_journal(eval, done);
    if (!code)
        code = evaluate_images(eval, done);
    if (!code)
        code = write_all(eval);
    journal_close(&eval->journal);
    case_thumbnails_free(&eval->thumbnails);
    sscam_evaluation_unref(eval->evaluation);
    explainer_set_free(&eval->explainer_set);
    sscam_explainer_unref(eval->top_class_explainer);
    free(done);
    return code;
}

static int run(struct eval *eval)
{
    int code = check_request(eval);

    if (!code)
        code = selection_resolve(&eval->selection, "all");
    if (!code)
        code = dataset_open(&eval->request, &eval->dataset);
    if (!code)
        code = selection_load_model(&eval->selection, eval->model_path, &eval->model);
    if (!code)
        code = evaluate_dataset(eval);
    return code;
}

struct eval eval_defaults(const char *command, const struct eval_kind *kind, void *user)
{
    return (struct eval){.kind = kind,
                         .user = user,
                         .selection = selection_defaults(command),
                         .request.max_objects = ANNOTATION_MOST_OBJECTS};
}

int eval_finish(struct eval *eval, struct text_list *operands, int code)
{
    if (!code) {
        eval->model_path = operands->items[0];
        eval->request.path = operands->items[1];
        code = run(eval);
    }
    sscam_model_unref(eval->model);
    dataset_free(&eval->dataset);
    results_free(&eval->results);
    selection_free(&eval->selection);
    text_list_free(operands);
    return code;
}
