/* The options that `sscam study` varies, one explainer for each combination. */
#ifndef SSCAM_TOOLS_COMMANDS_SWEEP_H
#define SSCAM_TOOLS_COMMANDS_SWEEP_H

#include <stddef.h>
#include <stdio.h>

#include "commands/eval.h"
#include "data/results.h"
#include "report/total_tables.h"
#include "text/json.h"

/* The first rows of the results are what settings are compared with. */
enum { SWEEP_GRAD_CAM, SWEEP_SCORE_CAM, SWEEP_REFERENCES };

/* Numbers that an option takes, rising, each once. */
struct sweep_axis {
    const char *option; /* the library's, and the flag's */
    double *values;
    size_t count;
};

struct sweep {
    struct text_list methods; /* of SS-CAM */
    struct text_list sigma_texts, samples_texts;
    struct sweep_axis sigma, samples;
};

/* The row of a setting: methods first, then sigma, then samples. */
size_t sweep_row(const struct sweep *sweep, size_t method, size_t sigma, size_t samples);

/* Charts of each measure against sigma and against samples, as HTML; `user` is the sweep. */
void sweep_put_charts(FILE *out, void *user, const struct results *results,
                      const struct total *totals);

#endif
