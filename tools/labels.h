/* Names of a network's classes: a text file with one name a line, the first line being class 0. */
#ifndef SSCAM_TOOLS_LABELS_H
#define SSCAM_TOOLS_LABELS_H

#include <stddef.h>
#include <stdint.h>

struct labels {
    char *text; /* the whole file; the names point into it */
    char **names;
    size_t count;
    const char *path; /* NULL when there are no labels */
};

/* Reads a file. EXIT_OK, or EXIT_FAILED with a line. */
int labels_read(const char *path, struct labels *labels);

/* Name of a class, or NULL when it has none. */
const char *labels_name(const struct labels *labels, int64_t class_index);

/* Index of the class with exactly that name. EXIT_FAILED with a line when no class has it, or several do. */
int labels_find(const struct labels *labels, const char *name, int64_t *class_index);

/* How many classes have exactly that name. */
size_t labels_count_named(const struct labels *labels, const char *name);

void labels_free(struct labels *labels);

#endif
