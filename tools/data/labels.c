#include "data/labels.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/path.h"
#include "base/suggestion.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "text/text_file.h"

#define LARGEST_FILE (16u << 20)
#define MOST_CLASSES (1 << 20)

enum { IDENTIFIER_LENGTH = 9 };

/* --- reading ---------------------------------------------------------------------------------- */

bool is_wordnet_identifier(const char *text, size_t length)
{
    return length == IDENTIFIER_LENGTH && *text == 'n' &&
           strspn(text + 1, "0123456789") >= IDENTIFIER_LENGTH - 1;
}

static void make_room(struct labels *labels, size_t count)
{
    for (; labels->count < count; labels->count++) {
        labels->names = grow(labels->names, labels->count, sizeof *labels->names);
        labels->identifiers = grow(labels->identifiers, labels->count, sizeof *labels->identifiers);
        labels->names[labels->count] = copy_text("", 0);
        labels->identifiers[labels->count] = NULL;
    }
}

/* A copy without the blanks around it. */
static char *trimmed(const char *text)
{
    size_t length = strlen(text += strspn(text, " \t"));

    while (length && strchr(" \t", text[length - 1]))
        length--;
    return copy_text(text, length);
}

char *labels_put(struct labels *labels, int64_t class_index, const char *identifier,
                 const char *name)
{
    if (class_index < 0 || class_index >= MOST_CLASSES)
        return format_text("%lld is no index of a class", (long long)class_index);
    make_room(labels, (size_t)class_index + 1);
    if (*labels->names[class_index] || labels->identifiers[class_index])
        return format_text("class %lld has two names", (long long)class_index);
    free(labels->names[class_index]);
    labels->names[class_index] = trimmed(name);
    labels->identifiers[class_index] = identifier && *identifier ? trimmed(identifier) : NULL;
    return NULL;
}

char *labels_append(struct labels *labels, const char *identifier, const char *name)
{
    return labels_put(labels, (int64_t)labels->count, identifier, name);
}

static bool has_extension(const char *path, const char *const *extensions)
{
    for (; *extensions; extensions++)
        if (!strcasecmp(sscam_extension(path), *extensions))
            return true;
    return false;
}

/* Whether a line begins a member `names:` of YAML. */
static bool has_names_member(const char *text)
{
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (!strncmp(line, "names:", strlen("names:")))
            return true;
    }
    return false;
}

static char *take_text(struct labels *labels, char *text, const char *path)
{
    static const char *const json[] = {".json", NULL}, *const yaml[] = {".yaml", ".yml", NULL};
    const char *start = text + strspn(text, " \t\n");
    bool is_yaml = has_extension(path, yaml) || has_names_member(text);

    if (is_yaml || has_extension(path, json) || (*start && strchr("[{", *start)))
        return labels_take_document(labels, text, strlen(text), is_yaml);
    if (strstr(text, "item {"))
        return format_text("is a label map of TensorFlow; give one name a line instead");
    return labels_take_lines(labels, text);
}

int labels_read(const char *path, struct labels *labels)
{
    size_t length;
    char *why, *text = text_file_read(path, LARGEST_FILE, &length, &why);

    *labels = (struct labels){.path = path};
    if (text) {
        text_normalise_lines(text);
        why = take_text(labels, text, path);
    }
    if (!why && !labels->count)
        why = format_text("names no classes");
    int code = why ? fail(path, "%s", why) : EXIT_OK;
    free(why);
    free(text);
    return code;
}

bool labels_first_is_extra(const struct labels *labels)
{
    static const char *const words[] = {
        "background", "__background__", "_background_", "dummy",    "unused",     "bg",
        "none",       "label",          "labels",       "class",    "classes",    "name",
        "names",      "class_name",     "classname",    "category", "categories",
    };

    if (!labels->count || labels->has_indices)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcasecmp(labels->names[0], words[i]))
            return true;
    return false;
}

void labels_drop_first(struct labels *labels)
{
    size_t left = --labels->count;

    free(labels->names[0]);
    free(labels->identifiers[0]);
    memmove(labels->names, labels->names + 1, left * sizeof *labels->names);
    memmove(labels->identifiers, labels->identifiers + 1, left * sizeof *labels->identifiers);
}

void labels_free(struct labels *labels)
{
    for (size_t i = 0; i < labels->count; i++) {
        free(labels->names[i]);
        free(labels->identifiers[i]);
    }
    free(labels->names);
    free(labels->identifiers);
    *labels = (struct labels){0};
}

/* --- looking up ------------------------------------------------------------------------------- */

const char *labels_name(const struct labels *labels, int64_t class_index)
{
    if (class_index < 0 || (uint64_t)class_index >= labels->count || !*labels->names[class_index])
        return NULL;
    return labels->names[class_index];
}

/* Whether a class has a name, compared in one of several ways. */
typedef bool name_test(const struct labels *labels, size_t index, const char *name);

static bool has_name(const struct labels *labels, size_t index, const char *name)
{
    const char *identifier = labels->identifiers[index];

    return !strcmp(labels->names[index], name) || (identifier && !strcmp(identifier, name));
}

static char without_case(char character)
{
    return character == '_' ? ' ' : (char)tolower((unsigned char)character);
}

static bool is_similar(const char *own, size_t length, const char *name)
{
    for (; length && *name && without_case(*own) == without_case(*name); length--, own++)
        name++;
    return !length && !*name;
}

static bool has_similar_name(const struct labels *labels, size_t index, const char *name)
{
    return is_similar(labels->names[index], strlen(labels->names[index]), name);
}

static bool has_synonym(const struct labels *labels, size_t index, const char *name)
{
    const char *own = labels->names[index];

    for (;; own++) {
        own += strspn(own, " ");
        size_t length = strcspn(own, ",");
        if (is_similar(own, length, name))
            return true;
        own += length;
        if (!*own)
            return false;
    }
}

static size_t count_named(const struct labels *labels, const char *name, name_test *test)
{
    size_t count = 0;

    for (size_t i = 0; i < labels->count; i++)
        count += test(labels, i, name);
    return count;
}

size_t labels_count_named(const struct labels *labels, const char *name)
{
    return count_named(labels, name, has_name);
}

/* The strictest of the tests that some class passes, or NULL. */
static name_test *choose_test(const struct labels *labels, const char *name)
{
    static name_test *const tests[] = {has_name, has_similar_name, has_synonym};

    for (size_t i = 0; i < sizeof tests / sizeof *tests && *name; i++)
        if (count_named(labels, name, tests[i]))
            return tests[i];
    return NULL;
}

int64_t labels_look_up(const struct labels *labels, const char *name)
{
    name_test *test = choose_test(labels, name);
    int64_t found = -1;

    for (size_t i = 0; test && i < labels->count; i++)
        if (test(labels, i, name))
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
    name_test *test = choose_test(labels, name);
    char *indices = copy_text("", 0);

    for (size_t i = 0; i < labels->count; i++) {
        if (!test(labels, i, name))
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
    int64_t found = labels_look_up(labels, name);

    if (found == -1)
        return fail_not_found(labels, name);
    if (found == -2)
        return fail_ambiguous(labels, name);
    *class_index = found;
    return EXIT_OK;
}
