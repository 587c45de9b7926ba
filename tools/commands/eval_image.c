/* One image of an evaluation. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "commands/eval.h"
#include "commands/image_notes.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"

/* Notes get a line of their own beside the progress bar. */
static void put_note(struct eval *eval, const char *what, const char *why)
{
    bool was_visible = eval->progress.visible;

    progress_end(&eval->progress);
    eval->progress.visible = was_visible;
    note(what, why);
}

static int skip(struct eval *eval, const char *path, const char *why)
{
    put_note(eval, path, *why ? why : "cannot be read");
    eval->skipped++;
    return EXIT_OK;
}

/* For failures that are not of one image. */
static int stop(struct eval *eval, const char *what, sscam_status status)
{
    progress_end(&eval->progress);
    return fail_library(what, status);
}

/* The class with the highest output, where the options say which output and which of its pixels
 * count: that of a map of the cheapest method. */
static sscam_status top_class(struct eval *eval, const sscam_image *image, int64_t *top)
{
    sscam_map *map = NULL;

    sscam_status status = sscam_explain_image(eval->top_class_explainer, image, SSCAM_CLASS_TOP,
                                              &map);
    *top = sscam_map_class_index(map);
    sscam_map_unref(map);
    return status;
}

/* Replaces the annotated classes by those of the command line; boxes of these classes are kept, or
 * all where any counts. */
static sscam_status override_classes(struct eval *eval, const sscam_image *image,
                                     struct dataset_cases *cases)
{
    const struct selection *selection = &eval->selection;
    int64_t *classes = allocate(selection->class_count, sizeof *classes);
    sscam_status status = SSCAM_OK;
    size_t kept = 0;

    for (size_t i = 0; i < selection->class_count && !status; i++) {
        classes[i] = selection->classes[i].index;
        if (classes[i] == SSCAM_CLASS_TOP)
            status = top_class(eval, image, &classes[i]);
    }
    for (size_t i = 0; i < cases->box_count && !eval->dataset.takes_any_box; i++) {
        size_t position = 0;

        while (position < selection->class_count &&
               classes[position] != cases->classes[cases->box_classes[i]])
            position++;
        if (position == selection->class_count)
            continue;
        memmove(cases->boxes + 4 * kept, cases->boxes + 4 * i, 4 * sizeof *cases->boxes);
        cases->box_classes[kept++] = (int64_t)position;
    }
    free(cases->classes);
    cases->classes = classes;
    cases->class_count = selection->class_count;
    if (!eval->dataset.takes_any_box)
        cases->box_count = kept;
    return status;
}

/* Makes the predicted class that of an image without classes, whose boxes shall count for it. */
static sscam_status predict_class(struct eval *eval, const sscam_image *image,
                                  struct dataset_cases *cases)
{
    cases->classes = reallocate(cases->classes, 1, sizeof *cases->classes);
    cases->class_count = 1;
    return top_class(eval, image, cases->classes);
}

static const char *label_of(void *user, int64_t class_index)
{
    const struct eval *eval = user;
    const struct text_list *folders = &eval->dataset.folders;

    if (!eval->selection.labels.path && class_index >= 0 && (size_t)class_index < folders->count)
        return folders->items[class_index];
    return labels_name(&eval->selection.labels, class_index);
}

static int keep_results(struct eval *eval, size_t index, size_t first_case,
                        const sscam_image *image, const struct dataset_cases *cases,
                        const struct image_tally *tally)
{
    size_t before = eval->results.count;
    const struct drawn_image shown = {.image = image,
                                      .cases = cases,
                                      .drawing = &eval->selection.drawing,
                                      .first_result = before};

    results_add_evaluated(&eval->results, eval->evaluation, first_case, index,
                          eval->dataset.images[index].name, label_of, eval);
    eval->results.cases[before].of_image = *tally;
    if (eval->kind->after_image)
        eval->kind->after_image(eval, before);
    if (eval->report_path) {
        const char *why = case_thumbnails_add(&eval->thumbnails, &eval->results, eval->evaluation,
                                              &shown);
        if (why)
            put_note(eval, "an image of the report is left out", why);
    }
    return eval->journal.file
               ? journal_add(&eval->journal, &eval->results, eval->results.count - before)
               : EXIT_OK;
}

bool eval_is_of_image(sscam_status status)
{
    return status == SSCAM_E_IO || status == SSCAM_E_FORMAT || status == SSCAM_E_ARGUMENT ||
           status == SSCAM_E_CLASS || status == SSCAM_E_MODEL || status == SSCAM_E_LAYER;
}

/* A network that fails on each of the first images, or has not the layer, fails on the others. */
static bool is_of_every_image(struct eval *eval, sscam_status status)
{
    if (eval->results.count || (status != SSCAM_E_MODEL && status != SSCAM_E_LAYER))
        return false;
    return ++eval->network_failures == EVAL_MAX_FAILURES_AT_START;
}

static sscam_status add_to_evaluation(struct eval *eval, const sscam_image *image,
                                      const struct dataset_cases *cases)
{
    sscam_evaluation_case given = SSCAM_EVALUATION_CASE_INIT;

    given.classes = cases->classes;
    given.class_count = (int64_t)cases->class_count;
    given.boxes = cases->boxes;
    given.box_classes = cases->box_classes;
    given.box_count = (int64_t)cases->box_count;
    return sscam_evaluation_add(eval->evaluation, image, &given);
}

static int evaluate(struct eval *eval, size_t index, const sscam_image *image,
                    struct dataset_cases *cases)
{
    const struct dataset_image *entry = &eval->dataset.images[index];
    int64_t first_case = sscam_evaluation_case_count(eval->evaluation);
    const struct image_tally tally = {cases->was_scaled,
                                      !cases->class_count && !eval->request.has_classes,
                                      cases->unknown_count, cases->unusable_count};
    sscam_status status = SSCAM_OK;

    if (eval->request.has_classes)
        status = override_classes(eval, image, cases);
    else if (eval->dataset.takes_any_box && !cases->class_count)
        status = predict_class(eval, image, cases);
    if (eval->dataset.takes_any_box)
        dataset_share_boxes(cases);
    if (!status)
        status = add_to_evaluation(eval, image, cases);
    if (eval_is_of_image(status) && !is_of_every_image(eval, status))
        return skip(eval, entry->path, sscam_last_error());
    if (status)
        return stop(eval, eval->model_path, status);
    return keep_results(eval, index, first_case, image, cases, &tally);
}

static void note_unusable(struct eval *eval, const char *path, const struct dataset_cases *cases)
{
    char *why = format_text("%zu of its objects %s left out: %s", cases->unusable_count,
                            cases->unusable_count == 1 ? "is" : "are", cases->unusable_why);

    put_note(eval, path, why);
    free(why);
}

int eval_image(struct eval *eval, size_t index)
{
    const struct dataset_image *entry = &eval->dataset.images[index];
    struct dataset_cases cases = {0};
    sscam_image *image = NULL;

    sscam_status status = read_image_file(entry->path, &eval->selection.reading, &image);
    if (status == SSCAM_E_MEMORY)
        return stop(eval, entry->path, status);
    if (status)
        return skip(eval, entry->path, sscam_last_error());
    char *why = dataset_cases(&eval->dataset, entry, &eval->selection.labels,
                              sscam_image_width(image), sscam_image_height(image), &cases);
    if (!why && cases.unusable_count)
        note_unusable(eval, entry->path, &cases);
    int code = why ? skip(eval, entry->path, why) : evaluate(eval, index, image, &cases);
    free(why);
    dataset_cases_free(&cases);
    sscam_image_unref(image);
    return code;
}
