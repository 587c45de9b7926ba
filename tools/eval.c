/* sscam eval: the tables of the paper, methods judged on a data set. */
#include "eval.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "commands.h"
#include "complain.h"
#include "fingerprint.h"
#include "interruption.h"
#include "load.h"
#include "memory.h"
#include "totals.h"
#include "whole_file.h"

/* --- what was asked for --------------------------------------------------------------------------- */

static bool read_count(const char *text, size_t length, size_t *count)
{
    char *digits = copy_text(text, length);

    errno = 0;
    unsigned long long number = strtoull(digits, NULL, 10);
    bool is_count = length && strspn(digits, "0123456789") == length && !errno;
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
        return fail_usage("eval", "--limit takes a number of images, not '%s'", eval->limit_text);
    if (!shard)
        return EXIT_OK;
    if (!slash || !read_count(shard, (size_t)(slash - shard), &eval->shard) ||
        !read_count(slash + 1, strlen(slash + 1), &eval->shard_count) || eval->shard < 1 ||
        eval->shard > eval->shard_count)
        return fail_usage("eval", "--shard takes I/N, such as 1/4 for the first of four, not '%s'", shard);
    eval->shard--;
    return EXIT_OK;
}

static int check_request(struct eval *eval)
{
    if (eval->selection.layers.count > 1)
        return fail_usage("eval", "takes one layer; its rows are methods");
    int code = resolve_part(eval);
    if (!code && eval->report_path && !strcmp(eval->selection.colormap, "gray"))
        code = fail_usage("eval", "the colormap gray is for heatmaps; overlays need colours");
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

/* --- preparing ------------------------------------------------------------------------------------ */

static sscam_status try_some_picture(void *user, sscam_explainer *explainer)
{
    const struct eval *eval = user;
    sscam_status status = SSCAM_E_IO;

    for (size_t i = 0; i < eval->dataset.count && (status == SSCAM_E_IO || status == SSCAM_E_FORMAT); i++) {
        sscam_image *image = NULL;
        sscam_map *map = NULL;

        status = sscam_image_read(eval->dataset.images[i].path, &image);
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

    return progress_report(&eval->progress,
                           ((double)eval->images_done + fraction) / (double)(eval->image_count + !eval->image_count));
}

static int create_explainers(struct eval *eval)
{
    struct ensemble *ensemble = &eval->ensemble;
    int code = ensemble_create(&eval->selection, eval->model, &eval->progress, ensemble);

    if (!code)
        code = ensemble_narrow(ensemble, &eval->selection, try_some_picture, eval);
    for (size_t i = 0; i < ensemble->count && !code; i++) {
        text_list_add(&eval->results.methods, eval->selection.methods.items[ensemble->methods[i]]);
        sscam_explainer_set_progress(ensemble->explainers[i], report_share, eval);
    }
    if (code)
        return code;
    results_set_metrics(&eval->results, sscam_explainer_get(ensemble->explainers[0], "metrics"));
    sscam_status status = sscam_evaluation_create(ensemble->explainers, ensemble->count, &eval->evaluation);
    return status ? fail_library("eval", status) : EXIT_OK;
}

/* What results depend on, the data set aside: it may have moved. */
static int sign(const struct eval *eval, uint64_t *signature)
{
    const struct selection *selection = &eval->selection;

    *signature = FINGERPRINT_START;
    for (size_t i = 0; i < eval->ensemble.count; i++) {
        fingerprint_text(signature, eval->results.methods.items[i]);
        for (size_t j = 0; j < sscam_option_count(); j++)
            fingerprint_text(signature, sscam_explainer_get(eval->ensemble.explainers[i],
                                                            sscam_option_name(sscam_option_info(j))));
    }
    for (size_t i = 0; i < selection->labels.count; i++)
        fingerprint_text(signature, selection->labels.names[i]);
    for (size_t i = 0; i < selection->class_texts.count; i++)
        fingerprint_text(signature, selection->class_texts.items[i]);
    return fingerprint_file(signature, eval->model_path);
}

/* Marks the images that the journal holds; they must be those of the data set. */
static int mark_done(const struct eval *eval, bool *done)
{
    for (size_t i = 0; i < eval->results.count; i++) {
        const struct result_case *result = &eval->results.cases[i];

        if (result->image_index >= eval->dataset.count ||
            strcmp(result->image, eval->dataset.images[result->image_index].name) != 0)
            return fail(eval->journal_path, "is of another data set: its image %zu is '%s'", result->image_index,
                        result->image);
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
    uint64_t signature;

    if (!eval->journal_path)
        return EXIT_OK;
    if (sign(eval, &signature) || journal_open(&eval->journal, eval->journal_path, signature, &eval->results) ||
        mark_done(eval, done))
        return EXIT_FAILED;
    drop_others(eval);
    return EXIT_OK;
}

/* --- images --------------------------------------------------------------------------------------- */

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
        snprintf(eval->title, sizeof eval->title, "image %zu of %zu", eval->images_done + 1, eval->image_count);
        code = eval_image(eval, i);
        eval->images_done++;
    }
    progress_end(&eval->progress);
    return code;
}

/* --- results -------------------------------------------------------------------------------------- */

static int write_csv(const struct eval *eval)
{
    struct whole_file file;

    if (whole_file_open(&file, eval->csv_path))
        return EXIT_FAILED;
    results_put_heading(file.stream, &eval->results);
    results_put_cases(file.stream, &eval->results, 0, eval->results.count);
    return whole_file_commit(&file);
}

static void put_json(const struct eval *eval, const sscam_evaluation *evaluation)
{
    struct json json = {.out = stdout};

    json_open_object(&json, NULL);
    json_text(&json, "model", eval->model_path);
    json_text(&json, "dataset", eval->request.path);
    json_text(&json, "layout", eval->dataset.layout);
    json_integer(&json, "images", (int64_t)results_image_count(&eval->results));
    json_integer(&json, "cases", (int64_t)eval->results.count);
    json_integer(&json, "skipped", (int64_t)eval->tally.skipped);
    json_integer(&json, "scaled_annotations", (int64_t)eval->tally.scaled);
    json_integer(&json, "unknown_objects", (int64_t)eval->tally.unknown_objects);
    put_totals_json(&json, &eval->results, evaluation);
    json_close_object(&json);
    json_end_line(&json);
}

static void put_counts(const struct eval *eval)
{
    const struct tally *tally = &eval->tally;

    printf("\n%zu images, %zu cases of a class on an image; intervals of 95 %%", results_image_count(&eval->results),
           eval->results.count);
    if (tally->skipped)
        printf("; %zu images skipped", tally->skipped);
    if (tally->scaled)
        printf("; %zu annotations of pictures of another size, scaled", tally->scaled);
    if (tally->unknown_objects)
        printf("; %zu objects of classes that the network does not have", tally->unknown_objects);
    putchar('\n');
}

static int deliver(struct eval *eval)
{
    results_sort(&eval->results);
    if (!eval->results.count)
        return fail(eval->request.path, "none of its images could be judged");
    if (eval->csv_path && write_csv(eval))
        return EXIT_FAILED;
    sscam_evaluation *evaluation = results_evaluate(&eval->results);
    if (!evaluation)
        return EXIT_FAILED;
    const struct report_facts facts = {.path = eval->report_path, .model = eval->model_path,
                                       .dataset = eval->request.path, .layout = eval->dataset.layout,
                                       .skipped = eval->tally.skipped};
    int code = EXIT_OK;
    if (eval->report_path)
        code = report_write(&eval->report, &facts, &eval->results, evaluation, eval->evaluation);
    if (!code && eval->as_json) {
        put_json(eval, evaluation);
    } else if (!code) {
        put_totals_table(&eval->results, evaluation);
        put_counts(eval);
    }
    sscam_evaluation_destroy(evaluation);
    return code;
}

/* --- all of it ------------------------------------------------------------------------------------ */

static int judge_dataset(struct eval *eval)
{
    bool *done = allocate(eval->dataset.count, sizeof *done);
    int code = create_explainers(eval);

    eval->tally.skipped = eval->dataset.skipped;
    if (eval->report_path)
        report_start(&eval->report);
    if (!code)
        code = open_journal(eval, done);
    if (!code)
        code = judge_images(eval, done);
    if (!code)
        code = deliver(eval);
    journal_close(&eval->journal);
    report_free(&eval->report);
    sscam_evaluation_destroy(eval->evaluation);
    ensemble_free(&eval->ensemble);
    free(done);
    return code;
}

static int evaluate(struct eval *eval)
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

static int parse(struct eval *eval, int argc, char **argv, struct text_list *operands)
{
    struct flag shared[SELECTION_FLAG_COUNT + 1];
    const struct flag own[] = {
        {"layout", 0, "NAME", "imagenet, voc, stanford40, folders or csv. Default: found out.",
         .text = &eval->request.layout},
        {"annotations", 0, "DIR", "Folder of the XML files, where they are not in their usual place.",
         .text = &eval->request.annotations},
        {"truth", 0, "FILE", "Classes of the pictures of layout imagenet: lines NAME CLASS, or CLASS alone in the "
                             "order of names; numbers are those of the network's outputs, from 0.",
         .text = &eval->request.truth},
        {"split", 0, "NAME", "Which list of voc or stanford40. Default: test, else val, else trainval.",
         .text = &eval->request.split},
        {"limit", 0, "N", "Only the first N images.", .text = &eval->limit_text},
        {"shard", 0, "I/N", "Only part I of N equal ones; 'sscam merge' puts them together.",
         .text = &eval->shard_text},
        {"resume", 0, "FILE", "Keep a journal of the results, and go on with the one that is there.",
         .text = &eval->journal_path},
        {"csv", 0, "FILE.csv", "Write the values of each case.", .text = &eval->csv_path},
        {"report", 0, "FILE.html", "Write tables, charts and pictures as one HTML file.", .text = &eval->report_path},
        {"json", 0, NULL, "Print one JSON object in place of the table.", .given = &eval->as_json},
        {0},
    };
    const struct syntax syntax = {
        .command = "eval",
        .usage = {"MODEL DATASET [-m METHOD[,...]] [--labels FILE] [--metrics METRIC[,...]] [FLAG]..."},
        .fewest = 2, .most = 2, .operands = "a model and a data set", .flags = {shared, own},
        .purpose = "Judges methods on a data set: average drop, average increase, pointing games, and with --metrics "
                   "also insertion, deletion, class_sensitivity. The classes judged are those annotated, or those of "
                   "-c. DATASET is a folder of pictures with VOC's XML, a VOC or Stanford40 folder, a folder of "
                   "folders named by class, or a list file,class,xmin,ymin,xmax,ymax. Class names are those of "
                   "--labels.",
    };

    selection_flags(&eval->selection, shared);
    for (struct flag *flag = shared; flag->name; flag++) {
        if (flag->letter == 'c')
            flag->help = "Classes to judge on every image, by number or by a name from the labels; 'top' for the one "
                         "that the network predicts. Default: those that are annotated; without any, the predicted "
                         "one.";
        else if (flag->text == &eval->selection.labels_path)
            flag->help = "Names of the classes: one a line, the first being class 0; or lines index,identifier,name.";
    }
    return arguments_parse(&syntax, argc, argv, operands);
}

int run_eval(int argc, char **argv)
{
    struct eval eval = {.selection = selection_defaults("eval")};
    struct text_list operands = {0};

    int code = parse(&eval, argc, argv, &operands);
    if (!code) {
        eval.model_path = operands.items[0];
        eval.request.path = operands.items[1];
        code = evaluate(&eval);
    }
    selection_free(&eval.selection);
    text_list_free(&operands);
    return code;
}
