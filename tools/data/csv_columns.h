/* What the columns of a list of objects hold, by its heading or by its first record. */
#ifndef SSCAM_TOOLS_DATA_CSV_COLUMNS_H
#define SSCAM_TOOLS_DATA_CSV_COLUMNS_H

#include <stdbool.h>

#include "data/csv.h"

enum csv_column {
    COLUMN_FILE,
    COLUMN_CLASS,
    COLUMN_LEFT,
    COLUMN_TOP,
    COLUMN_RIGHT,
    COLUMN_BOTTOM,
    COLUMN_WIDTH, /* of the box */
    COLUMN_HEIGHT,
    COLUMN_CENTRE_X,
    COLUMN_CENTRE_Y,
    COLUMN_IMAGE_WIDTH,
    COLUMN_IMAGE_HEIGHT,
    COLUMN_COUNT
};

struct csv_columns {
    int position[COLUMN_COUNT]; /* of each column, -1 where there is none */
    bool has_heading;
};

/* The delimiter that the first record of a text seems to have; ' ' stands for runs of blanks. */
char csv_find_delimiter(const char *text);

/* The columns of a list whose first record is given. */
struct csv_columns csv_find_columns(const struct csv_reader *first);

/* A field without the blanks around it, which are cut off; "" where the record has none. */
char *csv_field(const struct csv_columns *columns, const struct csv_reader *record,
                enum csv_column column);

#endif
