/* Totals of an evaluation, as the tables of the paper and as JSON. */
#ifndef SSCAM_TOOLS_REPORT_TOTAL_TABLES_H
#define SSCAM_TOOLS_REPORT_TOTAL_TABLES_H

#include "data/results.h"
#include "text/json.h"

/* A mean over the cases where it is defined, with its interval of 95 %. */
struct total {
    double mean, lower, upper; /* NaN when nothing is defined */
    size_t defined, undefined;
};

/* All totals, [methods][metrics]. The caller frees them; NULL with a line on failure. */
struct total *totals_of(const struct results *results);

/* Rows are methods, columns metrics: mean, 95 % interval, and how many cases were undefined. */
void put_totals_table(const struct results *results, const struct total *totals);

/* Adds members to the object of a method. */
typedef void totals_describer(void *user, struct json *json, size_t method);

/* A member "methods": for each, its name and an object a metric. `describe` may be NULL. */
void put_totals_json(struct json *json, const struct results *results, const struct total *totals,
                     totals_describer *describe, void *user);

/* Title of a method in print; its name when the library does not know it. */
const char *method_title(const char *name);

#endif
