/* The journal of a long evaluation: its results image by image, so that a run that was interrupted
 * can be resumed.
 *
 * A journal begins with a line that says what its results depend on beside the data set (a
 * signature of the evaluation, the versions of libsscam and libtorch, the device) and the names of
 * the columns. One process at a time writes it: it is locked while it is open. */
#ifndef SSCAM_TOOLS_DATA_JOURNAL_H
#define SSCAM_TOOLS_DATA_JOURNAL_H

#include <stdint.h>
#include <stdio.h>

#include "data/results.h"

struct journal {
    FILE *file; /* NULL when it is not open */
    const char *path;
};

/* What the results of an evaluation depend on, the data set aside. */
struct journal_origin {
    uint64_t signature; /* of the network, the methods, options, metrics and classes */
    const char *device; /* as sscam_model_device() names it */
};

/* Opens a journal, creates it when it is missing, and adds the images that it holds to the results.
 * An image that was being written when the run ended is cut off. EXIT_FAILED with a line when
 * another process has it open, when it is not a journal, is damaged or holds an image twice, or is
 * of another origin, methods or metrics. */
int journal_open(struct journal *journal, const char *path, const struct journal_origin *origin,
                 struct results *results);

/* Writes the last `count` cases of the results, which are those of one image. */
int journal_add(struct journal *journal, const struct results *results, size_t count);

void journal_close(struct journal *journal);

/* Writes the lines that a journal begins with. */
void journal_put_heading(FILE *out, const struct journal_origin *origin,
                         const struct results *results);

#endif
