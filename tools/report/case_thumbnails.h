/* The pictures of a report: the worst cases of a run, each with its input, its boxes and the map of
 * every method. */
#ifndef SSCAM_TOOLS_REPORT_CASE_THUMBNAILS_H
#define SSCAM_TOOLS_REPORT_CASE_THUMBNAILS_H

#include <stddef.h>
#include <stdio.h>

#include <sscam/sscam.h>

#include "data/dataset.h"
#include "data/results.h"

/* More would make the file too large to open. */
#define CASE_PICTURES_MOST_CASES 24
#define CASE_PICTURES_MOST 400

/* A case as HTML. */
struct pictured_case {
    char *html;
    size_t length;
    double badness;
};

struct case_pictures {
    struct pictured_case
        cases[CASE_PICTURES_MOST_CASES]; /* in the order in which they were judged */
    size_t count;
};

/* An image whose maps the evaluation still holds. */
struct pictured_image {
    const sscam_image *image;
    const struct dataset_cases *cases; /* those of its annotation; classes may be empty */
    const char *colormap;
    double alpha;
    size_t first_result; /* of its cases, in the results */
};

/* Draws the cases of an image, those that are worse than one that is there already when there is no
 * more room. A case is as bad as the mean of its first measure over the methods. An exit code. */
int case_pictures_add(struct case_pictures *pictures, const struct results *results,
                      const sscam_evaluation *evaluation, const struct pictured_image *shown);

void case_pictures_put(FILE *out, const struct case_pictures *pictures);

void case_pictures_free(struct case_pictures *pictures);

#endif
