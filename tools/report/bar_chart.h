/* Charts as SVG within HTML. */
#ifndef SSCAM_TOOLS_REPORT_BAR_CHART_H
#define SSCAM_TOOLS_REPORT_BAR_CHART_H

#include <stdio.h>

#include <sscam/sscam.h>

#include "data/results.h"
#include "report/total_tables.h"

/* A bar for each method with its interval; `metric_index` is the measure's in the results. */
void chart_put_totals(FILE *out, const struct results *results, const struct total *totals,
                      size_t metric_index);

/* The mean curve of each method; nothing when the metric has none. */
void chart_put_curves(FILE *out, const struct results *results, const sscam_evaluation *evaluation,
                      size_t metric_index);

#endif
