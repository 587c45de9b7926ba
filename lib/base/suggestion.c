#include "base/suggestion.h"

#include <stdio.h>
#include <string.h>

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

size_t sscam_edit_distance(const char *from, const char *to)
{
    size_t row[SSCAM_LONGEST_COMPARED + 1], to_length = strlen(to);
    if (strlen(from) > SSCAM_LONGEST_COMPARED || to_length > SSCAM_LONGEST_COMPARED)
        return SSCAM_LONGEST_COMPARED;
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

sscam_suggestion sscam_suggestion_for(const char *wanted)
{
    size_t length = strlen(wanted);
    return (sscam_suggestion){.wanted = wanted, .distance = length < 3 ? 2 : length / 3 + 2};
}

void sscam_suggestion_consider(sscam_suggestion *suggestion, const char *candidate)
{
    size_t wanted = strlen(suggestion->wanted), length = strlen(candidate);
    size_t least = wanted > length ? wanted - length : length - wanted;
    if (wanted > SSCAM_LONGEST_COMPARED || length > SSCAM_LONGEST_COMPARED ||
        least >= suggestion->distance)
        return;
    size_t distance = sscam_edit_distance(suggestion->wanted, candidate);
    if (distance < suggestion->distance) {
        suggestion->best = candidate;
        suggestion->distance = distance;
    }
}

const char *sscam_suggestion_text(sscam_suggestion *suggestion)
{
    suggestion->text[0] = '\0';
    if (suggestion->best)
        snprintf(suggestion->text, sizeof suggestion->text, "; did you mean '%s'?",
                 suggestion->best);
    return suggestion->text;
}
