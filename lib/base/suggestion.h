/* Finds which of several names a mistyped one was meant to be. */
#ifndef SSCAM_LIB_BASE_SUGGESTION_H
#define SSCAM_LIB_BASE_SUGGESTION_H

#include <stddef.h>

/* The longest name that is compared; longer ones are never near. */
enum { SSCAM_LONGEST_COMPARED = 255 };

/* Insertions, deletions and replacements between two names (Levenshtein distance);
 * SSCAM_LONGEST_COMPARED when one is longer than that. */
size_t sscam_edit_distance(const char *from, const char *to);

/* A search for the name nearest to a mistyped one. */
typedef struct sscam_suggestion {
    const char *wanted;
    const char *best; /* NULL while no candidate is near enough to be worth suggesting */
    size_t distance;  /* a candidate must be nearer than this */
    char text[SSCAM_LONGEST_COMPARED + sizeof "; did you mean ''?"];
} sscam_suggestion;

/* Starts a search; the text must outlive it. */
sscam_suggestion sscam_suggestion_for(const char *wanted);

/* Compares one more candidate, which must outlive the search. */
void sscam_suggestion_consider(sscam_suggestion *suggestion, const char *candidate);

/* The end of a message: "; did you mean 'NAME'?", or "" when nothing is near. Kept in the search.
 */
const char *sscam_suggestion_text(sscam_suggestion *suggestion);

#endif
