/* A command that lists one of the library's tables, for people or as JSON. */
#ifndef SSCAM_TOOLS_COMMANDS_LIST_TABLE_H
#define SSCAM_TOOLS_COMMANDS_LIST_TABLE_H

#include <stdint.h>

#include "text/json.h"

#define TABLE_INDENT 4

struct table {
    const char *command, *purpose;
    int64_t (*row_count)(void);
    void (*put_row)(int64_t row);
    void (*put_row_json)(struct json *json, int64_t row); /* members of an open object */
};

int run_table(const struct table *table, int argc, char **argv);

/* Prints a paragraph under a row's first line. */
void put_indented(const char *text);

#endif
