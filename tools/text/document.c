#include "text/document.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/number.h"
#include "common/checked_alloc.h"

static void *allocate_or_end(size_t size)
{
    return reallocate(NULL, size, 1);
}

static void use_checked_memory(void)
{
    json_set_alloc_funcs(allocate_or_end, free);
}

json_t *document_from_json(const char *text, size_t length, char **why)
{
    json_error_t error;

    use_checked_memory();
    json_t *document = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    *why = document ? NULL : format_text("line %d: %s", error.line, error.text);
    return document;
}

void document_free(json_t *document)
{
    json_decref(document);
}

bool document_is_list(const json_t *value)
{
    return json_is_array(value);
}

bool document_is_map(const json_t *value)
{
    return json_is_object(value);
}

bool document_is_number(const json_t *value)
{
    return json_is_number(value);
}

size_t document_count(const json_t *value)
{
    return json_is_array(value) ? json_array_size(value) : json_object_size(value);
}

const json_t *document_at(const json_t *list, size_t index)
{
    return json_array_get(list, index);
}

const json_t *document_member(const json_t *map, const char *key)
{
    return json_object_get(map, key);
}

void *document_first(const json_t *map)
{
    return json_object_iter((json_t *)map);
}

void *document_next(const json_t *map, void *member)
{
    return json_object_iter_next((json_t *)map, member);
}

const char *document_key(void *member)
{
    return json_object_iter_key(member);
}

const json_t *document_value(void *member)
{
    return json_object_iter_value(member);
}

char *document_text(const json_t *value)
{
    char number[SSCAM_REAL_SIZE];

    if (json_is_string(value))
        return copy_text(json_string_value(value), json_string_length(value));
    if (json_is_integer(value))
        return format_text("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    if (json_is_real(value))
        return format_text("%s", sscam_format_real(json_real_value(value), 17, number));
    return NULL;
}

bool document_number(const json_t *value, double *number)
{
    if (json_is_string(value))
        return sscam_parse_real(json_string_value(value), number);
    if (!json_is_number(value))
        return false;
    *number = json_number_value(value);
    return true;
}

bool document_integer(const json_t *value, int64_t *number)
{
    if (json_is_string(value))
        return sscam_parse_int(json_string_value(value), number);
    if (!json_is_integer(value))
        return false;
    *number = json_integer_value(value);
    return true;
}

json_t *document_new_list(void)
{
    use_checked_memory();
    return json_array();
}

json_t *document_new_map(void)
{
    use_checked_memory();
    return json_object();
}

json_t *document_new_text(const char *text, size_t length)
{
    use_checked_memory();
    return memchr(text, '\0', length) ? NULL : json_stringn(text, length);
}

void document_append(json_t *list, json_t *value)
{
    if (json_array_append_new(list, value))
        end_without_memory();
}

bool document_set(json_t *map, const char *key, json_t *value)
{
    if (json_object_get(map, key)) {
        json_decref(value);
        return false;
    }
    if (json_object_set_new(map, key, value))
        end_without_memory();
    return true;
}
