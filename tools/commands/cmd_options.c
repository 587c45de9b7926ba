/* sscam options: what the library's option table says. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <sscam/sscam.h>

#include "commands/commands.h"
#include "commands/list_table.h"
#include "common/checked_alloc.h"

static bool is_number(const sscam_option *option)
{
    int32_t type = sscam_option_type(option);

    return type == SSCAM_OPTION_TYPE_INT || type == SSCAM_OPTION_TYPE_REAL;
}

/* Whether its limits say more than that a whole number has 64 bits. */
static bool has_limits(const sscam_option *option)
{
    const double exact_up_to = 9007199254740992.0;

    return is_number(option) && sscam_option_minimum(option) >= -exact_up_to &&
           sscam_option_maximum(option) <= exact_up_to;
}

static const char *type_name(const sscam_option *option)
{
    switch (sscam_option_type(option)) {
    case SSCAM_OPTION_TYPE_INT: return "int";
    case SSCAM_OPTION_TYPE_REAL: return "real";
    case SSCAM_OPTION_TYPE_CHOICE: return "choice";
    default: return "string";
    }
}

static void put_json_choices(struct json *json, const sscam_option *option)
{
    json_open_array(json, "choices");
    for (int64_t i = 0; i < sscam_option_choice_count(option); i++)
        json_text(json, NULL, sscam_option_choice(option, i));
    json_close_array(json);
}

static void put_row_json(struct json *json, int64_t row)
{
    const sscam_option *option = sscam_option_info(row);

    json_text(json, "name", sscam_option_name(option));
    json_text(json, "type", type_name(option));
    if (is_number(option))
        json_number_text(json, "default", sscam_option_default(option, NULL));
    else
        json_text(json, "default", sscam_option_default(option, NULL));
    if (has_limits(option)) {
        json_real(json, "minimum", sscam_option_minimum(option));
        json_real(json, "maximum", sscam_option_maximum(option));
    }
    if (sscam_option_type(option) == SSCAM_OPTION_TYPE_CHOICE)
        put_json_choices(json, option);
    json_text(json, "help", sscam_option_help(option));
}

static void put_choices(const sscam_option *option)
{
    char *line = format_text("%s", sscam_option_choice(option, 0));

    for (int64_t i = 1; i < sscam_option_choice_count(option); i++) {
        char *longer = format_text("%s | %s", line, sscam_option_choice(option, i));

        free(line);
        line = longer;
    }
    put_indented(line);
    free(line);
}

static void put_limits(const sscam_option *option)
{
    bool whole = sscam_option_type(option) == SSCAM_OPTION_TYPE_INT;

    printf("%*s%s", TABLE_INDENT, "", whole ? "whole number" : "number");
    if (has_limits(option))
        printf(whole ? ", %.0f to %.0f" : ", %.9g to %.9g", sscam_option_minimum(option),
               sscam_option_maximum(option));
    putchar('\n');
}

static void put_row(int64_t row)
{
    const sscam_option *option = sscam_option_info(row);
    const char *standard = sscam_option_default(option, NULL);

    printf("%s = %s\n", sscam_option_name(option), *standard ? standard : "(empty)");
    if (sscam_option_type(option) == SSCAM_OPTION_TYPE_CHOICE)
        put_choices(option);
    else if (is_number(option))
        put_limits(option);
    put_indented(sscam_option_help(option));
}

int run_options(int argc, char **argv)
{
    const struct table table = {
        .command = "options",
        .purpose =
            "Lists the options that --set NAME=VALUE and --NAME VALUE take, with their defaults.",
        .row_count = sscam_option_count,
        .put_row = put_row,
        .put_row_json = put_row_json,
    };

    return run_table(&table, argc, argv);
}
