/* Trees of values: JSON read by jansson, and what text/yaml_reader.h reads. The tree is jansson's;
 * memory that runs out ends the program. */
#ifndef SSCAM_TOOLS_TEXT_DOCUMENT_H
#define SSCAM_TOOLS_TEXT_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_t; /* a value, with those that it holds */

/* Reads JSON, a list or an object, without equal keys. NULL, with the reason in `why`, where it is
 * none. The caller frees both. */
struct json_t *document_from_json(const char *text, size_t length, char **why);

void document_free(struct json_t *document);

bool document_is_list(const struct json_t *value);
bool document_is_map(const struct json_t *value);
bool document_is_number(const struct json_t *value); /* of JSON; those of YAML are texts */

/* Number of elements of a list or members of a map, else 0. */
size_t document_count(const struct json_t *value);

/* An element of a list, NULL beyond its end. */
const struct json_t *document_at(const struct json_t *list, size_t index);

/* A member of a map, NULL where there is none. */
const struct json_t *document_member(const struct json_t *map, const char *key);

/* The members of a map in the order of the text: NULL after the last one. */
void *document_first(const struct json_t *map);
void *document_next(const struct json_t *map, void *member);
const char *document_key(void *member);
const struct json_t *document_value(void *member);

/* A text, or a number in digits; NULL for any other value. The caller frees it. */
char *document_text(const struct json_t *value);

/* Whether a value is a number, or a text that is one. */
bool document_number(const struct json_t *value, double *number);
bool document_integer(const struct json_t *value, int64_t *number);

/* For readers: new values, and adding them. A list or map owns what is added. */
struct json_t *document_new_list(void);
struct json_t *document_new_map(void);
struct json_t *document_new_text(const char *text, size_t length); /* NULL unless it is UTF-8 */
void document_append(struct json_t *list, struct json_t *value);

/* False, and the value is freed, where the map has the key. */
bool document_set(struct json_t *map, const char *key, struct json_t *value);

#endif
