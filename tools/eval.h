/* What `sscam eval` was asked for, and what its parts share. */
#ifndef SSCAM_TOOLS_EVAL_H
#define SSCAM_TOOLS_EVAL_H

#include <stdbool.h>
#include <stddef.h>

#include <sscam/sscam.h>

#include "dataset.h"
#include "ensemble.h"
#include "journal.h"
#include "progress.h"
#include "report.h"
#include "results.h"
#include "selection.h"

/* What became of the images. */
struct tally {
    size_t skipped, scaled, unknown_objects;
};

struct eval {
    struct selection selection;
    struct dataset_request request;
    const char *model_path, *limit_text, *shard_text, *journal_path, *csv_path, *report_path;
    bool as_json;
    size_t limit, shard, shard_count; /* the first `limit` images; of those, each whose index is `shard` mod count */

    struct dataset dataset;
    sscam_model *model;
    struct ensemble ensemble;
    sscam_evaluation *evaluation;
    struct results results;
    struct journal journal;
    struct report report;
    struct tally tally;
    struct progress progress;
    size_t image_count, images_done; /* of those that this run computes */
    char title[64];                  /* beside the progress bar */
};

/* Judges an image of the data set and adds its cases to the results. An image that cannot be used is noted and counted;
 * EXIT_FAILED with a line where going on is no use. */
int eval_image(struct eval *eval, size_t index);

#endif
