/* Totals of an evaluation, as the tables of the paper and as JSON. */
#ifndef SSCAM_TOOLS_TOTALS_H
#define SSCAM_TOOLS_TOTALS_H

#include <sscam/sscam.h>

#include "json.h"
#include "results.h"

/* Rows are methods, columns metrics: mean, 95 % interval, and how many cases were undefined. */
void put_totals_table(const struct results *results, const sscam_evaluation *evaluation);

/* A member "methods": for each, its name and an object a metric. */
void put_totals_json(struct json *json, const struct results *results, const sscam_evaluation *evaluation);

/* Title of a method in print; its name when the library does not know it. */
const char *method_title(const char *name);

#endif
