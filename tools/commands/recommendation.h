/* What an evaluation says about which row to take: ranks, costs and the Pareto front of the two. */
#ifndef SSCAM_TOOLS_COMMANDS_RECOMMENDATION_H
#define SSCAM_TOOLS_COMMANDS_RECOMMENDATION_H

#include <stdbool.h>
#include <stddef.h>

#include "data/results.h"
#include "report/total_tables.h"

/* Qualities nearer than this are taken as equal. */
#define SAME_QUALITY 0.05

/* One row of the results. */
struct verdict {
    double cost;      /* network evaluations for a map */
    double quality;   /* mean over the metrics of its rank among the rows, 0 worst to 1 best; NaN:
                            no metric is defined */
    bool is_on_front; /* no row is better and at most as expensive, or as good and cheaper */
    bool beats_baseline; /* its quality is above the baseline's */
};

/* Fills in all but the costs, which are given; `baseline` is the row of random weights. */
void judge(const struct results *results, const struct total *totals, size_t baseline,
           struct verdict *verdicts);

/* The row to take: of the front, the cheapest whose quality is within SAME_QUALITY of the best.
 * results->methods.count: none. */
size_t best_row(const struct verdict *verdicts, size_t count, size_t baseline);

#endif
