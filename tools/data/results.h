/* Results of an evaluation, case by case: what totals are made of, in files and out of them. */
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

/* What was remarkable about the annotation of an image. */
struct image_tally {
    size_t scaled, unknown_objects; /* scaled: 1 when it is of an image of another size */
};

/* A class on an image. */
struct result_case {
    size_t image_index;  /* in the data set, from 0 */
    char *image, *label; /* label: NULL when the class has no name */
    int64_t class_index;
    struct result_value *values; /* [methods][metrics] */
    struct image_tally of_image; /* in the first case of an image; zeros in the others */
};

struct results {
    struct text_list methods;
    int32_t *metrics; /* identifiers of measures: those of the library in the order of its table,
                         then others */
    size_t metric_count;
    struct result_case *cases;
    size_t count;
};

/* Metrics of a list of names as the option `metrics` has it. */
void results_set_metrics(struct results *results, const char *names);

/* Adds a measure that is none of the library's metrics. */
void results_add_measure(struct results *results, int32_t measure);

/* A new case at the end, its values absent. */
struct result_case *results_add(struct results *results, size_t image_index, const char *image,
                                int64_t class_index, const char *label);

/* Takes the last cases of an evaluation over into new cases of an image. */
void results_add_evaluated(struct results *results, const sscam_evaluation *evaluation,
                           size_t first_case, size_t image_index, const char *image,
                           const char *(*label_of)(void *, int64_t), void *user);

/* Sorts by image; cases of one image keep their order. */
void results_sort(struct results *results);

/* Number of different images; the results must be sorted. */
size_t results_image_count(const struct results *results);

/* Sum over the images. */
struct image_tally results_tally(const struct results *results);

void results_free(struct results *results);

/* --- files ------------------------------------------------------------------------------------ */

/* The columns' names: index, image, class, label, method, and the metrics. */
void results_put_heading(FILE *out, const struct results *results);

/* The lines of cases `first` to `first + count - 1`, one a method. Values are written so that
 * reading them back gives the same: empty where absent, nan where undefined. */
void results_put_cases(FILE *out, const struct results *results, size_t first, size_t count);

/* Reads the heading of a file: sets the metrics of new results, or holds them against those there
 * are. NULL, or why it is none, to be freed. */
char *results_take_heading(struct results *results, const struct csv_reader *reader);

/* Sets the methods of new results to those of the first case in a file's text, which is changed. */
void results_learn_methods(struct results *results, char *text);

/* Reads a line. `methods_seen`, the number of methods that the last case has, is the number of all
 * at the start and when a file is complete. NULL, or what is wrong with the line, to be freed. */
char *results_take_line(struct results *results, const struct csv_reader *reader,
                        size_t *methods_seen);

#endif
