/* What `sscam eval` was asked for, and what its parts share; `sscam study` is one that varies
 * options. */
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

#define EVAL_FLAG_COUNT 11

struct eval;

/* In what commands that evaluate differ. */
struct eval_kind {
    const char *report_title;
    int (*create_explainers)(
        struct eval *eval);  /* into the ensemble, their names into the results */
    const int32_t *measures; /* beside the library's metrics */
    size_t measure_count;
    void (*after_image)(struct eval *eval,
                        size_t first_result); /* may fill the measures in; or NULL */
    totals_describer *describe;               /* or NULL; its user is the evaluation's */
    void (*put_charts)(FILE *out, void *user, const struct results *results,
                       const struct total *totals); /* or NULL */
};

struct eval {
    const struct eval_kind *kind;
    void *user; /* the kind's own */
    struct selection selection;
    struct dataset_request request;
    const char *model_path, *limit_text, *shard_text, *journal_path, *csv_path, *report_path;
    bool as_json;
    size_t limit, shard,
        shard_count; /* the first `limit` images; of those, each whose index is `shard` mod count */

    struct dataset dataset;
    sscam_model *model;
    struct ensemble ensemble;
    sscam_explainer *looker; /* of the cheapest method, for the class that is on top */
    sscam_evaluation *evaluation;
    struct results results;
    struct journal journal;
    struct case_thumbnails images; /* where a report was asked for */
    size_t skipped;
    struct progress progress;
    size_t image_count, images_done; /* of those that this run computes */
    char title[64];                  /* beside the progress bar */
};

/* The flags of an evaluation, those of its selection with what they mean here, and the end of each
 * table. */
void eval_flags(struct eval *eval, struct flag flags[EVAL_FLAG_COUNT + 1]);
void eval_selection_flags(struct eval *eval, struct flag flags[SELECTION_FLAG_COUNT + 1]);

/* Makes an explainer for each method of the selection. */
int eval_create_explainers(struct eval *eval);

/* Does what was asked for. An exit code. */
int eval_run(struct eval *eval);

/* Judges an image of the data set and adds its cases to the results. An image that cannot be used
 * is noted and counted; EXIT_FAILED with a line where going on is no use. */
int eval_image(struct eval *eval, size_t index);

#endif
