/* The command line: tables of flags, read and explained by one parser. */
#ifndef SSCAM_TOOLS_COMMANDS_ARGUMENTS_H
#define SSCAM_TOOLS_COMMANDS_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "commands/settings.h"
#include "text/string_list.h"

/* One flag. Exactly one of the pointers is set: it receives the value and tells its type. */
struct flag {
    const char *name;       /* without its dashes; NULL ends a table */
    char letter;            /* its short form, or 0 */
    const char *value_name; /* how the help calls its value; NULL when it takes none */
    const char *help;
    bool *given;
    const char **text;
    double *real;
    int64_t *count;            /* a whole number, at least 1 */
    struct text_list *list;    /* values between commas; giving the flag again adds more */
    struct text_list *texts;   /* values kept whole; giving the flag again adds more */
    struct settings *settings; /* NAME=VALUE; each option of the library is then a flag, too */
};

struct syntax {
    const char *command;
    const char *usage[3]; /* the ways of calling it, without its name; NULL ends */
    const char *purpose;  /* a few sentences */
    size_t min_operands, max_operands;
    const char *operands;        /* how a usage error calls them */
    const struct flag *flags[3]; /* tables, each ended by a flag without a name; NULL ends */
};

/* Returned after --help, when everything has been said: the program ends well. */
#define ARGUMENTS_HELP_SHOWN (-1)

/* Reads the arguments after the command's name. EXIT_OK; EXIT_USAGE with a line;
 * ARGUMENTS_HELP_SHOWN. The caller frees the operands in every case. */
int arguments_parse(const struct syntax *syntax, int argc, char **argv, struct text_list *operands);

#endif
