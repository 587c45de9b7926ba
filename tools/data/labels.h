/* Names of a network's classes, from a file in one of these forms:
 * - one name a line, the first being class 0, perhaps after a WordNet identifier as in
 *   "n01440764 tench, Tinca tinca";
 * - a table with the indices of the classes, such as "0,n01440764,tench", "tench,0" or "0: tench",
 *   separated by commas, semicolons, tabs or blanks, with or without a heading;
 * - JSON or YAML: a list, or a map from indices to names or from names to indices, alone or as
 *   `names`, `id2label`, `label2id` or `categories`. */
#ifndef SSCAM_TOOLS_DATA_LABELS_H
#define SSCAM_TOOLS_DATA_LABELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct labels {
    char **names;       /* "" for an index without a name */
    char **identifiers; /* NULL where no class has one; else one for each class, or NULL */
    size_t count;
    bool has_indices; /* the file gives them; else the order of its names does */
    const char *path; /* NULL when there are no labels */
};

/* Reads a file. EXIT_OK, or EXIT_FAILED with a line. */
int labels_read(const char *path, struct labels *labels);

/* Whether the first name is likely no class of a network that has one class less: the heading of a
 * column, or the background of networks that have such a class. */
bool labels_first_is_extra(const struct labels *labels);

/* Removes the first name: the second one becomes class 0. */
void labels_drop_first(struct labels *labels);

/* Name of a class, or NULL when it has none. */
const char *labels_name(const struct labels *labels, int64_t class_index);

/* Index of the only class with a name or identifier, as labels_look_up() finds it. EXIT_FAILED with
 * a line when no class has it, or several do. */
int labels_find(const struct labels *labels, const char *name, int64_t *class_index);

/* How many classes have exactly that name or identifier. */
size_t labels_count_named(const struct labels *labels, const char *name);

/* Index of the only class with that name or identifier; -1 when none has it, -2 when several do. A
 * name that no class has exactly is compared again without regard to case, '_' being a blank, and
 * then with each of the synonyms that a name lists between commas. Prints nothing. */
int64_t labels_look_up(const struct labels *labels, const char *name);

void labels_free(struct labels *labels);

/* --- for the readers -------------------------------------------------------------------------- */

/* Names a class; identifier may be NULL. Returns NULL, or why it cannot be, which the caller frees:
 * its index is too large, or it has a name. */
char *labels_put(struct labels *labels, int64_t class_index, const char *identifier,
                 const char *name);

/* Names the class after the last one. */
char *labels_append(struct labels *labels, const char *identifier, const char *name);

/* Whether a text is an identifier of WordNet: n01440764. */
bool is_wordnet_identifier(const char *text, size_t length);

/* Each reads one form. NULL, or why the file is of no known one, which the caller frees. Texts are
 * changed. */
char *labels_take_lines(struct labels *labels, char *text);
char *labels_take_document(struct labels *labels, const char *text, size_t length, bool is_yaml);

#endif
