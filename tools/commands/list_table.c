#include "commands/list_table.h"

#include <stdbool.h>
#include <stdio.h>

#include "commands/arguments.h"
#include "common/cli_error.h"
#include "text/terminal_text.h"

static void put_json(const struct table *table)
{
    struct json json = {.out = stdout};

    json_open_array(&json, NULL);
    for (int64_t row = 0; row < table->row_count(); row++) {
        json_open_object(&json, NULL);
        table->put_row_json(&json, row);
        json_close_object(&json);
    }
    json_close_array(&json);
    json_end_line(&json);
}

static void put_text(const struct table *table)
{
    for (int64_t row = 0; row < table->row_count(); row++) {
        if (row)
            putchar('\n');
        table->put_row(row);
    }
}

int run_table(const struct table *table, int argc, char **argv)
{
    bool as_json = false;
    struct text_list operands = {0};
    const struct flag flags[] = {
        {"json", 0, NULL, "Print one JSON array.", .given = &as_json},
        {0},
    };
    const struct syntax syntax = {
        .command = table->command,
        .usage = {"[--json]"},
        .flags = {flags},
        .purpose = table->purpose,
    };

    int code = arguments_parse(&syntax, argc, argv, &operands);
    text_list_free(&operands);
    if (code)
        return code;
    if (as_json)
        put_json(table);
    else
        put_text(table);
    return EXIT_OK;
}

void put_indented(const char *text)
{
    put_blanks(stdout, TABLE_INDENT);
    put_wrapped(stdout, text, TABLE_INDENT, TABLE_INDENT);
}
