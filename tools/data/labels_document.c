/* Labels in JSON and YAML. */
#include <stdlib.h>
#include <string.h>

#include "common/checked_alloc.h"
#include "data/labels.h"
#include "text/document.h"
#include "text/yaml_reader.h"

/* Members that hold the classes, beside others. */
static const char *const containers[] = {"names",      "id2label", "label2id", "class_names",
                                         "categories", "classes",  "labels"};

/* Names a class by a text, or by a list such as ["n01440764", "tench"]. Without an index it is the
 * next class. */
static char *put_name(struct labels *labels, int64_t index, const struct json_t *value)
{
    const struct json_t *first = document_at(value, 0), *second = document_at(value, 1);
    char *identifier = document_text(first), *name = document_text(second  ? second
                                                                   : first ? first
                                                                           : value);
    char *why = NULL;

    if (second && (!identifier || document_count(value) > 2 ||
                   !is_wordnet_identifier(identifier, strlen(identifier))))
        why = format_text("a list is not [identifier, name]");
    else if (!name)
        why = format_text("the name of a class is not a text");
    else if (index < 0)
        why = labels_append(labels, second ? identifier : NULL, name);
    else
        why = labels_put(labels, index, second ? identifier : NULL, name);
    free(identifier);
    free(name);
    return why;
}

/* An element {"id": 1, "name": "person"}. */
static char *put_category(struct labels *labels, const struct json_t *category)
{
    const struct json_t *id = document_member(category, "id"),
                        *name = document_member(category, "name");
    int64_t index = -1;

    if (!name || (id && (!document_integer(id, &index) || index < 0)))
        return format_text("a category is not {\"id\": NUMBER, \"name\": TEXT}");
    labels->has_indices = labels->has_indices || id;
    return put_name(labels, index, name);
}

static char *take_list(struct labels *labels, const struct json_t *list)
{
    char *why = NULL;

    for (size_t i = 0; i < document_count(list) && !why; i++) {
        const struct json_t *item = document_at(list, i);
        why = document_is_map(item) ? put_category(labels, item) : put_name(labels, -1, item);
    }
    return why;
}

static bool key_is_index(const char *key)
{
    return *key && strspn(key, "0123456789") == strlen(key);
}

struct map_kinds {
    bool all_keys, all_values; /* are whole numbers */
    bool any_number;           /* is a number, no text: JSON's keys are always texts */
    bool is_identity;          /* each key is its value */
};

static struct map_kinds kinds_of(const struct json_t *map)
{
    struct map_kinds kinds = {true, true, false, true};
    int64_t index;

    for (void *member = document_first(map); member; member = document_next(map, member)) {
        const struct json_t *value = document_value(member);
        char *text = document_text(value);

        kinds.all_keys = kinds.all_keys && key_is_index(document_key(member));
        kinds.all_values = kinds.all_values && document_integer(value, &index) && index >= 0;
        kinds.any_number = kinds.any_number || document_is_number(value);
        kinds.is_identity = kinds.is_identity && text && !strcmp(text, document_key(member));
        free(text);
    }
    return kinds;
}

static char *put_member(struct labels *labels, void *member, bool key_is_name)
{
    const struct json_t *value = document_value(member);
    const char *key = document_key(member);
    int64_t index = -1;

    if (key_is_name) {
        document_integer(value, &index);
        return labels_put(labels, index, NULL, key);
    }
    struct json_t *number = document_new_text(key, strlen(key));
    bool is_index = document_integer(number, &index);
    document_free(number);
    const struct json_t *name = document_is_map(value) ? document_member(value, "name") : value;
    if (!is_index || !name)
        return format_text("'%s' does not name a class", key);
    return put_name(labels, index, name);
}

static char *take_map(struct labels *labels, const struct json_t *map)
{
    struct map_kinds kinds = kinds_of(map);
    bool names_are_keys = kinds.all_values && (!kinds.all_keys || kinds.any_number);
    char *why = NULL;

    if (!kinds.all_keys && !names_are_keys)
        return format_text("is neither a list of names nor a map between indices and names");
    if (kinds.all_keys && kinds.all_values && !kinds.any_number && !kinds.is_identity)
        return format_text("its names are numbers too: which are the indices?");
    labels->has_indices = true;
    for (void *member = document_first(map); member && !why; member = document_next(map, member))
        why = put_member(labels, member, names_are_keys);
    return why;
}

/* The part of a document that holds the classes. */
static const struct json_t *find_classes(const struct json_t *document)
{
    for (size_t i = 0; i < sizeof containers / sizeof *containers; i++) {
        const struct json_t *member = document_member(document, containers[i]);
        if (document_is_list(member) || document_is_map(member))
            return member;
    }
    return document_member(document, "nc") ? NULL : document; /* a data set's without names */
}

char *labels_take_document(struct labels *labels, const char *text, size_t length, bool is_yaml)
{
    char *why = NULL, *why_no_yaml = NULL;
    struct json_t *document = is_yaml ? NULL : document_from_json(text, length, &why);

    if (!document) { /* a dictionary as Python prints it is YAML, too */
        document = document_from_yaml(text, length, &why_no_yaml);
        if (document || is_yaml) {
            free(why);
            why = why_no_yaml;
            why_no_yaml = NULL;
        }
    }
    free(why_no_yaml);
    if (!document)
        return why;
    const struct json_t *classes = find_classes(document);
    if (!classes)
        why = format_text("has no names");
    else
        why = document_is_list(classes) ? take_list(labels, classes) : take_map(labels, classes);
    document_free(document);
    return why;
}
