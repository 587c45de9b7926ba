/* The journal of a long evaluation: results image by image, so that a run that was cut short can go
 * on. */
#ifndef SSCAM_TOOLS_DATA_JOURNAL_H
#define SSCAM_TOOLS_DATA_JOURNAL_H

#include <stdint.h>
#include <stdio.h>

#include "data/results.h"

struct journal {
    FILE *file;
    const char *path;
};

/* Opens a journal, which is made when it is missing, and adds the images that it holds to the
 * results. An image that was being written when the run ended is cut off. EXIT_FAILED with a line
 * when the file is none of sscam eval, or of another `signature`: another network, other methods,
 * options or metrics. */
int journal_open(struct journal *journal, const char *path, uint64_t signature,
                 struct results *results);

/* Writes the last `count` cases of the results, which are those of one image. */
int journal_add(struct journal *journal, const struct results *results, size_t count);

void journal_close(struct journal *journal);

#endif
