/* A chart of lines with intervals, as SVG within HTML. */
#ifndef SSCAM_TOOLS_REPORT_LINE_CHART_H
#define SSCAM_TOOLS_REPORT_LINE_CHART_H

#include <stddef.h>
#include <stdio.h>

#include "report/total_tables.h"

struct chart_line {
    char *label;
    struct total *totals; /* one for each place of the axis */
};

/* A value that does not depend on the axis: a dashed line across. */
struct chart_level {
    const char *label;
    double value;
};

struct line_chart {
    const char *title, *axis_title;
    const double *axis; /* drawn at equal distances, since such series
                           grow by factors */
    size_t axis_count;
    const struct chart_line *lines;
    size_t line_count;
    const struct chart_level *levels;
    size_t level_count;
};

void line_chart_put(FILE *out, const struct line_chart *chart);

#endif
