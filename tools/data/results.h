/* Results of an evaluation, case by case, in memory and in CSV files. */
#ifndef SSCAM_TOOLS_DATA_RESULTS_H
#define SSCAM_TOOLS_DATA_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <sscam/sscam.h>

#include "data/csv.h"
#include "text/string_list.h"

struct result_value {
    double value;
    int32_t state; /* SSCAM_VALUE_ */
};

/* Counts of an image's annotation. */
struct image_tally {
    size_t scaled;      /* 1 when it was made for another image size */
    size_t unannotated; /* 1 when it names no class */
    size_t unknown_objects, unusable_objects;
};

/* A case: one class on one image. */
struct result_case {
    size_t image_index;  /* in the data set, from 0 */
    char *image, *label; /* label: NULL when the class has no name */
    int64_t class_index;
    struct result_value *values; /* [methods][metrics] */
    struct image_tally of_image; /* set in the first case of an image, else 0 */
};

struct results {
    struct text_list methods;
    int32_t *metrics; /* identifiers: those of the library in the order of its table, then others */
    size_t metric_count;
    struct result_case *cases;
    size_t count;
};

/* Sets the metrics to those of a list such as the option `metrics` takes. */
void results_set_metrics(struct results *results, const char *names);

/* Adds a measure that is not a metric of the library. */
void results_add_measure(struct results *results, int32_t measure);

/* Appends a case with absent values. */
struct result_case *results_add(struct results *results, size_t image_index, const char *image,
                                int64_t class_index, const char *label);

/* Appends the cases of an evaluation from `first_case` on, which are of one image. */
void results_add_evaluated(struct results *results, const sscam_evaluation *evaluation,
                           int64_t first_case, size_t image_index, const char *image,
                           const char *(*label_of)(void *, int64_t), void *user);

/* Sorts by image; cases of one image keep their order. */
void results_sort(struct results *results);

/* Number of different images; the results must be sorted. */
size_t results_image_count(const struct results *results);

/* The sum over all images. */
struct image_tally results_tally(const struct results *results);

void results_free(struct results *results);

/* --- files ------------------------------------------------------------------------------------ */

/* Writes the names of the columns: index, image, class, label, method, and the metrics. */
void results_put_heading(FILE *out, const struct results *results);

/* Writes `count` cases from `first` on, one line for each method. Values read back exactly; absent
 * ones are empty, undefined ones "nan". */
void results_put_cases(FILE *out, const struct results *results, size_t first, size_t count);

/* Reads a heading: sets the metrics of empty results, or compares them with those of others.
 * Returns NULL, or why the heading is refused, which the caller frees. */
char *results_take_heading(struct results *results, const struct csv_reader *reader);

/* Sets the methods of empty results to those of the first case in a text, which is changed. */
void results_learn_methods(struct results *results, char *text);

/* Reads a line. `methods_seen` counts the methods of the last case that were read: all of them
 * before the first line and at the end of a complete file. Returns NULL, or what is wrong with the
 * line, which the caller frees. */
char *results_take_line(struct results *results, const struct csv_reader *reader,
                        size_t *methods_seen);

#endif
