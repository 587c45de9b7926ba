/* Finds which of several names a mistyped one was meant to be. */
#ifndef SSCAM_TOOLS_TEXT_SUGGESTION_H
#define SSCAM_TOOLS_TEXT_SUGGESTION_H

#include <stddef.h>

struct nearest {
    const char *wanted;
    const char *best; /* NULL while nothing is near enough to be worth suggesting */
    size_t distance;
};

struct nearest nearest_to(const char *wanted);

void nearest_consider(struct nearest *nearest, const char *candidate);

/* "; did you mean 'NAME'?", or "" when nothing is near. The caller frees it. */
char *nearest_suggestion(const struct nearest *nearest);

#endif
