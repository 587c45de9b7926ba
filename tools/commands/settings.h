/* Values for the library's options, as given on the command line. */
#ifndef SSCAM_TOOLS_COMMANDS_SETTINGS_H
#define SSCAM_TOOLS_COMMANDS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sscam/sscam.h>

struct setting {
    const char *name; /* the library's */
    char *value;
};

struct settings {
    struct setting *items;
    size_t count;
};

/* The library's option of a name, in which '-' may stand for '_'; NULL when there is none. */
const sscam_option *find_option(const char *name);

void settings_add(struct settings *settings, const sscam_option *option, const char *value);

/* Adds one that all others follow. */
void settings_add_first(struct settings *settings, const sscam_option *option, const char *value);

/* Adds `NAME=VALUE`. EXIT_USAGE with a line when it is none. */
int settings_add_assignment(struct settings *settings, const char *command, const char *assignment);

/* Adds to a fingerprint the content of files that values name: what the library does not tell of
 * its options. */
int settings_fingerprint(const struct settings *settings, uint64_t *fingerprint);

/* Sets the options in the order given, so that a later one wins; a region's mask is read from its
 * file. EXIT_USAGE with a line for a bad value. */
int settings_apply(const struct settings *settings, const char *command,
                   sscam_explainer *explainer);

/* Value of an option as text, which the caller frees. */
char *explainer_option(const sscam_explainer *explainer, const char *name);

/* Whether an option was given; `name` as the library writes it. */
bool settings_have(const struct settings *settings, const char *name);

void settings_free(struct settings *settings);

#endif
