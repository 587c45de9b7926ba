#include "text/suggestion.h"

#include <string.h>

#include "common/checked_alloc.h"

#define LONGEST_NAME 64

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* Insertions, deletions and replacements between two names of at most LONGEST_NAME bytes
 * (Levenshtein). */
static size_t edit_distance(const char *from, const char *to)
{
    size_t to_length = strlen(to);
    size_t row[LONGEST_NAME + 1];

    for (size_t j = 0; j <= to_length; j++)
        row[j] = j;
    for (size_t i = 0; from[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < to_length; j++) {
            size_t replaced = diagonal + (from[i] != to[j]);
            diagonal = row[j + 1];
            row[j + 1] = smallest(replaced, row[j] + 1, diagonal + 1);
        }
    }
    return row[to_length];
}

struct nearest nearest_to(const char *wanted)
{
    size_t length = strlen(wanted);

    return (struct nearest){.wanted = wanted, .distance = length < 3 ? 2 : length / 3 + 2};
}

void nearest_consider(struct nearest *nearest, const char *candidate)
{
    if (strlen(nearest->wanted) > LONGEST_NAME || strlen(candidate) > LONGEST_NAME)
        return;

    size_t distance = edit_distance(nearest->wanted, candidate);
    if (distance < nearest->distance) {
        nearest->best = candidate;
        nearest->distance = distance;
    }
}

char *nearest_suggestion(const struct nearest *nearest)
{
    return nearest->best ? format_text("; did you mean '%s'?", nearest->best) : copy_text("", 0);
}
