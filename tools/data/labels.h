/* Names of a network's classes: a text file with one name a line, the first line being class 0; or
 * with lines of index, identifier and name, such as ImageNet's "0,n01440764,tench", separated by
 * commas or tabs, in any order. */
#ifndef SSCAM_TOOLS_DATA_LABELS_H
#define SSCAM_TOOLS_DATA_LABELS_H

#include <stddef.h>
#include <stdint.h>

struct labels {
    char *text;         /* the whole file; the names point into it */
    char **names;       /* "" for an index that the file leaves out */
    char **identifiers; /* NULL when the file has names alone; of each class, or NULL */
    size_t count;
    const char *path; /* NULL when there are no labels */
};

/* Reads a file. EXIT_OK, or EXIT_FAILED with a line. */
int labels_read(const char *path, struct labels *labels);

/* Name of a class, or NULL when it has none. */
const char *labels_name(const struct labels *labels, int64_t class_index);

/* Index of the class with exactly that name or identifier. EXIT_FAILED with a line when no class
 * has it, or several do. */
int labels_find(const struct labels *labels, const char *name, int64_t *class_index);

/* How many classes have exactly that name or identifier. */
size_t labels_count_named(const struct labels *labels, const char *name);

/* Index of the one class with that name or identifier; -1 when none has it, -2 when several do.
 * Where none has it to the letter, case and the difference between '_' and a blank are overlooked.
 * Prints nothing. */
int64_t labels_look_up(const struct labels *labels, const char *name);

void labels_free(struct labels *labels);

#endif
