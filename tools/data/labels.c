#include "data/labels.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "base/suggestion.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "text/text_file.h"

#define LARGEST_FILE (16u << 20)
#define MOST_CLASSES (1 << 20)
#define MOST_DIGITS 18

/* Cuts blanks off the end of a line: in some files each ends in a carriage return. */
static void trim_end(char *line, size_t length)
{
    while (length && strchr(" \t\r", line[length - 1]))
        length--;
    line[length] = '\0';
}

static void split_lines(struct labels *labels)
{
    char *line = labels->text;

    while (*line) {
        size_t length = strcspn(line, "\n");
        char *next = line + length + (line[length] == '\n');

        labels->names = grow(labels->names, labels->count, sizeof *labels->names);
        trim_end(line, length);
        labels->names[labels->count++] = line;
        line = next;
    }
}

/* Finds the fields of a line "index,identifier,name". False for another line; the line is not
 * changed. */
static bool split_indexed(char *line, int64_t *index, char **identifier, char **name)
{
    size_t digits = strspn(line, "0123456789");
    char *first = line + digits, number[MOST_DIGITS + 1] = "";
    char *second = *first == ',' || *first == '\t' ? strchr(first + 1, *first) : NULL;

    if (!second || digits > MOST_DIGITS)
        return false;
    memcpy(number, line, digits);
    if (!sscam_parse_int(number, index) || *index >= MOST_CLASSES)
        return false;
    *identifier = first + 1;
    *name = second + 1;
    return true;
}

/* Whether a line names the columns of those below. */
static bool is_heading(const char *line)
{
    return !strncasecmp(line, "index", strlen("index")) && strchr(",\t", line[strlen("index")]);
}

/* Whether all lines but a heading and empty ones have an index; sets the number of classes. */
static bool is_indexed(const struct labels *labels, size_t *classes)
{
    char *identifier, *name;
    int64_t index;

    *classes = 0;
    for (size_t i = 0; i < labels->count; i++) {
        if (!*labels->names[i] || (i == 0 && is_heading(labels->names[i])))
            continue;
        if (!split_indexed(labels->names[i], &index, &identifier, &name))
            return false;
        if ((size_t)index >= *classes)
            *classes = (size_t)index + 1;
    }
    return *classes > 0;
}

/* Sorts names and identifiers by their indices. */
static void sort_indexed(struct labels *labels, size_t classes)
{
    static char none[] = "";
    char **lines = labels->names;

    labels->names = allocate(classes, sizeof *labels->names);
    labels->identifiers = allocate(classes, sizeof *labels->identifiers);
    for (size_t i = 0; i < classes; i++)
        labels->names[i] = none;
    for (size_t i = 0; i < labels->count; i++) {
        char *identifier, *name;
        int64_t index;

        if (!split_indexed(lines[i], &index, &identifier, &name))
            continue;
        name[-1] = '\0';
        labels->names[index] = name;
        labels->identifiers[index] = identifier;
    }
    labels->count = classes;
    free(lines);
}

int labels_read(const char *path, struct labels *labels)
{
    size_t length, classes;
    char *why;

    *labels = (struct labels){0};
    labels->text = text_file_read(path, LARGEST_FILE, &length, &why);
    if (!labels->text) {
        int code = fail(path, "%s", why);
        free(why);
        return code;
    }
    labels->path = path;
    split_lines(labels);
    if (is_indexed(labels, &classes))
        sort_indexed(labels, classes);
    return EXIT_OK;
}

const char *labels_name(const struct labels *labels, int64_t class_index)
{
    if (class_index < 0 || (uint64_t)class_index >= labels->count || !*labels->names[class_index])
        return NULL;
    return labels->names[class_index];
}

static bool has_name(const struct labels *labels, size_t index, const char *name)
{
    return !strcmp(labels->names[index], name) ||
           (labels->identifiers && labels->identifiers[index] &&
            !strcmp(labels->identifiers[index], name));
}

size_t labels_count_named(const struct labels *labels, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < labels->count; i++)
        count += has_name(labels, i, name);
    return count;
}

static char without_case(char character)
{
    return character == '_' ? ' ' : (char)tolower((unsigned char)character);
}

static bool is_similar_name(const struct labels *labels, size_t index, const char *name)
{
    const char *own = labels->names[index];

    while (*own && without_case(*own) == without_case(*name)) {
        own++;
        name++;
    }
    return !*own && !*name;
}

int64_t labels_look_up(const struct labels *labels, const char *name)
{
    bool exactly = labels_count_named(labels, name) > 0;
    int64_t found = -1;

    for (size_t i = 0; i < labels->count && *name; i++)
        if (exactly ? has_name(labels, i, name) : is_similar_name(labels, i, name))
            found = found == -1 ? (int64_t)i : -2;
    return found;
}

static int fail_not_found(const struct labels *labels, const char *name)
{
    sscam_suggestion nearest = sscam_suggestion_for(name);

    for (size_t i = 0; i < labels->count; i++)
        sscam_suggestion_consider(&nearest, labels->names[i]);
    return fail(labels->path, "no class is named '%s'%s", name, sscam_suggestion_text(&nearest));
}

static int fail_ambiguous(const struct labels *labels, const char *name)
{
    char *indices = copy_text("", 0);

    for (size_t i = 0; i < labels->count; i++) {
        if (!has_name(labels, i, name))
            continue;
        char *longer = format_text("%s%s%zu", indices, *indices ? ", " : "", i);
        free(indices);
        indices = longer;
    }
    int code = fail(labels->path, "classes %s are all named '%s': give one by its number", indices,
                    name);
    free(indices);
    return code;
}

int labels_find(const struct labels *labels, const char *name, int64_t *class_index)
{
    size_t count = labels_count_named(labels, name);

    if (count == 0)
        return fail_not_found(labels, name);
    if (count > 1)
        return fail_ambiguous(labels, name);
    for (size_t i = 0; i < labels->count; i++)
        if (has_name(labels, i, name))
            *class_index = (int64_t)i;
    return EXIT_OK;
}

void labels_free(struct labels *labels)
{
    free(labels->text);
    free(labels->names);
    free(labels->identifiers);
    *labels = (struct labels){0};
}
