/* An evaluation from its request to its results. */
#include "commands/eval.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "commands/load.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "common/output_file.h"
#include "common/signals.h"
#include "data/annotation_xml.h"
#include "data/fingerprint.h"
#include "report/report.h"
#include "report/total_tables.h"

/* --- what was asked for ----------------------------------------------------------------------- */

static bool read_count(const char *text, size_t length, size_t *count)
{
    char *digits = copy_text(text, length);
    int64_t number = 0;
    bool is_count = sscam_parse_int(digits, &number) && number >= 0;

    *count = (size_t)number;
    free(digits);
    return is_count;
}

static int resolve_part(struct eval *eval)
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
    if (eval->selection.layers.count > 1)
        return fail_usage(eval->selection.command, "takes one layer; its rows are methods");
    int code = resolve_part(eval);
    if (!code && eval->report_path && !strcmp(eval->selection.colormap, "gray"))
        code = fail_usage(eval->selection.command,
                          "the colormap gray is for heatmaps; overlays need colours");
    if (!code && eval->csv_path)
        code = output_path_check(eval->csv_path);
    if (!code && eval->report_path)
        code = output_path_check(eval->report_path);
    return code;
}

static bool is_in_part(const struct eval *eval, size_t index)
{
    return index < eval->limit && index % eval->shard_count == eval->shard;
}

/* --- preparing -------------------------------------------------------------------------------- */

static sscam_status try_some_image(void *user, sscam_explainer *explainer)
{
    const struct eval *eval = user;
    sscam_status status = SSCAM_E_IO;

    for (size_t i = 0;
         i < eval->dataset.count && (status == SSCAM_E_IO || status == SSCAM_E_FORMAT); i++) {
        sscam_image *image = NULL;
        sscam_map *map = NULL;

        status = sscam_image_read_limited(eval->dataset.images[i].path, eval->selection.max_pixels,
                                          &image);
        if (!status)
            status = sscam_explain_image(explainer, image, SSCAM_CLASS_TOP, &map);
        sscam_map_destroy(map);
        sscam_image_destroy(image);
    }
    return status;
}

static int32_t report_share(void *user, double fraction)
{
    struct eval *eval = user;

    return progress_report(&eval->progress, ((double)eval->images_done + fraction) /
                                                (double)(eval->image_count + !eval->image_count));
}

int eval_create_explainers(struct eval *eval)
{
    struct ensemble *ensemble = &eval->ensemble;
    int code = ensemble_create(&eval->selection, eval->model, &eval->progress, ensemble);

    if (!code)
        code = ensemble_narrow(ensemble, &eval->selection, try_some_image, eval);
    for (size_t i = 0; i < ensemble->count && !code; i++)
        text_list_add(&eval->results.methods, eval->selection.methods.items[ensemble->methods[i]]);
    return code;
}

static int create_evaluation(struct eval *eval)
{
    const struct ensemble *ensemble = &eval->ensemble;
    int code = eval->kind->create_explainers(eval);

    if (!code)
        code = selection_looker(&eval->selection, eval->model, &eval->looker);
    if (code)
        return code;
    for (size_t i = 0; i < ensemble->count; i++)
        sscam_explainer_set_progress(ensemble->explainers[i], report_share, eval);
    results_set_metrics(&eval->results, sscam_explainer_get(ensemble->explainers[0], "metrics"));
    for (size_t i = 0; i < eval->kind->measure_count; i++)
        results_add_measure(&eval->results, eval->kind->measures[i]);
    sscam_status status = sscam_evaluation_create(ensemble->explainers, ensemble->count,
                                                  &eval->evaluation);
    return status ? fail_library(eval->selection.command, status) : EXIT_OK;
}

/* Another limit skips other images. */
static void sign_limit(uint64_t *signature, int64_t limit, int64_t usual)
{
    char *text = limit == usual ? NULL : format_text("%" PRId64 " of %" PRId64, limit, usual);

    if (text)
        fingerprint_text(signature, text);
    free(text);
}

/* What results depend on, the data set aside: it may have moved. */
static int sign(const struct eval *eval, uint64_t *signature)
{
    const struct selection *selection = &eval->selection;

    *signature = FINGERPRINT_START;
    for (size_t i = 0; i < eval->ensemble.count; i++) {
        fingerprint_text(signature, eval->results.methods.items[i]);
        for (size_t j = 0; j < sscam_option_count(); j++)
            fingerprint_text(signature,
                             sscam_explainer_get(eval->ensemble.explainers[i],
                                                 sscam_option_name(sscam_option_info(j))));
    }
    for (size_t i = 0; i < selection->labels.count; i++)
        fingerprint_text(signature, selection->labels.names[i]);
    for (size_t i = 0; i < selection->class_texts.count; i++)
        fingerprint_text(signature, selection->class_texts.items[i]);
    sign_limit(signature, selection->max_pixels, SSCAM_IMAGE_MAX_PIXELS);
    sign_limit(signature, eval->request.max_objects, ANNOTATION_MOST_OBJECTS);
    int code = settings_fingerprint(&selection->settings, signature);
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

/* Results of images outside the part that was asked for stay in the journal alone. */
static void drop_others(struct eval *eval)
{
    struct results *results = &eval->results;
    size_t kept = 0;

    for (size_t i = 0; i < results->count; i++) {
        struct result_case *result = &results->cases[i];

        if (is_in_part(eval, result->image_index)) {
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
    if (sign(eval, &origin.signature) ||
        journal_open(&eval->journal, eval->journal_path, &origin, &eval->results) ||
        mark_done(eval, done))
        return EXIT_FAILED;
    drop_others(eval);
    return EXIT_OK;
}

/* --- images ----------------------------------------------------------------------------------- */

static int judge_images(struct eval *eval, const bool *done)
{
    int code = EXIT_OK;

    for (size_t i = 0; i < eval->dataset.count; i++)
        eval->image_count += is_in_part(eval, i) && !done[i];
    progress_begin(&eval->progress, eval->title, 1, 1);
    for (size_t i = 0; i < eval->dataset.count && !code; i++) {
        if (!is_in_part(eval, i) || done[i])
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

static int write_csv(const struct eval *eval)
{
    sscam_atomic_file file;

    if (output_file_open(&file, eval->csv_path))
        return EXIT_FAILED;
    results_put_heading(file.stream, &eval->results);
    results_put_cases(file.stream, &eval->results, 0, eval->results.count);
    return output_file_commit(&file);
}

static void put_json(const struct eval *eval, const struct total *totals)
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
    json_integer(&json, "unknown_objects", (int64_t)tally.unknown_objects);
    put_totals_json(&json, &eval->results, totals, eval->kind->describe, eval->user);
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
    putchar('\n');
}

static int deliver(struct eval *eval)
{
    results_sort(&eval->results);
    if (!eval->results.count)
        return fail(eval->request.path, "none of its images could be judged");
    if (eval->csv_path && write_csv(eval))
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
    if (eval->report_path)
        code = report_write(&facts, &eval->results, totals, &eval->images, eval->evaluation);
    if (!code && eval->as_json) {
        put_json(eval, totals);
    } else if (!code) {
        put_totals_table(&eval->results, totals);
        put_counts(eval);
    }
    free(totals);
    return code;
}

/* --- all of it -------------------------------------------------------------------------------- */

static int judge_dataset(struct eval *eval)
{
    bool *done = allocate(eval->dataset.count, sizeof *done);
    int code = create_evaluation(eval);

    eval->skipped = eval->dataset.skipped;
    if (!code)
        code = open_journal(eval, done);
    if (!code)
        code = judge_images(eval, done);
    if (!code)
        code = deliver(eval);
    journal_close(&eval->journal);
    case_thumbnails_free(&eval->images);
    sscam_evaluation_destroy(eval->evaluation);
    ensemble_free(&eval->ensemble);
    sscam_explainer_destroy(eval->looker);
    free(done);
    return code;
}

int eval_run(struct eval *eval)
{
    int code = check_request(eval);

    if (!code)
        code = selection_resolve(&eval->selection, "all");
    if (!code)
        code = dataset_open(&eval->request, &eval->dataset);
    if (!code)
        code = load_model(eval->model_path, eval->selection.device, &eval->model);
    if (!code)
        code = judge_dataset(eval);
    sscam_model_destroy(eval->model);
    dataset_free(&eval->dataset);
    results_free(&eval->results);
    return code;
}
