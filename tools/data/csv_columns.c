#include "data/csv_columns.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "common/checked_alloc.h"
#include "data/folder.h"

enum { MOST_WORDS = 16, DOCUMENTED_COLUMNS = 6, NO_COLUMN = -1 };

/* Headings in use, in lower case, with '_' for blanks and marks; the surest ones first. */
static const char *const headings[COLUMN_COUNT][MOST_WORDS] = {
    [COLUMN_FILE] = {"file", "filename", "file_name", "image_path", "img_path", "path", "filepath",
                     "file_path", "image", "img", "image_name", "imagename", "image_id", "imageid",
                     "name"},
    [COLUMN_CLASS] = {"class", "class_name", "classname", "label", "labelname", "label_name",
                      "category_name", "category", "name", "object", "target", "species",
                      "class_id", "label_id", "category_id"},
    [COLUMN_LEFT] = {"xmin", "x_min", "x1", "left", "x0", "bbox_xmin", "bbox_x1", "bbox_x", "x"},
    [COLUMN_TOP] = {"ymin", "y_min", "y1", "top", "y0", "bbox_ymin", "bbox_y1", "bbox_y", "y"},
    [COLUMN_RIGHT] = {"xmax", "x_max", "x2", "right", "bbox_xmax", "bbox_x2"},
    [COLUMN_BOTTOM] = {"ymax", "y_max", "y2", "bottom", "bbox_ymax", "bbox_y2"},
    [COLUMN_WIDTH] = {"box_width", "bbox_width", "bbox_w", "width", "w"},
    [COLUMN_HEIGHT] = {"box_height", "bbox_height", "bbox_h", "height", "h"},
    [COLUMN_CENTRE_X] = {"cx", "x_center", "xcenter", "center_x", "x_centre", "centre_x"},
    [COLUMN_CENTRE_Y] = {"cy", "y_center", "ycenter", "center_y", "y_centre", "centre_y"},
    [COLUMN_IMAGE_WIDTH] = {"image_width", "img_width", "imagewidth", "img_w"},
    [COLUMN_IMAGE_HEIGHT] = {"image_height", "img_height", "imageheight", "img_h"},
};

/* --- delimiter -------------------------------------------------------------------------------- */

/* Whether the first field of a line names an image, or is the heading of such a column. */
static bool begins_with_file(const char *line, size_t length)
{
    char *field = copy_text(line + (*line == '"'), length - (length && *line == '"'));
    size_t end = strlen(field);
    bool begins = false;

    while (end && strchr("\" \t", field[end - 1]))
        field[--end] = '\0';
    for (int i = 0; i < MOST_WORDS && headings[COLUMN_FILE][i] && !begins; i++)
        begins = !strcmp(field, headings[COLUMN_FILE][i]);
    begins = begins || is_image_name(field);
    free(field);
    return begins;
}

char csv_find_delimiter(const char *text)
{
    static const char delimiters[] = ",;\t ";
    size_t length = strcspn(text, "\n");
    char *line = copy_text(text, length), found = '\0';

    for (const char *delimiter = delimiters; *delimiter && !found; delimiter++) {
        const char ends[] = {*delimiter, '\0'};
        size_t first = *line == '"' && strchr(line + 1, '"')
                           ? (size_t)(strchr(line + 1, '"') + 1 - line)
                           : 0;

        first += strcspn(line + first, ends);
        if (line[first] && begins_with_file(line, first))
            found = *delimiter;
    }
    for (const char *delimiter = delimiters; *delimiter && !found; delimiter++)
        if (strchr(line, *delimiter))
            found = *delimiter;
    free(line);
    return found ? found : ',';
}

/* --- columns ---------------------------------------------------------------------------------- */

/* A heading in lower case, blanks and marks as '_'. The caller frees it. */
static char *normalised(const char *field)
{
    char *copy = format_text("%s", field + strspn(field, " "));
    size_t length = strlen(copy);

    while (length && copy[length - 1] == ' ')
        copy[--length] = '\0';
    for (char *c = copy; *c; c++)
        *c = strchr(" -.", *c) ? '_' : (char)tolower((unsigned char)*c);
    return copy;
}

static bool is_taken(const struct csv_columns *columns, int position)
{
    for (int i = 0; i < COLUMN_COUNT; i++)
        if (columns->position[i] == position)
            return true;
    return false;
}

/* Finds the field with the surest heading of a column that no other one has. */
static int find_heading(const struct csv_columns *columns, const struct csv_reader *record,
                        int column)
{
    for (int word = 0; word < MOST_WORDS && headings[column][word]; word++)
        for (size_t i = 0; i < record->count; i++) {
            char *field = normalised(record->fields[i]);
            bool is_it = !strcmp(field, headings[column][word]) && !is_taken(columns, (int)i);

            free(field);
            if (is_it)
                return (int)i;
        }
    return NO_COLUMN;
}

/* In lists with both corners, a width and a height are those of the image. */
static void move_image_size(struct csv_columns *columns)
{
    int *position = columns->position;

    if (position[COLUMN_RIGHT] == NO_COLUMN || position[COLUMN_BOTTOM] == NO_COLUMN)
        return;
    for (int i = 0; i < 2; i++) {
        if (position[COLUMN_IMAGE_WIDTH + i] == NO_COLUMN)
            position[COLUMN_IMAGE_WIDTH + i] = position[COLUMN_WIDTH + i];
        position[COLUMN_WIDTH + i] = NO_COLUMN;
    }
}

static bool is_number(const char *field)
{
    double number;

    return sscam_parse_real(field, &number);
}

/* Whether a record is path,x1,y1,x2,y2,class, as some programs write it without a heading. */
static bool has_class_last(const struct csv_reader *record)
{
    if (record->count != DOCUMENTED_COLUMNS || !*record->fields[5] || is_number(record->fields[5]))
        return false;
    for (int i = 1; i < 5; i++)
        if (!is_number(record->fields[i]))
            return false;
    return true;
}

struct csv_columns csv_find_columns(const struct csv_reader *first)
{
    struct csv_columns columns;
    bool has_number = false;

    for (int i = 0; i < COLUMN_COUNT; i++)
        columns.position[i] = NO_COLUMN;
    for (size_t i = 0; i < first->count; i++)
        has_number = has_number || is_number(first->fields[i]);
    for (int i = 0; i < COLUMN_COUNT && !has_number; i++)
        columns.position[i] = find_heading(&columns, first, i);
    columns.has_heading = columns.position[COLUMN_FILE] != NO_COLUMN && first->count > 1;
    if (columns.has_heading) {
        move_image_size(&columns);
        return columns;
    }
    for (int i = 0; i < COLUMN_COUNT; i++)
        columns.position[i] = i < DOCUMENTED_COLUMNS ? i : NO_COLUMN;
    if (has_class_last(first))
        for (int i = COLUMN_CLASS; i < DOCUMENTED_COLUMNS; i++)
            columns.position[i] = i == COLUMN_CLASS ? 5 : i - 1;
    return columns;
}

char *csv_field(const struct csv_columns *columns, const struct csv_reader *record,
                enum csv_column column)
{
    static char none[1];
    int position = columns->position[column];

    if (position == NO_COLUMN || (size_t)position >= record->count)
        return none;
    char *field = record->fields[position] + strspn(record->fields[position], " \t");
    size_t length = strlen(field);
    while (length && strchr(" \t", field[length - 1]))
        field[--length] = '\0';
    return field;
}
