#include "labels.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "memory.h"
#include "nearest.h"

#define LARGEST_FILE (16u << 20)
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

static int read_text(const char *path, char **text, size_t *length)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return fail_errno(path);

    size_t capacity = 4096;
    int code = EXIT_OK;
    *text = allocate(capacity, 1);
    *length = 0;
    for (size_t got; (got = fread(*text + *length, 1, capacity - *length - 1, file)) > 0;) {
        *length += got;
        if (*length > LARGEST_FILE)
            break;
        if (*length == capacity - 1)
            *text = reallocate(*text, capacity *= 2, 1);
    }
    (*text)[*length] = '\0';
    if (ferror(file))
        code = fail_errno(path);
    else if (*length > LARGEST_FILE || memchr(*text, '\0', *length))
        code = fail(path, "is not a text file of labels, one name a line");
    fclose(file);
    if (code)
        free(*text);
    return code;
}

/* Cuts blanks off the end of a line: files from other systems end theirs with a carriage return. */
static void trim_end(char *line, size_t length)
{
    while (length && strchr(" \t\r", line[length - 1]))
        length--;
    line[length] = '\0';
}

static void split_lines(struct labels *labels)
{
    char *line = labels->text;

    if (!strncmp(line, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)))
        line += strlen(BYTE_ORDER_MARK);
    while (*line) {
        size_t length = strcspn(line, "\n");
        char *next = line + length + (line[length] == '\n');

        if ((labels->count & (labels->count - 1)) == 0)
            labels->names = reallocate(labels->names, labels->count * 2 + 1, sizeof *labels->names);
        trim_end(line, length);
        labels->names[labels->count++] = line;
        line = next;
    }
}

int labels_read(const char *path, struct labels *labels)
{
    size_t length;

    *labels = (struct labels){0};
    if (read_text(path, &labels->text, &length)) {
        labels->text = NULL;
        return EXIT_FAILED;
    }
    labels->path = path;
    split_lines(labels);
    return EXIT_OK;
}

const char *labels_name(const struct labels *labels, int64_t class_index)
{
    if (class_index < 0 || (uint64_t)class_index >= labels->count || !*labels->names[class_index])
        return NULL;
    return labels->names[class_index];
}

size_t labels_count_named(const struct labels *labels, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < labels->count; i++)
        count += !strcmp(labels->names[i], name);
    return count;
}

static int fail_not_found(const struct labels *labels, const char *name)
{
    struct nearest nearest = nearest_to(name);

    for (size_t i = 0; i < labels->count; i++)
        nearest_consider(&nearest, labels->names[i]);
    char *suggestion = nearest_suggestion(&nearest);
    int code = fail(labels->path, "no class is named '%s'%s", name, suggestion);
    free(suggestion);
    return code;
}

static int fail_ambiguous(const struct labels *labels, const char *name)
{
    char *indices = copy_text("", 0);

    for (size_t i = 0; i < labels->count; i++) {
        if (strcmp(labels->names[i], name))
            continue;
        char *longer = format_text("%s%s%zu", indices, *indices ? ", " : "", i);
        free(indices);
        indices = longer;
    }
    int code = fail(labels->path, "classes %s are all named '%s': give one by its number", indices, name);
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
        if (!strcmp(labels->names[i], name))
            *class_index = (int64_t)i;
    return EXIT_OK;
}

void labels_free(struct labels *labels)
{
    free(labels->text);
    free(labels->names);
    *labels = (struct labels){0};
}
