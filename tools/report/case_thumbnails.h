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
#define CASE_THUMBNAILS_MAX_CASES 24
#define CASE_THUMBNAILS_MAX_IMAGES 400

/* A case as HTML. */
struct drawn_case {
    char *html;
    size_t length;
    double badness;
};

/* The cases in the order in which they were evaluated. */
struct case_thumbnails {
    struct drawn_case cases[CASE_THUMBNAILS_MAX_CASES];
    size_t count;
};

/* An image whose maps the evaluation still holds. */
struct drawn_image {
    const sscam_image *image;
    const struct dataset_cases *cases; /* those of its annotation; classes may be empty */
    const sscam_draw_options *drawing;
    size_t first_result; /* of its cases, in the results */
};

/* Draws the cases of an image; when there is no more room, only those that are worse than one drawn
 * before, which they replace. The badness of a case is the mean of its first measure over the
 * methods. NULL, or why a case could not be drawn; it is left out then. */
const char *case_thumbnails_add(struct case_thumbnails *thumbnails, const struct results *results,
                                const sscam_evaluation *evaluation,
                                const struct drawn_image *shown);

void case_thumbnails_put(FILE *out, const struct case_thumbnails *thumbnails);

void case_thumbnails_free(struct case_thumbnails *thumbnails);

#endif
