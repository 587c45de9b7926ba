/* The images of a report: the worst cases of a run, each with its input, its boxes and the map of
 * every method. */
#ifndef SSCAM_TOOLS_REPORT_CASE_THUMBNAILS_H
#define SSCAM_TOOLS_REPORT_CASE_THUMBNAILS_H

#include <stddef.h>
#include <stdio.h>

#include <sscam/sscam.h>

#include "data/dataset.h"
#include "data/results.h"

/* More would make the file too large to open. */
#define CASE_THUMBNAILS_MOST_CASES 24
#define CASE_THUMBNAILS_MOST 400

/* A case as HTML. */
struct drawn_case {
    char *html;
    size_t length;
    double badness;
};

struct case_thumbnails {
    struct drawn_case
        cases[CASE_THUMBNAILS_MOST_CASES]; /* in the order in which they were judged */
    size_t count;
};

/* An image whose maps the evaluation still holds. */
struct drawn_image {
    const sscam_image *image;
    const struct dataset_cases *cases; /* those of its annotation; classes may be empty */
    const char *colormap;
    double alpha;
    size_t first_result; /* of its cases, in the results */
};

/* Draws the cases of an image, those that are worse than one that is there already when there is no
 * more room. A case is as bad as the mean of its first measure over the methods. An exit code. */
int case_thumbnails_add(struct case_thumbnails *images, const struct results *results,
                        const sscam_evaluation *evaluation, const struct drawn_image *shown);

void case_thumbnails_put(FILE *out, const struct case_thumbnails *images);

void case_thumbnails_free(struct case_thumbnails *images);

#endif
