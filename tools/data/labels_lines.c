/* Labels in lines of text: tables of indices and names, and plain lists. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "common/checked_alloc.h"
#include "data/csv.h"
#include "data/labels.h"
#include "text/string_list.h"

#define DIGITS "0123456789"

enum { MOST_COLUMNS = 16, UNRANKED = 100, NO_COLUMN = -1 };

/* A copy of the text as a table, with its records. */
struct table {
    char *text;
    char ***records; /* each a list of fields */
    size_t *counts;  /* fields of each record */
    size_t count;
    size_t first;   /* 1 where the first record is a heading */
    size_t columns; /* what a record has beyond them belongs to its last one */
    char delimiter;
    int index, identifier, name; /* columns, or NO_COLUMN */
};

static bool is_digits(const char *text)
{
    return *text && !text[strspn(text, DIGITS)];
}

/* --- tables ----------------------------------------------------------------------------------- */

static void table_free(struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->records[i]);
    free(table->records);
    free(table->counts);
    free(table->text);
}

/* False where a quote is not closed. */
static bool read_records(struct table *table)
{
    struct csv_reader reader = csv_start_with(table->text, table->delimiter);

    while (csv_next(&reader)) {
        char **fields = allocate(reader.count, sizeof *fields);

        memcpy(fields, reader.fields, reader.count * sizeof *fields);
        table->records = grow(table->records, table->count, sizeof *table->records);
        table->counts = grow(table->counts, table->count, sizeof *table->counts);
        table->records[table->count] = fields;
        table->counts[table->count++] = reader.count;
    }
    csv_free(&reader);
    return !reader.is_broken;
}

/* Position of a text among words, or -1. */
static int word_position(const char *text, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (!strcasecmp(text, words[i]))
            return i;
    return -1;
}

/* Words of headings, the surest ones first. */
static const char *const index_words[] = {"index",    "idx", "class_index", "class_idx", "class_id",
                                          "label_id", "id",  "number",      "class_num", "label",
                                          "class",    "",    NULL};
static const char *const identifier_words[] = {"wnid", "synset", "identifier", "mid",
                                               "code", "id",     "uid",        NULL};
static const char *const name_words[] = {"name",         "class_name",  "classname", "label_name",
                                         "display_name", "displayname", "label",     "common_name",
                                         "class_label",  "class",       "category",  "labels",
                                         "classes",      "description", "title",     "text",
                                         "synonyms",     "words",       "species",   NULL};

/* "n01440764", or "/m/0abc" and "/g/11abc" of Open Images. */
static bool is_identifier(const char *field)
{
    bool is_of_open_images = !strncmp(field, "/m/", 3) || !strncmp(field, "/g/", 3);

    return is_wordnet_identifier(field, strlen(field)) ||
           (is_of_open_images && field[3] &&
            !field[3 + strspn(field + 3, DIGITS "abcdefghijklmnopqrstuvwxyz_")]);
}

static bool is_heading(const struct table *table)
{
    bool knows_a_word = false;

    for (size_t i = 0; i < table->counts[0]; i++) {
        const char *field = table->records[0][i];

        if (is_digits(field) || is_identifier(field))
            return false;
        knows_a_word = knows_a_word || (*field && word_position(field, index_words) >= 0) ||
                       word_position(field, name_words) >= 0;
    }
    return knows_a_word;
}

static bool column_is(const struct table *table, size_t column, bool (*test)(const char *field))
{
    for (size_t i = table->first; i < table->count; i++)
        if (!test(table->records[i][column]))
            return false;
    return table->first < table->count;
}

static bool columns_are_equal(const struct table *table, size_t one, size_t other)
{
    for (size_t i = table->first; i < table->count; i++)
        if (strcmp(table->records[i][one], table->records[i][other]) != 0)
            return false;
    return true;
}

/* How sure a column's heading makes a role; the lower the surer. */
static int rank_of(const struct table *table, size_t column, const char *const *words)
{
    int position = table->first ? word_position(table->records[0][column], words) : -1;

    return position < 0 ? UNRANKED : position;
}

/* Finds the column of indices. Returns NULL, or why it is not clear which one that is. */
static char *find_index(struct table *table)
{
    for (size_t i = 0; i < table->columns; i++) {
        if (!column_is(table, i, is_digits))
            continue;
        if (table->index == NO_COLUMN) {
            table->index = (int)i;
            continue;
        }
        int one = rank_of(table, (size_t)table->index, index_words),
            other = rank_of(table, i, index_words);
        if (other < one)
            table->index = (int)i;
        else if (other == one && !columns_are_equal(table, (size_t)table->index, i))
            return format_text("has two columns of numbers: a heading must say which is the index");
    }
    return NULL;
}

/* Whether the third field of some record begins with a blank: then the name holds commas. */
static bool name_goes_on(const struct table *table)
{
    for (size_t i = table->first; i < table->count; i++)
        if (*table->records[i][2] == ' ')
            return true;
    return false;
}

/* Finds the columns of identifiers and of names, once that of the indices is known. */
static void find_names(struct table *table)
{
    int best = UNRANKED + 1;

    if (!table->first && table->index == 0 && table->columns == 3) { /* index,identifier,name */
        table->columns = name_goes_on(table) ? 2 : 3;
        table->identifier = table->columns == 3 ? 1 : NO_COLUMN;
    }
    for (size_t i = 0; i < table->columns; i++)
        if (table->identifier == NO_COLUMN && (int)i != table->index &&
            (column_is(table, i, is_identifier) ||
             (table->columns > 2 && rank_of(table, i, identifier_words) < UNRANKED)))
            table->identifier = (int)i;
    for (size_t i = 0; i < table->columns; i++) {
        if ((int)i == table->index || (int)i == table->identifier)
            continue;
        int rank = rank_of(table, i, name_words);
        if (rank < best) {
            best = rank;
            table->name = (int)i;
        }
    }
    if (table->first && table->index == 0 && table->columns == 3 && table->name == 2 &&
        table->identifier == NO_COLUMN)
        table->identifier = 1;
}

/* A field, with what follows it where it is the last one. The caller frees it. */
static char *field_text(const struct table *table, size_t record, int column)
{
    if (column == NO_COLUMN)
        return copy_text("", 0);
    char *text = format_text("%s", table->records[record][column]);
    if ((size_t)column + 1 != table->columns)
        return text;
    for (size_t i = table->columns; i < table->counts[record]; i++) {
        char *longer = format_text("%s%c%s", text, table->delimiter, table->records[record][i]);
        free(text);
        text = longer;
    }
    return text;
}

static char *take_records(struct labels *labels, const struct table *table)
{
    char *why = NULL;

    labels->has_indices = table->index != NO_COLUMN;
    for (size_t i = table->first; i < table->count && !why; i++) {
        char *identifier = field_text(table, i, table->identifier),
             *name = field_text(table, i, table->name);
        int64_t index = -1;

        if (!labels->has_indices)
            why = labels_append(labels, identifier, name);
        else if (!sscam_parse_int(table->records[i][table->index], &index))
            why = format_text("%s is no index of a class", table->records[i][table->index]);
        else
            why = labels_put(labels, index, identifier, name);
        free(identifier);
        free(name);
    }
    return why;
}

/* Whether the text is a table with this delimiter; `why` is set where it is one of no use. */
static bool find_columns(struct table *table, char **why)
{
    if (!read_records(table) || !table->count)
        return false;
    table->first = is_heading(table);
    if (table->first == table->count)
        return false;
    table->columns = table->counts[0];
    for (size_t i = table->first; i < table->count; i++)
        if (table->counts[i] < table->columns)
            table->columns = table->counts[i];
    if (table->columns < 2 || table->columns > MOST_COLUMNS)
        return false;
    *why = find_index(table);
    if (*why)
        return true;
    find_names(table);
    return table->index != NO_COLUMN || table->identifier == 0;
}

/* Whether the text is a table with this delimiter, which is then taken. */
static bool take_table(struct labels *labels, const char *text, char delimiter, char **why)
{
    struct table table = {.text = copy_text(text, strlen(text)),
                          .delimiter = delimiter,
                          .index = NO_COLUMN,
                          .identifier = NO_COLUMN,
                          .name = NO_COLUMN};
    bool is_table = find_columns(&table, why);

    if (is_table && !*why)
        *why = take_records(labels, &table);
    table_free(&table);
    return is_table;
}

/* --- lists ------------------------------------------------------------------------------------ */

struct lines {
    char **items;
    size_t count;
};

static struct lines split_lines(char *text)
{
    struct lines lines = {0};

    for (char *next; *text; text = next) {
        next = text + strcspn(text, "\n");
        if (*next)
            *next++ = '\0';
        lines.items = grow(lines.items, lines.count, sizeof *lines.items);
        lines.items[lines.count++] = text;
    }
    while (lines.count && !*lines.items[lines.count - 1])
        lines.count--;
    return lines;
}

/* Length of an index at the start of a line and the mark or blanks after it; 0 where there is none.
 */
static size_t index_length(const char *line)
{
    size_t digits = strspn(line, DIGITS), marks = strspn(line + digits, ":.)"),
           blanks = strspn(line + digits + marks, " \t");

    return digits && blanks && marks < 2 && line[digits + marks + blanks] ? digits + marks + blanks
                                                                          : 0;
}

/* Whether lines "0 tench" are numbered: each number from 0 or 1 on stands before one name. */
static bool are_numbered(const struct lines *lines)
{
    bool *seen = allocate(lines->count + 1, sizeof *seen);
    bool are = lines->count > 1;

    for (size_t i = 0; i < lines->count && are; i++) {
        char *number = copy_text(lines->items[i], strspn(lines->items[i], DIGITS));
        int64_t index = -1;

        are = index_length(lines->items[i]) && sscam_parse_int(number, &index) &&
              (uint64_t)index <= lines->count && !seen[index];
        if (are)
            seen[index] = true;
        free(number);
    }
    are = are && !(seen[0] && seen[lines->count]);
    free(seen);
    return are;
}

/* Length of a line up to the blanks before an index at its end; 0 where there is none. */
static size_t length_before_index(const char *line)
{
    size_t length = strlen(line), end = length;

    while (end && strchr(DIGITS, line[end - 1]))
        end--;
    size_t name = end;
    while (name && strchr(" \t", line[name - 1]))
        name--;
    return end < length && name < end ? name : 0;
}

static int compare_texts(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Whether the lines "airfield 0" end in the indices 0 to their number - 1, each after another name.
 */
static bool are_numbered_at_end(const struct lines *lines)
{
    bool *seen = allocate(lines->count + 1, sizeof *seen), are = lines->count > 1;
    struct text_list names = {0};

    for (size_t i = 0; i < lines->count && are; i++) {
        size_t name = length_before_index(lines->items[i]);
        const char *number = lines->items[i] + name + strspn(lines->items[i] + name, " \t");
        int64_t index = -1;

        are = name && sscam_parse_int(number, &index) && (uint64_t)index < lines->count &&
              !seen[index];
        if (are) {
            char *copy = copy_text(lines->items[i], name);
            seen[index] = true;
            text_list_add(&names, copy);
            free(copy);
        }
    }
    if (are)
        qsort(names.items, names.count, sizeof *names.items, compare_texts);
    for (size_t i = 1; i < names.count && are; i++)
        are = strcmp(names.items[i - 1], names.items[i]) != 0;
    text_list_free(&names);
    free(seen);
    return are;
}

/* Whether each line begins with an identifier, as "n01440764 tench, Tinca tinca" does. */
static bool are_identified(const struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        size_t length = strcspn(lines->items[i], " \t");
        if (!lines->items[i][length] || !is_wordnet_identifier(lines->items[i], length))
            return false;
    }
    return lines->count > 0;
}

static char *take_numbered(struct labels *labels, const struct lines *lines)
{
    char *why = NULL;

    labels->has_indices = true;
    for (size_t i = 0; i < lines->count && !why; i++) {
        char *number = copy_text(lines->items[i], strspn(lines->items[i], DIGITS));
        int64_t index = -1;

        sscam_parse_int(number, &index);
        why = labels_put(labels, index, NULL, lines->items[i] + index_length(lines->items[i]));
        free(number);
    }
    return why;
}

static char *take_numbered_at_end(struct labels *labels, const struct lines *lines)
{
    char *why = NULL;

    labels->has_indices = true;
    for (size_t i = 0; i < lines->count && !why; i++) {
        char *line = lines->items[i], *number = line + length_before_index(line);
        int64_t index = -1;

        *number++ = '\0';
        sscam_parse_int(number + strspn(number, " \t"), &index);
        why = labels_put(labels, index, NULL, line);
    }
    return why;
}

/* Removes the quotes around a line, and a comma after them. */
static char *without_quotes(char *line)
{
    size_t length = strlen(line);

    if (length && line[length - 1] == ',')
        length--;
    if (length < 2 || *line != '"' || line[length - 1] != '"')
        return line;
    line[length - 1] = '\0';
    return line + 1;
}

static char *take_named(struct labels *labels, const struct lines *lines, bool have_identifiers)
{
    char *why = NULL;

    for (size_t i = 0; i < lines->count && !why; i++) {
        char *name = without_quotes(lines->items[i]);

        if (have_identifiers) {
            name += strcspn(name, " \t");
            *name++ = '\0';
        }
        why = labels_append(labels, have_identifiers ? lines->items[i] : NULL, name);
    }
    return why;
}

char *labels_take_lines(struct labels *labels, char *text)
{
    static const char delimiters[] = "\t;,";
    char *why = NULL;

    for (const char *delimiter = delimiters; *delimiter; delimiter++)
        if (take_table(labels, text, *delimiter, &why))
            return why;
    struct lines lines = split_lines(text);
    if (are_numbered(&lines))
        why = take_numbered(labels, &lines);
    else if (are_numbered_at_end(&lines))
        why = take_numbered_at_end(labels, &lines);
    else
        why = take_named(labels, &lines, are_identified(&lines));
    free(lines.items);
    return why;
}
