/* The report of an evaluation: one HTML file with tables, charts and images, which needs nothing
 * else. */
#ifndef SSCAM_TOOLS_REPORT_REPORT_H
#define SSCAM_TOOLS_REPORT_REPORT_H

#include <stddef.h>
#include <stdio.h>

#include <sscam/sscam.h>

#include "data/results.h"
#include "report/case_thumbnails.h"
#include "report/total_tables.h"

/* The heading of a report, and charts of the command that writes it. */
struct report_facts {
    const char *path, *title, *model, *dataset, *layout;
    size_t skipped;
    void (*put_charts)(FILE *out, void *user, const struct results *results,
                       const struct total *totals);
    void *user;
};

/* Writes the file. `computed` holds the cases of this run, whose curves are known. */
int report_write(const struct report_facts *facts, const struct results *results,
                 const struct total *totals, const struct case_thumbnails *thumbnails,
                 const sscam_evaluation *computed);

#endif
