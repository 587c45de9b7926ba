/* The report of an evaluation: one HTML file with tables, charts and pictures, which needs nothing else. */
#ifndef SSCAM_TOOLS_REPORT_H
#define SSCAM_TOOLS_REPORT_H

#include <stddef.h>
#include <stdio.h>

#include <sscam/sscam.h>

#include "dataset.h"
#include "results.h"
#include "text_stream.h"
#include "totals.h"

/* More pictures would make the file too large to open. */
#define REPORT_MOST_CASES 24
#define REPORT_MOST_PICTURES 400

struct report {
    struct text_stream panels; /* HTML in memory; not open when no report was asked for */
    size_t count;
};

/* An image whose maps the evaluation still holds. */
struct report_image {
    const sscam_image *image;
    const struct dataset_cases *cases; /* those of its annotation; classes may be empty */
    const char *colormap;
    double alpha;
    size_t first_result; /* of its cases, in the results */
};

/* What stands above the tables, and charts that stand below them. */
struct report_facts {
    const char *path, *title, *model, *dataset, *layout;
    size_t skipped;
    void (*put_charts)(FILE *out, void *user, const struct results *results, const struct total *totals);
    void *user;
};

void report_start(struct report *report);

/* Draws the cases of an image: the input with its boxes, and each method. */
int report_add(struct report *report, const struct results *results, const sscam_evaluation *evaluation,
               const struct report_image *shown);

/* Writes the file. `computed` holds the cases of this run, whose curves are known. */
int report_write(struct report *report, const struct report_facts *facts, const struct results *results,
                 const struct total *totals, const sscam_evaluation *computed);

void report_free(struct report *report);

#endif
