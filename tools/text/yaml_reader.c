#include "text/yaml_reader.h"

#include <yaml.h>

#include "common/checked_alloc.h"

enum { MOST_LEVELS = 32 };

/* A list or map that is being read. */
struct level {
    struct json_t *value;
    char *key; /* of the member of a map that comes next, or NULL */
};

struct reader {
    yaml_parser_t parser;
    struct level levels[MOST_LEVELS];
    size_t depth;
    struct json_t *root;
    char *why;
};

static void refuse(struct reader *reader, const yaml_event_t *event, const char *why)
{
    if (!reader->why)
        reader->why = format_text("line %zu: %s", event->start_mark.line + 1, why);
}

/* Puts a value where the text has it; takes ownership. */
static void put_value(struct reader *reader, const yaml_event_t *event, struct json_t *value)
{
    struct level *level = reader->depth ? &reader->levels[reader->depth - 1] : NULL;

    if (!level) {
        reader->root = value;
    } else if (document_is_list(level->value)) {
        document_append(level->value, value);
    } else if (!level->key) {
        document_free(value);
        refuse(reader, event, "a key is a list or a map");
    } else {
        if (!document_set(level->value, level->key, value))
            refuse(reader, event, "two keys are equal");
        free(level->key);
        level->key = NULL;
    }
}

static void put_scalar(struct reader *reader, const yaml_event_t *event)
{
    struct level *level = reader->depth ? &reader->levels[reader->depth - 1] : NULL;
    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    struct json_t *value = document_new_text(text, length);

    if (!value) {
        refuse(reader, event, "holds a zero byte");
    } else if (level && document_is_map(level->value) && !level->key) {
        document_free(value);
        level->key = copy_text(text, length);
    } else {
        put_value(reader, event, value);
    }
}

/* A level is put into the one above it when it begins: that one owns it. */
static void begin_level(struct reader *reader, const yaml_event_t *event, struct json_t *value)
{
    if (reader->depth == MOST_LEVELS) {
        document_free(value);
        refuse(reader, event, "has too many levels");
        return;
    }
    put_value(reader, event, value);
    if (!reader->why)
        reader->levels[reader->depth++] = (struct level){.value = value};
}

static void take_event(struct reader *reader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (reader->root)
            refuse(reader, event, "has a second document");
        break;
    case YAML_SCALAR_EVENT: put_scalar(reader, event); break;
    case YAML_SEQUENCE_START_EVENT: begin_level(reader, event, document_new_list()); break;
    case YAML_MAPPING_START_EVENT: begin_level(reader, event, document_new_map()); break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: reader->depth--; break;
    case YAML_ALIAS_EVENT: refuse(reader, event, "has an alias, which is not supported"); break;
    default: break;
    }
}

static void refuse_syntax(struct reader *reader)
{
    if (reader->parser.error == YAML_MEMORY_ERROR)
        end_without_memory();
    reader->why = format_text("line %zu: %s", reader->parser.problem_mark.line + 1,
                              reader->parser.problem ? reader->parser.problem : "is not YAML");
}

static void read_events(struct reader *reader)
{
    bool is_last = false;

    while (!reader->why && !is_last) {
        yaml_event_t event;

        if (!yaml_parser_parse(&reader->parser, &event)) {
            refuse_syntax(reader);
            return;
        }
        is_last = event.type == YAML_STREAM_END_EVENT;
        take_event(reader, &event);
        yaml_event_delete(&event);
    }
}

struct json_t *document_from_yaml(const char *text, size_t length, char **why)
{
    struct reader reader = {0};

    if (!yaml_parser_initialize(&reader.parser))
        end_without_memory();
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, length);
    read_events(&reader);
    yaml_parser_delete(&reader.parser);
    for (size_t i = 0; i < MOST_LEVELS; i++)
        free(reader.levels[i].key);
    if (!reader.why && !document_is_list(reader.root) && !document_is_map(reader.root))
        reader.why = format_text("is neither a list nor a map");
    if (reader.why) {
        document_free(reader.root);
        reader.root = NULL;
    }
    *why = reader.why;
    return reader.root;
}
