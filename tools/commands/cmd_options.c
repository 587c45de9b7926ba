/* sscam options: what the library's option table says. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void put_json_choices(struct json *json, const char *choices)
{
    json_open_array(json, "choices");
    while (*choices) {
        size_t length = strcspn(choices, "|");
        char *choice = copy_text(choices, length);

        json_text(json, NULL, choice);
        free(choice);
        choices += length + (choices[length] == '|');
    }
    json_close_array(json);
}

static void put_row_json(struct json *json, size_t row)
{
    const sscam_option *option = sscam_option_info(row);

    json_text(json, "name", sscam_option_name(option));
    json_text(json, "type", type_name(option));
    if (is_number(option))
        json_number_text(json, "default", sscam_option_default(option));
    else
        json_text(json, "default", sscam_option_default(option));
    if (has_limits(option)) {
        json_real(json, "minimum", sscam_option_minimum(option));
        json_real(json, "maximum", sscam_option_maximum(option));
    }
    if (sscam_option_type(option) == SSCAM_OPTION_TYPE_CHOICE)
        put_json_choices(json, sscam_option_choices(option));
    json_text(json, "help", sscam_option_help(option));
}

/* The values of a choice with blanks around each bar, so that long lists can be broken. */
static void put_choices(const char *choices)
{
    char *spaced = allocate(3 * strlen(choices) + 1, 1);
    char *end = spaced;

    for (; *choices; choices++) {
        if (*choices == '|')
            end += sprintf(end, " | ");
        else
            *end++ = *choices;
    }
    put_indented(spaced);
    free(spaced);
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

static void put_row(size_t row)
{
    const sscam_option *option = sscam_option_info(row);
    const char *standard = sscam_option_default(option);

    printf("%s = %s\n", sscam_option_name(option), *standard ? standard : "(empty)");
    if (sscam_option_type(option) == SSCAM_OPTION_TYPE_CHOICE)
        put_choices(sscam_option_choices(option));
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
