/* What `sscam study` varies, and what its parts share. */
#ifndef SSCAM_TOOLS_COMMANDS_STUDY_H
#define SSCAM_TOOLS_COMMANDS_STUDY_H

#include <stddef.h>
#include <stdio.h>

#include "commands/eval.h"
#include "data/results.h"
#include "report/total_tables.h"
#include "text/json.h"

/* The first rows of the results are what settings are compared with. */
enum { STUDY_GRAD_CAM, STUDY_SCORE_CAM, STUDY_REFERENCES };

/* Numbers that an option takes, rising, each once. */
struct study_axis {
    const char *option; /* the library's, and the flag's */
    double *values;
    size_t count;
};

struct study {
    struct text_list methods; /* of SS-CAM */
    struct text_list sigma_texts, samples_texts;
    struct study_axis sigma, samples;
};

/* The row of a setting: methods first, then sigma, then samples. */
size_t study_row(const struct study *study, size_t method, size_t sigma, size_t samples);

/* Charts of each measure against sigma and against samples, as HTML; `user` is the study. */
void study_put_charts(FILE *out, void *user, const struct results *results,
                      const struct total *totals);

#endif
