/* Charts as SVG within HTML. */
#ifndef SSCAM_TOOLS_CHART_H
#define SSCAM_TOOLS_CHART_H

#include <stdio.h>

#include <sscam/sscam.h>

#include "results.h"

/* A bar for each method with its interval. */
void chart_put_totals(FILE *out, const struct results *results, const sscam_evaluation *evaluation,
                      const sscam_metric *metric);

/* The mean curve of each method; nothing when the metric has none. */
void chart_put_curves(FILE *out, const struct results *results, const sscam_evaluation *evaluation,
                      const sscam_metric *metric);

#endif
