#include "data/csv.h"

#include <stdlib.h>
#include <string.h>

#include "common/checked_alloc.h"

struct csv_reader csv_start_with(char *text, char delimiter)
{
    return (struct csv_reader){.next = text, .next_line = 1, .delimiter = delimiter};
}

struct csv_reader csv_start(char *text)
{
    return csv_start_with(text, ',');
}

static void add_field(struct csv_reader *reader, char *field)
{
    reader->fields = grow(reader->fields, reader->count, sizeof *reader->fields);
    reader->fields[reader->count++] = field;
}

/* Removes the quotes of a field in place; returns its end, or NULL when it is not closed. */
static char *unquote(struct csv_reader *reader, char *field)
{
    char *from = field + 1, *to = field;

    for (; *from; from++) {
        if (*from == '"' && from[1] != '"') {
            reader->next = from + 1;
            return to;
        }
        reader->next_line += *from == '\n';
        from += *from == '"';
        *to++ = *from;
    }
    return NULL;
}

/* Reads a field; returns the character that ends it, or -1 when the text is broken. */
static int read_field(struct csv_reader *reader)
{
    const char ends[] = {reader->delimiter, '\n', '\0'};
    char *field = reader->next, *end;

    if (*field == '"') {
        end = unquote(reader, field);
        if (!end)
            return -1;
    } else {
        reader->next += strcspn(field, ends);
        end = reader->next;
        if (*end != reader->delimiter && end > field && end[-1] == '\r')
            end--;
    }
    add_field(reader, field);
    if (*reader->next == '\r' && (reader->next[1] == '\n' || !reader->next[1]))
        reader->next++;
    int ended_by = (unsigned char)*reader->next;
    if (ended_by && !strchr(ends, ended_by))
        return -1; /* something after a closing quote */
    reader->next += ended_by != 0;
    reader->next_line += ended_by == '\n';
    *end = '\0';
    return ended_by;
}

bool csv_next(struct csv_reader *reader)
{
    int ended_by = (unsigned char)reader->delimiter;

    for (size_t length; *reader->next; reader->next += length, reader->next_line++) {
        length = *reader->next == '\r' && reader->next[1] == '\n' ? 2 : *reader->next == '\n';
        if (!length)
            break;
    }
    reader->count = 0;
    reader->line = reader->next_line;
    if (!*reader->next)
        return false;
    while (ended_by == (unsigned char)reader->delimiter)
        ended_by = read_field(reader);
    reader->is_broken = ended_by < 0;
    return !reader->is_broken;
}

void csv_free(struct csv_reader *reader)
{
    free(reader->fields);
    reader->fields = NULL;
}

void csv_put(FILE *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}
