#include "commands/arguments.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/suggestion.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "text/terminal_text.h"

#define HELP_COLUMN 30

/* The arguments not yet read. */
struct reader {
    const struct syntax *syntax;
    char **next, **end;
};

static const struct flag *find_flag(const struct syntax *syntax, const char *name, char letter)
{
    for (const struct flag *const *table = syntax->flags; *table; table++)
        for (const struct flag *flag = *table; flag->name; flag++)
            if (name ? !strcmp(flag->name, name) : flag->letter == letter)
                return flag;
    return NULL;
}

static struct settings *settings_of(const struct syntax *syntax)
{
    for (const struct flag *const *table = syntax->flags; *table; table++)
        for (const struct flag *flag = *table; flag->name; flag++)
            if (flag->settings)
                return flag->settings;
    return NULL;
}

static int fail_unknown_flag(const struct syntax *syntax, const char *name)
{
    sscam_suggestion nearest = sscam_suggestion_for(name);

    for (const struct flag *const *table = syntax->flags; *table; table++)
        for (const struct flag *flag = *table; flag->name; flag++)
            sscam_suggestion_consider(&nearest, flag->name);
    for (int64_t i = 0; settings_of(syntax) && i < sscam_option_count(); i++)
        sscam_suggestion_consider(&nearest, sscam_option_name(sscam_option_info(i)));
    if (nearest.best)
        return fail_usage(syntax->command, "there is no flag '--%s'; did you mean '--%s'?", name,
                          nearest.best);
    return fail_usage(syntax->command, "there is no flag '--%s'", name);
}

/* The value after a flag. What looks like another long flag is more likely a value forgotten. */
static const char *take_value(struct reader *reader)
{
    if (reader->next == reader->end || !strncmp(*reader->next, "--", 2))
        return NULL;
    return *reader->next++;
}

static int set_real(const struct syntax *syntax, const struct flag *flag, const char *value)
{
    return sscam_parse_real(value, flag->real)
               ? EXIT_OK
               : fail_usage(syntax->command, "--%s takes a number, not '%s'", flag->name, value);
}

static int set_count(const struct syntax *syntax, const struct flag *flag, const char *value)
{
    int64_t number;

    if (!sscam_parse_int(value, &number) || number < 1)
        return fail_usage(syntax->command, "--%s takes a whole number from 1 on, not '%s'",
                          flag->name, value);
    *flag->count = number;
    return EXIT_OK;
}

static int set_value(const struct syntax *syntax, const struct flag *flag, const char *value)
{
    if (flag->real)
        return set_real(syntax, flag, value);
    if (flag->count)
        return set_count(syntax, flag, value);
    if (flag->settings)
        return settings_add_assignment(flag->settings, syntax->command, value);
    if (flag->list)
        text_list_add_separated(flag->list, value);
    else if (flag->texts)
        text_list_add(flag->texts, value);
    else
        *flag->text = value;
    return EXIT_OK;
}

/* `attached` is the value given in the same argument, or NULL. */
static int take_flag(struct reader *reader, const struct flag *flag, const char *attached)
{
    const struct syntax *syntax = reader->syntax;

    if (flag->given) {
        *flag->given = true;
        return attached ? fail_usage(syntax->command, "--%s takes no value", flag->name) : EXIT_OK;
    }
    const char *value = attached ? attached : take_value(reader);
    if (!value)
        return fail_usage(syntax->command, "--%s needs a value: %s", flag->name, flag->value_name);
    return set_value(syntax, flag, value);
}

static int take_setting(struct reader *reader, const char *name, const char *attached)
{
    struct settings *settings = settings_of(reader->syntax);
    const sscam_option *option = settings ? find_option(name) : NULL;

    if (!option)
        return fail_unknown_flag(reader->syntax, name);
    const char *value = attached ? attached : take_value(reader);
    if (!value)
        return fail_usage(reader->syntax->command, "--%s needs a value", name);
    settings_add(settings, option, value);
    return EXIT_OK;
}

static int take_long(struct reader *reader, const char *argument)
{
    size_t length = strcspn(argument, "=");
    const char *attached = argument[length] ? argument + length + 1 : NULL;
    char *name = copy_text(argument, length);
    const struct flag *flag = find_flag(reader->syntax, name, 0);

    int code = flag ? take_flag(reader, flag, attached) : take_setting(reader, name, attached);
    free(name);
    return code;
}

static int take_short(struct reader *reader, const char *argument)
{
    const struct flag *flag = find_flag(reader->syntax, NULL, argument[0]);

    if (!flag)
        return fail_usage(reader->syntax->command, "there is no flag '-%c'", argument[0]);
    return take_flag(reader, flag, argument[1] ? argument + 1 : NULL);
}

static void put_flag(const struct flag *flag)
{
    const char letter[] = {'-', flag->letter, ',', '\0'};
    char *head = format_text("  %s --%s%s%s", flag->letter ? letter : "   ", flag->name,
                             flag->value_name ? " " : "", flag->value_name ? flag->value_name : "");

    if (strlen(head) + 2 > HELP_COLUMN) {
        puts(head);
        put_blanks(stdout, HELP_COLUMN);
    } else {
        put_padded(stdout, head, HELP_COLUMN);
    }
    put_wrapped(stdout, flag->help, HELP_COLUMN, HELP_COLUMN);
    free(head);
}

static void put_help(const struct syntax *syntax)
{
    for (size_t i = 0; syntax->usage[i]; i++) {
        int start = printf("%s sscam %s ", i ? "      " : "usage:", syntax->command);
        put_wrapped(stdout, syntax->usage[i], (size_t)start, (size_t)start);
    }
    putchar('\n');
    put_wrapped(stdout, syntax->purpose, 0, 0);
    putchar('\n');
    for (const struct flag *const *table = syntax->flags; *table; table++)
        for (const struct flag *flag = *table; flag->name; flag++)
            put_flag(flag);
    if (settings_of(syntax)) {
        putchar('\n');
        put_wrapped(stdout,
                    "Each option that 'sscam options' lists may also be given as --NAME VALUE, "
                    "such as --samples 20. Options take effect in the order given.",
                    0, 0);
    }
}

static bool asks_for_help(const char *argument)
{
    return !strcmp(argument, "--help") || !strcmp(argument, "-h");
}

static int check_operand_count(const struct syntax *syntax, const struct text_list *operands)
{
    if (operands->count < syntax->min_operands)
        return fail_usage(syntax->command, "needs %s", syntax->operands);
    if (operands->count > syntax->max_operands)
        return fail_usage(syntax->command, "'%s' is one argument too many",
                          operands->items[syntax->max_operands]);
    return EXIT_OK;
}

int arguments_parse(const struct syntax *syntax, int argc, char **argv, struct text_list *operands)
{
    struct reader reader = {syntax, argv, argv + argc};
    bool only_operands = false;

    while (reader.next < reader.end) {
        const char *argument = *reader.next++;
        int code = EXIT_OK;

        if (only_operands || argument[0] != '-' || !argument[1]) {
            text_list_add(operands, argument);
        } else if (!strcmp(argument, "--")) {
            only_operands = true;
        } else if (asks_for_help(argument)) {
            put_help(syntax);
            return ARGUMENTS_HELP_SHOWN;
        } else {
            code = argument[1] == '-' ? take_long(&reader, argument + 2)
                                      : take_short(&reader, argument + 1);
        }
        if (code)
            return code;
    }
    return check_operand_count(syntax, operands);
}
