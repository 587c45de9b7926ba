/* The state of an evaluation: `sscam eval`, or `sscam study`, whose methods differ in options. */
#ifndef SSCAM_TOOLS_COMMANDS_EVAL_H
#define SSCAM_TOOLS_COMMANDS_EVAL_H

#include <stdbool.h>
#include <stddef.h>

#include <sscam/sscam.h>

#include "commands/arguments.h"
#include "commands/explainer_set.h"
#include "commands/selection.h"
#include "common/progress_bar.h"
#include "data/dataset.h"
#include "data/journal.h"
#include "data/results.h"
#include "report/case_thumbnails.h"
#include "report/total_tables.h"

#define EVAL_FLAG_COUNT 12
#define EVAL_MAX_FAILURES_AT_START 8

struct eval;

/* How `sscam eval` and `sscam study` differ. */
struct eval_kind {
    const char *report_title;
    bool takes_layers;                           /* several, each with rows of its own */
    int (*create_explainers)(struct eval *eval); /* into the set, their names into the results */
    const int32_t *measures;                     /* beside the library's metrics */
    size_t measure_count;
    void (*after_image)(struct eval *eval,
                        size_t first_result); /* may fill the measures in; or NULL */
    void (*conclude)(struct eval *eval, const struct total *totals); /* before writing; or NULL */
    totals_describer *describe; /* or NULL; its user is the evaluation's */
    void (*put_conclusion)(struct eval *eval, struct json *json,
                           const struct total *totals); /* json NULL: as text; or NULL */
    void (*put_charts)(FILE *out, void *user, const struct results *results,
                       const struct total *totals); /* or NULL */
};

struct eval {
    const struct eval_kind *kind;
    void *user; /* the kind's own */
    struct selection selection;
    struct dataset_request request;
    const char *model_path, *limit_text, *shard_text, *journal_path, *csv_path, *report_path,
        *boxes;
    bool as_json;
    size_t limit, shard,
        shard_count; /* the first `limit` images; of those, each whose index is `shard` mod count */

    struct dataset dataset;
    sscam_model *model;
    struct explainer_set explainer_set;
    sscam_explainer *top_class_explainer; /* of the cheapest method */
    sscam_evaluation *evaluation;
    struct results results;
    struct journal journal;
    struct case_thumbnails thumbnails; /* if there is a report */
    size_t skipped;
    size_t network_failures; /* before the first image that was evaluated */
    struct progress progress;
    size_t image_count, images_done; /* of those that this run computes */
    char title[64];                  /* beside the progress bar */
};

/* The flags of an evaluation, and those of its selection with the help for this use. Both tables
 * are terminated. */
void eval_flags(struct eval *eval, struct flag flags[EVAL_FLAG_COUNT + 1]);
void eval_selection_flags(struct eval *eval, struct flag flags[SELECTION_FLAG_COUNT + 1]);

/* Makes an explainer for each method of the selection. */
int eval_create_explainers(struct eval *eval);

/* An evaluation of nothing yet; `user` is the kind's own. */
struct eval eval_defaults(const char *command, const struct eval_kind *kind, void *user);

/* Runs the evaluation of a model and a data set unless `code`, that of the command line, is a
 * failure; frees the evaluation and the operands. An exit code. */
int eval_finish(struct eval *eval, struct text_list *operands, int code);

/* Evaluates an image of the data set and adds its cases to the results. An image that cannot be
 * used is noted and counted; EXIT_FAILED with a line if the other images would fail as well. */
int eval_image(struct eval *eval, size_t index);

/* Whether a failure may be of one image, so that the next one may succeed. */
bool eval_is_of_image(sscam_status status);

#endif
