/* Names of a network's classes, from a text file of one of two forms:
 * - one name a line, the first line being class 0;
 * - index, identifier and name, such as ImageNet's "0,n01440764,tench", separated by commas or
 * tabs, in any order of lines. */
#ifndef SSCAM_TOOLS_DATA_LABELS_H
#define SSCAM_TOOLS_DATA_LABELS_H

#include <stddef.h>
#include <stdint.h>

struct labels {
    char *text;         /* the whole file; the names point into it */
    char **names;       /* "" for an index without a line */
    char **identifiers; /* NULL for a file of names; else one for each class, or NULL */
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

/* Index of the only class with that name or identifier; -1 when none has it, -2 when several do. A
 * name that no class has exactly is compared again without regard to case, '_' being a blank.
 * Prints nothing. */
int64_t labels_look_up(const struct labels *labels, const char *name);

void labels_free(struct labels *labels);

#endif
